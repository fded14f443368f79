"""What the fault proxy tells of its connections."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from harness.peers.faults.conversation import Command

_SHOWN_OCTETS = 72
_WITH_SECRETS = frozenset({b"LOGIN", b"PASS", b"AUTH", b"AUTHENTICATE", b"APOP"})


class Happening(StrEnum):
    """What happened."""

    LISTENING = "listening"
    OPENED = "opened"
    TLS = "tls"
    STRUCK = "struck"
    FAILED = "failed"
    """The proxy could not do its part: no connection to the server, no handshake."""
    ENDED = "ended"
    FAULTS = "faults"
    """Other faults are in force."""


@dataclass(frozen=True, slots=True)
class ProxyEvent:
    """One line of the log."""

    happening: Happening
    text: str = ""
    service: str = ""
    connection: int = 0
    """Counted from 1 over all services."""
    fault: str = ""
    command: str = ""
    """The client's latest, without secrets."""
    at: datetime = field(default_factory=lambda: datetime.now(tz=UTC))

    def as_text(self) -> str:
        """One line for people."""
        who = f"{self.service} #{self.connection} " if self.service else ""
        time = self.at.astimezone().strftime("%H:%M:%S.%f")[:-3]
        if self.happening is Happening.STRUCK:
            where = f"at {self.command}" if self.command else "before any command"
            return f"{time} {who}{self.fault} struck {where}"
        return f"{time} {who}{self.happening}{f': {self.text}' if self.text else ''}"

    def as_table(self) -> dict[str, object]:
        """What is known, by name."""
        known: dict[str, object] = {"at": self.at.isoformat(), "event": str(self.happening)}
        for key in ("service", "connection", "fault", "command", "text"):
            if value := getattr(self, key):
                known[key] = value
        return known

    def as_json(self) -> str:
        """One line for machines."""
        return json.dumps(self.as_table(), ensure_ascii=False)


def shown(command: Command | None) -> str:
    """A command as the log shows it: cut to a line's length, without passwords."""
    if command is None or command.is_greeting:
        return ""
    words = command.words
    if command.verb in _WITH_SECRETS:
        words = command.verb + b" ..." if b" " in words else command.verb
    elif len(words) > _SHOWN_OCTETS:
        words = words[:_SHOWN_OCTETS] + b"..."
    text = b" ".join(filter(None, (command.tag[:20], words))).decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
