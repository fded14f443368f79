"""Faults of CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB and STATUS."""

import re

from harness.peers.faults.imap.mediator import (
    Answer,
    Asked,
    Command,
    CommandDecision,
    ImapMediator,
    OnTheSide,
    Response,
    ResponseDecision,
    during,
    imap_fault,
)
from harness.peers.faults.imap.syntax import astring, inner, listed, mailbox_key, string_of

_NAMING_ONE = frozenset(
    (b"SELECT EXAMINE DELETE RENAME SUBSCRIBE UNSUBSCRIBE STATUS APPEND").split(),
)
_SHIFTED = re.compile(rb"&[^-]+-")
_DEFAULT_SEPARATOR = b"/"


def _separator(asked: Asked) -> bytes:
    """The hierarchy separator that LIST tells."""
    for each in asked.responses:
        if each.word == b"LIST" and len(each.words) > 1:
            return string_of(each.words[1])
    return _DEFAULT_SEPARATOR


def _names(asked: Asked) -> list[bytes]:
    """The names that LIST tells."""
    return [string_of(each.words[-1]) for each in asked.responses if each.word == b"LIST" and each.words]


@imap_fault("imap-inbox-case")
class InboxCase(ImapMediator):
    """INBOX is matched case-sensitively."""

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        place = {b"COPY": 1, b"MOVE": 1}.get(command.verb, 0 if command.verb in _NAMING_ONE else -1)
        if place < 0 or len(pieces) <= place:
            return None
        name = string_of(pieces[place])
        if name == b"INBOX" or name.upper() != b"INBOX":
            return None
        pieces[place] = b"no-" + name
        return command.with_words(pieces)


@imap_fault("imap-create-extant-ok")
class CreateExtantOk(ImapMediator):
    """CREATE of a name that exists is answered OK."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"CREATE" or not command.words:
            return None
        name = mailbox_key(command.words[0])
        found = yield b'LIST "" ' + astring(name)
        exists = name == b"INBOX" or name in _names(found)
        return Answer(command.answer(b"OK")) if exists else None


@imap_fault("imap-create-trailing-separator-nothing")
class TrailingSeparatorNothing(ImapMediator):
    """CREATE of a name that ends in the hierarchy separator is answered OK, and nothing is created."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"CREATE" or not command.words:
            return None
        separator = _separator((yield b'LIST "" ""'))
        trailing = string_of(command.words[0]).endswith(separator)
        return Answer(command.answer(b"OK")) if trailing else None


@imap_fault("imap-create-superiors-missing")
class SuperiorsMissing(ImapMediator):
    """CREATE of a deep name is refused where the level above it is missing."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"CREATE" or not command.words:
            return None
        separator = _separator((yield b'LIST "" ""'))
        superior, between, _ = string_of(command.words[0]).rstrip(separator).rpartition(separator)
        if not between:
            return None
        found = yield b'LIST "" ' + astring(superior)
        return None if superior in _names(found) else Answer(command.answer(b"NO", b"no level above it"))


@imap_fault("imap-create-utf7-unchecked")
class Utf7Unchecked(ImapMediator):
    """CREATE takes a name with wrong modified UTF-7."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if during(command, b"CREATE") and response.refused and command.arguments.count(b"&"):
            return command.answer(b"OK", b"made")
        return None


@imap_fault("imap-list-utf7-lower-case")
class Utf7LowerCase(ImapMediator):
    """LIST tells the shifted part of a name in lower case."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word not in {b"LIST", b"LSUB"}:
            return None
        return _SHIFTED.sub(lambda found: found.group().lower(), response.octets)


@imap_fault("imap-delete-inbox-ok")
class DeleteInboxOk(ImapMediator):
    """DELETE of INBOX is answered OK, and nothing comes of it."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"DELETE" and command.words and mailbox_key(command.words[0]) == b"INBOX":
            return Answer(command.answer(b"OK"))
        return None


@imap_fault("imap-delete-keeps")
class DeleteKeeps(ImapMediator):
    """DELETE is answered OK, and the mailbox stays."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return (
            self._made_again(command)
            if response.ok and during(command, b"DELETE") and command.words
            else None
        )

    def _made_again(self, command: Command) -> ResponseDecision:
        yield b"CREATE " + command.words[0]
        return None


@imap_fault("imap-delete-takes-inferiors")
class DeleteTakesInferiors(ImapMediator):
    """DELETE removes the mailboxes below the name too."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb != b"DELETE" or not command.words:
            return None
        separator = _separator((yield b'LIST "" ""'))
        found = yield b'LIST "" ' + astring(string_of(command.words[0]) + separator + b"*")
        for name in sorted(_names(found), reverse=True):
            yield b"DELETE " + astring(name)
        return None


@imap_fault("imap-delete-unsubscribes")
class DeleteUnsubscribes(ImapMediator):
    """DELETE of a mailbox takes its name from the subscriptions."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return (
            self._unsubscribed(command)
            if response.ok and during(command, b"DELETE") and command.words
            else None
        )

    def _unsubscribed(self, command: Command) -> ResponseDecision:
        yield b"UNSUBSCRIBE " + command.words[0]
        return None


@imap_fault("imap-rename-copies")
class RenameCopies(ImapMediator):
    """After RENAME there is a mailbox under the old name too."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return (
            self._made_again(command)
            if response.ok and during(command, b"RENAME") and command.words
            else None
        )

    def _made_again(self, command: Command) -> ResponseDecision:
        yield b"CREATE " + command.words[0]
        return None


