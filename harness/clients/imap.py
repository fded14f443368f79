"""The blocking IMAP client: one method for each command; a refusal is a `Result` like any other."""

import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime

from harness.clients.imap_idle import Idle
from harness.clients.imap_result import Result
from harness.clients.imap_session import ImapSession
from harness.vocabulary.imap import STATUS_ITEMS, SessionState
from harness.wire.imap import (
    Continuation,
    Literal,
    Numbers,
    Part,
    astring,
    encode_date_time,
    encode_sequence_set,
    flag_list,
    list_mailbox,
    mailbox,
    string,
)
from harness.wire.imap.commands import octets_of
from harness.wire.sasl import Exchange, begin_exchange, decode_base64, encode_base64

__all__ = ["Idle", "ImapClient", "Result"]

MailboxName = str | bytes
"""A `str` is Unicode and travels in modified UTF-7; `bytes` travel as they are."""

Words = bytes | str | Iterable[bytes | str]
"""Flags, data items, criteria: as on the wire, or one by one."""

SearchKeys = bytes | str | Literal | Iterable[Part]
"""A search program as on the wire, or the parts of one that has literals."""


class ImapClient(ImapSession):
    """Speaks IMAP over a connected stream; as a context manager it logs out at the end, then disconnects.

    Every method returns a `Result`: `.ok`, `.no`, `.bad`, `.code(b"APPENDUID")`, `.all(FetchData)`. Numbers
    may be an int, `b"1:*"`, or any ints; mailbox names a Unicode `str` or wire `bytes`. `selected` follows
    the selected mailbox, `capabilities` what the server offers.
    """

    # Any state

    @property
    def state(self) -> SessionState:
        """The state of the connection, as the responses have it."""
        return self.tracker.state

    @property
    def capabilities(self) -> frozenset[str]:
        """The capabilities in upper case; asked for when they are not known, or no longer."""
        self.greeting()
        if self.tracker.capabilities is None:
            self.capability()
        return self.tracker.capabilities or frozenset()

    def offers(self, capability: str) -> bool:
        """Whether the server offers `capability` now."""
        return capability.upper() in self.capabilities

    def capability(self) -> Result:
        """CAPABILITY."""
        return self.command(b"CAPABILITY")

    def noop(self) -> Result:
        """NOOP: also the fence after which the server has said what it had to say (RFC 9051 §6.1.2)."""
        return self.command(b"NOOP")

    def logout(self) -> Result:
        """LOGOUT; the server says BYE and closes, we do not."""
        return self.command(b"LOGOUT")

    def id(self, fields: Mapping[str, str | None] | None = None) -> Result:
        """ID (RFC 2971); None sends NIL."""
        if not fields:
            return self.command(b"ID NIL")
        words = [word for name, value in fields.items() for word in (name, value)]
        return self.command(
            b"ID (", *_spaced(b"NIL" if word is None else string(word) for word in words), b")"
        )

    # Not authenticated

    def starttls(self, context: ssl.SSLContext, server_name: str) -> Result:
        """STARTTLS, and the handshake after its OK; capabilities are forgotten (RFC 9051 §6.2.1)."""
        result = self.command(b"STARTTLS")
        if result.ok:
            self._discard_clear_text()
            self.stream.start_tls(context, server_name)
        return result

    def login(self, login: str | bytes, password: str | bytes) -> Result:
        """LOGIN, with atoms, quoted strings or literals, as the words need."""
        return self.command(b"LOGIN ", astring(login), b" ", string(password))

    def authenticate(self, login: str, password: str, mechanism: str = "PLAIN") -> Result:
        """AUTHENTICATE; the initial response goes along if the server offers SASL-IR (RFC 4959)."""
        return self.authenticate_by(mechanism, begin_exchange(mechanism, login, password))

    def authenticate_by(self, mechanism: str, exchange: Exchange) -> Result:
        """AUTHENTICATE with an exchange of the caller's; each `+` is answered by the exchange."""
        initial = exchange.initial_response() if self.offers("SASL-IR") else None
        shown = b"" if initial is None else b" " + (encode_base64(initial) or b"=")
        tag = self.send_command(b"AUTHENTICATE ", mechanism, shown)
        while isinstance(answer := self.await_continuation(tag), Continuation):
            challenge = decode_base64(answer.text)
            # Without SASL-IR the empty first challenge asks for the initial response (RFC 9051 §6.2.2).
            self.send_raw(encode_base64(exchange.respond(challenge)) + b"\r\n")
        if answer.ok:
            exchange.verify_success()
        return answer

    # Authenticated

    def select(self, name: MailboxName, parameters: bytes | str = b"") -> Result:
        """SELECT; `parameters` as `b"CONDSTORE"` (RFC 4466 §2.1)."""
        return self.command(b"SELECT ", mailbox(name), *_in_parentheses(parameters))

    def examine(self, name: MailboxName, parameters: bytes | str = b"") -> Result:
        """EXAMINE: SELECT without the right to change anything."""
        return self.command(b"EXAMINE ", mailbox(name), *_in_parentheses(parameters))

    def create(self, name: MailboxName, parameters: bytes | str = b"") -> Result:
        r"""CREATE; `parameters` as `rb"USE (\Drafts)"` (RFC 6154 §3)."""
        return self.command(b"CREATE ", mailbox(name), *_in_parentheses(parameters))

    def delete(self, name: MailboxName) -> Result:
        """DELETE."""
        return self.command(b"DELETE ", mailbox(name))

    def rename(self, old: MailboxName, new: MailboxName) -> Result:
        """RENAME."""
        return self.command(b"RENAME ", mailbox(old), b" ", mailbox(new))

    def subscribe(self, name: MailboxName) -> Result:
        """SUBSCRIBE."""
        return self.command(b"SUBSCRIBE ", mailbox(name))

    def unsubscribe(self, name: MailboxName) -> Result:
        """UNSUBSCRIBE."""
        return self.command(b"UNSUBSCRIBE ", mailbox(name))

    def list(
        self,
        reference: MailboxName = "",
        pattern: MailboxName = "*",
        *,
        select: bytes | str = b"",
        returning: bytes | str = b"",
    ) -> Result:
        """LIST; `select` and `returning` are the options of RFC 5258, as `b"SUBSCRIBED"`."""
        chosen = b"(" + octets_of(select) + b") " if select else b""
        wanted = b" RETURN (" + octets_of(returning) + b")" if returning else b""
        return self.command(b"LIST ", chosen, mailbox(reference), b" ", list_mailbox(pattern), wanted)

    def lsub(self, reference: MailboxName = "", pattern: MailboxName = "*") -> Result:
        """LSUB (RFC 3501 §6.3.9; gone in IMAP4rev2)."""
        return self.command(b"LSUB ", mailbox(reference), b" ", list_mailbox(pattern))

    def status(self, name: MailboxName, items: Words = STATUS_ITEMS) -> Result:
        """STATUS of the items, by default all that IMAP4rev1 has."""
        return self.command(b"STATUS ", mailbox(name), b" (", _words(items), b")")

    def append(
        self,
        name: MailboxName,
        message: bytes,
        flags: Iterable[bytes | str] | None = None,
        date: datetime | None = None,
        *,
        synchronizing: bool | None = None,
    ) -> Result:
        """APPEND; without `flags` no flag list is sent at all, and without `date` no date."""
        options = b"" if flags is None else flag_list(flags) + b" "
        options += b"" if date is None else encode_date_time(date) + b" "
        return self.command(b"APPEND ", mailbox(name), b" ", options, Literal(message, synchronizing))

    def namespace(self) -> Result:
        """NAMESPACE."""
        return self.command(b"NAMESPACE")

    def enable(self, *capabilities: str) -> Result:
        """ENABLE."""
        return self.command(b"ENABLE ", " ".join(capabilities))

    def idle(self) -> Idle:
        """IDLE as a context manager, with `.wait(timeout_s)`; leaving it sends DONE."""
        return Idle(self)

    # Selected

    def fetch(self, numbers: Numbers, items: Words) -> Result:
        """FETCH by message numbers; several items need no parentheses of their own."""
        return self.command(b"FETCH ", encode_sequence_set(numbers), b" ", _list_of(items))

    def uid_fetch(self, uids: Numbers, items: Words) -> Result:
        """UID FETCH."""
        return self.command(b"UID FETCH ", encode_sequence_set(uids), b" ", _list_of(items))

    def store(self, numbers: Numbers, item: bytes | str, flags: Iterable[bytes | str]) -> Result:
        r"""STORE, as `store(1, b"+FLAGS", [rb"\Seen"])`; `item` may end in `.SILENT`."""
        return self.command(b"STORE ", encode_sequence_set(numbers), b" ", item, b" ", flag_list(flags))

    def uid_store(self, uids: Numbers, item: bytes | str, flags: Iterable[bytes | str]) -> Result:
        """UID STORE."""
        return self.command(b"UID STORE ", encode_sequence_set(uids), b" ", item, b" ", flag_list(flags))

    def search(self, keys: SearchKeys = b"ALL") -> Result:
        """SEARCH; the numbers are in `result.numbers`."""
        return self.command(b"SEARCH ", *_parts(keys))

    def uid_search(self, keys: SearchKeys = b"ALL") -> Result:
        """UID SEARCH."""
        return self.command(b"UID SEARCH ", *_parts(keys))

    def copy(self, numbers: Numbers, name: MailboxName) -> Result:
        """COPY."""
        return self.command(b"COPY ", encode_sequence_set(numbers), b" ", mailbox(name))

    def uid_copy(self, uids: Numbers, name: MailboxName) -> Result:
        """UID COPY."""
        return self.command(b"UID COPY ", encode_sequence_set(uids), b" ", mailbox(name))

    def move(self, numbers: Numbers, name: MailboxName) -> Result:
        """MOVE (RFC 6851)."""
        return self.command(b"MOVE ", encode_sequence_set(numbers), b" ", mailbox(name))

    def uid_move(self, uids: Numbers, name: MailboxName) -> Result:
        """UID MOVE."""
        return self.command(b"UID MOVE ", encode_sequence_set(uids), b" ", mailbox(name))

    def expunge(self) -> Result:
        """EXPUNGE."""
        return self.command(b"EXPUNGE")

    def uid_expunge(self, uids: Numbers) -> Result:
        """UID EXPUNGE (RFC 4315 §2.1)."""
        return self.command(b"UID EXPUNGE ", encode_sequence_set(uids))

    def check(self) -> Result:
        """CHECK (RFC 3501 §6.4.1; gone in IMAP4rev2)."""
        return self.command(b"CHECK")

    def close(self) -> Result:
        r"""CLOSE: the mailbox, not the connection; what is \Deleted is expunged in silence."""
        return self.command(b"CLOSE")

    def unselect(self) -> Result:
        """UNSELECT: CLOSE without expunging (RFC 3691)."""
        return self.command(b"UNSELECT")

    # The end

    def _say_goodbye(self) -> None:
        if self.state is not SessionState.LOGOUT and self.is_in_step:
            self.logout()


def _words(words: Words) -> bytes:
    return (
        octets_of(words) if isinstance(words, bytes | str) else b" ".join(octets_of(word) for word in words)
    )


def _list_of(items: Words) -> bytes:
    """One item, macro or parenthesized list stays as it is; several are put in parentheses."""
    octets = _words(items)
    if octets.startswith(b"(") or not _has_several(octets):
        return octets
    return b"(" + octets + b")"


def _has_several(octets: bytes) -> bool:
    """Whether a space separates items, rather than the words of one `BODY[HEADER.FIELDS (Subject)]`."""
    depth = 0
    for octet in octets:
        depth += (octet in b"[(") - (octet in b"])")
        if octet == 0x20 and depth == 0:
            return True
    return False


def _parts(keys: SearchKeys) -> Iterable[Part]:
    return (keys,) if isinstance(keys, bytes | str | Literal) else keys


def _in_parentheses(parameters: bytes | str) -> tuple[bytes, ...]:
    return (b" (", octets_of(parameters), b")") if parameters else ()


def _spaced(words: Iterable[bytes | Literal]) -> Iterable[Part]:
    for index, word in enumerate(words):
        if index:
            yield b" "
        yield word
