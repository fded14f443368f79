"""The SMTP client: one command, one reply, unless pipelining is asked for (RFC 5321, RFC 2920)."""

import contextlib
import ssl
from collections import deque
from collections.abc import Iterable, Sequence

from harness.clients.connection import Connection, StreamSource
from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError, ReplyTimeout
from harness.vocabulary.smtp import MAX_COMMAND_LINE_OCTETS, Code, Keyword, Verb
from harness.wire.sasl import begin_exchange, decode_base64, encode_base64
from harness.wire.smtp import (
    Reply,
    ReplyReader,
    dot_stuff,
    encode_auth,
    encode_command,
    encode_mail,
    encode_rcpt,
    parse_ehlo,
)

CLIENT_NAME = "client.mailproof.test"
"""What the client calls itself in EHLO; the domain is reserved for tests (RFC 6761 §6.2)."""

_AT_ONCE_S = 0.01
"""So long is looked for what should be there already."""

_NO_COMMAND_AFTER = {Code.CONTINUE_AUTHENTICATION, Code.START_MAIL_INPUT, Code.CLOSING, Code.NOT_AVAILABLE}
"""After these replies the server reads base64 or mail text, or nothing any more."""


class SmtpClient(Connection):
    """An SMTP session seen from the client's side."""

    def __init__(self, stream: StreamSource, *, reply_timeout_s: float = 30.0) -> None:
        super().__init__(stream, reply_timeout_s=reply_timeout_s)
        self.keywords: dict[str, str] = {}
        """What the last reply to EHLO or LHLO offers: by keyword in upper case, its parameters."""
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._greeting: Reply | None = None

    # --- replies and raw octets

    def read_reply(self) -> Reply:
        """Return the next reply."""
        if not self._replies:
            self._await_reply()
        reply = self._replies.popleft()
        self._in_step = reply.code not in _NO_COMMAND_AFTER
        return reply

    def _await_reply(self) -> None:
        if self._reader.failure is not None:
            raise self._reader.failure
        self._in_step = False
        deadline = self._deadline()
        while not self._replies:
            self._replies.extend(self._reader.receive(self._arrive_by(deadline)))

    def read_replies(self, count: int) -> list[Reply]:
        """Return the next `count` replies."""
        return [self.read_reply() for _ in range(count)]

    def greeting(self) -> Reply:
        """Return the greeting, which the server sends unasked; asked again, the same one."""
        if self._greeting is None:
            self._greeting = self.read_reply()
        return self._greeting

    def command(self, line: bytes | str) -> Reply:
        """Send one command line, to which the CRLF is added, and return its reply."""
        return self._exchange(encode_command(line))

    def pipeline(self, lines: Iterable[bytes | str]) -> list[Reply]:
        """Send command lines all at once and return the reply of each (RFC 2920 §3.1).

        The replies are read when all is sent: commands beyond what fits into the sockets' buffers may block.
        """
        commands = [encode_command(line) for line in lines]
        self.stream.send(b"".join(commands))
        return self.read_replies(len(commands))

    def expect_closed(self) -> list[Reply]:
        """Wait until the server ends the connection, and return the replies that came before.

        Raises `ReplyTimeout` if the server keeps it open.
        """
        for octets in self._arrive_until_end():
            self._replies.extend(self._reader.receive(octets))
        if self._reader.failure is not None:
            raise self._reader.failure
        replies = list(self._replies)
        self._replies.clear()
        return replies

    def unasked(self) -> list[Reply]:
        """Return the replies that have come by now, though none was awaited."""
        with contextlib.suppress(ReplyTimeout):
            while octets := self.stream.receive(_AT_ONCE_S):
                self._replies.extend(self._reader.receive(octets))
        replies = list(self._replies)
        self._replies.clear()
        return replies

    def _exchange(self, octets: bytes) -> Reply:
        self.stream.send(octets)
        return self.read_reply()

    # --- the session

    def ehlo(self, name: str = CLIENT_NAME) -> Reply:
        """Say EHLO and note the keywords."""
        return self._hello(Verb.EHLO, name)

    def helo(self, name: str = CLIENT_NAME) -> Reply:
        """Say HELO, after which no keyword holds."""
        self.keywords = {}
        return self._exchange(encode_command(Verb.HELO, name))

    def _hello(self, verb: Verb, name: str) -> Reply:
        reply = self._exchange(encode_command(verb, name))
        self.keywords = parse_ehlo(reply).keywords if reply.code == Code.OK else {}
        return reply

    def starttls(self, context: ssl.SSLContext, server_name: str) -> Reply:
        """Ask for TLS and, if the reply is 220, start it; the keywords are forgotten (RFC 3207 §4.2).

        Octets that came after the 220 in the clear would count as replies under TLS: they raise.
        """
        reply = self._exchange(encode_command(Verb.STARTTLS))
        if reply.code == Code.READY:
            if injected := b"".join(early.octets for early in self._replies) + self._reader.pending:
                raise RemoteProtocolError("nothing between 220 and the TLS handshake (RFC 3207 §4)", injected)
            self.stream.start_tls(context, server_name)
            self.keywords = {}
        return reply

    def authenticate(self, login: str, password: str, mechanism: str = "PLAIN") -> Reply:
        """Authenticate by a SASL mechanism and return the last reply: 235, or the refusal (RFC 4954 §4).

        The initial response goes with the command where the command line has room for it. A challenge that
        is no base64, or none of the mechanism, cancels the exchange and raises.
        """
        exchange = begin_exchange(mechanism, login, password)
        line = encode_auth(mechanism, exchange.initial_response())
        if len(line) > MAX_COMMAND_LINE_OCTETS:
            exchange = begin_exchange(mechanism, login, password)
            line = encode_auth(mechanism, None)
        reply = self._exchange(line)
        while reply.code == Code.CONTINUE_AUTHENTICATION:
            try:
                response = exchange.respond(decode_base64(reply.text))
            except RemoteProtocolError:
                self._exchange(b"*\r\n")
                raise
            reply = self._exchange(encode_base64(response) + b"\r\n")
        if reply.code == Code.AUTHENTICATED:
            exchange.verify_success()
        return reply

    def noop(self) -> Reply:
        """Do nothing: a fence, after which all earlier replies have come."""
        return self._exchange(encode_command(Verb.NOOP))

    def vrfy(self, string: str | bytes, *parameters: str | bytes) -> Reply:
        """Ask whether `string` names a user or mailbox."""
        self._note_utf8(parameters)
        return self._exchange(encode_command(Verb.VRFY, string, *parameters))

    def _note_utf8(self, parameters: Sequence[str | bytes]) -> None:
        """Take UTF-8 in replies from now on if one of a command's parameters allows it to the server."""
        if {Keyword.SMTP_UTF8, Keyword.SMTP_UTF8.encode()}.intersection(word.upper() for word in parameters):
            self._reader.allow_utf8()

    def quit(self) -> Reply:
        """Say goodbye; the server closes the connection after its reply."""
        return self._exchange(encode_command(Verb.QUIT))

    def _say_goodbye(self) -> None:
        self.quit()

    # --- the mail transaction

    def mail(self, reverse_path: str | bytes, *parameters: str | bytes) -> Reply:
        """Begin a transaction; the path comes without angle brackets, and is empty for `<>`."""
        self._note_utf8(parameters)
        return self._exchange(encode_mail(reverse_path, parameters))

    def rcpt(self, forward_path: str | bytes, *parameters: str | bytes) -> Reply:
        """Name a recipient; the path comes without angle brackets."""
        return self._exchange(encode_rcpt(forward_path, parameters))

    def data(self) -> Reply:
        """Ask to send the mail text."""
        return self._exchange(encode_command(Verb.DATA))

    def send_text(self, message: bytes) -> Reply:
        """Send the mail text that a 354 has invited, with dots stuffed, and return the reply to its end."""
        return self._exchange(dot_stuff(message))

    def rset(self) -> Reply:
        """Abort the transaction."""
        return self._exchange(encode_command(Verb.RSET))

    def submit(
        self,
        *,
        sender: str | bytes,
        to: str | Sequence[str],
        message: bytes,
        parameters: Sequence[str | bytes] = (),
        pipelined: bool = False,
    ) -> Reply:
        """Hand `message` in and return the reply to its end, or the first refusal on the way there.

        `parameters` go with MAIL. A refusal of a recipient or of DATA ends the transaction by RSET, so that
        nothing is delivered and the session can go on. With `pipelined`, the commands up to DATA go out at
        once (RFC 2920 §3.1); then a server that has sent 354 gets the text for the recipients it accepted,
        while the refusal of another is still what is returned.
        """
        recipients = [to] if isinstance(to, str) else to
        if not recipients:
            raise LocalProtocolError("a message needs a recipient")
        if pipelined:
            return self._submit_pipelined(sender, recipients, message, parameters)
        if not (reply := self.mail(sender, *parameters)).is_positive:
            return reply
        for recipient in recipients:
            if not (reply := self.rcpt(recipient)).is_positive:
                return self._abandon(reply)
        if (reply := self.data()).code != Code.START_MAIL_INPUT:
            return self._abandon(reply)
        return self.send_text(message)

    def _submit_pipelined(
        self,
        sender: str | bytes,
        recipients: Sequence[str],
        message: bytes,
        parameters: Sequence[str | bytes],
    ) -> Reply:
        self._note_utf8(parameters)
        commands = [encode_mail(sender, parameters), *map(encode_rcpt, recipients), encode_command(Verb.DATA)]
        self.stream.send(b"".join(commands))
        mail, *rcpts, data = self.read_replies(len(commands))
        refusals = [reply for reply in (mail, *rcpts) if not reply.is_positive]
        if data.code != Code.START_MAIL_INPUT:
            return self._abandon(refusals[0] if refusals else data)
        # Where no recipient was accepted, a 354 is answered by a lone dot (RFC 2920 §3.1).
        accepted = mail.is_positive and any(reply.is_positive for reply in rcpts)
        reply = self.send_text(message if accepted else b"")
        return refusals[0] if refusals else reply

    def _abandon(self, refusal: Reply) -> Reply:
        """Abort the transaction and return why, unless the server has left (421)."""
        if refusal.code != Code.NOT_AVAILABLE:
            self.rset()
        return refusal
