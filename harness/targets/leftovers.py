"""What a run that was killed has left in the accounts: found by its marks, and removed.

A run cleans up after each check; one that dies at once cannot. Only what bears the harness's marks is
touched: mailboxes whose names it makes, and messages that say that they come from it. Any other message is a
user's, except in the accounts of `accounts.pop3`, whose maildrops the target file lets the checks empty.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from harness.clients.imap import ImapClient
from harness.clients.pop3 import Pop3Client
from harness.targets.file import Account
from harness.targets.inbox import PREFIX, demand, personal_namespace
from harness.targets.target import Target
from harness.vocabulary.judging import Need
from harness.wire.imap import FetchData, ListData
from harness.wire.message import split_message

RUN_NAME = re.compile(re.escape(PREFIX).encode() + rb"[0-9a-f]{6}[0-9]+-[0-9]+")
"""What comes behind the namespace's prefix: the harness's own, the run's nonce with the worker, a number.

Behind that may be what a check has put there.
"""
_MARK = re.compile(rb"(?<![\w-])mailproof\.test\b", re.IGNORECASE)
"""The domain of the harness's senders, of its EHLO and its Message-IDs; nobody has it (RFC 6761 §6.2)."""
_MARKED_FIELDS = re.compile(
    rb"(?im)^(?:Received|Return-Path|Message-ID|From|Sender)[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"
)
_NO_SENDER = re.compile(rb"(?im)^Return-Path[ \t]*:[ \t]*<>[ \t]*\r?$")
_MESSAGE_ID = re.compile(rb"(?im)^Message-ID[ \t]*:\s*([^\r\n]*)")
_AT_ONCE = 200
_BOUNCE_OCTETS = 65_536
_BOUNCE_LINES = 1_000
"""So much of a bounce is looked at, for the message that it returns."""
_HEADER = (b"UID", b"BODY.PEEK[HEADER]")
_BOUNCE = b"BODY.PEEK[]<0.%d>" % _BOUNCE_OCTETS