@imap_fault("imap-rename-leaves-inferiors")
class RenameLeavesInferiors(ImapMediator):
    """RENAME leaves the names below the old one as they are."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.ok and during(command, b"RENAME") and len(command.words) == 2:
            return self._named_back(command)
        return None

    def _named_back(self, command: Command) -> ResponseDecision:
        old, new = (string_of(word) for word in command.words)
        separator = _separator((yield b'LIST "" ""'))
        found = yield b'LIST "" ' + astring(new + separator + b"*")
        for name in sorted(_names(found)):
            yield b"RENAME " + astring(name) + b" " + astring(old + name[len(new) :])
        return None


@imap_fault("imap-rename-refused-ok")
class RenameRefusedOk(ImapMediator):
    """RENAME that cannot be done is answered OK."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return command.answer(b"OK") if during(command, b"RENAME") and response.refused else None


@imap_fault("imap-subscribe-ignored")
class SubscribeIgnored(ImapMediator):
    """SUBSCRIBE is answered OK, and nothing comes of it."""

    def command(self, command: Command) -> CommandDecision:
        return Answer(command.answer(b"OK")) if command.verb == b"SUBSCRIBE" else None


@imap_fault("imap-list-percent-deep")
class PercentDeep(ImapMediator):
    """LIST % behaves like *."""

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        if command.verb != b"LIST" or len(pieces) < 2:
            return None
        place = 2 if pieces[0][:1] == b"(" and len(pieces) > 2 else 1
        pieces[place] = pieces[place].replace(b"%", b"*")
        return command.with_words(pieces)


@imap_fault("imap-list-empty-silent")
class ListEmptySilent(ImapMediator):
    """LIST with an empty mailbox name tells nothing."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        asked = during(command, b"LIST") and [string_of(word) for word in command.words[1:2]] == [b""]
        return b"" if asked and response.word == b"LIST" else None


@imap_fault("imap-list-no-inbox")
class ListNoInbox(ImapMediator):
    """INBOX is not among the names that LIST tells."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word == b"LIST" and response.words and mailbox_key(response.words[-1]) == b"INBOX":
            return b""
        return None


@imap_fault("imap-list-escapes-lost")
class ListEscapesLost(ImapMediator):
    """LIST tells a name without its quotes and backslashes."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word not in {b"LIST", b"LSUB"} or len(response.words) < 3:
            return None
        *before, name = response.words
        bare = string_of(name).replace(b'"', b"").replace(b"\\", b"")
        return response.with_rest(b" ".join([*before, astring(bare)])) if bare != string_of(name) else None


@imap_fault("imap-lsub-percent-flat")
class LsubPercentFlat(ImapMediator):
    r"""LSUB with % leaves out the \Noselect names above what is subscribed."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"LSUB" or not response.words:
            return None
        return b"" if rb"\NOSELECT" in response.words[0].upper() else None


class _OtherStatus(ImapMediator):
    """A server whose STATUS tells something else."""

    def items(self, name: bytes, items: dict[bytes, bytes]) -> dict[bytes, bytes]:
        """Say what is told of a mailbox; the items' names are in upper case."""
        return items

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"STATUS" or len(response.words) < 2:
            return None
        name, pieces = response.words[0], inner(response.words[1])
        told = dict(zip((word.upper() for word in pieces[::2]), pieces[1::2], strict=False))
        new = self.items(mailbox_key(name), told)
        return response.with_rest(name + b" " + listed(key + b" " + value for key, value in new.items()))


@imap_fault("imap-status-stale")
class StatusStale(_OtherStatus):
    """STATUS repeats this connection's first counts for a mailbox."""

    def _begin(self) -> None:
        super()._begin()
        self._first: dict[tuple[bytes, bytes], bytes] = {}

    def items(self, name: bytes, items: dict[bytes, bytes]) -> dict[bytes, bytes]:
        return {key: self._first.setdefault((name, key), value) for key, value in items.items()}


@imap_fault("imap-status-unseen-off1")
class StatusUnseen(_OtherStatus):
    """STATUS tells one unseen message more than there is."""

    def items(self, name: bytes, items: dict[bytes, bytes]) -> dict[bytes, bytes]:
        return {
            key: b"%d" % (int(value) + 1) if key == b"UNSEEN" and value.isdigit() else value
            for key, value in items.items()
        }


@imap_fault("imap-status-selects")
class StatusSelects(ImapMediator):
    """STATUS of another mailbox leaves that one selected."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.ok and during(command, b"STATUS") and command.words and self.selected is not None:
            return self._opened(command) if mailbox_key(command.words[0]) != self.selected else None
        return None

    def _opened(self, command: Command) -> ResponseDecision:
        yield OnTheSide(b"EXAMINE " + command.words[0])
        return None
