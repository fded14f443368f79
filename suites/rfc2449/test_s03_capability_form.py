from hypothesis import strategies as st

from harness.conformance import PROSE, Need, given, requirement, unsupported, verify, verify_ok
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.pop3 import parse_capabilities
from suites.rfc1939.steps import authorizing
from suites.rfc1939.tampering import While


@requirement(
    "rfc2449/3/capability-form",
    level=PROSE,
    needs={Need.POP3},
    refuted_by=While(rb"CAPA", Rewrite.from_server(rb"^(TOP|UIDL)\r\n", b"\\1  now\r\n")),
)
@given(logged_in=st.booleans())
def test_capabilities_have_their_form(target: Target, logged_in: bool) -> None:
    """Each line of CAPA is a tag, and perhaps parameters, with one space between them."""
    with target.account() as account, authorizing(target, account) as peer:
        if logged_in:
            verify_ok(peer.login(account.login, account.password or ""))
        response = peer.capa()
        if not response.ok:
            unsupported("the server has no CAPA")
        malformed = parse_capabilities(response).malformed
        verify(not malformed, expected="lines of capa-tag *(SP param)", actual=malformed)