class Kind(StrEnum):
    """What is left."""

    MAILBOX = "mailbox"
    SUBSCRIPTION = "subscription"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that was found, in words that fit a line."""

    account: str
    kind: Kind
    name: str
    removed: bool
    reason: str = ""
    """Why it could not be removed."""


def clean_account(target: Target, account: Account, *, dry_run: bool) -> Iterator[Leftover]:
    """Find what is left in an account, and remove it but for a dry run; by IMAP, or else by POP3.

    Raises what a connection raises, as when the login is refused.
    """
    everything = account in target.file.accounts.pop3
    if target.lacks(Need.IMAP) is None:
        with target.imap(account) as client:
            yield from _ImapSweep(client, account, dry_run=dry_run).sweep(everything=everything)
    elif target.lacks(Need.POP3) is None:
        with target.pop3(account) as client:
            yield from _sweep_maildrop(client, account, everything=everything, dry_run=dry_run)


def is_ours(message: bytes) -> bool:
    """Say whether a message was sent by the harness, or is a bounce of one that was.

    `message` is the whole, or the header and as much of the body as is at hand.
    """
    header, body = split_message(message)
    # A user's header need not be in form.
    if any(_MARK.search(value) for value in _MARKED_FIELDS.findall(header)):
        return True
    return _NO_SENDER.search(header) is not None and _MARK.search(body) is not None


class _ImapSweep:
    """Sweeps an account by IMAP."""

    def __init__(self, client: ImapClient, account: Account, *, dry_run: bool) -> None:
        self._client = client
        self._account = account
        self._dry_run = dry_run
        self._prefix, _ = personal_namespace(client)

    def sweep(self, *, everything: bool) -> Iterator[Leftover]:
        """Sweep mailboxes, subscriptions and the INBOX."""
        for name in self._ours(self._client.list("", self._pattern).all(ListData)):
            yield self._leftover(Kind.MAILBOX, name, lambda name: self._client.delete(name).ok)
        listed = self._client.lsub("", self._pattern)
        # LSUB is gone in IMAP4rev2; who refuses it is asked no more.
        for name in self._ours(listed.all(ListData)) if listed.ok else ():
            yield self._leftover(Kind.SUBSCRIPTION, name, lambda name: self._client.unsubscribe(name).ok)
        yield from self._sweep_inbox(everything=everything)

    @property
    def _pattern(self) -> bytes:
        return self._prefix + PREFIX.encode() + b"*"

    def _ours(self, listed: Iterable[ListData]) -> list[bytes]:
        """Return names that begin as the harness's do; children first, as DELETE wants it."""
        names = {data.mailbox for data in listed if self._is_ours(data.mailbox)}
        return sorted(names, key=lambda name: (-len(name), name))

    def _is_ours(self, name: bytes) -> bool:
        return name.startswith(self._prefix) and RUN_NAME.match(name, len(self._prefix)) is not None

    def _leftover(self, kind: Kind, name: bytes, remove: Callable[[bytes], bool]) -> Leftover:
        shown = name.decode(errors="backslashreplace")
        removed = not self._dry_run and remove(name)
        reason = "" if removed or self._dry_run else "the server refuses it"
        return Leftover(self._account.address, kind, shown, removed, reason)

    def _sweep_inbox(self, *, everything: bool) -> Iterator[Leftover]:
        opened = self._client.examine("INBOX") if self._dry_run else self._client.select("INBOX")
        demand(opened, "SELECT INBOX")
        found = self._messages(everything=everything)
        reason = "" if self._dry_run or not found else self._remove(found)
        for uid, name in found.items():
            removed = not self._dry_run and not reason
            yield Leftover(self._account.address, Kind.MESSAGE, f"UID {uid} {name}".rstrip(), removed, reason)

    def _messages(self, *, everything: bool) -> dict[int, str]:
        """Return the UIDs of our messages with what identifies each to a reader."""
        selected = self._client.selected
        count = (selected.exists or 0) if selected is not None else 0
        found: dict[int, str] = {}
        for first in range(1, count + 1, _AT_ONCE):
            result = self._client.fetch(f"{first}:{min(first + _AT_ONCE - 1, count)}", _HEADER)
            demand(result, "FETCH")
            for data in result.all(FetchData):
                header = data.section(_HEADER[-1])
                if (
                    data.uid is not None
                    and header is not None
                    and (everything or self._is_sent(data.uid, header))
                ):
                    found[data.uid] = _identity(header)
        return found

    def _is_sent(self, uid: int, header: bytes) -> bool:
        if _NO_SENDER.search(header) is None or is_ours(header):
            return is_ours(header)
        result = self._client.uid_fetch(uid, [_BOUNCE])
        return any(is_ours(data.section(_BOUNCE) or b"") for data in result.all(FetchData))

    def _remove(self, found: Collection[int]) -> str:
        r"""Remove the messages, and no other that somebody has marked \Deleted; why not, if so."""
        client = self._client
        uidplus = client.offers("UIDPLUS") or client.offers("IMAP4REV2")
        if not uidplus and set(client.uid_search(b"DELETED").numbers or ()) - set(found):
            return r"others are marked \Deleted in the INBOX, and the server has no UID EXPUNGE"
        uids = iter(sorted(found))
        while some := tuple(islice(uids, _AT_ONCE)):
            demand(client.uid_store(some, b"+FLAGS.SILENT", [rb"\Deleted"]), "UID STORE")
            if uidplus:
                demand(client.uid_expunge(some), "UID EXPUNGE")
        if not uidplus:
            demand(client.expunge(), "EXPUNGE")
        return ""


def _sweep_maildrop(
    client: Pop3Client, account: Account, *, everything: bool, dry_run: bool
) -> Iterator[Leftover]:
    """Sweep a maildrop by POP3; what is marked there goes when QUIT is said."""
    found: list[str] = []
    for number in client.list():
        response = client.top(number, _BOUNCE_LINES)
        if not response.ok:  # TOP may be missing (RFC 1939 §7).
            response = client.retr(number)
        if response.ok and (everything or is_ours(response.body)):
            found.append(_identity(response.body))
            if not dry_run:
                client.dele(number)
    if dry_run:
        client.rset()
    gone = client.quit().ok and not dry_run
    reason = "" if gone or dry_run else "the server refuses it"
    for name in found:
        yield Leftover(account.address, Kind.MESSAGE, name, gone, reason)


def _identity(message: bytes) -> str:
    """Return what tells a reader which message it is."""
    found = _MESSAGE_ID.search(split_message(message)[0])
    return "" if found is None else found[1].strip().decode(errors="backslashreplace")
