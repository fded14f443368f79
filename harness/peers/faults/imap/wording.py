"""Faults of the form of commands and responses."""

import re
from collections.abc import Iterable

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
from harness.peers.faults.imap.syntax import is_set, ranges_of
from harness.transport.interpose import Action

_KNOWN = frozenset(
    (
        b"CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE "
        b"UNSUBSCRIBE LIST LSUB STATUS APPEND CHECK CLOSE EXPUNGE SEARCH FETCH STORE COPY UID MOVE IDLE "
        b"NAMESPACE ENABLE ID UNSELECT SORT THREAD COMPRESS"
    ).split()
)
_WITH_NUMBERS = frozenset({b"FETCH", b"STORE", b"COPY", b"MOVE"})
_ODD_TAG = re.compile(rb"[^A-Za-z0-9.]")
_COMMANDS = re.compile(
    rb"(?:[A-Za-z0-9.]+ (?!STARTTLS|AUTHENTICATE)[A-Za-z][^\r\n{]*\r\n){2,}", re.IGNORECASE
)
_SPACES = re.compile(rb"(?<=[^ ]) {2,}(?=[^ ])")


@imap_fault("imap-tag-case")
class TagCase(ImapMediator):
    """The tag comes back with its letter case swapped."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return response.tag.swapcase() + response.octets[len(response.tag) :] if response.is_tagged else None


@imap_fault("imap-tag-atoms-only")
class TagAtomsOnly(ImapMediator):
    """A tag may have letters, digits and dots only."""

    def command(self, command: Command) -> CommandDecision:
        return Answer(command.answer(b"BAD")) if _ODD_TAG.search(command.tag) else None


@imap_fault("imap-verb-case")
class VerbCase(ImapMediator):
    """Commands in lower case are not recognised."""

    def command(self, command: Command) -> CommandDecision:
        verb = command.spoken_verb
        return Answer(command.answer(b"BAD")) if verb != verb.upper() else None


@imap_fault("imap-unknown-command-no")
class UnknownNo(ImapMediator):
    """A command that the server does not know is answered NO."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if command is None or command.verb in _KNOWN or not response.is_tagged or response.word != b"BAD":
            return None
        return response.with_word(b"NO")


@imap_fault("imap-syntax-error-no")
class SyntaxErrorNo(ImapMediator):
    """A known command with wrong arguments is answered NO."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, *_KNOWN) or not response.is_tagged or response.word != b"BAD":
            return None
        return response.with_word(b"NO")


@imap_fault("imap-spaces-forgiven")
class SpacesForgiven(ImapMediator):
    """A space too many between arguments is overlooked."""

    def command(self, command: Command) -> CommandDecision:
        if b'"' in command.octets or b"{" in command.octets:
            return None
        return _SPACES.sub(b" ", command.octets)


@imap_fault("imap-set-zero-is-one")
class ZeroIsOne(ImapMediator):
    """The number 0 in a sequence set is taken for 1."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb not in _WITH_NUMBERS or not command.words:
            return None
        numbers, *rest = command.words
        return command.with_words([re.sub(rb"(?<![0-9])0+(?![0-9])", b"1", numbers), *rest])


@imap_fault("imap-seq-descending")
class Descending(ImapMediator):
    """A descending range (4:2) is answered BAD."""

    def command(self, command: Command) -> CommandDecision:
        descends = any(
            first.isdigit() and last.isdigit() and int(first[:11]) > int(last[:11])
            for word in command.words
            if is_set(word)
            for first, last in ranges_of(word)
        )
        return Answer(command.answer(b"BAD")) if descends else None


@imap_fault("imap-number-beyond-ok")
class NumberBeyondOk(ImapMediator):
    """A message number greater than the number of messages is OK, and nothing."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, *_WITH_NUMBERS) or command.uid or not response.refused or not command.words:
            return None
        ends = [end for ends in ranges_of(command.words[0]) for end in ends]
        beyond = any(int(end[:11]) > self.exists if end.isdigit() else not self.exists for end in ends)
        return response.with_word(b"OK") if beyond else None


@imap_fault("imap-pipelined-swapped")
class Swapped(ImapMediator):
    """Of commands that come together the last is carried out first."""

    def from_client(self, octets: bytes) -> Iterable[Action]:
        """Turn round what comes in one piece."""
        if not self.in_literal and _COMMANDS.fullmatch(octets):
            octets = b"".join(reversed(octets.splitlines(keepends=True)))
        return super().from_client(octets)


@imap_fault("imap-segment-is-command")
class SegmentIsCommand(ImapMediator):
    """What comes in one segment is taken for a whole command line."""

    def from_client(self, octets: bytes) -> Iterable[Action]:
        """End the line where the segment ends."""
        if octets and not self.in_literal and not octets.endswith(b"\n"):
            octets += b"\r\n"
        return super().from_client(octets)


@imap_fault("imap-tagged-without-text")
class TaggedWithoutText(ImapMediator):
    """The tagged OK of NOOP has no text behind it."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return response.tag + b" OK\r\n" if response.ok and during(command, b"NOOP") else None


@imap_fault("imap-literal-empty-refused")
class EmptyLiteralRefused(ImapMediator):
    """A literal of no octets is answered BAD instead of asked for."""

    def command(self, command: Command) -> CommandDecision:
        return Answer(command.answer(b"BAD")) if re.search(rb"\{0+\}\r\n", command.octets) else None


@imap_fault("imap-literal-plus-asked-for")
class LiteralPlusAskedFor(ImapMediator):
    """LITERAL+ is offered, and `+` said to a literal that does not wait for it."""

    def command(self, command: Command) -> CommandDecision:
        for _ in re.findall(rb"\{[0-9]+\+\}\r\n", command.octets):
            self.say(b"+ go ahead\r\n")
        return None


@imap_fault("imap-literal-plus-and-minus")
class LiteralPlusAndMinus(ImapMediator):
    """LITERAL+ and LITERAL- are both offered."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"CAPABILITY" and response.code[:1] != [b"CAPABILITY"]:
            return None
        return re.sub(rb"(?i) LITERAL[+-]", b" LITERAL+ LITERAL-", response.octets, count=1)


@imap_fault("imap-expunge-unadjusted")
class ExpungeUnadjusted(ImapMediator):
    """EXPUNGE numbers are the original ones, ascending, not renumbered."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word == b"EXPUNGE" and response.number is not None and command is not None:
            self._original.append(self._before(response.number))
            return b""
        told = b"".join(b"* %d EXPUNGE\r\n" % number for number in sorted(self._original))
        if response.is_tagged:
            self._original.clear()
            return told + response.octets
        return None

    def _before(self, number: int) -> int:
        """The number that a message had before all that was removed in this command."""
        for gone in sorted(self._original):
            number += gone <= number
        return number

    def _begin(self) -> None:
        super()._begin()
        self._original: list[int] = []
