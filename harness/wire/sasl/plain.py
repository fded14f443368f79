"""PLAIN: login and password in one message (RFC 4616)."""

from harness.vocabulary.errors import LocalProtocolError, RemoteProtocolError


class Plain:
    """One PLAIN exchange; `authorization_identity` asks to act as another user."""

    def __init__(self, login: str, password: str, authorization_identity: str = "") -> None:
        # message = [authzid] UTF8NUL authcid UTF8NUL passwd          ; RFC 4616 §2
        parts = (authorization_identity, login, password)
        if any("\0" in part for part in parts):
            raise LocalProtocolError("PLAIN cannot carry a NUL in login or password (RFC 4616 §2)")
        self._message = "\0".join(parts).encode()
        self._said = False

    def initial_response(self) -> bytes | None:
        """Return the only message."""
        self._said = True
        return self._message

    def respond(self, challenge: bytes) -> bytes:
        """Answer the empty challenge that stands for "go ahead" where no initial response was sent."""
        if challenge or self._said:
            raise RemoteProtocolError("no challenge but an empty first one in PLAIN (RFC 4616 §2)", challenge)
        self._said = True
        return self._message

    def verify_success(self) -> None:
        """Return: PLAIN proves nothing about the server; TLS does."""
