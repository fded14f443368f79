"""Limits that a run keeps, and the record of what was said."""

import time

import pytest

from harness.targets.file import Limits
from harness.targets.gate import Gate, TooManyConnections
from harness.targets.recorder import Recipients, Recorder, TargetStream
from harness.transport.memory import ScriptedStream
from harness.vocabulary.services import Service


def test_connections_are_closed_before_more_than_allowed_are_open() -> None:
    gate = Gate(Limits(max_connections=2))
    idle = ["a", "b"]

    def release() -> bool:
        if not idle:
            return False
        idle.pop()
        gate.leave()
        return True

    for _ in range(4):
        gate.enter(release)
    assert idle == []
    with pytest.raises(TooManyConnections, match=r"more than 2 .* raise limits\.max_connections"):
        gate.enter(release)
    gate.leave()
    gate.enter(release)


def test_workers_share_the_connections() -> None:
    gate = Gate(Limits(max_connections=5), workers=2)
    gate.enter(lambda: False)
    gate.enter(lambda: False)
    with pytest.raises(TooManyConnections):
        gate.enter(lambda: False)


def test_commands_are_paced() -> None:
    assert Gate(Limits()).before_send is None
    pace = Gate(Limits(commands_per_s=100.0)).before_send
    assert pace is not None
    began = time.monotonic()
    for _ in range(4):
        pace()
    assert time.monotonic() - began >= 0.03


def test_failed_logins_are_counted() -> None:
    gate = Gate(Limits(failed_logins=2))
    assert [gate.may_fail_login() for _ in range(3)] == [True, True, False]
    assert Gate(Limits(failed_logins=1), workers=2).may_fail_login() is False
    assert Gate(Limits()).may_fail_login() is True


def stream(recorder: Recorder, service: Service, *, provisioning: bool = False) -> TargetStream:
    script = ScriptedStream()
    for _ in range(9):
        script.client(b"NOOP\r\n").server(b"250 ok\r\n")
    made = TargetStream(script, service, provisioning=provisioning, closed=recorder.closed)
    recorder.opened(made)
    return made


def test_the_record_begins_anew_on_open_connections() -> None:
    recorder = Recorder()
    kept = stream(recorder, Service.IMAP, provisioning=True)
    kept.send(b"NOOP\r\n")
    kept.receive(1.0)
    gone = stream(recorder, Service.SMTP)
    gone.send(b"NOOP\r\n")
    gone.close()
    silent = stream(recorder, Service.POP3)
    before = recorder.dialogues()
    assert [(spoken.service, spoken.continued) for spoken in before] == [
        (Service.IMAP, False),
        (Service.SMTP, False),
    ]
    recorder.begin()
    assert recorder.dialogues() == []
    silent.send(b"NOOP\r\n")
    kept.send(b"NOOP\r\n")
    kept.close()
    kept.close()
    after = recorder.dialogues()
    assert [(spoken.service, spoken.provisioning, spoken.continued) for spoken in after] == [
        (Service.IMAP, True, True),
        (Service.POP3, False, True),
    ]
    assert after[0].transcript.sent() == b"NOOP\r\n"
    silent.close()


def test_recipients_are_counted_in_commands_only() -> None:
    recipients = Recipients()
    recipients.note(
        b"MAIL FROM:<a@b.test>\r\nrcpt to: <U1@e.test>\r\nRCPT TO:<@x.test:u1@E.test>\r\nDATA\r\n"
    )
    recipients.note(b"RCPT TO:<u2@e.test> NOTIFY=NEVER\r\n")
    recipients.note(b"Subject: RCPT TO:<u3@e.test>\r\n")
    assert [recipients.count(f"u{n}@e.test") for n in (1, 2, 3)] == [2, 1, 0]
