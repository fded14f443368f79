"""What the sessions of an IMAP listener have in common."""

from dataclasses import dataclass, field

from reference_server.codec.imap.framer import BEFORE_LOGIN, Limits


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """Limits and time-outs, with the defaults of a public server."""

    hostname: str = "localhost"
    offers_starttls: bool = True
    clear_logins: bool = False
    """Whether passwords are taken without TLS (RFC 3501 §11.2)."""
    max_message_octets: int = 52_428_800
    max_line_octets: int = 65_536
    """The text of a command without its literals."""
    max_literal_octets: int = 1_048_576
    """All literals of a command that stores no message."""
    before_login: Limits = field(default=BEFORE_LOGIN)
    max_bad_commands: int = 100
    """BAD answers in a row after which the session ends."""
    max_failed_logins: int = 10
    login_timeout_s: float = 180.0
    """How long a client may be silent before it has logged in."""
    idle_timeout_s: float = 1800.0
    """RFC 3501 §5.4: at least 30 minutes."""

    def after_login(self) -> Limits:
        """Return what one command of an authenticated client may be."""
        return Limits(
            self.max_line_octets,
            self.max_literal_octets,
            self.max_message_octets,
            2 * self.max_message_octets + self.max_literal_octets,
        )
