"""Faults of APPEND, STORE, COPY, MOVE and EXPUNGE."""

import re

from harness.peers.faults.imap.mediator import (
    Answer,
    Asked,
    Command,
    CommandDecision,
    ImapMediator,
    Response,
    ResponseDecision,
    during,
    imap_fault,
)
from harness.peers.faults.imap.syntax import (
    LARGEST,
    inner,
    items_of,
    listed,
    literal,
    numbers_of,
    ranges_of,
    set_of,
    string_of,
)

_DATE_TIME = re.compile(rb' "[^"]*-[^"]*:[^"]*"(?= [~{]|\Z)')
_LITERAL_AT_END = re.compile(rb"(~?\{)([0-9]+)([+-]?\}\r\n)")


def _uids_code(response: Response, name: bytes) -> list[bytes]:
    """UIDVALIDITY and UIDs of an APPENDUID or COPYUID code."""
    code = response.code
    return code[1:] if code[:1] == [name] else []


# APPEND


@imap_fault("imap-append-flags-lost")
class AppendFlagsLost(ImapMediator):
    """APPEND ignores the flag list."""

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        if command.verb != b"APPEND" or len(pieces) < 2 or pieces[1][:1] != b"(":
            return None
        return command.octets.replace(b" " + pieces[1], b"", 1)


@imap_fault("imap-append-date-lost")
class AppendDateLost(ImapMediator):
    """APPEND ignores the date."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"APPEND":
            return None
        head, brace, message = command.octets.partition(b"{")
        return _DATE_TIME.sub(b"", head + b"{")[:-1] + brace + message if brace else None


@imap_fault("imap-append-seen")
class AppendSeen(ImapMediator):
    r"""A message that was appended without flags is \Seen."""

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        if command.verb != b"APPEND" or len(pieces) < 2 or (pieces[1][:1] == b"(" and inner(pieces[1])):
            return None
        rest = command.octets.partition(b" " + pieces[0])[2].removeprefix(b" ()")
        return command.octets.partition(b" " + pieces[0])[0] + b" " + pieces[0] + rb" (\Seen)" + rest


@imap_fault("imap-append-adds-line-end")
class AppendAddsLineEnd(ImapMediator):
    """APPEND adds a CRLF to the message."""

    whole = frozenset({b"APPEND"})

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        if command.verb != b"APPEND" or len(pieces) < 2 or b"{" not in pieces[-1][:2]:
            return None
        return command.with_words([*pieces[:-1], literal(string_of(pieces[-1]) + b"\r\n")])


@imap_fault("imap-append-creates")
class AppendCreates(ImapMediator):
    """APPEND to a mailbox that does not exist creates it."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"APPEND" and command.words:
            yield b"CREATE " + command.words[0]
        return None


class _NoTrycreate(ImapMediator):
    verb = b""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if during(command, self.verb) and response.code[:1] == [b"TRYCREATE"]:
            return response.with_code(b"")
        return None


@imap_fault("imap-append-no-trycreate")
class AppendNoTrycreate(_NoTrycreate):
    """APPEND to a mailbox that does not exist is refused without [TRYCREATE]."""

    verb = b"APPEND"


@imap_fault("imap-copy-no-trycreate")
class CopyNoTrycreate(_NoTrycreate):
    """COPY to a mailbox that does not exist is refused without [TRYCREATE]."""

    verb = b"COPY"


@imap_fault("imap-move-no-trycreate")
class MoveNoTrycreate(_NoTrycreate):
    """MOVE to a mailbox that does not exist is refused without [TRYCREATE]."""

    verb = b"MOVE"


@imap_fault("imap-appenduid-off1")
class AppenduidOff1(ImapMediator):
    """APPENDUID names the next UID, not the one assigned."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        match _uids_code(response, b"APPENDUID"):
            case [validity, uid] if uid.isdigit():
                return response.with_code(b"APPENDUID %b %d" % (validity, int(uid) + 1))
        return None


# STORE


@imap_fault("imap-store-adds-by-replacing")
class StoreReplaces(ImapMediator):
    """STORE +FLAGS replaces the flags."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"STORE":
            return None
        return command.with_words([re.sub(rb"(?i)^\+(?=FLAGS)", b"", word) for word in command.words])


