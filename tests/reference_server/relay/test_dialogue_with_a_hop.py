"""The sending side's dialogue, against replies that are written down."""

import pytest
from driver import Driver

from reference_server.codec.smtp.path import Mailbox
from reference_server.defects import Defects
from reference_server.relay.dialogue import Outcome, OutgoingSession, OutgoingSettings
from reference_server.relay.mail import Addressee, OutgoingMail
from reference_server.session.base import Arrival, Flush, Input, Peer, StartTls

TEXT = b"Subject: x\r\n\r\n.dot\r\nlast\r\n"
PLAIN = b"250-mx\r\n250 SIZE 100000\r\n"
PIPELINING = b"250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000\r\n"


class Hop:
    """A next hop whose replies the test gives, and what it was told."""

    def __init__(
        self,
        *names: str,
        text: bytes = TEXT,
        sender: bool = True,
        faults: tuple[str, ...] = (),
        tls: bool = True,
        idle_s: float = 0.0,
        max_messages: int = 100,
    ) -> None:
        self.session = OutgoingSession(
            Peer("192.0.2.1", 25, secure=False),
            mail=OutgoingMail(
                Mailbox("alice", "one.test") if sender else None,
                tuple(Addressee(Mailbox(name, "two.test")) for name in names or ("bob",)),
                text,
            ),
            settings=OutgoingSettings("mail.one.test", idle_s=idle_s, max_messages=max_messages),
            defects=Defects(faults),
            use_tls=tls,
        )
        self.driver = Driver(self.session, None)  # type: ignore[arg-type]

    def says(self, octets: bytes) -> bytes:
        return self.driver.send(octets)

    def greets(self, keywords: bytes = PLAIN) -> bytes:
        """Greet and answer EHLO; what comes next."""
        assert self.says(b"220 mx ready\r\n") == b"EHLO mail.one.test\r\n"
        return self.says(keywords)

    @property
    def outcome(self) -> Outcome:
        return self.session.outcome

    @property
    def codes(self) -> dict[int, int]:
        return {number: reply.code for number, reply in self.outcome.replies.items()}


def test_step_by_step() -> None:
    hop = Hop()
    assert hop.greets() == b"MAIL FROM:<alice@one.test> SIZE=%d\r\n" % len(TEXT)
    assert hop.says(b"250 ok\r\n") == b"RCPT TO:<bob@two.test>\r\n"
    assert hop.says(b"250 ok\r\n") == b"DATA\r\n"
    assert hop.says(b"354 go\r\n") == b"Subject: x\r\n\r\n..dot\r\nlast\r\n.\r\n"
    assert hop.says(b"250 2.0.0 taken\r\n") == b"QUIT\r\n"
    assert hop.says(b"221 bye\r\n") == b""
    assert hop.driver.ended
    assert hop.codes == {0: 250}
    assert hop.outcome.hop_failure is None


def test_one_transaction_pipelined() -> None:
    hop = Hop("bob", "carol", "dave", sender=False)
    assert hop.greets(PIPELINING) == (
        b"MAIL FROM:<> SIZE=%d\r\nRCPT TO:<bob@two.test>\r\nRCPT TO:<carol@two.test>\r\n"
        b"RCPT TO:<dave@two.test>\r\n" % len(TEXT)
    )
    assert hop.says(b"250 ok\r\n250 ok\r\n550 5.1.1 who?\r\n45") == b""
    assert hop.says(b"1 4.7.1 later\r\n") == b"DATA\r\n"
    hop.says(b"354 go\r\n")
    hop.says(b"250 taken\r\n")
    assert hop.codes == {0: 250, 1: 550, 2: 451}


def test_no_recipient_is_accepted() -> None:
    hop = Hop("bob", "carol")
    hop.greets(PIPELINING)
    assert hop.says(b"250 ok\r\n550 no\r\n450 later\r\n") == b"QUIT\r\n"
    assert hop.codes == {0: 550, 1: 450}


