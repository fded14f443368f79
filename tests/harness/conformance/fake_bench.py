"""A mail server of a few lines, told by a JSON file what to answer: lets a whole run be tested without one.

`server.json` beside the target file maps each command to its reply, or to `!closed`, `!timeout`, `!died`,
`!refused`, `!garbage` or `!bug`, or to a list of these that is gone through again and again; further keys:
`lacks` (need -> reason), `dead` (true), `fatal` and `hindrance` (a line each), `remarks` and
`preflight_notes` (lists of lines); `faults` (name -> changed answers) and `watched` (changed answers through
the proxy).
"""

import functools
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.conformance.bench import Preflight, Share
from harness.conformance.evidence import Dialogue
from harness.conformance.subject import Heard, dialogue_of
from harness.transport.tamper import Fault, Tamperer
from harness.transport.transcript import Kind, Transcript
from harness.vocabulary.errors import (
    ConnectFailed,
    LocalProtocolError,
    PeerClosed,
    RemoteProtocolError,
    ReplyTimeout,
)
from harness.vocabulary.services import Service


class FakeTarget:
    """What sample checks get as `target`."""

    def __init__(self, script: dict[str, object], share: Share) -> None:
        self.script = dict(script)
        self.share = share
        self.transcript = Transcript()
        self.tamperer: Tamperer | None = None
        self.patience: list[bool] = []
        self.asked: Counter[str] = Counter()
        self.dead = bool(script.get("dead"))

    def ask(self, command: bytes) -> bytes:
        """Send a line and return the reply's text."""
        self.transcript.record(Kind.CLIENT, command + b"\r\n")
        verb = command.split()[0].decode()
        answer = self.script.get(verb, "500 what?")
        if isinstance(answer, list):
            self.asked[verb] += 1
            answer = answer[(self.asked[verb] - 1) % len(answer)]
        word = str(answer)
        if self.dead:
            raise ConnectFailed("127.0.0.1:1: connection refused")
        match word:
            case "!closed":
                raise PeerClosed("127.0.0.1:1 closed the connection")
            case "!timeout":
                raise ReplyTimeout("127.0.0.1:1 sent nothing for 10 s")
            case "!died":
                self.dead = True
                raise PeerClosed("127.0.0.1:1 closed the connection")
            case "!refused":
                raise ConnectFailed("127.0.0.1:1: connection refused")
            case "!garbage":
                raise RemoteProtocolError("a three-digit code", b"2x0 OK\r\n", 1)
            case "!bug":
                raise LocalProtocolError("we were about to send nonsense")
        reply = word.encode() + b"\r\n"
        if self.tamperer is not None:
            reply = self.tamperer.from_server(reply)
        self.transcript.record(Kind.SERVER, reply)
        return reply.removesuffix(b"\r\n")

    def code(self, command: bytes) -> int:
        """Send a line and return the reply's code."""
        return int(self.ask(command)[:3])


class FakeSubject:
    """The fake as a run sees it."""

    def __init__(self, target: FakeTarget) -> None:
        self.target = target
        self.hearing = None

    def lacks(self, needs):
        reasons = self.target.script.get("lacks", {})
        return next((reasons[str(need)] for need in sorted(needs, key=str) if str(need) in reasons), None)

    def ask_alive(self, needs):
        return "127.0.0.1:1: connection refused" if self.target.dead else None

    def be_patient(self, patient: bool) -> None:
        self.target.patience.append(patient)

    def hindrance(self) -> str | None:
        return self.target.script.get("hindrance")

    def remarks(self) -> tuple[str, ...]:
        return tuple(self.target.script.get("remarks", ()))

    def listen(self, hearing) -> None:
        self.hearing = hearing

    def forget(self) -> None:
        spoken = self.target.transcript
        if self.hearing is not None and spoken.entries:
            whole = self.target.tamperer is None
            shown = functools.partial(dialogue_of, "smtp 127.0.0.1:1", spoken)
            self.hearing([Heard(Service.SMTP, spoken, whole, shown)])
        self.target.transcript = Transcript()

    def dialogues(self) -> tuple[Dialogue, ...]:
        spoken = self.target.transcript
        return (dialogue_of("smtp 127.0.0.1:1", spoken),) if spoken.entries else ()


class FakeBench:
    """The fake for one process."""

    def __init__(self, script: dict[str, object], share: Share) -> None:
        self.script = script
        self.subject = FakeSubject(FakeTarget(script, share))

    @classmethod
    def open(cls, target_file: Path, share: Share) -> "FakeBench":
        return cls(json.loads(target_file.with_name("server.json").read_text()), share)

    def preflight(self) -> Preflight:
        if self.script.get("dead"):
            return Preflight(0, ("smtp: 127.0.0.1:1: connection refused",))
        notes = tuple(self.script.get("preflight_notes", ()))
        return Preflight(1, (), fatal=self.script.get("fatal"), notes=notes)

    @contextmanager
    def refuted(self, refutation) -> Iterator[FakeSubject]:
        if isinstance(refutation, Fault):
            yield FakeSubject(FakeTarget({**self.script, **self.script["faults"][refutation.name]}, Share()))
            return
        self.subject.target.tamperer = refutation.open()
        try:
            yield self.subject
        finally:
            self.subject.target.tamperer = None

    @contextmanager
    def watched(self) -> Iterator[FakeSubject]:
        yield FakeSubject(FakeTarget({**self.script, **self.script.get("watched", {})}, Share()))

    def close(self) -> None:
        pass
