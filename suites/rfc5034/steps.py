"""Steps that the checks of AUTH in POP3 share."""

from harness.clients.pop3 import Pop3Client
from harness.conformance import unsupported
from harness.targets import Account
from harness.wire.sasl import encode_base64

OURS = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
"""The mechanisms that the harness speaks."""


def offered(peer: Pop3Client) -> list[str]:
    """Return the mechanisms that CAPA lists."""
    peer.capa()
    return peer.capabilities.get("SASL", "").upper().split()


def need_mechanism(peer: Pop3Client, mechanism: str) -> None:
    """End the check where the mechanism is not announced."""
    mechanisms = offered(peer)
    if mechanism not in mechanisms:
        unsupported(f"the server offers no {mechanism}: {' '.join(mechanisms) or 'no SASL at all'}")


def plain(account: Account, password: str | None = None) -> str:
    """Return the one message of PLAIN (RFC 4616 §2) in base64."""
    secret = account.password or "" if password is None else password
    return encode_base64(f"\0{account.login}\0{secret}".encode()).decode("ascii")
