"""Faults of SEARCH and SORT."""

import re
from abc import ABC, abstractmethod
from datetime import date, timedelta

from harness.peers.faults.imap.mediator import (
    Answer,
    Command,
    CommandDecision,
    ImapMediator,
    Response,
    ResponseDecision,
    during,
    imap_fault,
)
from harness.peers.faults.imap.program import Key, all_of, changed, keys_of, split_program
from harness.peers.faults.imap.syntax import inner, is_set, listed, ranges_of, string_of
from harness.vocabulary.imap import MONTHS

_DATE = re.compile(rb'"?([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})"?')
_QUOTED = re.compile(rb'"(?:\\.|[^"\\])*"', re.DOTALL)


class _OtherProgram(ImapMediator, ABC):
    """A server that takes some keys for others."""

    whole = frozenset({b"SEARCH"})

    @abstractmethod
    def key(self, key: Key) -> Key:
        """Say what a key is taken for; the keys in it were changed before."""

    def program(self, keys: list[Key]) -> list[Key]:
        """Say which of the keys beside each other count."""
        return keys

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"SEARCH":
            return None
        before, program = split_program(command.arguments)
        return command.with_words([*before, changed(self.program(keys_of(program)), self.key)])


@imap_fault("imap-search-not")
class NotIgnored(_OtherProgram):
    """SEARCH ignores NOT."""

    def key(self, key: Key) -> Key:
        return key.keys[0] if key.name == b"NOT" and key.keys else key


@imap_fault("imap-search-or-is-and")
class OrIsAnd(_OtherProgram):
    """OR demands both of its keys."""

    def key(self, key: Key) -> Key:
        return all_of(*key.keys) if key.name == b"OR" else key


@imap_fault("imap-search-first-key-only")
class FirstKeyOnly(_OtherProgram):
    """Of several keys beside each other only the first counts."""

    def program(self, keys: list[Key]) -> list[Key]:
        return keys[:1]

    def key(self, key: Key) -> Key:
        return all_of(*key.keys[:1]) if key.word == b"(" else key


@imap_fault("imap-search-before-inclusive")
class BeforeInclusive(_OtherProgram):
    """BEFORE finds the messages of that very day too."""

    def key(self, key: Key) -> Key:
        if key.name != b"BEFORE" or not key.arguments or (found := _DATE.fullmatch(key.arguments[0])) is None:
            return key
        month = found.group(2).title()
        if month not in MONTHS:
            return key
        try:
            day = date(int(found.group(3)), MONTHS.index(month) + 1, int(found.group(1))) + timedelta(1)
        except (ValueError, OverflowError):
            return key
        return Key(key.word, (b"%d-%b-%04d" % (day.day, MONTHS[day.month - 1], day.year),))


@imap_fault("imap-search-larger-inclusive")
class LargerInclusive(_OtherProgram):
    """LARGER finds the messages of that very size too."""

    def key(self, key: Key) -> Key:
        if key.name == b"LARGER" and key.arguments and key.arguments[0].isdigit() and int(key.arguments[0]):
            return Key(key.word, (b"%d" % (int(key.arguments[0]) - 1),))
        return key


@imap_fault("imap-search-unkeyword-is-keyword")
class UnkeywordIsKeyword(_OtherProgram):
    """UNKEYWORD finds what KEYWORD does."""

    def key(self, key: Key) -> Key:
        return Key(b"KEYWORD", key.arguments) if key.name == b"UNKEYWORD" else key


@imap_fault("imap-search-text-body-only")
class TextIsBody(_OtherProgram):
    """TEXT does not look into the header."""

    def key(self, key: Key) -> Key:
        return Key(b"BODY", key.arguments) if key.name == b"TEXT" else key


