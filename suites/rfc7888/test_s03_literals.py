"""RFC 7888 §3, §5: literals that do not wait."""

from hypothesis import strategies as st

from harness.conformance import (
    MUST,
    MUST_NOT,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_ok,
)
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import Continuation, Literal
from suites.imap.talk import IMAP, octets_of
from suites.imap.tampering import During


@requirement(
    "rfc7888/3/non-synchronizing",
    level=MUST,
    needs=IMAP,
    refuted_by=During(b"APPEND SEARCH", Rewrite.from_server(rb"^(?=\S+ OK )", rb"+ go on\r\n")),
    also=["rfc9051/4.3/non-synchronizing-literal"],
)
@given(text=messages.conforming_messages(max_lines=3), word=st.text("ab {}+", max_size=6))
def test_literals_with_a_plus_are_part_of_the_command(target: Target, text: bytes, word: str) -> None:
    """The octets announced by `{n+}`, and the line behind them, belong to the command, without a `+` line."""
    octets = word.encode("ascii")
    with target.imap_mailbox() as box:
        if not (box.client.offers("LITERAL+") or box.client.offers("LITERAL-")):
            unsupported("neither LITERAL+ nor LITERAL- is offered")
        tag = box.client.send_command(
            b"APPEND ", box.name, b" (", rb"\Seen", b") ", Literal(text, synchronizing=False)
        )
        answer = box.client.await_continuation(tag)
        verify(not isinstance(answer, Continuation), expected="no continuation request", actual=answer)
        assert not isinstance(answer, Continuation)
        verify_ok(answer)
        verify_ok(box.client.noop())
        verify_equal("the message", expected=text, actual=octets_of(box.client, 1))
        keys = (
            b"OR SUBJECT ",
            Literal(octets, synchronizing=False),
            b" TEXT ",
            Literal(b"m", synchronizing=False),
        )
        result = box.client.search(keys)
        verify_ok(result)
        verify_equal("what SEARCH with two literals finds", expected=(1,), actual=result.numbers)


@requirement(
    "rfc7888/5/not-both",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"CAPABILITY IMAP4rev1", b"CAPABILITY IMAP4rev1 LITERAL+ LITERAL-"),
)
def test_literal_plus_and_minus_are_not_offered_together(target: Target) -> None:
    """A server offers LITERAL+ or LITERAL-, never both at the same time."""
    with target.imap_mailbox() as box:
        verify_ok(box.client.capability())
        both = {"LITERAL+", "LITERAL-"} & box.client.capabilities
        verify(len(both) < 2, expected="at most one of LITERAL+ and LITERAL-", actual=sorted(both))
