from hypothesis import strategies as st

from harness.conformance import MUST, Need, given, requirement, unsupported, verify_equal, verify_ok
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.pop3 import MAX_COMMAND_OCTETS
from suites.rfc1939.steps import authorizing, need_user
from suites.rfc1939.tampering import While


@requirement(
    "rfc2449/4/command-length",
    level=MUST,
    needs={Need.POP3},
    refuted_by=While(rb"USER m{123}", Rewrite.from_client(rb"\A(USER m{100})(m+\r\n)", rb"\1\r\n\2")),
)
@given(octets=st.integers(48, MAX_COMMAND_OCTETS))
def test_commands_may_be_long(target: Target, octets: int) -> None:
    """A command of up to 255 octets has its one response, and the session goes on."""
    with authorizing(target) as peer:
        if not peer.capa().ok:
            unsupported("the server has no CAPA")
        need_user(peer)
        peer.user("m" * (octets - len("USER \r\n")))
        verify_ok(peer.quit(), "QUIT has no restrictions")
        verify_equal("responses after that to QUIT", expected=[], actual=peer.expect_closed())
