"""What a notification says of one recipient (RFC 3464 §2.3)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reference_server.codec.smtp.reply import Reply
from reference_server.relay.mail import Addressee


class Action(StrEnum):
    """What was done for a recipient (RFC 3464 §2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    """It is in their mailbox."""
    RELAYED = "relayed"
    """It went to a hop that tells nobody about success."""
    EXPANDED = "expanded"
    """It went on to the several addresses of an alias."""


@dataclass(frozen=True, slots=True)
class Report:
    """One recipient's fields."""

    addressee: Addressee
    action: Action
    reply: Reply
    """What was said last; its code gives the status where it has no enhanced one."""
    remote_host: str | None = None
    """The next hop that said so; None where this server found out by itself."""
    retry_until: datetime | None = None
    """For `DELAYED`: when it is given up (RFC 3464 §2.3.9)."""

    @property
    def status(self) -> str:
        """The status code (RFC 3464 §2.3.4, RFC 3463).

        A transient failure that never passed has failed for good, and what was relayed has succeeded.
        """
        reply = self.reply
        match self.action:
            case Action.FAILED:
                first, unknown = "5", "5.0.0" if reply.is_permanent else "5.4.7"
            case Action.DELAYED:
                first, unknown = "4", "4.0.0"
            case _:
                first, unknown = "2", "2.0.0"
        return first + reply.enhanced[1:] if reply.enhanced else unknown


DELIVERED = Reply(250, "2.1.5", ("delivered",))
EXPANDED = Reply(250, "2.1.5", ("delivered to an alias, and passed on to its addresses",))
