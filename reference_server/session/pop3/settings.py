"""What the sessions of a POP3 listener have in common."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pop3Settings:
    """Limits and time-outs, with the defaults of a public server."""

    hostname: str = "localhost"
    offers_stls: bool = True
    clear_logins: bool = False
    """Whether passwords are taken without TLS (RFC 5034 §4, RFC 8314 §3.2)."""
    idle_timeout_s: float = 600.0
    """RFC 1939 §3: at least 10 minutes."""
    max_failed_logins: int = 3
    """Failed logins after which the session ends."""
    max_bad_commands: int = 100
    """Lines that are no command, before login, after which the session ends."""
