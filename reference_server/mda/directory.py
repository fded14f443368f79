"""Who is served: the recipients, aliases and senders that this server knows."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from reference_server.codec.sasl import ScramKeys
from reference_server.codec.smtp.labels import a_labels
from reference_server.codec.smtp.path import Mailbox, ReversePath
from reference_server.defects import Defects
from reference_server.log import LOG
from reference_server.mda.aliases import Aliases, AliasLoop
from reference_server.mda.delivery import MAILBOX_FULL
from reference_server.mda.files import Spool
from reference_server.session.smtp.desk import Recipient, Refusal, Role
from reference_server.store.values import Account

_LOG = LOG.getChild("delivery")
_NOT_OURS = Refusal(550, "5.7.1", "relaying is not permitted")
_UNKNOWN = Refusal(550, "5.1.1", "no such user here")
_NOT_YOURS = Refusal(550, "5.7.1", "the sender address does not belong to the authenticated user")
_ALIAS_LOOP = Refusal(550, "5.4.6", "the alias leads nowhere but to itself")


class Accounts(Protocol):
    """What the desk asks of the store."""

    def resolve(self, address: str) -> Account | None:
        """Find who gets mail for an address: case does not matter, `user+detail` is `user`."""
        ...

    def is_full(self, account_id: int) -> bool:
        """Whether the account has used up its quota."""
        ...

    def scram_keys(self, login: str) -> tuple[Account | None, ScramKeys]:
        """Return an account with its keys; for an unknown login None, with keys that look real."""
        ...


class Directory:
    """Decides on recipients and senders."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        defects: Defects,
        hostname: str,
        domains: Iterable[str],
        literals: Iterable[str] = (),
        postmaster: str | None = None,
        aliases: Aliases | None = None,
        spools: Mapping[str, Spool] | None = None,
    ) -> None:
        self._accounts = accounts
        self._defects = defects
        self._domains = frozenset(domain.lower() for domain in domains)
        self._primary_domain = next(iter(domains), hostname)
        self._literals = frozenset(literal.lower() for literal in literals)
        """Address literals that are ours (RFC 5321 §4.1.3)."""
        self._postmaster = postmaster
        """Who reads the postmaster's mail where no account has that name."""
        self._aliases = aliases or Aliases({})
        self._spools = spools or {}
        """Where the mail of accounts goes that is not kept in the store, by address in lower case."""

    def recipient(self, mailbox: Mailbox, role: Role) -> Recipient | Refusal:
        """Look a forward path up: an account of ours, or for users anybody anywhere."""
        domain = a_labels(mailbox.domain).lower()
        if not domain:
            # RFC 5321 §4.5.1: `Postmaster` without a domain is ours.
            mailbox = Mailbox(mailbox.local_part, self._primary_domain)
        elif domain in self._literals:
            domain = ""
        if domain and domain not in self._domains:
            if role is Role.SUBMISSION or "relay-open" in self._defects:
                return Recipient(mailbox, None)
            return _NOT_OURS
        return self._here(mailbox, domain or self._primary_domain)

    def _here(self, mailbox: Mailbox, domain: str) -> Recipient | Refusal:
        """Look up who gets mail for an address of ours: an alias before an account of the same name."""
        if self._aliases:
            try:
                members = self._aliases.expand(Mailbox(mailbox.local_part, domain), self._is_account)
            except AliasLoop as error:
                _LOG.error("%s", error)
                return _ALIAS_LOOP
            if members is not None:
                return self._alias(mailbox, members)
        account = self._local_account(mailbox.local_part, domain)
        return _UNKNOWN if account is None else self._room_for(mailbox, account)

    def _room_for(self, mailbox: Mailbox, account: Account) -> Recipient | Refusal:
        """Refuse at once what would be refused after the text: the account is full already."""
        if self._accounts.is_full(account.account_id) and self._spool(account) is None:
            return MAILBOX_FULL
        return Recipient(mailbox, account)

    def _alias(self, mailbox: Mailbox, members: tuple[Mailbox, ...]) -> Recipient | Refusal:
        """Look up what an alias stands for; it is refused only if nobody behind it gets mail."""
        targets: list[Recipient | tuple[Mailbox, Refusal]] = []
        refusal: Refusal | None = None
        for member in members:
            if member.domain.lower() not in self._domains:
                # Who made the alias has permitted the relaying.
                targets.append(Recipient(member, None))
                continue
            account = self._local_account(member.local_part, member.domain.lower())
            found = _UNKNOWN if account is None else self._room_for(member, account)
            if isinstance(found, Refusal):
                refusal = found
                targets.append((member, found))
            else:
                targets.append(found)
        if refusal is not None and not any(isinstance(target, Recipient) for target in targets):
            return refusal
        return Recipient(mailbox, None, targets=tuple(targets))

    def named(self, name: str) -> tuple[Mailbox, ...]:
        """Return what a name without a domain can mean, for VRFY and EXPN (RFC 5321 §3.5.1)."""
        if name.lower() == "postmaster":
            return (Mailbox(name, self._primary_domain),)
        others = sorted(self._domains - {self._primary_domain.lower()})
        candidates = [Mailbox(name, domain) for domain in (self._primary_domain, *others)]
        return tuple(
            one for one in candidates if self._is_account(one) or self._aliases.targets(one) is not None
        )

    def members(self, mailbox: Mailbox) -> tuple[Mailbox, ...] | None:
        """Return who an alias of ours stands for; None if it is none (RFC 5321 §3.5.2)."""
        domain = mailbox.domain.lower()
        if domain in self._literals or not domain:
            domain = self._primary_domain
        try:
            return self._aliases.expand(Mailbox(mailbox.local_part, domain), self._is_account)
        except AliasLoop:
            return None

    def _is_account(self, mailbox: Mailbox) -> bool:
        return self._accounts.resolve(f"{mailbox.local_part}@{mailbox.domain}") is not None

    def _spool(self, account: Account) -> Spool | None:
        return self._spools.get(account.address.lower()) if self._spools else None

    def _local_account(self, local_part: str, domain: str) -> Account | None:
        account = self._accounts.resolve(f"{local_part}@{domain}")
        if account is None and local_part.lower() == "postmaster" and self._postmaster is not None:
            account = self._accounts.resolve(self._postmaster)
        return account

    def sender_refusal(
        self, reverse_path: ReversePath, account: Account | None, role: Role
    ) -> Refusal | None:
        """A user is themselves, an alias of theirs, or the null path (RFC 6409 §6.1); an MX takes any."""
        if role is not Role.SUBMISSION or reverse_path is None or account is None:
            return None
        sender = Mailbox(reverse_path.local_part, a_labels(reverse_path.domain))
        for mailbox in (sender, *(self.members(sender) or ())):
            owner = self._accounts.resolve(f"{mailbox.local_part}@{mailbox.domain}")
            if owner is not None and owner.account_id == account.account_id:
                return None
        return _NOT_YOURS

    def scram_keys(self, login: str) -> tuple[Account | None, ScramKeys]:
        """Return what SCRAM verifies a login with."""
        return self._accounts.scram_keys(login)