@imap_fault("imap-store-silent-told")
class StoreSilentTold(ImapMediator):
    """STORE .SILENT is answered by FETCH responses."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"STORE":
            return None
        return command.with_words([re.sub(rb"(?i)(?<=FLAGS)\.SILENT\Z", b"", word) for word in command.words])


@imap_fault("imap-store-untold")
class StoreUntold(ImapMediator):
    """STORE without .SILENT is not answered by FETCH responses."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"FETCH" and during(command, b"STORE") else None


# COPY


@imap_fault("imap-copy-flags-lost")
class CopyFlagsLost(ImapMediator):
    """COPY does not preserve flags: for its time the originals have none."""

    def _begin(self) -> None:
        super()._begin()
        self._flags: dict[bytes, list[tuple[bytes, bytes]]] = {}

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"COPY" or self.read_only or len(command.words) < 2:
            return None
        way, numbers = (b"UID " if command.uid else b""), command.words[0]
        found = yield way + b"FETCH " + numbers + b" FLAGS"
        self._flags[command.tag] = _flags_by_number(found)
        if self._flags[command.tag]:
            yield way + b"STORE " + numbers + b" FLAGS.SILENT ()"
        return None

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.is_tagged and during(command, b"COPY") and self._flags.get(command.tag):
            return self._put_back(self._flags.pop(command.tag))
        return None

    def _put_back(self, flags: list[tuple[bytes, bytes]]) -> ResponseDecision:
        for number, value in flags:
            yield b"STORE " + number + b" FLAGS.SILENT " + value
        return None


def _flags_by_number(asked: Asked) -> list[tuple[bytes, bytes]]:
    found = []
    for each in asked.responses:
        items = dict(items_of(each.rest)) if each.word == b"FETCH" else {}
        if each.number is not None and b"FLAGS" in items:
            kept = listed(flag for flag in inner(items[b"FLAGS"]) if flag.upper() != rb"\RECENT")
            found.append((b"%d" % each.number, kept))
    return found


@imap_fault("imap-copy-date-lost")
class CopyDateLost(ImapMediator):
    """A copy has the moment of the COPY for its internal date."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"COPY" or len(command.words) < 2:
            return None
        numbers, name = command.words[:2]
        found = yield (b"UID " if command.uid else b"") + b"FETCH " + numbers + b" (FLAGS BODY.PEEK[])"
        for each in found.responses:
            items = dict(items_of(each.rest)) if each.word == b"FETCH" else {}
            if b"BODY[]" not in items or b"FLAGS" not in items:
                continue
            flags = listed(flag for flag in inner(items[b"FLAGS"]) if flag.upper() != rb"\RECENT")
            text = literal(string_of(items[b"BODY[]"]))
            added = yield b"APPEND " + name + b" " + flags + b" " + text
            if not added.ok:
                return None
        return Answer(command.answer(b"OK", b"copied")) if found.ok and found.responses else None


@imap_fault("imap-copy-twice")
class CopyTwice(ImapMediator):
    """COPY adds each message twice."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return self._again(command) if response.ok and during(command, b"COPY") else None

    def _again(self, command: Command) -> ResponseDecision:
        yield (b"UID COPY " if command.uid else b"COPY ") + command.arguments
        return None


@imap_fault("imap-copy-failed-leaves-some")
class FailedCopyLeaves(ImapMediator):
    """A COPY that fails leaves the copies that it had made."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        failed = during(command, b"COPY") and not command.uid and response.refused
        return self._some(command) if failed and command is not None and len(command.words) > 1 else None

    def _some(self, command: Command) -> ResponseDecision:
        ends = [end for ends in ranges_of(command.words[0]) for end in ends]
        there = [number for number in numbers_of(command.words[0], self.exists) if b"%d" % number in ends]
        if there:
            yield b"COPY " + set_of(there[:1]) + b" " + command.words[1]
        return None


@imap_fault("imap-copyuid-misordered")
class CopyuidMisordered(ImapMediator):
    """COPYUID names the originals in descending order beside the copies in ascending order."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        match _uids_code(response, b"COPYUID"):
            case [validity, source, copies] if during(command, b"COPY"):
                turned = set_of(reversed(numbers_of(source, LARGEST)))
                return response.with_code(b"COPYUID %b %b %b" % (validity, turned, copies))
        return None


