"""How long a silence lasts until it is believed: by the server's own pace, and never longer than allowed."""

import pytest

from harness.targets.pace import LEAST_ARRIVAL_S, LEAST_S, Awaited, Kind, Pace, kind_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def learnt(*replies: float, whole_s: float = 10.0) -> Pace:
    pace = Pace(whole_s)
    for reply_s in replies:
        pace.learn(reply_s)
    return pace


def test_a_patient_pace_waits_as_long_as_it_is_asked_to():
    pace = learnt(0.001, 0.001, 0.001)
    assert pace.wait_s(Kind.ORDINARY, 10.0) == 10.0
    assert pace.wait_s(Kind.OTHER, 10.0) == 10.0
    assert pace.wait_s(Kind.SLOW, 10.0) == 30.0, "a failed login is answered late on purpose"


@pytest.mark.parametrize(
    ("replies", "enough_s"),
    [
        ((), 10.0),
        ((0.001, 0.001), 10.0),
        ((0.001, 0.001, 0.001), LEAST_S),
        ((0.001, 0.5, 0.001), 5.0),
        ((2.0, 2.0, 2.0), 10.0),
    ],
)
def test_an_impatient_pace_waits_for_many_times_the_slowest_reply(replies, enough_s):
    pace = learnt(*replies)
    pace.patient = False
    assert pace.enough_s == enough_s
    assert pace.wait_s(Kind.ORDINARY, 10.0) == enough_s
    assert pace.wait_s(Kind.ORDINARY, 1.5) == 1.5
    assert pace.wait_s(Kind.SLOW, 10.0) == 10.0


def test_what_is_waited_for_besides_is_stretched_on_a_slow_server():
    assert learnt(0.001).at_least(5.0) == 5.0
    assert learnt(0.7).at_least(5.0) == 7.0
    assert learnt(3.0).at_least(5.0) == 10.0
    assert Pace(1.0).at_least(5.0) == 1.0


def test_a_slow_moment_is_forgotten_in_the_end():
    pace = learnt(5.0, *(0.001 for _ in range(1000)))
    assert pace.slowest_s == 0.001


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"NOOP\r\n", Kind.ORDINARY),
        (b"MAIL FROM:<>\r\nRCPT TO:<u@example.test>\r\nDATA\r\n", Kind.ORDINARY),
        (b"A1 NOOP\r\n", Kind.ORDINARY),
        (b"\x00\xff\r\n", Kind.ORDINARY),
        (b"AUTH PLAIN AHUAcHc=\r\n", Kind.SLOW),
        (b"PASS secret\r\n", Kind.SLOW),
        (b"a1 login u secret\r\n", Kind.SLOW),
        (b"Subject: x\r\n\r\ntext\r\n.\r\n", Kind.SLOW),
        (b".\r\n", Kind.SLOW),
        (b"A1 APPEND INBOX {3}\r\n", Kind.SLOW),
        (b"NOOP\n", Kind.OTHER),
        (b"NOO", Kind.OTHER),
        (b"", Kind.OTHER),
        (b"x" * 10_000 + b"\r\n", Kind.OTHER),
    ],
)
def test_what_is_sent_says_what_is_awaited(octets, kind):
    assert kind_of(octets) is kind


def test_only_replies_to_ordinary_commands_teach_the_pace():
    clock, pace = Clock(), Pace(10.0)
    awaited = Awaited(pace, learns=True, clock=clock)
    awaited.came(b"220 hello\r\n")
    for sent, after_s, came in [
        (b"NOOP\r\n", 0.25, b"250 OK\r\n"),
        (b"AUTH LOGIN\r\n", 7.0, b"334 \r\n"),
        (b"dQ==\r\n", 7.0, b"535 no\r\n"),
        (b"DATA\r\n", 0.125, b"354 go on\r\n"),
        (b"x\r\n.\r\n", 7.0, b"250 taken\r\n"),
    ]:
        awaited.sent(sent)
        clock.now += after_s
        awaited.came(came)
    assert pace.slowest_s == 0.25
    clock.now += 60
    awaited.came(b"421 you were idle\r\n")
    assert pace.slowest_s == 0.25, "what comes unasked is no reply"
    Awaited(pace, learns=False, clock=clock).came(b"250 OK\r\n")
    assert pace.slowest_s == 0.25


def test_nothing_is_hurried_where_nothing_is_due():
    pace = learnt(0.001, 0.001, 0.001)
    pace.patient = False
    awaited = Awaited(pace, learns=True)
    assert awaited.wait_s(10.0) == 10.0, "the greeting may be late"
    awaited.sent(b"A1 IDLE\r\n")
    assert awaited.wait_s(10.0) == LEAST_S
    awaited.came(b"+ idling\r\n")
    assert awaited.wait_s(10.0) == 10.0, "news come when they come"
    awaited.sent(b"DONE\r\n")
    assert awaited.wait_s(10.0) == 10.0


def test_mail_has_a_pace_of_its_own():
    pace = learnt(0.001, 0.001, 0.001)
    for seconds in (0.01, 0.02, 0.4):
        pace.learn_arrival(seconds)
    assert pace.arrival_s(10.0) == 10.0
    pace.patient = False
    assert pace.arrival_s(10.0) == 4.0
    assert pace.arrival_s(1.0) == 1.0
    assert learnt(0.001, 0.001, 0.001).arrival_s(10.0) == 10.0


def test_where_no_mail_has_arrived_yet_it_is_waited_for_as_long_as_allowed():
    pace = learnt(0.001, 0.001, 0.001)
    pace.patient = False
    assert pace.arrival_s(10.0) == 10.0
    for _ in range(3):
        pace.learn_arrival(0.01)
    assert pace.arrival_s(10.0) == LEAST_ARRIVAL_S
