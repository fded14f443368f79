from hypothesis import strategies as st

from harness.conformance import MUST, PROSE, Need, given, requirement, verify, verify_equal, verify_ok
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc1939.steps import contents, filled, notes
from suites.rfc1939.tampering import While


@requirement(
    "rfc1939/3/status-in-upper-case",
    level=MUST,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"NOOP", Rewrite.from_server(rb"\A\+OK", b"+Ok")),
)
@given(
    lines=st.lists(
        st.sampled_from(["NOOP", "STAT", "RSET", "LIST 1", "LIST 9", "DELE 1", "DELE 9", "TOP", "XYZZ"]),
        min_size=1,
        max_size=8,
    )
)
def test_the_status_is_in_upper_case(target: Target, lines: list[str]) -> None:
    """Every response begins with `+OK` or `-ERR`, and is one line of at most 512 octets."""
    with filled(target, notes(1)) as (_, peer):
        for line in [*lines, "NOOP"]:
            response = peer.command(line)
            verify(
                response.octets.startswith((b"+OK", b"-ERR")),
                expected="+OK or -ERR",
                actual=response.octets,
            )
        verify_ok(peer.rset())


@requirement(
    "rfc1939/3/byte-stuffed",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"RETR", Rewrite.from_server(rb"^\.\.", b".")),
)
@given(text=messages.text_lines(leading_dots=True, max_lines=8))
def test_lines_that_begin_with_dots_survive_retr(target: Target, text: bytes) -> None:
    """Whatever lines of a message begin with dots, or are a dot, RETR gives them as they are."""
    message = messages.compose(text)
    with filled(target, [message]) as (_, peer):
        verify_equal("what RETR gives", expected=[message], actual=contents(peer))
        verify_ok(peer.noop())


@requirement(
    "rfc1939/3/multi-line-end",
    level=PROSE,
    needs={Need.EMPTY_MAILDROP},
    refuted_by=While(rb"LIST|UIDL|RETR", Rewrite.from_server(rb"^\.\r\n\Z", b".\r\n.\r\n")),
)
@given(count=st.integers(0, 3), ending=st.sampled_from([b"", b"last line", b"\r\n\r\n", b".\r\n", b"..\r\n"]))
def test_multi_line_responses_end_once(target: Target, count: int, ending: bytes) -> None:
    """LIST, UIDL and RETR end at one line with a dot, of however few messages and however they end."""
    with filled(target, [message + ending for message in notes(count)]) as (_, peer):
        numbers = list(peer.list())
        verify_equal("the numbers in LIST", expected=list(range(1, count + 1)), actual=numbers)
        verify_ok(peer.noop())
        if peer.command("UIDL", multiline=True).ok:
            verify_ok(peer.noop())
        for number in numbers:
            body = peer.retr(number).body
            # An unfinished last line can only be sent with a CRLF.
            finished = ending if ending.endswith(b"\r\n") or not ending else ending + b"\r\n"
            verify(body.endswith(b"\r\n" + finished), expected=f"a message with {finished!r}", actual=body)
            verify_ok(peer.noop())
