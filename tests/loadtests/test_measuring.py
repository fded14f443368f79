from typing import Any

import pytest

from harness.clients.imap import ImapClient
from harness.transport.memory import ScriptedStream
from harness.vocabulary.errors import PeerClosed, RemoteProtocolError, ReplyTimeout
from harness.wire.pop3 import Response
from harness.wire.smtp import Reply
from loadtests.measuring import Abandoned, Refusal, Step, StepFailed, WrongReply, bounded, measured


class Recorder:
    """A Locust environment that keeps what is fired."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    @property
    def events(self) -> "Recorder":
        return self

    @property
    def request(self) -> "Recorder":
        return self

    def fire(self, *, reverse: bool = False, **keywords: Any) -> None:
        self.requests.append(keywords)


class FakeSession:
    def __init__(self, mend: Exception | None = None) -> None:
        self.calls: list[str] = []
        self.mend = mend

    def recover(self) -> None:
        self.calls.append("recover")
        if self.mend is not None:
            raise self.mend

    def end(self) -> None:
        self.calls.append("end")


def reply(octets: bytes) -> Reply:
    return Reply(int(octets[:3]), (octets[4:],), octets + b"\r\n")


def attempt(error: BaseException | None, session: FakeSession) -> tuple[Recorder, BaseException | None]:
    recorder = Recorder()
    try:
        with measured(recorder, "SMTP", "MAIL", session) as step:
            step.octets = 7
            if error is not None:
                raise error
    except BaseException as raised:  # noqa: BLE001, what comes out is what is asked about
        return recorder, raised
    return recorder, None


def test_success_is_one_request_with_its_octets() -> None:
    session = FakeSession()
    recorder, raised = attempt(None, session)
    assert raised is None
    (request,) = recorder.requests
    assert (request["request_type"], request["name"], request["response_length"]) == ("SMTP", "MAIL", 7)
    assert request["exception"] is None
    assert request["response_time"] >= 0
    assert session.calls == []


def test_refusal_is_one_failure_and_mends_the_session() -> None:
    session = FakeSession()
    recorder, raised = attempt(Refusal("451 4.3.0"), session)
    assert isinstance(raised, Abandoned)
    assert [request["exception"] for request in recorder.requests] == ["Refusal: 451 4.3.0"]
    assert session.calls == ["recover"]


def test_session_that_cannot_be_mended_ends() -> None:
    session = FakeSession(mend=PeerClosed("gone"))
    attempt(Refusal("421"), session)
    assert session.calls == ["recover", "end"]


@pytest.mark.parametrize(
    "error",
    [
        WrongReply("354 instead of 250"),
        PeerClosed("closed"),
        ReplyTimeout("silent"),
        RemoteProtocolError("a reply", b"x"),
    ],
)
def test_what_breaks_is_one_failure_and_ends_the_session(error: Exception) -> None:
    session = FakeSession()
    recorder, raised = attempt(error, session)
    assert isinstance(raised, Abandoned)
    assert len(recorder.requests) == 1
    assert recorder.requests[0]["exception"].startswith(type(error).__name__)
    assert session.calls == ["end"]


def test_our_own_fault_is_recorded_and_raised() -> None:
    session = FakeSession()
    recorder, raised = attempt(ZeroDivisionError(), session)
    assert isinstance(raised, ZeroDivisionError)
    assert [request["exception"] for request in recorder.requests] == [
        "StepFailed: mailproof itself: ZeroDivisionError"
    ]
    assert session.calls == ["end"]


def test_what_is_killed_is_not_recorded() -> None:
    session = FakeSession()
    recorder, raised = attempt(SystemExit(), session)
    assert isinstance(raised, SystemExit)
    assert recorder.requests == []
    assert session.calls == ["end"]


def test_abandoned_step_inside_is_not_recorded_twice() -> None:
    session = FakeSession()
    recorder, raised = attempt(Abandoned(), session)
    assert isinstance(raised, Abandoned)
    assert recorder.requests == []


def test_smtp_replies_are_judged_by_their_code() -> None:
    step = Step()
    step.reply(reply(b"250 2.1.0 queued as 4711"), 250)
    assert step.octets == len(b"250 2.1.0 queued as 4711\r\n")
    with pytest.raises(Refusal, match=r"^451 4\.3\.0$"):
        step.reply(reply(b"451 4.3.0 queue 4711 is full"), 250)
    with pytest.raises(Refusal, match=r"^550$"):
        step.reply(reply(b"550 no 4711"), 250)
    with pytest.raises(WrongReply, match=r"^354 instead of 250$"):
        step.reply(reply(b"354 go on"), 250)


def test_pop3_responses_are_judged() -> None:
    step = Step()
    step.response(Response(True, b"", None, b"+OK\r\n"))
    with pytest.raises(Refusal, match=r"^-ERR \[IN-USE\]$"):
        step.response(Response(False, b"[IN-USE] by 4711", None, b"-ERR [IN-USE] by 4711\r\n"))
    with pytest.raises(Refusal, match=r"^-ERR$"):
        step.response(Response(False, b"4711", None, b"-ERR 4711\r\n"))


def test_imap_results_are_judged() -> None:
    stream = (
        ScriptedStream()
        .server(b"* OK hello\r\n")
        .client(b"A0001 NOOP\r\n")
        .server(b"* 3 EXISTS\r\nA0001 OK done\r\n")
        .client(b"A0002 NOOP\r\n")
        .server(b"A0002 NO [UNAVAILABLE] store 4711 is down\r\n")
        .client(b"A0003 NOOP\r\n")
        .server(b"A0003 BAD 4711\r\n")
    )
    client = ImapClient(stream)
    step = Step()
    step.result(client.noop())
    assert step.octets == len(b"* 3 EXISTS\r\nA0001 OK done\r\n")
    with pytest.raises(Refusal, match=r"^NO \[UNAVAILABLE\]$"):
        step.result(client.noop())
    with pytest.raises(Refusal, match=r"^BAD$"):
        step.result(client.noop())
    client.disconnect()


def test_failures_are_bounded_keys() -> None:
    keys = {
        bounded(RemoteProtocolError("a reply code", b"garbage %d" % number, 3)) for number in range(9)
    } | {bounded(StepFailed("x"))}
    assert keys == {"RemoteProtocolError: expected a reply code", "StepFailed: x"}
