"""The lexical rules of IMAP, read at a moving offset: atoms, strings, numbers, NIL (RFC 9051 §9).

Every method is named after the rule that it reads. It either takes what the rule allows and moves on, or
raises `RemoteProtocolError` at the octet that the rule forbids: no white space is skipped, no case of
missing punctuation forgiven. Where the two revisions differ the union of both is read, since what a server
may send depends on what the client has enabled.
"""

import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from harness.vocabulary.errors import RemoteProtocolError
from harness.vocabulary.imap import LARGEST_NUMBER, LARGEST_NUMBER64

T = TypeVar("T")

Tree = bytes | None | tuple["Tree", ...]
"""Data of a shape that we do not know: an atom or string, NIL, or a parenthesized list of the same."""

DEEPEST_NESTING = 200
"""Our own limit on lists within lists, so that no server can exhaust the stack."""

# ATOM-CHAR       = <any CHAR except atom-specials>
# atom-specials   = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
# list-wildcards  = "%" / "*"     quoted-specials = DQUOTE / "\"     resp-specials = "]"
ATOM_CHAR = rb"!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~"
_ATOM = re.compile(rb"[" + ATOM_CHAR + rb"]+")

# ASTRING-CHAR    = ATOM-CHAR / resp-specials
_ASTRING_ATOM = re.compile(rb"[" + ATOM_CHAR + rb"\]]+")

# tag             = 1*<any ASTRING-CHAR except "+">
_TAG = re.compile(rb"[" + ATOM_CHAR.replace(b"+", b"") + rb"\]]+")

# flag            = "\Answered" / ... / flag-keyword / flag-extension
# flag-extension  = "\" atom          flag-keyword = atom
_FLAG = re.compile(rb"\\?[" + ATOM_CHAR + rb"]+")

# flag-perm       = flag / "\*"
_FLAG_PERM = re.compile(rb"\\\*|\\?[" + ATOM_CHAR + rb"]+")

# quoted          = DQUOTE *QUOTED-CHAR DQUOTE
# QUOTED-CHAR     = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials / UTF8-2 / UTF8-3 / UTF8-4
_QUOTED = re.compile(rb'"([^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*)"')
_QUOTED_START = re.compile(rb'"[^"\\\r\n\x00]*(?:\\["\\][^"\\\r\n\x00]*)*')
_QUOTED_PAIR = re.compile(rb'\\(["\\])')

# literal         = "{" number64 "}" CRLF *CHAR8       ; no "+": that is for the client alone
# literal8        = "~{" number64 "}" CRLF *OCTET
_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n")
_LITERAL8 = re.compile(rb"~\{([0-9]+)\}\r\n")

# number          = 1*DIGIT
_DIGITS = re.compile(rb"[0-9]+")

# text            = 1*(TEXT-CHAR / UTF8-2 / UTF8-3 / UTF8-4)
# TEXT-CHAR       = <any CHAR except CR and LF>
_TEXT = re.compile(rb"[^\r\n\x00]*")

# sequence-set    = (seq-number / seq-range) ["," sequence-set]
SEQUENCE_SET = re.compile(
    rb"(?:[1-9][0-9]*|\*)(?::(?:[1-9][0-9]*|\*))?(?:,(?:[1-9][0-9]*|\*)(?::(?:[1-9][0-9]*|\*))?)*"
)
# uid-set         = (uniqueid / uid-range) *("," uid-set)
UID_SET = re.compile(rb"[1-9][0-9]*(?::[1-9][0-9]*)?(?:,[1-9][0-9]*(?::[1-9][0-9]*)?)*")

# What an extension may put where an atom stands: flags, entry names, ranges.
_TREE_ATOM = re.compile(rb"[\\" + ATOM_CHAR + rb"%*\]]+")

_DQUOTE, _BRACE = b'"{'


