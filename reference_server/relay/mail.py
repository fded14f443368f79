"""What a message in the queue carries besides its octets: how it came, and what its sender wants to hear.

Both are passed on to the next hop as they were received, or answered for here (RFC 3461 §5.2, RFC 6152 §3,
RFC 3030 §3, RFC 6531 §3.6).
"""

import re
from dataclasses import dataclass

from reference_server.codec.smtp.path import Mailbox, ReversePath
from reference_server.mda.fields import header_of


@dataclass(frozen=True, slots=True)
class Terms:
    """The parameters of MAIL that go with a message."""

    body: str | None = None
    """BODY= in upper case; None where it was not given."""
    smtputf8: bool = False
    ret: str | None = None
    """RET= in upper case: FULL or HDRS."""
    envid: str | None = None
    """ENVID=, decoded."""


PLAIN = Terms()
"""Nothing was asked for."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """A recipient with the parameters of their RCPT."""

    mailbox: Mailbox
    notify: frozenset[str] | None = None
    """NOTIFY= (RFC 3461 §4.1); None where it was not given, which is not the same as any value."""
    orcpt: str | None = None
    """ORCPT=, `type;address`, decoded."""

    @property
    def wants_failure(self) -> bool:
        """Whether the sender is told of a failure (RFC 3461 §5.2.6)."""
        return self.notify is None or "FAILURE" in self.notify

    @property
    def wants_delay(self) -> bool:
        """Whether the sender may be told of a delay (RFC 3461 §5.2.5)."""
        return self.notify is None or "DELAY" in self.notify

    @property
    def wants_success(self) -> bool:
        """Whether the sender is told of success (RFC 3461 §5.2.2, §5.2.3)."""
        return self.notify is not None and "SUCCESS" in self.notify


def notify_of(text: str | None) -> frozenset[str] | None:
    """Read what `write_notify` wrote, None where nothing was given."""
    return None if text is None else frozenset(text.split(",")) - {""}


_PART_HEADERS = re.compile(rb"^--[^\r\n]+\r\n((?:[^\r\n]+\r\n)+)", re.MULTILINE)
"""What follows a line that may be a boundary (RFC 2046 §5.1.1)."""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What is to be handed over."""

    reverse_path: ReversePath
    recipients: tuple[Addressee, ...]
    octets: bytes
    terms: Terms = PLAIN

    @property
    def is_eight_bit(self) -> bool:
        """Whether the hop must offer 8BITMIME (RFC 6152 §3)."""
        return not self.octets.isascii()

    @property
    def is_binary(self) -> bool:
        """Whether the hop must offer BINARYMIME (RFC 3030 §3).

        A message that was declared so and has only lines of 7 or 8 bit may still name `binary` as the
        encoding of a part, which no other body type may hold (RFC 2045 §6.2).
        """
        return self.terms.body == "BINARYMIME"

    @property
    def has_utf8_header(self) -> bool:
        """Whether a header, be it that of a part, holds more than ASCII (RFC 6532 §3)."""
        if self.octets.isascii():
            return False
        headers = (header_of(self.octets), *_PART_HEADERS.findall(self.octets))
        return not all(header.isascii() for header in headers)
