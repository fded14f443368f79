"""The dialogues of the running example, as evidence and for the ambient rules."""

import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from harness.targets.pace import Awaited
from harness.transport.stream import ByteStream
from harness.transport.transcript import RecordedStream, Transcript
from harness.vocabulary.services import Service

_MOST_CLOSED = 64
"""How many closed connections are kept on record, where nobody begins anew."""
_TAKING_MAIL = frozenset({Service.SMTP, Service.SUBMISSION, Service.SUBMISSIONS, Service.LMTP})
_COMMANDS_OCTETS = 65536
_RCPT = re.compile(rb"(?im)^rcpt to:[ \t]*<(?:@[^:>]*:)?([^>\r\n]*)>")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said on one connection since the record began."""

    service: Service
    peer: str
    transcript: Transcript
    continued: bool
    """The connection was open before the record began: the greeting is not in it."""
    provisioning: bool
    """It is one of the harness's own, for putting mail in place and reading it back."""


class Recipients:
    """Counts how often mail was addressed to whom, to know whose mail may still be under way."""

    def __init__(self) -> None:
        self._counts: Counter[bytes] = Counter()

    def note(self, octets: bytes) -> None:
        """Look for RCPT commands at the beginning of what a client sends."""
        for path in _RCPT.findall(octets, 0, _COMMANDS_OCTETS):
            self._counts[path.lower()] += 1

    def count(self, address: str) -> int:
        """How often `address` was named so far."""
        return self._counts[address.lower().encode()]


class TargetStream(RecordedStream):
    """A stream to the target that tells the recorder what passes and its owner when it closes."""

    def __init__(
        self,
        stream: ByteStream,
        service: Service,
        *,
        provisioning: bool = False,
        before_send: Callable[[], None] | None = None,
        awaited: Awaited | None = None,
        closed: Callable[["TargetStream"], None],
    ) -> None:
        super().__init__(stream, Transcript())
        self.service = service
        self.provisioning = provisioning
        self.continued = False
        self.recipients: Recipients | None = None
        self._before_send = before_send
        self._awaited = awaited
        self._closed: Callable[[TargetStream], None] | None = closed

    def send(self, octets: bytes) -> None:
        """Send `octets`, not sooner than the target's limits allow."""
        if self._before_send is not None:
            self._before_send()
        if self.recipients is not None:
            self.recipients.note(octets)
        super().send(octets)
        if self._awaited is not None:
            self._awaited.sent(octets)

    def receive(self, timeout_s: float) -> bytes:
        """Return what has arrived; where the server's pace says so, give it less time than that."""
        if self._awaited is None:
            return super().receive(timeout_s)
        octets = super().receive(self._awaited.wait_s(timeout_s))
        self._awaited.came(octets)
        return octets

    def close(self) -> None:
        """Close the stream underneath, once."""
        super().close()
        closed, self._closed = self._closed, None
        if closed is not None:
            closed(self)

    def begin(self) -> None:
        """Begin a new transcript in the middle of the connection."""
        self.transcript = Transcript()
        self.continued = True

    def dialogue(self) -> Dialogue:
        """What was said since the record began."""
        return Dialogue(self.service, self.peer, self.transcript, self.continued, self.provisioning)


class Recorder:
    """Collects what is said on all streams of a target."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[TargetStream] = []
        self._closed: deque[Dialogue] = deque(maxlen=_MOST_CLOSED)
        self.recipients = Recipients()

    def begin(self) -> None:
        """Forget what was said so far; open connections go on, with a new transcript."""
        with self._lock:
            self._closed.clear()
            for stream in self._open:
                stream.begin()

    def dialogues(self) -> list[Dialogue]:
        """What was said since `begin`, by connection: the harness's own first, then in order of closing."""
        with self._lock:
            dialogues = [*self._closed, *(stream.dialogue() for stream in self._open)]
        spoken = [dialogue for dialogue in dialogues if dialogue.transcript.entries]
        return sorted(spoken, key=lambda dialogue: not dialogue.provisioning)

    def opened(self, stream: TargetStream) -> None:
        """Watch a new stream."""
        if stream.service in _TAKING_MAIL:
            stream.recipients = self.recipients
        with self._lock:
            self._open.append(stream)

    def closed(self, stream: TargetStream) -> None:
        """Keep what was said on a stream that has ended."""
        with self._lock:
            if stream in self._open:
                self._open.remove(stream)
                self._closed.append(stream.dialogue())