class Cursor:
    """An offset into one response, and the rules that move it."""

    __slots__ = ("depth", "octets", "offset")

    def __init__(self, octets: bytes, offset: int = 0) -> None:
        self.octets = octets
        self.offset = offset
        self.depth = 0

    def fail(self, expected: str) -> NoReturn:
        """Raise, with this offset, for the rule that could not be read."""
        raise RemoteProtocolError(expected, self.octets, self.offset)

    # What comes next, without a rule

    def peek(self) -> int:
        """The next octet; -1 at the end."""
        return self.octets[self.offset] if self.offset < len(self.octets) else -1

    def skip(self, octets: bytes) -> bool:
        """Whether exactly `octets` come next; if so they are taken."""
        if self.octets.startswith(octets, self.offset):
            self.offset += len(octets)
            return True
        return False

    def skip_word(self, word: bytes) -> bool:
        """Whether `word` (upper case) comes next in any case, as a whole atom; if so it is taken."""
        end = self.offset + len(word)
        if self.octets[self.offset : end].upper() != word or _ATOM.match(self.octets, end):
            return False
        self.offset = end
        return True

    def expect(self, octets: bytes, expected: str) -> None:
        """Take exactly `octets`."""
        if not self.octets.startswith(octets, self.offset):
            self.fail(expected)
        self.offset += len(octets)

    def take(self, pattern: re.Pattern[bytes], expected: str) -> bytes:
        """Take what `pattern` matches here."""
        found = pattern.match(self.octets, self.offset)
        if found is None:
            self.fail(expected)
        self.offset = found.end()
        return found.group()

    def sp(self) -> None:
        """`SP`: exactly one space."""
        self.expect(b" ", "SP")

    def crlf(self) -> None:
        """`CRLF`, and with it the end of the response."""
        self.expect(b"\r\n", "CRLF")
        if self.offset != len(self.octets):
            self.fail("the end of the response")

    # Atoms

    def atom(self, expected: str = "an atom") -> bytes:
        """`atom = 1*ATOM-CHAR`."""
        return self.take(_ATOM, expected)

    def word(self, expected: str = "an atom") -> bytes:
        """An atom that has no case, in upper case."""
        return self.take(_ATOM, expected).upper()

    def tag(self) -> bytes:
        """`tag = 1*<any ASTRING-CHAR except "+">`."""
        return self.take(_TAG, "a tag")

    def flag(self) -> bytes:
        r"""`flag = "\Answered" / ... / flag-keyword / flag-extension`, as `\Recent` is one."""
        return self.take(_FLAG, "a flag")

    def flag_perm(self) -> bytes:
        r"""`flag-perm = flag / "\*"`."""
        return self.take(_FLAG_PERM, "a flag or \\*")

    # Numbers

    def number(self, expected: str = "a number", largest: int = LARGEST_NUMBER) -> int:
        """`number = 1*DIGIT`, an unsigned integer of 32 bits unless `largest` says otherwise."""
        start = self.offset
        digits = self.take(_DIGITS, expected)
        # A numeral of more than 19 digits is out of range; int() of a million digits would be slow.
        if len(digits.lstrip(b"0")) > 19 or (value := int(digits)) > largest:
            self.offset = start
            self.fail(f"{expected} of at most {largest}")
        return value

    def nz_number(self, expected: str = "a non-zero number", largest: int = LARGEST_NUMBER) -> int:
        """`nz-number = digit-nz *DIGIT`: neither zero nor a leading zero."""
        if self.peek() == 0x30:
            self.fail(expected)
        return self.number(expected, largest)

    def number64(self, expected: str = "a number") -> int:
        """`number64 = 1*DIGIT`, an unsigned integer of 63 bits."""
        return self.number(expected, LARGEST_NUMBER64)

    def mod_sequence(self) -> int:
        """`mod-sequence-value = 1*DIGIT`, positive, of 63 bits (RFC 7162 §7)."""
        return self.nz_number("a mod-sequence", LARGEST_NUMBER64)

    # Strings

    def quoted(self) -> bytes:
        """`quoted = DQUOTE *QUOTED-CHAR DQUOTE`; the value, without the backslashes."""
        found = _QUOTED.match(self.octets, self.offset)
        if found is None:
            if self.peek() == _DQUOTE:
                self.take(_QUOTED_START, "a quoted string")
                self.fail("a QUOTED-CHAR or DQUOTE")
            self.fail("a quoted string")
        value = found.group(1)
        if not value.isascii():
            self._check_utf8(found.start(1), value)
        self.offset = found.end()
        return _QUOTED_PAIR.sub(rb"\1", value) if b"\\" in value else value

    def literal(self) -> bytes:
        """`literal = "{" number64 "}" CRLF *CHAR8`; no NUL."""
        start, value = self._counted(_LITERAL, "a literal")
        if (nul := value.find(0)) >= 0:
            self.offset = start + nul
            self.fail("CHAR8 (no NUL in a literal)")
        return value

    def literal8(self) -> bytes:
        """`literal8 = "~{" number64 "}" CRLF *OCTET`, where a NUL may stand (RFC 9051 §4.3.3)."""
        return self._counted(_LITERAL8, "a literal8")[1]

    def string(self, expected: str = "a string") -> bytes:
        """`string = quoted / literal`."""
        if self.peek() == _DQUOTE:
            return self.quoted()
        if self.peek() != _BRACE:
            self.fail(expected)
        return self.literal()

    def nil(self) -> bool:
        """`nil = "NIL"`; whether it came."""
        return self.skip_word(b"NIL")

    def nstring(self, expected: str = "a string or NIL") -> bytes | None:
        """`nstring = string / nil`."""
        return None if self.nil() else self.string(expected)

    def astring(self, expected: str = "an astring") -> bytes:
        """`astring = 1*ASTRING-CHAR / string`."""
        if self.peek() in (_DQUOTE, _BRACE):
            return self.string(expected)
        return self.take(_ASTRING_ATOM, expected)

    def mailbox(self) -> bytes:
        """`mailbox = "INBOX" / astring`; every case variant of INBOX becomes `INBOX`."""
        name = self.astring("a mailbox name")
        return b"INBOX" if name.upper() == b"INBOX" else name

    def text(self) -> bytes:
        """`[text]`: what is left of the line; RFC 3501 asks for one octet at least, RFC 9051 does not."""
        start = self.offset
        value = self.take(_TEXT, "text")
        if not value.isascii():
            self._check_utf8(start, value)
        return value

    # Compounds

    def spaced(self, item: Callable[[], T]) -> tuple[T, ...]:
        """`"(" [item *(SP item)] ")"`."""
        self.expect(b"(", '"("')
        if self.skip(b")"):
            return ()
        items = [item()]
        while not self.skip(b")"):
            self.expect(b" ", 'SP or ")"')
            items.append(item())
        return tuple(items)

    def nonempty(self, item: Callable[[], T], expected: str) -> tuple[T, ...]:
        """`"(" item *(SP item) ")"`."""
        if self.octets.startswith(b"()", self.offset):
            self.offset += 1
            self.fail(expected)
        return self.spaced(item)

    def flag_list(self) -> tuple[bytes, ...]:
        """`flag-list = "(" [flag *(SP flag)] ")"`."""
        return self.spaced(self.flag)

    def descend(self) -> None:
        """Enter one list more; `ascend` leaves it."""
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            self.fail(f"at most {DEEPEST_NESTING} lists within lists")

    def ascend(self) -> None:
        """Leave the list that `descend` entered."""
        self.depth -= 1

    def tree(self) -> Tree:
        """Any data of an extension that we do not know: `tagged-ext-val`, read generously."""
        match self.peek():
            case 0x28:
                self.descend()
                items = self.spaced(self.tree)
                self.ascend()
                return items
            case 0x22 | 0x7B:
                return self.string()
            case 0x7E if _LITERAL8.match(self.octets, self.offset):
                return self.literal8()
        atom = self.take(_TREE_ATOM, "an atom, a string or a list")
        return None if atom.upper() == b"NIL" else atom

    # Helpers

    def _counted(self, pattern: re.Pattern[bytes], expected: str) -> tuple[int, bytes]:
        found = pattern.match(self.octets, self.offset)
        if found is None:
            self.fail(expected)
        start = found.end()
        end = start + int(found.group(1)) if len(found.group(1)) < 20 else len(self.octets) + 1
        if end > len(self.octets):
            self.fail(f"{expected} of {found.group(1).decode()} octets, all of them")
        self.offset = end
        return start, self.octets[start:end]

    def _check_utf8(self, start: int, value: bytes) -> None:
        try:
            value.decode("utf-8")
        except UnicodeDecodeError as error:
            self.offset = start + error.start
            self.fail("ASCII or well-formed UTF-8")
