"""The target as the checks see it: connections, accounts, and places of their own."""

import itertools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Self

from harness.clients.imap import ImapClient
from harness.clients.imap_session import Result
from harness.clients.lmtp import LmtpClient
from harness.clients.pop3 import Pop3Client
from harness.clients.smtp import SmtpClient
from harness.targets.accounts import LEAST_ACCOUNTS, AccountPool, create_account
from harness.targets.capabilities import Capabilities
from harness.targets.connections import Connections
from harness.targets.delivery import Delivery
from harness.targets.file import Account, Permit, TargetFile
from harness.targets.gate import Gate
from harness.targets.imap_mailbox import ImapMailbox
from harness.targets.inbox import ImapInbox, Inbox
from harness.targets.loader import is_loopback
from harness.targets.mailbox import Mailbox
from harness.targets.maildrop import Maildrop
from harness.targets.needs import lacking
from harness.targets.outbound import Outbound
from harness.targets.pace import Pace
from harness.targets.readers import Readers
from harness.targets.recorder import Recorder
from harness.transport.interpose import InterposerFactory
from harness.transport.stream import ByteStream
from harness.transport.tamper import Script
from harness.vocabulary.errors import MailproofError
from harness.vocabulary.judging import Need, Offers
from harness.vocabulary.services import Service, Tls
from harness.wire.pop3 import Response
from harness.wire.smtp import Reply

_FENCE_WAIT_S = 2.0
_ANY_NUMBER = 2**31

Recipient = Mailbox | Maildrop | Account | str