@pytest.mark.parametrize("code", [450, 550])
def test_mail_is_refused(code: int) -> None:
    for keywords in (PLAIN, PIPELINING):
        hop = Hop("bob", "carol")
        hop.greets(keywords)
        answers = b"%d no\r\n" % code + (b"503 order\r\n503 order\r\n" if keywords is PIPELINING else b"")
        assert hop.says(answers) == b"QUIT\r\n"
        assert hop.codes == {0: code, 1: code}


@pytest.mark.parametrize(
    ("reply", "code"), [(b"354 what\r\n", 354), (b"452 full\r\n", 452), (b"554 no\r\n", 554)]
)
def test_the_reply_to_the_dot_counts_for_all_accepted(reply: bytes, code: int) -> None:
    hop = Hop("bob", "carol")
    hop.greets(PIPELINING)
    hop.says(b"250 ok\r\n250 ok\r\n250 ok\r\n")
    hop.says(b"354 go\r\n")
    assert hop.says(reply) == b"QUIT\r\n"
    assert hop.codes == {0: code, 1: code}


@pytest.mark.parametrize(
    ("reply", "code"), [(b"250 odd\r\n", 451), (b"451 no\r\n", 451), (b"554 no\r\n", 554)]
)
def test_data_is_refused(reply: bytes, code: int) -> None:
    hop = Hop()
    hop.greets()
    hop.says(b"250 ok\r\n")
    hop.says(b"250 ok\r\n")
    assert hop.says(reply) == b"QUIT\r\n"
    assert hop.codes == {0: code}


def test_helo_where_ehlo_is_unknown() -> None:
    hop = Hop()
    assert hop.greets(b"502 what?\r\n") == b"HELO mail.one.test\r\n"
    assert hop.says(b"250 hello\r\n") == b"MAIL FROM:<alice@one.test>\r\n"


@pytest.mark.parametrize(
    "greeting", [b"554 go away\r\n", b"421 busy\r\n", b"220 x\r\n-no reply\r\n", b"hello\r\n", b"250 hm\r\n"]
)
def test_a_hop_of_no_use(greeting: bytes) -> None:
    hop = Hop()
    hop.says(greeting)
    assert hop.driver.ended
    assert hop.outcome.hop_failure is not None
    assert hop.codes == {}


@pytest.mark.parametrize("arrival", [Arrival.END, Arrival.TIMEOUT, Arrival.SHUTDOWN])
def test_a_hop_that_falls_silent_before_the_text(arrival: Arrival) -> None:
    hop = Hop()
    hop.greets()
    {
        Arrival.END: hop.driver.end,
        Arrival.TIMEOUT: hop.driver.time_out,
        Arrival.SHUTDOWN: hop.driver.shut_down,
    }[arrival]()
    assert hop.driver.ended
    assert hop.outcome.hop_failure is not None
    assert not hop.outcome.hop_failure.is_permanent


def test_silence_after_the_dot_is_not_tried_elsewhere() -> None:
    hop = Hop()
    hop.greets()
    hop.says(b"250 ok\r\n")
    hop.says(b"250 ok\r\n")
    hop.says(b"354 go\r\n")
    assert hop.driver.waiting == Input(600.0, through_shutdown=True)
    hop.driver.end()
    assert hop.codes == {0: 451}


def test_421_in_the_middle_leaves_the_others_undecided() -> None:
    hop = Hop("bob", "carol")
    hop.greets()
    hop.says(b"250 ok\r\n")
    hop.says(b"550 no\r\n")
    hop.says(b"421 closing\r\n")
    assert hop.driver.ended
    assert hop.outcome.hop_failure is not None
    assert hop.outcome.hop_failure.code == 421


