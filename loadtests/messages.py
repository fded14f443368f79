"""The messages of a load run: each has an id in a header field, and is checked when it comes back."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from loadtests.profile_file import Share

ID_FIELD: Final = "X-Mailproof-Id"
_ID = re.compile(
    rb"^X-Mailproof-Id:[ \t]*([0-9a-z]+\.[0-9]+\.[0-9]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_WORDS: Final = (
    b"The quick brown fox jumps over the lazy dog, and the mail goes through.\r\n"
    b"..A line that begins with dots comes back with as many as it had.\r\n"
    b"\r\n"
    b".\r\n"
    b"Trailing spaces stay:   \r\n"
    b"-- \r\n"
    b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012345\r\n"
)
"""A text with what transports get wrong; RFC 5321 §4.5.2 is why the dots."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was made for the run."""

    message_id: str
    """`run nonce . worker . counter`; unique in the run and between runs."""
    octets: bytes

    @property
    def print(self) -> "Fingerprint":
        """What is kept to know it again."""
        return fingerprint(self.octets)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Length and digest of a message as it was sent."""

    length: int
    digest: bytes

    def matches(self, received: bytes) -> bool:
        """Whether `received` ends with exactly what was sent.

        A server adds its trace fields on top and changes nothing below (RFC 5321 §4.4).
        """
        return len(received) >= self.length and fingerprint(received[-self.length :]) == self


def fingerprint(octets: bytes) -> Fingerprint:
    """Return the fingerprint of `octets`."""
    return Fingerprint(len(octets), blake2b(octets, digest_size=12).digest())


def build(message_id: str, *, sender: str, recipient: str, date: str, octets: int) -> Message:
    """Make a message of about `octets` octets (RFC 5322; never less than its header and a line)."""
    head = (
        f"From: Load test <{sender}>\r\n"
        f"To: <{recipient}>\r\n"
        f"Subject: mailproof load {message_id}\r\n"
        f"Date: {date}\r\n"
        f"Message-ID: <{message_id}@load.mailproof.test>\r\n"
        f"{ID_FIELD}: {message_id}\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "\r\n"
        f"{message_id}\r\n"
    ).encode("ascii")
    return Message(message_id, head + _text(octets - len(head)))


def _text(octets: int) -> bytes:
    """Return whole lines of `octets` octets, and up to a line more."""
    if octets <= 0:
        return b""
    times, rest = divmod(octets, len(_WORDS))
    end = _WORDS.find(b"\r\n", max(0, rest - 2)) if rest else -2
    return _WORDS * times + _WORDS[: end + 2]


def find_id(octets: bytes) -> str | None:
    """Return the id in a message or its header, or None if it is not one of ours."""
    header, _, _ = octets.partition(b"\r\n\r\n")
    found = _ID.search(header)
    return None if found is None else found[1].decode("ascii")


def draw(shares: Sequence[Share], random_source: random.Random, most: int | None = None) -> int:
    """Draw from a distribution: a bucket by weight, then log-uniform inside it, not above `most`."""
    (share,) = random_source.choices(shares, [share.weight for share in shares])
    value = int(share.least * (share.most / share.least) ** random_source.random() + 0.5)
    return value if most is None else min(value, most)
