"""LOGIN: login and password in two messages, each asked for.

No RFC defines it (draft-murchison-sasl-login describes it as obsolete); every submission server has it.
The text of the challenges is for humans and varies, so that only their order counts.
"""

from harness.vocabulary.errors import RemoteProtocolError


class Login:
    """One LOGIN exchange."""

    def __init__(self, login: str, password: str) -> None:
        self._answers = [login.encode(), password.encode()]

    def initial_response(self) -> bytes | None:
        """Return None: the server asks first."""
        return None

    def respond(self, challenge: bytes) -> bytes:
        """Answer the first challenge with the login, the second with the password."""
        if not self._answers:
            raise RemoteProtocolError("two challenges in LOGIN, not a third", challenge)
        return self._answers.pop(0)

    def verify_success(self) -> None:
        """Raise if the server agreed before it had heard the password."""
        if self._answers:
            raise RemoteProtocolError("a challenge for login and one for the password before success", b"")
