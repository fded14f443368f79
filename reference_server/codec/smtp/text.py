"""The text of DATA: where it ends, what it may not hold, and the dots (RFC 5321 §2.3.8, §4.1.1.4, §4.5.2).

Everything works on whole buffers with C-speed scans: a message is scanned once for `LF .`, which finds the
terminator and tells whether any line was stuffed, and once for stray CR or LF.
"""

import re

_LF_DOT = re.compile(rb"\n\.")
_CR_WITHOUT_LF = re.compile(rb"\r[^\n]")
_NO_LINE_END = bytes(octet for octet in range(256) if octet not in b"\r\n")
_LOOSE_END = re.compile(rb"\n\.\r?\n")


class TextReader:
    """Finds the end of one text in a buffer that grows, however it is cut into pieces.

    The buffer starts with the first octet after the CRLF of the DATA command. Only CRLF.CRLF ends the data;
    nothing else does, whatever the line ends look like.
    """

    __slots__ = ("_loose", "_position", "discarded", "stuffed")

    def __init__(self, *, loose: bool = False) -> None:
        self._position = 0
        """Up to here the buffer holds neither the terminator nor an unseen stuffed line."""
        self._loose = loose
        """The seeded defect: LF ends lines too, and so LF.LF ends the data."""
        self.stuffed = False
        """Whether a line of the text starts with a dot."""
        self.discarded = 0
        """Octets that were dropped because the text is too long already."""

    def find_end(self, buffer: bytearray) -> int | None:
        """Return the length of the text without its terminator, or None while it is incomplete.

        What ends the text is `buffer[end:end + 3]` (dot, CR, LF); the text keeps the CRLF of its last line.
        """
        if self._loose:
            return self._find_loose_end(buffer)
        position = self._position
        if position == 0 and self.discarded == 0 and buffer.startswith(b"."):
            # The CRLF of the DATA line is the one before a dot at the very start.
            if buffer.startswith(b".\r\n"):
                return 0
            if len(buffer) < 3 and b".\r\n".startswith(buffer):
                return None
            self.stuffed = True
        length = len(buffer)
        for found in _LF_DOT.finditer(buffer, position):
            dot = found.end() - 1
            if buffer[dot - 2 : dot - 1] == b"\r":
                if length < dot + 3:
                    # The end may be split over two reads: look at this dot again.
                    self._position = dot - 1
                    return None
                if buffer[dot + 1] == 0x0D and buffer[dot + 2] == 0x0A:
                    return dot
            self.stuffed = True
        self._position = max(position, length - 1)
        return None

    def _find_loose_end(self, buffer: bytearray) -> int | None:
        if buffer.startswith((b".\r\n", b".\n")):
            return 0
        self.stuffed = True
        found = _LOOSE_END.search(buffer)
        return None if found is None else found.start() + 1

    def discard(self, buffer: bytearray) -> None:
        """Drop what is known not to be the terminator, keeping what its start could be."""
        surplus = max(0, min(self._position, len(buffer)) - 2)
        del buffer[:surplus]
        self._position -= surplus
        self.discarded += surplus


def end_length(buffer: bytearray, end: int) -> int:
    """Return the octets of the terminator's own line at `end`: dot and its line end."""
    return 3 if buffer[end + 1 : end + 3] == b"\r\n" else 2


def has_stray_line_ends(text: bytes) -> bool:
    """Whether a CR or LF stands alone (RFC 5321 §2.3.8: they MUST NOT)."""
    if _CR_WITHOUT_LF.search(text):
        return True
    line_ends = text.translate(None, _NO_LINE_END)
    return line_ends != b"\r\n" * (len(line_ends) // 2)


def unstuff(text: bytes) -> bytes:
    """Delete the first dot of every line that starts with one (RFC 5321 §4.5.2)."""
    if text.startswith(b"."):
        text = text[1:]
    return text.replace(b"\r\n.", b"\r\n")


def stuff(text: bytes) -> bytes:
    """Double the first dot of every line that starts with one (RFC 5321 §4.5.2)."""
    if text.startswith(b"."):
        text = b"." + text
    return text.replace(b"\r\n.", b"\r\n..")


def is_eight_bit(text: bytes) -> bool:
    """Whether an octet above 127 occurs."""
    return not text.isascii()
