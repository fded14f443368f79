from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    SHOULD,
    Need,
    given,
    requirement,
    verify,
    verify_equal,
    verify_reply,
)
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.services import Service
from suites.rfc2033.steps import RETRIEVED, SENDER, deliver


@requirement(
    "rfc2033/5/pipelining",
    level=MUST,
    needs={Service.LMTP, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^250-PIPELINING\r\n", b""),
)
@given(idle=st.lists(st.sampled_from(["NOOP", "RSET"]), max_size=3))
def test_pipelining_is_implemented(target: Target, idle: list[str]) -> None:
    """PIPELINING is announced, and a group of commands is answered one by one, in order."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        verify(
            "PIPELINING" in peer.keywords, expected="PIPELINING among the extensions", actual=peer.keywords
        )
        group = [*idle, f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{mailbox.address}>", "RSET", *idle, "DATA"]
        verify_equal(
            "the classes of the replies, the last to a DATA without recipients",
            expected=[*[2] * (len(group) - 1), 5],
            actual=[reply.code // 100 for reply in peer.pipeline(group)],
        )


@requirement(
    "rfc2033/5/enhanced-status-codes",
    level=MUST,
    needs={Service.LMTP, Need.UNKNOWN_RECIPIENT, Need.RETRIEVE},
    refuted_by=Rewrite.from_server(rb"^(2\d\d )2\.", rb"\g<1>5."),
    also={"rfc2034/4/class-agrees"},
)
def test_enhanced_status_codes_are_implemented(target: Target) -> None:
    """ENHANCEDSTATUSCODES is announced, and every 2yz, 4yz and 5yz reply has a code of its class."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        offered = "ENHANCEDSTATUSCODES" in peer.keywords
        verify(offered, expected="ENHANCEDSTATUSCODES among the extensions", actual=peer.keywords)
        replies = [peer.mail(SENDER), peer.rcpt(mailbox.address), peer.rcpt(target.unknown_address or "")]
        verify_reply(peer.data(), code=354)
        replies += peer.send_text_lmtp(
            messages.compose(b"Hello.\r\n"), sum(reply.is_positive for reply in replies[1:])
        )
        for reply in replies:
            codes = [code.class_ if code else None for code in reply.enhanced_codes]
            verify(
                set(codes) == {reply.code // 100},
                expected=f"a status code of class {reply.code // 100} in every line (RFC 2034 §4)",
                actual=reply.octets,
            )


@requirement(
    "rfc2033/5/8bitmime",
    level=SHOULD,
    needs=RETRIEVED,
    refuted_by=Rewrite.from_server(rb"^250-8BITMIME\r\n", b""),
)
@given(text=messages.text_lines(eight_bit=True, max_lines=4))
def test_8bitmime_is_implemented(target: Target, text: bytes) -> None:
    """8BITMIME is announced, and the octets come through."""
    with target.fresh_mailbox() as mailbox, target.lmtp() as peer:
        verify("8BITMIME" in peer.keywords, expected="8BITMIME among the extensions", actual=peer.keywords)
        deliver(peer, [mailbox.address], messages.compose(text))
        verify_equal("the stored text", expected=text, actual=mailbox.only_message().text)
