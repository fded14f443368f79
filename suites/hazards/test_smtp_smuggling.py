from hypothesis import strategies as st

from harness.conformance import HAZARD, Need, given, requirement, verify, verify_reply
from harness.strategies import hostile
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.services import Service
from suites.rfc5321.steps import SENDER, begin, note

_WITH_NUL = tuple(end for end in hostile.END_OF_DATA_LOOKALIKES if b"\0" in end)
_WITH_BARE_LF = tuple(
    end for end in hostile.END_OF_DATA_LOOKALIKES if b"\n" in end.replace(b"\r\n", b"") and b"\0" not in end
)
_WITH_BARE_CR = tuple(
    end for end in hostile.END_OF_DATA_LOOKALIKES if end not in {*_WITH_NUL, *_WITH_BARE_LF}
)


def smuggle(target: Target, lookalike: bytes) -> None:
    """Send a text that hides a second transaction behind `lookalike`; only one message may come of it."""
    with target.fresh_mailbox() as mailbox:
        with target.smtp() as peer:
            begin(peer, mailbox.address)
            verify_reply(peer.data(), code=354)
            hidden = (
                b"MAIL FROM:<%b>\r\nRCPT TO:<%b>\r\nDATA\r\n" % (SENDER.encode(), mailbox.address.encode())
            ) + note(b"the hidden one\r\n")
            peer.send_raw(note(b"the open one") + lookalike + hidden + b".\r\nQUIT\r\n")
            replies = peer.expect_closed()
        verify(
            len(replies) <= 2,
            expected="one reply to the whole text, and 221 to QUIT",
            actual=[reply.octets for reply in replies],
        )
        mailbox.expect_none(beside=1)


@requirement(
    "hazard/smtp-smuggling-bare-lf",
    level=HAZARD,
    needs={Service.SMTP, Need.RETRIEVE, Need.HOSTILE},
    refuted_by=Fault("smtp-lf-dot-lf"),
)
@given(lookalike=st.sampled_from(_WITH_BARE_LF))
def test_nothing_is_smuggled_behind_bare_lf(target: Target, lookalike: bytes) -> None:
    """A dot between line ends of which one is a bare LF hides no second message."""
    smuggle(target, lookalike)


@requirement(
    "hazard/smtp-smuggling-bare-cr",
    level=HAZARD,
    needs={Service.SMTP, Need.RETRIEVE, Need.HOSTILE},
    refuted_by=Rewrite.from_client(rb"\r+\n?\.\r+\n?(?=MAIL FROM)", b"\r\n.\r\n"),
)
@given(lookalike=st.sampled_from(_WITH_BARE_CR))
def test_nothing_is_smuggled_behind_bare_cr(target: Target, lookalike: bytes) -> None:
    """A dot between line ends of which one has a CR alone hides no second message."""
    smuggle(target, lookalike)


@requirement(
    "hazard/smtp-smuggling-nul",
    level=HAZARD,
    needs={Service.SMTP, Need.RETRIEVE, Need.HOSTILE},
    refuted_by=Rewrite.from_client(rb"\0(?=[.\r])", b""),
)
@given(lookalike=st.sampled_from(_WITH_NUL))
def test_nothing_is_smuggled_behind_nul(target: Target, lookalike: bytes) -> None:
    """A NUL beside the dot is not dropped, so that it hides no second message."""
    smuggle(target, lookalike)