@imap_fault("imap-search-star-not-last")
class StarNotLast(_OtherProgram):
    """The last message is not in a set that ends in `*`."""

    def key(self, key: Key) -> Key:
        if not is_set(key.word) or not self.exists:
            return key
        ranges = [
            (first, last if last != b"*" else b"%d" % max(1, self.exists - 1))
            for first, last in ranges_of(key.word)
            if (first, last) != (b"*", b"*")
        ]
        return Key(b",".join(first + b":" + last for first, last in ranges)) if ranges else Key(b"NOT ALL")


@imap_fault("imap-search-escapes-kept")
class EscapesKept(ImapMediator):
    """The backslash that escapes a character of a quoted string is taken for part of it."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"SEARCH" or b"{" in command.octets:
            return None
        return _QUOTED.sub(lambda found: found.group().replace(b"\\", b"\\\\\\"), command.octets)


@imap_fault("imap-search-trailing-sp")
class TrailingSpace(ImapMediator):
    """An empty SEARCH response has a space behind its word."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return response.with_rest(b"") if response.word == b"SEARCH" and not response.rest else None


@imap_fault("imap-search-empty-silent")
class EmptySilent(ImapMediator):
    """SEARCH that finds nothing has no untagged response."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"SEARCH" and not response.rest else None


@imap_fault("imap-search-charset-bad")
class CharsetBad(ImapMediator):
    """SEARCH in an unknown charset is BAD, not NO."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if during(command, b"SEARCH") and response.is_tagged and response.word == b"NO":
            return response.with_code(b"").replace(b" NO ", b" BAD ", 1)
        return None


@imap_fault("imap-search-us-ascii-refused")
class UsAsciiRefused(ImapMediator):
    """CHARSET US-ASCII is not supported."""

    def command(self, command: Command) -> CommandDecision:
        pieces = [string_of(word).upper() for word in command.words]
        if command.verb == b"SEARCH" and b"CHARSET" in pieces[:3] and b"US-ASCII" in pieces[:4]:
            return Answer(command.answer(b"NO", b"[BADCHARSET (UTF-8)] which charset?"))
        return None


@imap_fault("imap-uid-search-numbers")
class UidSearchNumbers(ImapMediator):
    """UID SEARCH names the messages by their numbers."""

    def command(self, command: Command) -> CommandDecision:
        return command.with_verb(b"SEARCH") if command.verb == b"SEARCH" and command.uid else None


@imap_fault("imap-esearch-no-tag")
class EsearchNoTag(ImapMediator):
    """An ESEARCH response does not say which command it answers."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"ESEARCH":
            return None
        pieces = [word for word in response.words if word[:5].upper() != b"(TAG "]
        return response.with_rest(b" ".join(pieces)) if pieces else b"* ESEARCH\r\n"


@imap_fault("imap-esearch-count-off1")
class EsearchCount(ImapMediator):
    """COUNT of an ESEARCH response is one too high."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"ESEARCH":
            return None
        return re.sub(rb"(?<= COUNT )[0-9]+", lambda found: b"%d" % (int(found.group()) + 1), response.octets)


@imap_fault("imap-sort-reverse-ignored")
class ReverseIgnored(ImapMediator):
    """SORT ignores REVERSE."""

    whole = frozenset({b"SORT"})

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        if command.verb != b"SORT" or not pieces:
            return None
        place = 2 if pieces[0].upper() == b"RETURN" else 0
        if len(pieces) <= place:
            return None
        pieces[place] = listed(word for word in inner(pieces[place]) if word.upper() != b"REVERSE")
        return command.with_words(pieces)


@imap_fault("imap-sort-second-ignored")
class SecondCriterionIgnored(ImapMediator):
    """SORT goes by its first criterion only."""

    whole = frozenset({b"SORT"})

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        if command.verb != b"SORT" or not pieces or pieces[0][:1] != b"(":
            return None
        criteria = inner(pieces[0])
        first = 2 if criteria[:1] and criteria[0].upper() == b"REVERSE" else 1
        return command.with_words([listed(criteria[:first]), *pieces[1:]])