# MOVE


@imap_fault("imap-move-leaves-source")
class MoveLeaves(ImapMediator):
    """MOVE leaves the messages in the source."""

    def command(self, command: Command) -> CommandDecision:
        return command.with_verb(b"UID COPY" if command.uid else b"COPY") if command.verb == b"MOVE" else None


@imap_fault("imap-move-sets-deleted")
class MoveSetsDeleted(ImapMediator):
    r"""A message that was moved has \Deleted."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"MOVE" and command.words:
            way = b"UID STORE " if command.uid else b"STORE "
            yield way + command.words[0] + rb" +FLAGS.SILENT (\Deleted)"
        return None


@imap_fault("imap-move-expunge-untold")
class MoveExpungeUntold(ImapMediator):
    """MOVE sends no EXPUNGE responses."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"EXPUNGE" and during(command, b"MOVE") else None


@imap_fault("imap-move-no-copyuid")
class MoveNoCopyuid(ImapMediator):
    """UID MOVE does not tell the UIDs of the moved messages."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.code[:1] != [b"COPYUID"] or not during(command, b"MOVE"):
            return None
        return response.with_code(b"") if response.is_tagged else b""


# EXPUNGE


@imap_fault("imap-expunge-leaves-last")
class ExpungeLeavesLast(ImapMediator):
    r"""EXPUNGE leaves the last message with \Deleted."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"EXPUNGE" and not command.uid:
            found = yield b"SEARCH DELETED"
            if found.numbers:
                yield rb"STORE %d -FLAGS.SILENT (\Deleted)" % max(found.numbers)
        return None


@imap_fault("imap-uid-expunge-all")
class UidExpungeAll(ImapMediator):
    r"""UID EXPUNGE removes every message with \Deleted."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"EXPUNGE" and command.uid:
            return command.tag + b" EXPUNGE\r\n"
        return None


# What is told of changes


@imap_fault("imap-exists-append-off1")
class ExistsOff1(ImapMediator):
    """EXISTS sent while APPEND runs is one too high."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"EXISTS" or response.number is None or not during(command, b"APPEND"):
            return None
        return response.with_number(response.number + 1)


@imap_fault("imap-append-exists-late")
class ExistsLate(ImapMediator):
    """APPEND to the selected mailbox is told only when the next command is completed."""

    _late = b""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if during(command, b"APPEND"):
            if response.word in {b"EXISTS", b"RECENT"}:
                self._late += response.octets
                return b""
            return None
        if response.is_tagged and self.selected is not None and self._late:
            late, self._late = self._late, b""
            return late + response.octets
        return None


@imap_fault("imap-noop-no-exists")
class NoopNoExists(ImapMediator):
    """New mail is never reported by NOOP and CHECK."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word not in {b"EXISTS", b"RECENT"}:
            return None
        return b"" if command is None or during(command, b"NOOP", b"CHECK") else None


@imap_fault("imap-noop-no-flags")
class NoopNoFlags(ImapMediator):
    """NOOP does not tell the flags that others have changed."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"FETCH" and (command is None or during(command, b"NOOP")) else None


@imap_fault("imap-noop-no-expunge")
class NoopNoExpunge(ImapMediator):
    """NOOP does not tell the messages that others have removed, nor does anything later."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"EXPUNGE" and (command is None or during(command, b"NOOP")) else None


@imap_fault("imap-exists-shrinks")
class ExistsShrinks(ImapMediator):
    """NOOP tells a removed message by an EXISTS that is lower than before."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"EXPUNGE" or not during(command, b"NOOP"):
            return None
        return b"* %d EXISTS\r\n" % self.exists


@imap_fault("imap-expunge-during-fetch")
class ExpungeDuringFetch(ImapMediator):
    """EXPUNGE is told while FETCH, STORE and SEARCH are answered."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb in {b"FETCH", b"STORE", b"SEARCH"} and self.selected is not None:
            yield b"NOOP"
        return None
