"""What a SASL exchange is to the protocol that carries it, and which ones there are."""

from collections.abc import Callable
from typing import Protocol

from harness.vocabulary.errors import LocalProtocolError
from harness.wire.sasl.login import Login
from harness.wire.sasl.plain import Plain
from harness.wire.sasl.scram import ScramSha256


class Exchange(Protocol):
    """The client's side of one authentication; octets are plain, base64 is the carrier's matter."""

    def initial_response(self) -> bytes | None:
        """Return what the client says first; None where the server speaks first."""
        ...

    def respond(self, challenge: bytes) -> bytes:
        """Return the answer to a challenge; raises `RemoteProtocolError` at one that cannot come here."""
        ...

    def verify_success(self) -> None:
        """Raise `RemoteProtocolError` if the server may not claim success yet, not having proved itself."""
        ...


MECHANISMS: dict[str, Callable[[str, str], Exchange]] = {
    "PLAIN": Plain,
    "LOGIN": Login,
    "SCRAM-SHA-256": ScramSha256,
}
"""By IANA name: a function of login and password."""


def begin_exchange(mechanism: str, login: str, password: str) -> Exchange:
    """Return a fresh exchange of `mechanism`."""
    if mechanism not in MECHANISMS:
        raise LocalProtocolError(f"SASL mechanism {mechanism!r} is not among {', '.join(MECHANISMS)}")
    return MECHANISMS[mechanism](login, password)
