"""Several messages over one connection, and several transactions for one message."""

import pytest
from driver import Driver

from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.relay.dialogue import OutgoingSession, OutgoingSettings
from reference_server.relay.mail import Addressee, OutgoingMail
from reference_server.session.base import Input, Peer

ALL_AT_ONCE = b"250-mx\r\n250-LIMITS RCPTMAX=2 MAILMAX=2 RCPTMAX=x\r\n250 PIPELINING\r\n"
PIPELINING = b"250-mx\r\n250 PIPELINING\r\n"
PLAIN = b"250 mx\r\n"


def mail(*names: str) -> OutgoingMail:
    return OutgoingMail(None, tuple(Addressee(Mailbox(name, "two.test")) for name in names), b"x\r\n")


class Line:
    """A connection to a hop whose replies the test gives."""

    def __init__(self, first: OutgoingMail, *, keywords: bytes = PLAIN, faults: tuple[str, ...] = ()) -> None:
        self.session = OutgoingSession(
            Peer("192.0.2.1", 25, secure=False),
            mail=first,
            settings=OutgoingSettings("mail.one.test", idle_s=2.0, max_messages=3),
            defects=Defects(faults),
        )
        self.decided: list[dict[int, int]] = []
        self.session.on_decided = lambda: self.decided.append(self.codes)
        self.driver = Driver(self.session, None)  # type: ignore[arg-type]
        self.driver.send(b"220 mx\r\n")
        self.said = self.driver.send(keywords)

    @property
    def codes(self) -> dict[int, int]:
        return {number: reply.code for number, reply in self.session.outcome.replies.items()}

    def says(self, *replies: str) -> bytes:
        """Answer one line after the other; what comes after the last one."""
        for reply in replies:
            self.said = self.driver.send(reply.encode("ascii") + b"\r\n")
        return self.said

    def delivers(self) -> bytes:
        """Take what is being handed over."""
        return self.says("250 ok", "250 ok", "354 go", "250 taken")

    def gets(self, another: OutgoingMail) -> bytes:
        """Hand another message over."""
        assert self.session.is_idle
        self.session.hand_over(another)
        assert not self.session.is_idle
        return self.driver.news()


def test_one_message_after_the_other() -> None:
    line = Line(mail("a"))
    assert line.delivers() == b""
    assert line.driver.waiting == Input(2.0, news=True)
    assert line.gets(mail("b")) == b"MAIL FROM:<>\r\n"
    assert line.codes == {}
    assert line.delivers() == b""
    assert line.gets(mail("c")) == b"MAIL FROM:<>\r\n"
    # The third is the last that one connection carries.
    assert line.delivers() == b"QUIT\r\n"
    assert line.decided == [{0: 250}] * 3
    assert not line.session.is_idle


def test_a_transaction_that_came_to_nothing_is_reset() -> None:
    line = Line(mail("a"))
    assert line.says("250 ok", "550 who?") == b""
    assert line.gets(mail("b")) == b"RSET\r\n"
    assert line.says("250 ok") == b"MAIL FROM:<>\r\n"
    assert line.says("450 not now") == b""
    assert line.gets(mail("c")) == b"MAIL FROM:<>\r\n"
    assert line.decided == [{0: 550}, {0: 450}]


def test_nothing_more_to_send() -> None:
    line = Line(mail("a"))
    line.delivers()
    assert line.driver.time_out() == b"QUIT\r\n"
    assert not line.session.is_idle


@pytest.mark.parametrize("leaves", ["end", "shut_down", "speak"])
def test_a_hop_that_leaves_while_nothing_is_sent(leaves: str) -> None:
    line = Line(mail("a"))
    line.delivers()
    {
        "end": line.driver.end,
        "shut_down": line.driver.shut_down,
        "speak": lambda: line.driver.send(b"421 bye\r\n"),
    }[leaves]()
    assert not line.session.is_idle
    assert line.codes == {0: 250}
    assert line.session.outcome.hop_failure is None


def test_a_message_that_meets_a_leaving_hop_wants_another_connection() -> None:
    line = Line(mail("a"))
    line.delivers()
    line.session.hand_over(mail("b"))
    line.driver.end()
    assert line.session.outcome.is_stale
    assert line.decided == [{0: 250}, {}]


