"""The POP3 client: one command, one response (RFC 1939, RFC 2449, RFC 5034)."""

import hashlib
import ssl
from collections import deque
from collections.abc import Iterable

from harness.clients.connection import Connection, StreamSource
from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError
from harness.vocabulary.pop3 import MAX_COMMAND_OCTETS, Verb
from harness.wire.pop3 import (
    Challenge,
    DropListing,
    Event,
    Response,
    ResponseReader,
    Shape,
    encode_auth,
    encode_command,
    parse_capabilities,
    parse_drop_listing,
    parse_scan_listings,
    parse_unique_ids,
)
from harness.wire.sasl import begin_exchange, decode_base64, encode_base64


class Pop3Client(Connection):
    """A POP3 session seen from the client's side.

    What a -ERR may answer returns a `Response`. STAT, LIST and UIDL without argument have no legal refusal
    in the TRANSACTION state: `stat`, `list` and `uidl` return what they list, and take a -ERR for a breach of
    the protocol; where it is expected, `command` gives the response. Leaving a `with` block in peace sends
    QUIT, which removes the messages that are marked as deleted.
    """

    def __init__(self, stream: StreamSource, *, reply_timeout_s: float = 30.0) -> None:
        super().__init__(stream, reply_timeout_s=reply_timeout_s)
        self.capabilities: dict[str, str] = {}
        """What the last positive response to CAPA lists, by tag in upper case, with its parameters."""
        self._reader = ResponseReader()
        self._reader.expect(Shape.SINGLE_LINE)
        self._events: deque[Event] = deque()
        self._greeting: Response | None = None

    # --- responses and raw octets

    def greeting(self) -> Response:
        """Return the greeting, which the server sends unasked; asked again, the same one."""
        if self._greeting is None:
            self._greeting = self._read_response()
        return self._greeting

    def command(self, line: bytes | str, *, multiline: bool = False) -> Response:
        """Send one command line, to which the CRLF is added, and return its response."""
        return self._exchange(encode_command(line), Shape.MULTI_LINE if multiline else Shape.SINGLE_LINE)

    def pipeline(self, lines: Iterable[tuple[bytes | str, bool]]) -> list[Response]:
        """Send command lines, each with whether its +OK is multi-line, at once; return their responses."""
        commands = [(encode_command(line), multiline) for line, multiline in lines]
        for _, multiline in commands:
            self.expect_response(multiline=multiline)
        self.stream.send(b"".join(octets for octets, _ in commands))
        return [self._read_response() for _ in commands]

    def expect_response(self, *, multiline: bool = False) -> None:
        """Announce a response to octets that go out by `send_raw`; `read_response` then takes it."""
        self._reader.expect(Shape.MULTI_LINE if multiline else Shape.SINGLE_LINE)

    def read_response(self) -> Response:
        """Return the next response that `expect_response` has announced."""
        return self._read_response()

    def expect_closed(self) -> list[Response]:
        """Wait until the server ends the connection, and return the responses that came before.

        Raises `ReplyTimeout` if the server keeps it open.
        """
        for octets in self._arrive_until_end():
            self._events.extend(self._reader.receive(octets))
        if self._reader.failure is not None:
            raise self._reader.failure
        responses = [event for event in self._events if isinstance(event, Response)]
        self._events.clear()
        return responses

    def _exchange(self, octets: bytes, shape: Shape = Shape.SINGLE_LINE) -> Response:
        self._reader.expect(shape)
        self.stream.send(octets)
        return self._read_response()

    def _read_response(self) -> Response:
        event = self._read_event()
        assert isinstance(event, Response), "only an AUTH exchange expects challenges, and reads them itself"
        return event

    def _read_event(self) -> Event:
        if not self._events:
            self._await_event()
        event = self._events.popleft()
        self._in_step = isinstance(event, Response)
        return event

    def _await_event(self) -> None:
        if self._reader.failure is not None:
            raise self._reader.failure
        self._in_step = False
        while not self._events:
            # A body takes as long as it is: the time-out is for the server's silence, not for the whole.
            self._events.extend(self._reader.receive(self._arrive_by(self._deadline())))

    # --- the AUTHORIZATION state

    def capa(self) -> Response:
        """Ask for the capabilities and note them; a refusal leaves none."""
        response = self._exchange(encode_command(Verb.CAPA), Shape.MULTI_LINE)
        self.capabilities = parse_capabilities(response).capabilities
        return response

    def stls(self, context: ssl.SSLContext, server_name: str) -> Response:
        """Ask for TLS and, if the response is +OK, start it; the capabilities are forgotten (RFC 2595 §4).

        Octets that came after the +OK in the clear would count as responses under TLS: they raise.
        """
        response = self._exchange(encode_command(Verb.STLS))
        if response.ok:
            if injected := b"".join(early.octets for early in self._events) + self._reader.pending:
                raise RemoteProtocolError("nothing between +OK and the TLS handshake (RFC 2595 §4)", injected)
            self.stream.start_tls(context, server_name)
            self.capabilities = {}
        return response

    def user(self, name: str) -> Response:
        """Name the mailbox."""
        return self._exchange(encode_command(Verb.USER, name))

    def password(self, password: str) -> Response:
        """Give the password; it may contain spaces (RFC 1939 §7, PASS)."""
        return self._exchange(encode_command(Verb.PASS, password))

    def login(self, login: str, password: str) -> Response:
        """Log in by USER and PASS, and return the response to PASS, or the refusal of USER."""
        response = self.user(login)
        return self.password(password) if response.ok else response

    def apop(self, login: str, password: str) -> Response:
        """Log in by a digest of the greeting's timestamp and the password (RFC 1939 §7, APOP)."""
        timestamp = self.greeting().timestamp
        if timestamp is None:
            raise LocalProtocolError(f"{self.peer} offers no APOP: its greeting has no timestamp")
        digest = hashlib.md5(timestamp + password.encode(), usedforsecurity=False).hexdigest()
        return self._exchange(encode_command(Verb.APOP, login, digest))

    def auth(self, login: str, password: str, mechanism: str = "PLAIN") -> Response:
        """Authenticate by a SASL mechanism and return the last response (RFC 5034 §4).

        The initial response goes with the command where the command line has room for it. A challenge that
        is no base64, or none of the mechanism, cancels the exchange and raises.
        """
        exchange = begin_exchange(mechanism, login, password)
        line = encode_auth(mechanism, exchange.initial_response())
        if len(line) > MAX_COMMAND_OCTETS:
            exchange = begin_exchange(mechanism, login, password)
            line = encode_auth(mechanism, None)
        self._reader.expect(Shape.CHALLENGE)
        self.stream.send(line)
        event = self._read_event()
        while isinstance(event, Challenge):
            try:
                response = exchange.respond(decode_base64(event.base64))
            except RemoteProtocolError:
                self.stream.send(b"*\r\n")
                self._read_event()
                raise
            self.stream.send(encode_base64(response) + b"\r\n")
            event = self._read_event()
        if event.ok:
            exchange.verify_success()
        return event

    # --- the TRANSACTION state

    def stat(self) -> DropListing:
        """Return the number of messages and their octets."""
        return parse_drop_listing(self._exchange(encode_command(Verb.STAT)))

    def list(self) -> dict[int, int]:
        """Return the size of each message by its number."""
        return parse_scan_listings(self._exchange(encode_command(Verb.LIST), Shape.MULTI_LINE))

    def uidl(self) -> dict[int, bytes]:
        """Return the unique-id of each message by its number."""
        return parse_unique_ids(self._exchange(encode_command(Verb.UIDL), Shape.MULTI_LINE))

    def retr(self, number: int) -> Response:
        """Fetch a message: the response's `body`."""
        return self._exchange(encode_command(Verb.RETR, number), Shape.MULTI_LINE)

    def top(self, number: int, lines: int) -> Response:
        """Fetch a message's header and the first `lines` of its body."""
        return self._exchange(encode_command(Verb.TOP, number, lines), Shape.MULTI_LINE)

    def dele(self, number: int) -> Response:
        """Mark a message as deleted."""
        return self._exchange(encode_command(Verb.DELE, number))

    def rset(self) -> Response:
        """Unmark all messages."""
        return self._exchange(encode_command(Verb.RSET))

    def noop(self) -> Response:
        """Do nothing: a fence, after which all earlier responses have come."""
        return self._exchange(encode_command(Verb.NOOP))

    def quit(self) -> Response:
        """Say goodbye: the marked messages are removed, and the server closes the connection."""
        response = self._exchange(encode_command(Verb.QUIT))
        self._in_step = False
        return response

    def _say_goodbye(self) -> None:
        self.quit()
