"""The harness's own look into an account's INBOX: what has arrived, and its removal.

One connection per account is kept open from example to example, so that an example costs a few round trips.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from harness.clients.imap import ImapClient
from harness.clients.imap_session import Result
from harness.clients.pop3 import Pop3Client
from harness.targets.connections import NotServed
from harness.vocabulary.errors import MailproofError, RemoteProtocolError
from harness.wire.imap import FetchData, ListData, Namespaces
from harness.wire.message import HeaderField, find_fields, parse_header, split_message, strip_trace

PREFIX = "mailproof-"
"""How the names of all mailboxes begin that the harness makes."""
_FIRST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.1
_LARGEST_UID = 4_294_967_295
_ITEMS = (b"UID", b"FLAGS", b"INTERNALDATE", b"BODY.PEEK[]")


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as the target gives it back."""

    octets: bytes
    uid: int | None = None
    """Its UID, where it was read by IMAP."""
    unique_id: bytes | None = None
    """Its unique-id, where it was read by POP3."""
    flags: tuple[bytes, ...] = ()
    internal_date: datetime | None = None

    @property
    def header(self) -> bytes:
        """The header, with the CRLF of its last line."""
        return split_message(self.octets)[0]

    @property
    def text(self) -> bytes:
        """The body."""
        return split_message(self.octets)[1]

    @property
    def fields(self) -> tuple[HeaderField, ...]:
        """The fields of the header."""
        return parse_header(self.header)

    @property
    def without_trace(self) -> bytes:
        """The message below the trace fields that stand on top of it."""
        return strip_trace(self.octets)

    def field(self, name: str | bytes) -> bytes | None:
        """The unfolded value of the first field of that name."""
        return next((field.value for field in find_fields(self.fields, name)), None)


def poll(look: Callable[[], bool], wait_s: float) -> bool:
    """Look again and again, with pauses that grow, until it is so or the time is over."""
    deadline = time.monotonic() + wait_s
    pause_s = _FIRST_PAUSE_S
    while not look():
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return False
        time.sleep(min(pause_s, left_s))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
    return True


class Inbox(Protocol):
    """An account's INBOX through one kept connection."""

    def mark(self) -> None:
        """From now on, whatever comes has arrived."""
        ...

    def arrived(self) -> Sequence[StoredMessage]:
        """All that has arrived since `mark`, in the order of arrival, as of now."""
        ...

    def remove_arrived(self) -> None:
        """Remove what has arrived since `mark`, and nothing else."""
        ...

    def adopt(self, other: "Inbox") -> None:
        """Go on where another reader of the same account has failed."""
        ...

    def check(self) -> None:
        """Raise if the connection is no longer good."""
        ...

    def empty(self) -> None:
        """Remove every message."""
        ...

    def count(self) -> int:
        """How many messages there are now."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class ImapInbox:
    """The INBOX by IMAP."""

    def __init__(self, client: ImapClient) -> None:
        self.client = client
        self._first = self._next = 1
        self._messages: list[StoredMessage] = []
        self._prefix, self._delimiter = personal_namespace(client)

    def mark(self) -> None:
        """Note UIDNEXT: all with that UID or a higher one will have arrived (RFC 9051 §2.3.1.1)."""
        self._messages = []
        demand(self.client.select("INBOX"), "SELECT INBOX")
        selected = self.client.selected
        if selected is not None and selected.uid_next is not None:
            self._next = selected.uid_next
        elif self.count():
            # A server may leave UIDNEXT out (RFC 3501 §7.1): the highest UID says it too.
            self._next = 1 + max(_uid(data) for data in self._fetch("*", (b"UID",)))
        else:
            self._next = 1
        self._first = self._next

    def arrived(self) -> Sequence[StoredMessage]:
        """Let the server look (NOOP), then fetch what is new."""
        demand(self.client.noop(), "NOOP")
        for data in sorted(self._fetch(f"{self._next}:{_LARGEST_UID}", _ITEMS), key=_uid):
            uid = _uid(data)
            if uid < self._next:
                continue
            if data.message is None:
                raise RemoteProtocolError("BODY[] in the response to UID FETCH (RFC 9051 §7.5.2)", b"", 0)
            self._messages.append(
                StoredMessage(data.message, uid=uid, flags=data.flags or (), internal_date=data.internal_date)
            )
            self._next = uid + 1
        return tuple(self._messages)

    def remove_arrived(self) -> None:
        """Mark as deleted and expunge, by UID where UIDPLUS allows that; also what was not fetched yet."""
        uids = f"{self._first}:{_LARGEST_UID}"
        demand(self.client.uid_store(uids, b"+FLAGS.SILENT", [rb"\Deleted"]), "UID STORE")
        if self.client.offers("UIDPLUS") or self.client.offers("IMAP4REV2"):
            demand(self.client.uid_expunge(uids), "UID EXPUNGE")
        else:
            demand(self.client.expunge(), "EXPUNGE")
        self._messages = []

    def adopt(self, other: Inbox) -> None:
        """Go on where another reader of the same INBOX has failed."""
        assert isinstance(other, ImapInbox)
        demand(self.client.select("INBOX"), "SELECT INBOX")
        self._first = self._next = other._first  # noqa: SLF001 - of our own class

    def check(self) -> None:
        """See by a NOOP whether the server is still there."""
        demand(self.client.noop(), "NOOP")

    def empty(self) -> None:
        """Remove all."""
        demand(self.client.select("INBOX"), "SELECT INBOX")
        if self.count():
            demand(self.client.store(b"1:*", b"+FLAGS.SILENT", [rb"\Deleted"]), "STORE")
            demand(self.client.expunge(), "EXPUNGE")

    def count(self) -> int:
        """How many messages there are, after a NOOP."""
        demand(self.client.noop(), "NOOP")
        selected = self.client.selected
        return (selected.exists or 0) if selected is not None else 0

    def append(self, message: bytes) -> None:
        """Put a message into the INBOX as it is."""
        demand(self.client.append("INBOX", message), "APPEND")

    def mailbox_name(self, rest: str) -> bytes:
        """A name in the personal namespace, with the harness's prefix."""
        return self._prefix + f"{PREFIX}{rest}".encode()

    @property
    def delimiter(self) -> bytes | None:
        """The separator of the hierarchy, or None if it is flat."""
        return self._delimiter

    def create(self, name: bytes) -> None:
        """Make a mailbox."""
        demand(self.client.create(name), "CREATE")

    def delete_mailboxes(self, rest: str) -> int:
        """Delete all mailboxes whose name begins with the harness's prefix and `rest`; how many that were."""
        listed = self.client.list("", self.mailbox_name(rest) + b"*")
        names = {data.mailbox for data in listed.all(ListData)}
        # Children first: a mailbox with children may be refused, or stay as a name (RFC 9051 §6.3.5).
        return sum(self.client.delete(name).ok for name in sorted(names, key=lambda name: (-len(name), name)))

    def close(self) -> None:
        """Close the connection."""
        with suppress(MailproofError):
            self.client.send_command(b"LOGOUT")
        self.client.disconnect()

    def _fetch(self, uids: str, items: Iterable[bytes]) -> list[FetchData]:
        result = self.client.uid_fetch(uids, items)
        demand(result, "UID FETCH")
        # A FETCH response that nobody asked for may come between, with the flags of another message.
        wanted = set(items)
        return [
            data for data in result.all(FetchData) if data.message is not None or b"BODY.PEEK[]" not in wanted
        ]