@pytest.mark.parametrize("reply", ["421 too many messages", ""])
def test_a_connection_that_was_used_too_often(reply: str) -> None:
    line = Line(mail("a"))
    line.delivers()
    line.gets(mail("b"))
    if reply:
        line.says(reply)
    else:
        line.driver.end()
    assert line.driver.ended
    assert line.session.outcome.is_stale
    assert line.session.outcome.hop_failure is not None


def test_a_fresh_connection_is_not_stale() -> None:
    line = Line(mail("a"))
    line.says("421 busy")
    assert not line.session.outcome.is_stale
    assert line.session.outcome.hop_failure is not None


def test_a_hop_that_has_no_room_gets_the_rest_in_the_next_transaction() -> None:
    line = Line(mail("a", "b", "c"), keywords=PIPELINING)
    assert line.said.count(b"RCPT") == 3
    assert line.says("250 ok", "250 ok", "452 4.5.3 too many", "552 too many") == b"DATA\r\n"
    assert line.says("354 go", "250 taken") == (
        b"MAIL FROM:<>\r\nRCPT TO:<b@two.test>\r\nRCPT TO:<c@two.test>\r\n"
    )
    assert line.says("250 ok", "250 ok", "452 too many") == b"DATA\r\n"
    assert line.says("354 go", "250 taken") == b"MAIL FROM:<>\r\nRCPT TO:<c@two.test>\r\n"
    assert line.says("250 ok", "550 no") == b""
    assert line.codes == {0: 250, 1: 250, 2: 550}


def test_no_room_for_anybody_is_a_refusal_for_now() -> None:
    line = Line(mail("a", "b"), keywords=PIPELINING)
    line.says("250 ok", "452 too many", "452 too many")
    assert line.decided == [{0: 452, 1: 452}]


def test_a_full_mailbox_is_not_asked_again_at_once() -> None:
    line = Line(mail("a", "b"), keywords=PIPELINING)
    assert line.says("250 ok", "250 ok", "452 4.2.2 full") == b"DATA\r\n"
    assert line.says("354 go", "250 taken") == b""
    assert line.codes == {0: 250, 1: 452}


def test_after_a_refused_text_the_rest_begins_anew() -> None:
    line = Line(mail("a", "b"), keywords=PIPELINING)
    assert line.says("250 ok", "250 ok", "452 too many") == b"DATA\r\n"
    assert line.says("451 not now") == b"RSET\r\n"
    assert line.says("250 ok").startswith(b"MAIL")
    assert line.codes == {0: 451}


def test_the_hops_limits_hold() -> None:
    line = Line(mail("a", "b", "c"), keywords=ALL_AT_ONCE)
    assert line.said.count(b"RCPT") == 2
    line.says("250 ok", "250 ok", "250 ok", "354 go")
    assert line.says("250 taken") == b"MAIL FROM:<>\r\nRCPT TO:<c@two.test>\r\n"
    assert line.says("250 ok", "250 ok", "354 go", "250 taken") == b""
    assert line.codes == {0: 250, 1: 250, 2: 250}
    line.gets(mail("d"))
    assert line.delivers() == b"QUIT\r\n"


def test_a_mail_refused_in_the_middle_leaves_nobody_undecided() -> None:
    line = Line(mail("a", "b", "c"), keywords=ALL_AT_ONCE)
    line.says("250 ok", "250 ok", "250 ok", "354 go", "250 taken", "451 enough", "503 order")
    assert line.codes == {0: 250, 1: 250, 2: 451}


def test_defect_452_not_split() -> None:
    line = Line(mail("a", "b"), keywords=PIPELINING, faults=("relay-452-not-split",))
    line.says("250 ok", "250 ok", "452 too many", "354 go")
    assert line.says("250 taken") == b""
    assert line.codes == {0: 250, 1: 452}


def test_silence_ends_the_connection() -> None:
    line = Line(mail("a"))
    line.says("250 ok", "250 ok", "354 go")
    assert line.driver.waiting == Input(600.0, through_shutdown=True)
    line.driver.time_out()
    assert line.codes == {0: 451}