class Target:
    """A running mail server, and the share of its accounts that one worker uses.

    Nothing is connected until it is needed; `close`, or leaving the context, ends what was kept open. It is
    for one thread.
    """

    def __init__(
        self, file: TargetFile, *, worker: tuple[int, int] = (0, 1), wait_s: float | None = None
    ) -> None:
        index, count = worker
        self.file = file
        self.worker = worker
        self.wait_s = file.limits.reply_timeout_s if wait_s is None else wait_s
        """How long a delivered message may take until it can be read."""
        self.recorder = Recorder()
        self.nonce = f"{secrets.token_hex(3)}{index}"
        self._count = itertools.count(1)
        self.gate = Gate(file.limits, count)
        self._connections = Connections(file, self.gate, self.recorder, self._release_one)
        self._accounts = AccountPool(
            file.accounts, worker=worker, create=self._create_account if file.accounts.create else None
        )
        self._readers = Readers(file, self._connections)
        self._delivery = Delivery(self._connections, file, self._accounts.take)
        self._capabilities = Capabilities(self._connections, self._accounts)
        self._outbound = Outbound(file.outbound, self.nonce, index) if file.outbound else None

    # What it is

    @property
    def name(self) -> str:
        """What the target file calls it."""
        return self.file.name

    @property
    def domain(self) -> str:
        """The domain of its addresses."""
        return self.file.accounts.domain

    def address(self, local_part: str) -> str:
        """An address in the target's domain."""
        return f"{local_part}@{self.domain}"

    @property
    def unknown_address(self) -> str | None:
        """Surely no recipient of the target."""
        return self.file.accounts.unknown

    @property
    def alias(self) -> str | None:
        """Another name of one of the accounts."""
        return self.file.accounts.alias

    @property
    def over_quota_address(self) -> str | None:
        """A recipient whose mailbox is full."""
        return self.file.accounts.over_quota

    @property
    def reply_timeout_s(self) -> float:
        """How long a reply is waited for."""
        return self.file.limits.reply_timeout_s

    @property
    def pace(self) -> Pace:
        """How fast the server answers, as far as this worker has seen it."""
        return self._connections.pace

    @property
    def max_message_octets(self) -> int:
        """The largest message that the target should be given."""
        return self.file.limits.max_message_octets

    @property
    def accounts(self) -> tuple[Account, ...]:
        """This worker's share of the accounts."""
        return self._accounts.accounts

    @property
    def workers_possible(self) -> int:
        """How many workers the accounts suffice for."""
        accounts = self.file.accounts
        if accounts.create is not None:
            return len(accounts.pop3) or 2**16
        enough = len(accounts.pool) // LEAST_ACCOUNTS
        return max(1, min(enough, len(accounts.pop3)) if accounts.pop3 else enough)

    def with_worker(self, index: int, count: int) -> "Target":
        """The same target for one of several workers, with its own share of the accounts."""
        return Target(self.file, worker=(index, count), wait_s=self.wait_s)

    def permits(self, permit: Permit) -> bool:
        """Whether the target file permits it."""
        return permit in self.file.permits

    def lacks(self, need: Need | Service | Offers) -> str | None:
        """Why the target cannot give what a check needs; None if it can."""
        return lacking(need, self.file, self._accounts, self._capabilities)

    def player(self, role: Service | Need) -> Service:
        """The service that plays a role, as `Need.IMAP`: in clear where there is a choice."""
        return self.file.player(role)

    def offers(self, service: Service | Need, authenticated: bool = False) -> frozenset[str]:
        """What the service announces, in upper case and without parameters; asked once."""
        return frozenset(self.offer_parameters(service, authenticated))

    def offer_parameters(self, service: Service | Need, authenticated: bool = False) -> Mapping[str, str]:
        """What the service announces, with the parameters of each, as `{"SIZE": "10485760"}`."""
        return self._capabilities.of(self.player(service), authenticated=authenticated)

    def may_fail_login(self) -> bool:
        """Whether one more wrong password may be tried (`limits.failed_logins`); counts it."""
        return self.gate.may_fail_login()

    def remarks(self) -> tuple[str, ...]:
        """What the server did against connections and wrong passwords since this was last asked, in lines."""
        return self._connections.defences.remarks()

    # Connections

    def stream(self, service: Service | Need) -> ByteStream:
        """A connection without a client, recorded; TLS is on where it is implicit, nothing was read."""
        return self._connections.stream(self.player(service))

    def start_tls(self, stream: ByteStream, service: Service) -> None:
        """Start TLS on a stream, with this target's trust; for STARTTLS by hand."""
        endpoint = self._connections.endpoint(service)
        stream.start_tls(self._connections.context(), self._connections.server_name(endpoint))

    def starttls(
        self, client: SmtpClient | Pop3Client | ImapClient, service: Service
    ) -> Reply | Response | Result:
        """Ask for TLS as the protocol does, and start it with this target's trust; the answer."""
        context = self._connections.context()
        server_name = self._connections.server_name(self._connections.endpoint(service))
        if isinstance(client, Pop3Client):
            return client.stls(context, server_name)
        return client.starttls(context, server_name)

    def smtp(
        self, service: Service = Service.SMTP, *, hello: bool = True, tls: bool | None = None
    ) -> SmtpClient:
        """An SMTP connection, greeted and hello'd; in clear unless TLS is implicit or asked for."""
        return self._connections.smtp(service, hello=hello, tls=tls)

    def submission(self, account: Account, *, tls: bool = True, service: Service | None = None) -> SmtpClient:
        """An authenticated connection to the submission service, or to submissions if there is only that."""
        return self._connections.submission(account, tls=tls, service=service)

    def lmtp(self, *, hello: bool = True) -> LmtpClient:
        """An LMTP connection, greeted and hello'd."""
        return self._connections.lmtp(hello=hello)

    def pop3(
        self,
        account: Account | None = None,
        *,
        login: bool = True,
        tls: bool | None = None,
        service: Service | None = None,
    ) -> Pop3Client:
        """A POP3 connection, greeted, logged in if an account is given; in clear with `tls=False`."""
        return self._connections.pop3(account, login=login, tls=tls, service=service)

    def imap(
        self,
        account: Account | None = None,
        *,
        login: bool = True,
        tls: bool | None = None,
        service: Service | None = None,
    ) -> ImapClient:
        """An IMAP connection, greeted, logged in if an account is given; in clear with `tls=False`."""
        return self._connections.imap(account, login=login, tls=tls, service=service)

    @contextmanager
    def with_refutation(self, refutation: Script | InterposerFactory) -> Iterator[None]:
        """Put `refutation` into every connection that is opened in the context, our own included.

        A fault of the proxy is one, as made by `harness.peers.faults.fault_factory`.
        """
        self._close_kept()
        self._connections.refutation = refutation
        try:
            yield
        finally:
            self._close_kept()
            self._connections.refutation = None

    @property
    def is_tampered_with(self) -> bool:
        """Whether a refutation is in the connections that are opened now."""
        return self._connections.refutation is not None

    # Places of one's own

    @contextmanager
    def account(self) -> Iterator[Account]:
        """An account for the time of the context; a second one at the same time is another."""
        with self._accounts.lease() as account:
            yield account

    def deliver(
        self,
        to: Recipient | Sequence[Recipient],
        message: bytes,
        *,
        sender: str | None = None,
        by: Service | None = None,
    ) -> None:
        """Hand a message in by the best way there is, or `by` a service; raises `DeliveryRefused`.

        An empty `sender` is the null reverse-path.
        """
        recipients = [to] if isinstance(to, (Mailbox, Maildrop, Account, str)) else to
        addresses = [
            recipient if isinstance(recipient, str) else recipient.address for recipient in recipients
        ]
        self._delivery.hand_in(addresses, message, sender=sender, by=by)

    @contextmanager
    def fresh_mailbox(self) -> Iterator[Mailbox]:
        """The INBOX of an account, with what arrives from now on; that is removed at the end."""
        with self._accounts.lease() as account, self._readers.using(account):
            inbox = self._readers.marked(account)
            addressed = self.recorder.recipients.count(account.address)
            mailbox = Mailbox(account, inbox, wait_s=self.wait_s, send_fence=self.deliver, pace=self.pace)
            try:
                yield mailbox
            finally:
                try:
                    underway = self.recorder.recipients.count(account.address) - addressed - mailbox.seen
                    if underway > 0:
                        self._await_stragglers(mailbox)
                finally:
                    self._readers.tidy(account, inbox, lambda inbox: inbox.remove_arrived())

    def _await_stragglers(self, mailbox: Mailbox) -> None:
        """Let mail that is still under way arrive, by a fence; else it would arrive in the next check."""
        if self._connections.refutation is None and self._delivery.ways:
            wait_s = min(self.wait_s, self.pace.at_least(_FENCE_WAIT_S))
            with suppress(AssertionError, MailproofError):
                mailbox.expect_none(beside=_ANY_NUMBER, wait_s=wait_s)

    @contextmanager
    def maildrop(self) -> Iterator[Maildrop]:
        """An account whose whole maildrop is the check's: empty at first, and emptied at the end."""
        with self._accounts.lease(maildrop=True) as account, self._readers.using(account):
            inbox = self._readers.marked(account)
            maildrop = Maildrop(
                account,
                inbox,
                connect=lambda account: self.pop3(account, tls=self._tls_for_own(Service.POP3)),
                deliver=self.deliver,
                wait_s=self.wait_s,
            )
            try:
                maildrop.empty()
                yield maildrop
            finally:
                try:
                    maildrop.close_sessions()
                finally:
                    self._readers.tidy(account, inbox, lambda inbox: inbox.empty())

    @contextmanager
    def imap_mailbox(self) -> Iterator[ImapMailbox]:
        """A mailbox just made and selected; it, and what was made below it, is deleted at the end."""
        with self._accounts.lease() as account, self._readers.using(account), ExitStack() as stack:
            keeper = self._readers.keeper(account)
            name = keeper.mailbox_name(self._fresh_rest())
            stack.callback(self._readers.tidy, account, keeper, self._delete_mailboxes)
            keeper.create(name)
            mailbox = ImapMailbox(
                account,
                name,
                keeper.delimiter,
                connect=lambda account: self.imap(account, tls=self._tls_for_own(Service.IMAP)),
                fresh_name=lambda: keeper.mailbox_name(self._fresh_rest()),
            )
            stack.callback(mailbox.close_sessions)
            mailbox.select_own()
            yield mailbox

    def _delete_mailboxes(self, keeper: Inbox) -> None:
        """Delete what this run has made in the account."""
        assert isinstance(keeper, ImapInbox)
        keeper.delete_mailboxes(self.nonce)

    def _tls_for_own(self, service: Service) -> bool | None:
        """Whether sessions in a place of one's own upgrade to TLS.

        Such a check is not about TLS, and a handshake takes longer than all the rest of an example: on this
        machine itself a password may go in clear, where the server takes it so.
        """
        endpoint = self.file.endpoint(service)
        if endpoint is None or endpoint.tls is not Tls.STARTTLS or not is_loopback(endpoint):
            return None
        offered = self.offers(service)
        takes_it = "USER" in offered if service is Service.POP3 else "LOGINDISABLED" not in offered
        return False if takes_it else None

    def _fresh_rest(self) -> str:
        return f"{self.nonce}-{next(self._count)}"

    @property
    def outbound(self) -> Outbound | None:
        """The surroundings of a relaying target; None if the target file has no [outbound]."""
        return self._outbound

    # What is kept open

    def _release_one(self) -> bool:
        """Close one connection that is only kept; False if there is none."""
        return self._readers.release_one() or self._delivery.release_one()

    def _create_account(self) -> Account:
        command = self.file.accounts.create
        assert command is not None
        return create_account(command, self.domain, f"mailproof-{self._fresh_rest()}")

    def _close_kept(self) -> None:
        self._delivery.close()
        self._readers.close()

    def close(self) -> None:
        """Close all that is kept open."""
        self._close_kept()
        if self._outbound is not None:
            self._outbound.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