class Pop3Inbox:
    """The maildrop by POP3, of which every session sees the state at its beginning (RFC 1939 §3)."""

    def __init__(self, connect: Callable[[], Pop3Client]) -> None:
        self._connect = connect
        self._known: frozenset[bytes] = frozenset()
        self._messages: dict[bytes, StoredMessage] = {}

    def mark(self) -> None:
        """Note the unique-ids that are there."""
        self._messages = {}
        with self._connect() as client:
            self._known = frozenset(client.uidl().values())

    def arrived(self) -> Sequence[StoredMessage]:
        """Fetch what has an unknown unique-id."""
        with self._connect() as client:
            for number, unique_id in client.uidl().items():
                if unique_id not in self._known and unique_id not in self._messages:
                    response = client.retr(number)
                    if not response.ok:
                        raise NotServed(f"{client.peer} refuses RETR {number}: {response}")
                    self._messages[unique_id] = StoredMessage(response.body, unique_id=unique_id)
        return tuple(self._messages.values())

    def remove_arrived(self) -> None:
        """Delete what has arrived, also what was not fetched yet."""
        self._delete(lambda unique_id: unique_id not in self._known)
        self._messages = {}

    def adopt(self, other: Inbox) -> None:
        """Go on where another reader has failed."""
        assert isinstance(other, Pop3Inbox)
        self._known = other._known  # noqa: SLF001 - of our own class

    def check(self) -> None:
        """Nothing to see: every session is a new one."""

    def empty(self) -> None:
        """Delete all."""
        self._delete(lambda unique_id: True)  # noqa: ARG005

    def count(self) -> int:
        """How many messages a session sees that begins now."""
        with self._connect() as client:
            return len(client.list())

    def close(self) -> None:
        """Nothing is kept open: a session would hold the maildrop's lock."""

    def _delete(self, chosen: Callable[[bytes], bool]) -> None:
        with self._connect() as client:
            for number, unique_id in client.uidl().items():
                if chosen(unique_id):
                    client.dele(number)
            response = client.quit()
            if not response.ok:
                raise NotServed(f"{client.peer} does not delete: {response}")


def personal_namespace(client: ImapClient) -> tuple[bytes, bytes | None]:
    """Return how names of an account's own mailboxes begin, and what separates their levels."""
    if client.offers("NAMESPACE") or client.offers("IMAP4REV2"):
        namespaces = client.namespace().first(Namespaces)
        if namespaces is not None and namespaces.personal:
            return namespaces.personal[0].prefix, namespaces.personal[0].delimiter
    listed = client.list("", "").first(ListData)
    return b"", None if listed is None else listed.delimiter


def demand(result: Result, command: str) -> None:
    """Refuse to go on where the server refuses what the harness needs."""
    if not result.ok:
        words = result.tagged.octets.decode(errors="replace").strip()
        raise NotServed(f"{command} is refused: {words}")


def _uid(data: FetchData) -> int:
    if data.uid is None:
        raise RemoteProtocolError("UID in the response to UID FETCH (RFC 9051 §6.4.9)", b"", 0)
    return data.uid
