from hypothesis import strategies as st

from harness.conformance import MUST, given, requirement, verify_reply
from harness.targets import Target
from suites.rfc4954.steps import AUTH, need_plain, plain, submission
from suites.rfc5321.tampering import Forged


@requirement(
    "rfc4954/5/mail-parameter",
    level=MUST,
    needs={AUTH},
    refuted_by=Forged(rb"MAIL .*> AUTH=", reply=b"555 5.5.4 AUTH is not known\r\n"),
)
@given(value=st.sampled_from(["<>", "e+3Dmc2@client.mailproof.test", "user@client.mailproof.test"]))
def test_mail_takes_the_auth_parameter(target: Target, value: str) -> None:
    """Where AUTH is announced, MAIL takes AUTH=, null or a mailbox in xtext."""
    with target.account() as account, submission(target) as peer:
        need_plain(peer)
        verify_reply(peer.command(b"AUTH PLAIN " + plain(account)), code=235)
        reply = peer.mail(account.address, f"AUTH={value}")
        verify_reply(reply, code=250, why="the AUTH extension is announced")
