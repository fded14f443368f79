"""Replies: written by the server's side, read by its sending side (RFC 5321 §4.2, RFC 2034)."""

import re
from dataclasses import dataclass

from reference_server.codec.smtp.limits import REPLY_LINE_OCTETS


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: code, enhanced status code (empty for none), and its lines of text."""

    code: int
    enhanced: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        words = " ".join(self.lines)
        return f"{self.code} {self.enhanced} {words}" if self.enhanced else f"{self.code} {words}"

    @property
    def is_positive(self) -> bool:
        """Whether what was asked is done (2yz)."""
        return 200 <= self.code < 300

    @property
    def is_permanent(self) -> bool:
        """Whether asking again would bring the same refusal (5yz)."""
        return self.code >= 500


def reply(code: int, enhanced: str, *lines: str, utf8: bool = False) -> bytes:
    """Encode a reply; each line carries the code and the enhanced code (RFC 2034 §4).

    Characters outside ASCII are only in replies where the client asked for them (RFC 6531 §3.7.4).
    """
    prefix = f"{enhanced} " if enhanced else ""
    last = len(lines) - 1
    return b"".join(
        f"{code}{' ' if number == last else '-'}{prefix}{line}"[: REPLY_LINE_OCTETS - 2].encode(
            "utf-8" if utf8 else "ascii", "replace"
        )
        + b"\r\n"
        for number, line in enumerate(lines)
    )


class ReplyError(ValueError):
    """What the server sent is no reply."""


# Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?: |$)")
_LINE_CAP = 8192
_REPLY_CAP = 65_536


def take_reply(inbox: bytearray) -> Reply | None:
    """Take one whole reply off the front of `inbox`; None while it is incomplete.

    A line that ends in a bare LF is taken too: this side is the client, and must get the mail through.
    """
    lines: list[bytes] = []
    start = 0
    while (end := inbox.find(b"\n", start)) >= 0:
        line = bytes(inbox[start:end]).removesuffix(b"\r")
        found = _REPLY_LINE.fullmatch(line)
        if found is None:
            raise ReplyError(f"no reply: {line[:80]!r}")
        lines.append(found[3] or b"")
        start = end + 1
        if found[2] != b"-":
            del inbox[:start]
            return _reply_of(int(found[1]), lines)
    if len(inbox) > _REPLY_CAP or len(inbox) - start > _LINE_CAP:
        raise ReplyError("a reply without an end")
    return None


def _reply_of(code: int, lines: list[bytes]) -> Reply:
    enhanced = ""
    found = _ENHANCED.match(lines[0])
    if found and found[1][:1] == b"%d" % (code // 100):
        enhanced = found[1].decode("ascii")
        lines = [line.removeprefix(found[1]).lstrip(b" ") for line in lines]
    return Reply(code, enhanced, tuple(line.decode("ascii", "replace") for line in lines))