def test_starttls_when_offered() -> None:
    hop = Hop()
    assert hop.greets(b"250-mx\r\n250 STARTTLS\r\n") == b"STARTTLS\r\n"
    assert hop.says(b"220 go\r\n250-injected\r\n") == b"EHLO mail.one.test\r\n"
    assert isinstance(hop.driver.effects[-2], StartTls)
    assert hop.session.is_encrypted
    assert hop.says(b"250 mx\r\n") == b"MAIL FROM:<alice@one.test>\r\n"


def test_tls_is_opportunistic() -> None:
    refused = Hop()
    refused.greets(b"250-mx\r\n250 STARTTLS\r\n")
    assert refused.says(b"454 not now\r\n") == b"MAIL FROM:<alice@one.test>\r\n"
    broken = Hop()
    broken.greets(b"250-mx\r\n250 STARTTLS\r\n")
    broken.driver.tls_succeeds = False
    broken.says(b"220 go\r\n")
    assert broken.driver.ended
    assert broken.outcome.tls_failed
    without = Hop(tls=False)
    assert without.greets(b"250-mx\r\n250 STARTTLS\r\n").startswith(b"MAIL")


def test_8_bit_text_only_where_it_is_taken() -> None:
    eight = Hop(text=b"\xff\r\n")
    assert b" BODY=8BITMIME\r\n" in eight.greets(PIPELINING)
    seven = Hop(text=b"\xff\r\n")
    assert seven.greets(PLAIN) == b"QUIT\r\n"
    assert (seven.codes, seven.outcome.replies[0].enhanced) == ({0: 554}, "5.6.3")


def test_a_message_that_is_too_large_is_not_sent() -> None:
    hop = Hop(text=b"x" * 50)
    assert hop.greets(b"250-mx\r\n250 SIZE 49\r\n") == b"QUIT\r\n"
    assert hop.codes == {0: 552}
    assert Hop(text=b"x" * 50).greets(b"250-mx\r\n250 SIZE 0\r\n").startswith(b"MAIL")


def test_552_to_rcpt_once_meant_too_many() -> None:
    hop = Hop("a", "b")
    hop.greets(PIPELINING)
    hop.says(b"250 ok\r\n552 too many\r\n552 5.2.2 full\r\n")
    assert hop.codes == {0: 452, 1: 552}


def test_a_long_text_leaves_in_slices_and_ends_with_a_line() -> None:
    hop = Hop(text=b"x" * 200_000)
    hop.greets(PLAIN.replace(b"100000", b"900000"))
    hop.says(b"250 ok\r\n")
    hop.says(b"250 ok\r\n")
    assert hop.says(b"354 go\r\n") == b"x" * 200_000 + b"\r\n.\r\n"
    assert sum(isinstance(effect, Flush) for effect in hop.driver.effects) == 3


def test_defect_dots_unstuffed() -> None:
    hop = Hop(faults=("relay-dots-unstuffed",))
    hop.greets()
    hop.says(b"250 ok\r\n")
    hop.says(b"250 ok\r\n")
    assert b"\r\n.dot\r\n" in hop.says(b"354 go\r\n")


def test_the_outcome_is_known_before_quit_is_answered() -> None:
    hop = Hop()
    decided: list[dict[int, int]] = []
    hop.session.on_decided = lambda: decided.append(hop.codes)
    hop.greets()
    hop.says(b"250 ok\r\n")
    hop.says(b"250 ok\r\n")
    hop.says(b"354 go\r\n")
    assert decided == []
    assert hop.says(b"250 taken\r\n") == b"QUIT\r\n"
    assert decided == [{0: 250}]


def test_a_hop_that_is_lost_within_the_text_has_nothing() -> None:
    hop = Hop(text=b"Subject: x\r\n\r\n" + b"x\r\n" * 25_000)
    hop.driver.lost = True
    hop.greets()
    hop.says(b"250 ok\r\n")
    hop.says(b"250 ok\r\n")
    hop.says(b"354 go\r\n")
    assert hop.driver.ended
    assert hop.codes == {}
    assert hop.outcome.hop_failure is not None
    assert hop.outcome.hop_failure.code == 451
