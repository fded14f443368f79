"""The words of a command, read from left to right (RFC 3501 §9).

A `CommandReader` stands on the text of one command. Literals are not part of that text: where the grammar
meets `{n}` and CRLF, the octets come from the list beside it. So no octet of a literal is ever taken for
syntax, and one regular expression per word is enough.
"""

import re
from typing import Final

MAX_NUMBER: Final = 0xFFFFFFFF
"""`number` is an unsigned 32-bit integer (RFC 3501 §9)."""

# atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
_ATOM: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
# ASTRING-CHAR = ATOM-CHAR / resp-specials
_ASTRING: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
# list-char = ATOM-CHAR / list-wildcards / resp-specials
_LIST_MAILBOX: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
# tag = 1*<any ASTRING-CHAR except "+">
_TAG: Final = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
# QUOTED-CHAR, and octets above 7F, which RFC 9051 §4.3 allows as UTF-8
_QUOTED: Final = re.compile(rb'"((?:[^\x00\r\n"\\]|\\["\\])*)"')
_ESCAPED: Final = re.compile(rb"\\(.)")
# literal = "{" number "}" CRLF *CHAR8; "~" in front (RFC 3516), "+" behind the number (RFC 7888)
_LITERAL: Final = re.compile(rb"~?\{[0-9]+\+?\}\r\n")
_NUMBER: Final = re.compile(rb"[0-9]+")
_FLAG: Final = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_PRINTABLE: Final = re.compile(rb'[^\x00-\x1f\x7f"\\\r\n]*')


class Garbled(Exception):
    """The command breaks the grammar; the answer is BAD with this text (RFC 3501 §7.1.3)."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


class CommandReader:
    """One command, and how far it has been read."""

    __slots__ = ("at", "literals", "taken", "text")

    def __init__(self, text: bytes, literals: list[bytes], at: int = 0) -> None:
        self.text = text
        self.literals = literals
        self.at = at
        self.taken = 0
        """How many of the literals have been read."""

    # -- single characters -------------------------------------------------------------------------------

    def sp(self) -> None:
        """Read the one space that stands between arguments."""
        if self.text[self.at : self.at + 1] != b" ":
            raise Garbled(b"Expected a space before the next argument")
        self.at += 1

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.at != len(self.text):
            raise Garbled(b"Unexpected text after the last argument")

    def ended(self) -> bool:
        """Whether the whole command has been read."""
        return self.at == len(self.text)

    def follows(self, octets: bytes) -> bool:
        """Whether `octets` come next; nothing is read."""
        return self.text.startswith(octets, self.at)

    def skip(self, octets: bytes) -> bool:
        """Read `octets` if they come next, and say whether they did."""
        if self.text.startswith(octets, self.at):
            self.at += len(octets)
            return True
        return False

    def expect(self, octets: bytes) -> None:
        """Read `octets`, which the grammar demands here."""
        if not self.skip(octets):
            raise Garbled(b"Expected '%s'" % octets)

    # -- words ---------------------------------------------------------------------------------------------

    def match(self, pattern: re.Pattern[bytes], what: bytes) -> bytes:
        """Read what `pattern` finds here; `what` names it in the BAD."""
        found = pattern.match(self.text, self.at)
        if found is None:
            raise Garbled(b"Expected " + what)
        self.at = found.end()
        return found[0]

    def tag(self) -> bytes:
        """Read the command's tag, which ends at a space or with the command."""
        found = _TAG.match(self.text)
        if found is None or self.text[found.end() : found.end() + 1] not in (b"", b" "):
            raise Garbled(b"Expected a tag")
        self.at = found.end()
        return found[0]

    def atom(self) -> bytes:
        """Read an atom as it came."""
        return self.match(_ATOM, b"an atom")

    def keyword(self) -> bytes:
        """Read an atom that is compared without case; upper case."""
        return self.match(_ATOM, b"a keyword").upper()

    def number(self) -> int:
        """Read an unsigned 32-bit number."""
        digits = self.match(_NUMBER, b"a number")
        if len(digits) > 20 or (value := int(digits)) > MAX_NUMBER:
            raise Garbled(b"A number is larger than 32 bits")
        return value

    def nz_number(self) -> int:
        """Read a number that is not zero and has no leading zero."""
        if self.follows(b"0") or not (value := self.number()):
            raise Garbled(b"Expected a number from 1")
        return value

    def astring(self) -> bytes:
        """Read an atom-like word, a quoted string or a literal."""
        found = _ASTRING.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            return found[0]
        return self.string()

    def string(self) -> bytes:
        """Read a quoted string or a literal."""
        found = _QUOTED.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            inner = found[1]
            return _ESCAPED.sub(rb"\1", inner) if b"\\" in inner else inner
        return self.literal()

    def nstring(self) -> bytes | None:
        """Read a string, or NIL for None."""
        if self.text[self.at : self.at + 3].upper() == b"NIL":
            self.at += 3
            return None
        return self.string()

    def literal(self, *, nul: bool = False) -> bytes:
        """Read a literal; NUL octets belong into a literal8 only (CHAR8, RFC 3501 §9)."""
        found = _LITERAL.match(self.text, self.at)
        if found is None:
            raise Garbled(b"Expected a string")
        binary = self.text.startswith(b"~", self.at)
        octets = self.literals[self.taken]
        if not nul and (binary or b"\x00" in octets):
            raise Garbled(b"A literal must not hold NUL")
        self.at = found.end()
        self.taken += 1
        return octets

    def list_mailbox(self) -> bytes:
        """Read the pattern of LIST, in which wildcards need no quotes."""
        found = _LIST_MAILBOX.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            return found[0]
        return self.string()

    def flag(self) -> bytes:
        r"""Read a flag or keyword as it came; `\*` is not one."""
        return self.match(_FLAG, b"a flag")

    def flag_list(self) -> tuple[bytes, ...]:
        """Read `(flag flag ...)`."""
        self.expect(b"(")
        flags: list[bytes] = []
        if not self.follows(b")"):
            flags.append(self.flag())
            while self.skip(b" "):
                flags.append(self.flag())
        self.expect(b")")
        return tuple(flags)

    def date_quoted(self) -> bytes:
        """Read what stands between two double quotes, for a date with time."""
        self.expect(b'"')
        inner = self.match(_PRINTABLE, b"a date")
        self.expect(b'"')
        return inner
