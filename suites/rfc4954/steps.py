"""Steps that the AUTH checks share."""

from harness.clients.smtp import SmtpClient
from harness.conformance import Offers, unsupported
from harness.targets import Account, Target
from harness.vocabulary.services import Service
from harness.wire.sasl import encode_base64

AUTH = Offers(Service.SUBMISSION, "AUTH")


def submission(target: Target) -> SmtpClient:
    """A connection to the submission service, under TLS, greeted and hello'd, nobody logged in."""
    return target.smtp(Service.SUBMISSION, tls=True)


def need_plain(peer: SmtpClient) -> None:
    """End the check where PLAIN, which most of the checks speak, is not offered."""
    offered = peer.keywords.get("AUTH", "").upper().split()
    if "PLAIN" not in offered:
        unsupported(f"the server offers no PLAIN under TLS: {' '.join(offered) or 'no AUTH'}")


def need_failures(target: Target, count: int = 1) -> None:
    """End the check where the target file allows no more failed logins."""
    if not all(target.may_fail_login() for _ in range(count)):
        unsupported("the target file allows no more failed logins (limits.failed_logins)")


def plain(account: Account, password: str | None = None) -> bytes:
    """The one message of PLAIN (RFC 4616 §2) in base64."""
    secret = account.password or "" if password is None else password
    return encode_base64(f"\0{account.login}\0{secret}".encode())
