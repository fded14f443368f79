"""One IMAP connection: commands go out under a tag, responses come in and are kept with their command."""

import contextlib
from collections import deque
from types import TracebackType
from typing import NoReturn, Self

from harness.clients.connection import FAREWELL_TIMEOUT_S, StreamSource
from harness.clients.imap_result import Result
from harness.transport.stream import ByteStream
from harness.vocabulary.errors import (
    LocalProtocolError,
    MailproofError,
    PeerClosed,
    RemoteProtocolError,
    ReplyTimeout,
)
from harness.wire.imap import (
    Continuation,
    Data,
    Limits,
    OutgoingCommand,
    Part,
    Response,
    ResponseFramer,
    SelectedMailbox,
    SessionTracker,
    Status,
    Tags,
    encode_command,
    parse_greeting,
    parse_response,
)

__all__ = ["ImapSession", "Result"]


class ImapSession:
    """The dialogue under `ImapClient`: it frames, reads and tracks, and knows no command but by its tag.

    With `lazy=True` the data of a response are read only when asked for, which a load generator wants; a
    grammatical error in them then shows itself only there.
    """

    def __init__(
        self,
        stream: StreamSource,
        *,
        reply_timeout_s: float = 30.0,
        limits: Limits | None = None,
        lazy: bool = False,
    ) -> None:
        self.stream: ByteStream = stream() if callable(stream) else stream
        self.reply_timeout_s = reply_timeout_s
        self._lazy = lazy
        self._framer = ResponseFramer(limits)
        self._frames: deque[bytes] = deque()
        self._tags = Tags()
        self._tracker = SessionTracker()
        self._greeting: Status | None = None
        self._untagged: list[Response] = []
        self._results: dict[bytes, Result] = {}
        self.closed = False

    @property
    def selected(self) -> SelectedMailbox | None:
        """What is known of the selected mailbox; None when none is selected."""
        return self._tracker.selected

    @property
    def tracker(self) -> SessionTracker:
        """State, capabilities and the BYE, as the responses have told them."""
        return self._tracker

    # The dialogue

    def greeting(self) -> Status:
        """The greeting: read by the first call, or before the first command; remembered."""
        if self._greeting is None:
            self._greeting = parse_greeting(self._receive_frame(self.reply_timeout_s))
            self._tracker.greeted(self._greeting)
        return self._greeting

    def command(self, *parts: Part) -> Result:
        """Send a command and await its tagged response.

        The parts go out one after another as they are, after the tag and a space and before CRLF:
        `command(b"APPEND ", mailbox("été"), b" ", Literal(message))`.
        """
        return self.finish(self.send_command(*parts))

    def send_command(self, *parts: Part) -> bytes:
        """Send a command without awaiting its end; returns the tag for `finish`.

        Synchronizing literals wait for the server's `+` within; if the server completes the command
        instead, the rest is not sent and `finish` returns the refusal.
        """
        self.greeting()
        command = encode_command(self._tags.next(), parts, self._tracker.capabilities or ())
        self._tracker.sent(command.tag, command.words)
        self._send_pieces(command)
        return command.tag

    def finish(self, tag: bytes) -> Result:
        """Await the tagged response of a command that was sent; results can be taken in any order."""
        while tag not in self._results:
            if not self._tracker.in_progress(tag):
                raise LocalProtocolError(f"no command {tag!r} is in progress")
            response = self._read(self.reply_timeout_s)
            if isinstance(response, Continuation):
                raise RemoteProtocolError(
                    f"the tagged response of {tag.decode()}: nothing waits for a continuation",
                    response.octets,
                )
        return self._results.pop(tag)

    def await_continuation(self, tag: bytes) -> Continuation | Result:
        """Await the server's `+` for the command `tag`, or the tagged response that comes instead."""
        while tag not in self._results:
            response = self._read(self.reply_timeout_s)
            if isinstance(response, Continuation):
                return response
        return self._results.pop(tag)

    def read_response(self, timeout_s: float | None = None) -> Response:
        """Read one response, whatever it is; it also counts for the next `Result` if it is untagged."""
        return self._read(self.reply_timeout_s if timeout_s is None else timeout_s)

    def send_raw(self, octets: bytes, *tags: bytes) -> None:
        """Send octets as they are; `tags` of commands in them can be given to `finish` afterwards."""
        for tag in tags:
            _, _, rest = octets.partition(tag + b" ")
            words = rest.split(b"\r", 1)[0].split(b" ", 2)[:2]
            self._tracker.sent(tag, [word.upper() for word in words])
        self.stream.send(octets)

    def raw(self, octets: bytes, tag: bytes) -> Result:
        r"""Send octets as they are, and await the tagged response: `raw(b"x1 nOoP\r\n", tag=b"x1")`."""
        self.greeting()
        self.send_raw(octets, tag)
        return self.finish(tag)

    def expect_closed(self, timeout_s: float | None = None) -> list[Response]:
        """Read until the server closes; returns what it still sent. If it does not close: `ReplyTimeout`."""
        last: list[Response] = []
        try:
            while True:
                last.append(self.read_response(timeout_s))
        except PeerClosed:
            return last

    @property
    def peer(self) -> str:
        """The other end in words."""
        return self.stream.peer

    @property
    def is_in_step(self) -> bool:
        """Whether the next command can be answered: every one sent has been completed."""
        return not self._tracker.is_busy and not self._framer.pending

    def disconnect(self) -> None:
        """Close the connection without a word; never raises. The command CLOSE is `close`."""
        self.closed = True
        self.stream.close()

    def _say_goodbye(self) -> None:
        """End the session as the protocol has it, if the dialogue is in step."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and not self.closed:
                self.reply_timeout_s = min(self.reply_timeout_s, FAREWELL_TIMEOUT_S)
                with contextlib.suppress(MailproofError):
                    self._say_goodbye()
        finally:
            self.disconnect()

    # What lies beneath

    def _send_pieces(self, command: OutgoingCommand) -> None:
        *waiting, last = command.pieces
        for piece in waiting:
            self.stream.send(piece)
            answer = self.await_continuation(command.tag)
            if isinstance(answer, Result):
                self._results[command.tag] = answer
                return
        self.stream.send(last)

    def _read(self, timeout_s: float) -> Response:
        """Read one response, check and track it, and keep it for its command."""
        response = parse_response(self._receive_frame(timeout_s))
        if isinstance(response, Data) and not self._lazy:
            _ = response.value
        self._tracker.receive(response)
        match response:
            case Status(tag=bytes() as tag):
                self._results[tag] = Result(response, tuple(self._untagged))
                self._untagged.clear()
            case Status() | Data():
                self._untagged.append(response)
        return response

    def _receive_frame(self, timeout_s: float) -> bytes:
        while not self._frames:
            # A failure behind responses that were whole is raised now that those have been read.
            self._frames.extend(self._framer.receive(b""))
            octets = self.stream.receive(timeout_s)
            if not octets:
                self._closed_by_peer()
            self._frames.extend(self._framer.receive(octets))
        return self._frames.popleft()

    def _arrived(self) -> bool:
        """Whether a whole response has arrived that nobody has read."""
        return bool(self._frames)

    def _closed_by_peer(self) -> NoReturn:
        if pending := self._framer.pending:
            raise RemoteProtocolError(
                "the rest of the response before the end of the connection", pending, len(pending)
            )
        farewell = self._tracker.farewell
        said = f" after BYE {farewell.text.decode(errors='replace')}" if farewell is not None else ""
        raise PeerClosed(f"{self.stream.peer} closed the connection{said}")

    def _discard_clear_text(self) -> None:
        """Refuse what follows the OK of STARTTLS in clear: it would pass for what TLS protects."""
        injected = b"".join(self._frames) + self._framer.take_pending()
        self._frames.clear()
        if injected:
            raise RemoteProtocolError("the TLS handshake right after the OK of STARTTLS", injected)
        self._tracker.after_tls()

    def _poll(self, timeout_s: float) -> list[Response]:
        """What arrives within `timeout_s`: as soon as there is something, all of it; else nothing."""
        responses = []
        try:
            responses.append(self._read(timeout_s))
        except ReplyTimeout:
            return []
        while self._arrived():
            responses.append(self._read(timeout_s))
        return responses
