from harness.conformance import MUST, Need, requirement, verify, verify_ok
from harness.targets import Target
from harness.transport.tamper import Rewrite
from suites.rfc1939.steps import authorizing
from suites.rfc1939.tampering import After, While
from suites.rfc5034.steps import need_mechanism, plain


@requirement(
    "rfc5034/3/sasl-after-login",
    level=MUST,
    needs={Need.POP3},
    refuted_by=After(rb"AUTH", While(rb"CAPA", Rewrite.from_server(rb"^SASL[^\r]*\r\n", b""))),
)
def test_sasl_is_announced_after_login(target: Target) -> None:
    """CAPA lists SASL also after AUTH has been completed."""
    with target.account() as account, authorizing(target, account) as peer:
        need_mechanism(peer, "PLAIN")
        verify_ok(peer.command(f"AUTH PLAIN {plain(account)}"))
        peer.capa()
        verify("SASL" in peer.capabilities, expected="SASL in CAPA", actual=" ".join(peer.capabilities))
