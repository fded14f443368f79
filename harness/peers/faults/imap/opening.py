"""Faults of SELECT, EXAMINE, CLOSE and UNSELECT, and of the unique identifiers."""

from harness.peers.faults.imap.fetching import with_items
from harness.peers.faults.imap.mediator import (
    Command,
    CommandDecision,
    ImapMediator,
    OnTheSide,
    Response,
    ResponseDecision,
    during,
    imap_fault,
)
from harness.peers.faults.imap.syntax import (
    LARGEST,
    Item,
    astring,
    each_number,
    inner,
    is_set,
    listed,
    mailbox_key,
    ranges_of,
)

_OPENING = (b"SELECT", b"EXAMINE")
_LEAVING = (b"SELECT", b"EXAMINE", b"CLOSE", b"UNSELECT", b"LOGOUT")


class _OtherNumbers(ImapMediator):
    """A server whose UIDVALIDITY or UIDNEXT is another one in SELECT, EXAMINE and STATUS."""

    about = b""
    """The name of the number."""
    tellers = frozenset({b"SELECT", b"EXAMINE", b"STATUS"})

    def told(self, name: bytes, number: int) -> int:
        """Say what is told of a mailbox."""
        return number

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, *self.tellers) or not command.words:
            return None
        name = mailbox_key(command.words[0])
        match response.code:
            case [code, number, *_] if code == self.about and number.isdigit():
                return response.with_code(b"%b %d" % (code, self.told(name, int(number))))
        if response.word != b"STATUS" or len(response.words) < 2:
            return None
        pieces = inner(response.words[1])
        for place in range(0, len(pieces) - 1, 2):
            if pieces[place].upper() == self.about and pieces[place + 1].isdigit():
                pieces[place + 1] = b"%d" % self.told(name, int(pieces[place + 1]))
        return response.with_rest(response.words[0] + b" " + listed(pieces))


@imap_fault("imap-uidvalidity-drift")
class UidvalidityDrift(_OtherNumbers):
    """UIDVALIDITY grows by one on every SELECT, EXAMINE and STATUS."""

    about = b"UIDVALIDITY"

    def told(self, name: bytes, number: int) -> int:
        drift = int(self.shared.notes.get(b"drift", b"0"))
        self.shared.notes[b"drift"] = b"%d" % (drift + 1)
        return min(LARGEST, number + drift)


@imap_fault("imap-recreated-same-uids")
class RecreatedSameUids(_OtherNumbers):
    """A mailbox made under the name of a deleted one has its UIDVALIDITY, and the same UIDs again."""

    about = b"UIDVALIDITY"

    def told(self, name: bytes, number: int) -> int:
        return int(self.shared.notes.setdefault(name, b"%d" % number))


@imap_fault("imap-uidnext-ahead")
class UidnextAhead(_OtherNumbers):
    """UIDNEXT is one higher than the UID of the message that comes next."""

    about = b"UIDNEXT"

    def told(self, name: bytes, number: int) -> int:
        return number + 1


@imap_fault("imap-uidnext-stuck")
class UidnextStuck(_OtherNumbers):
    """UIDNEXT of a mailbox does not change when messages come."""

    about = b"UIDNEXT"

    def told(self, name: bytes, number: int) -> int:
        return int(self.shared.notes.setdefault(name, b"%d" % number))


@imap_fault("imap-status-uidnext-behind")
class StatusUidnextBehind(_OtherNumbers):
    """UIDNEXT of STATUS is one lower than that of SELECT."""

    about = b"UIDNEXT"
    tellers = frozenset({b"STATUS"})

    def told(self, name: bytes, number: int) -> int:
        return max(1, number - 1)


class _OtherUids(ImapMediator):
    """A server that gives messages other UIDs; the same way back for the sets that a client says."""

    def outward(self, uid: int) -> int:
        """Say which UID the client sees."""
        return uid

    def inward(self, uid: int) -> int:
        """Say which UID the client means."""
        return uid

    def command(self, command: Command) -> CommandDecision:
        pieces = command.words
        if not command.uid or not pieces:
            return None
        if is_set(pieces[0]) and command.verb != b"SEARCH":
            return command.with_words([self._meant(pieces[0]), *pieces[1:]])
        for place in range(1, len(pieces)):
            if pieces[place - 1].upper() == b"UID":
                pieces[place] = self._meant(pieces[place])
        return command.with_words(pieces)

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word == b"SEARCH" and command is not None and command.uid:
            return response.with_rest(b" ".join(each_number(word, self.outward) for word in response.words))
        match response.code:
            case [b"UIDNEXT" as code, number]:
                return response.with_code(code + b" " + each_number(number, self.outward))
            case [b"APPENDUID" as code, validity, *uids]:
                return response.with_code(b" ".join([code, validity, *self._seen(uids)]))
            case [b"COPYUID" as code, validity, *uids]:
                return response.with_code(b" ".join([code, validity, *self._seen(uids)]))
        return with_items(response, self._item)

    def _item(self, name: bytes, value: bytes) -> Item:
        return name, each_number(value, self.outward) if name == b"UID" else value

    def _seen(self, sets: list[bytes]) -> list[bytes]:
        return [each_number(word, self.outward) for word in sets]

    def _meant(self, numbers: bytes) -> bytes:
        return each_number(numbers, self.inward)


@imap_fault("imap-uids-by-session")
class UidsBySession(_OtherUids):
    """Each session sees other UIDs, under the same UIDVALIDITY."""

    def outward(self, uid: int) -> int:
        return uid + self.number

    def inward(self, uid: int) -> int:
        return uid - self.number


@imap_fault("imap-uids-move-when-reopened")
class UidsMove(_OtherUids):
    """With every SELECT and EXAMINE of a session the messages get other UIDs, under the same UIDVALIDITY."""

    _moved = 0

    def outward(self, uid: int) -> int:
        return uid + self._moved

    def inward(self, uid: int) -> int:
        return uid - self._moved

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        self._moved += response.ok and during(command, *_OPENING)
        return super().response(command, response)


@imap_fault("imap-uids-descend")
class UidsDescend(_OtherUids):
    """A message that comes later has a lower UID."""

    def outward(self, uid: int) -> int:
        return LARGEST - uid

    inward = outward

    def _meant(self, numbers: bytes) -> bytes:
        # `*` is the largest number in use, which the first message has.
        turned = [
            b":".join(b"1" if end == b"*" else each_number(end, self.inward) for end in ends)
            for ends in ranges_of(numbers)
        ]
        return b",".join(turned) if turned else numbers


@imap_fault("imap-select-no-flags")
class SelectNoFlags(ImapMediator):
    """SELECT and EXAMINE send no FLAGS response."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return b"" if response.word == b"FLAGS" and during(command, *_OPENING) else None


@imap_fault("imap-flags-lack-draft")
class FlagsLackDraft(ImapMediator):
    r"""The FLAGS response does not name \Draft."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"FLAGS" or not response.words:
            return None
        return response.with_rest(
            listed(flag for flag in inner(response.words[0]) if flag.upper() != rb"\DRAFT")
        )


@imap_fault("imap-unseen-counts")
class UnseenCounts(ImapMediator):
    r"""UNSEEN of SELECT tells how many messages are without \Seen, not which is the first."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return self._counted(response) if response.code[:1] == [b"UNSEEN"] else None

    def _counted(self, response: Response) -> ResponseDecision:
        unseen = yield OnTheSide(b"SEARCH UNSEEN")
        return response.with_code(b"UNSEEN %d" % max(1, len(unseen.numbers)))


@imap_fault("imap-recent-is-exists")
class RecentIsExists(ImapMediator):
    """RECENT counts all messages."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"RECENT" or not during(command, *_OPENING):
            return None
        return response.with_number(self.exists)


@imap_fault("imap-select-no-read-write")
class SelectNoReadWrite(ImapMediator):
    """The OK of SELECT does not say [READ-WRITE]."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return response.with_code(b"") if response.code[:1] == [b"READ-WRITE"] else None


@imap_fault("imap-examine-read-write")
class ExamineReadWrite(ImapMediator):
    """The OK of EXAMINE says [READ-WRITE]."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return response.with_code(b"READ-WRITE") if response.ok and during(command, b"EXAMINE") else None


class _OpenedAs(ImapMediator):
    """Opens the selected mailbox anew in another mode."""

    def opened(self, verb: bytes) -> OnTheSide:
        """The command that opens it."""
        return OnTheSide(verb + b" " + astring(self.selected or b"INBOX"))


@imap_fault("imap-status-takes-recent")
class StatusTakesRecent(_OpenedAs):
    r"""Messages lose \Recent by STATUS."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.ok and during(command, b"STATUS") and command.words:
            return self._taken(command.words[0]) if mailbox_key(command.words[0]) != self.selected else None
        return None

    def _taken(self, name: bytes) -> ResponseDecision:
        yield OnTheSide(b"SELECT " + name)
        if self.selected is not None:
            yield self.opened(b"EXAMINE" if self.read_only else b"SELECT")
        else:
            yield OnTheSide(b"EXAMINE " + name)
            yield OnTheSide(b"CLOSE")
        return None


@imap_fault("imap-examine-store")
class ExamineStore(_OpenedAs):
    """STORE in a mailbox opened by EXAMINE changes the flags for good."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"STORE" and self.read_only:
            yield self.opened(b"SELECT")
        return None

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.is_tagged and self.read_only and during(command, b"STORE"):
            return self._opened_again()
        return None

    def _opened_again(self) -> ResponseDecision:
        yield self.opened(b"EXAMINE")
        return None


@imap_fault("imap-examine-takes-recent")
class ExamineTakesRecent(_OpenedAs):
    r"""Messages lose \Recent by EXAMINE."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return self._taken() if response.ok and during(command, b"EXAMINE") else None

    def _taken(self) -> ResponseDecision:
        yield self.opened(b"SELECT")
        yield self.opened(b"EXAMINE")
        return None


@imap_fault("imap-close-examine-expunges")
class CloseExamineExpunges(_OpenedAs):
    """CLOSE after EXAMINE expunges."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"CLOSE" and self.read_only:
            yield self.opened(b"SELECT")
        return None


@imap_fault("imap-close-keeps")
class CloseKeeps(_OpenedAs):
    r"""CLOSE does not remove the messages with \Deleted."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb == b"CLOSE" and self.selected is not None:
            yield self.opened(b"EXAMINE")
        return None


@imap_fault("imap-unselect-expunges")
class UnselectExpunges(ImapMediator):
    r"""UNSELECT removes the messages with \Deleted."""

    def command(self, command: Command) -> CommandDecision:
        return command.with_verb(b"CLOSE") if command.verb == b"UNSELECT" else None


@imap_fault("imap-select-expunges")
class SelectExpunges(ImapMediator):
    r"""SELECT, EXAMINE and LOGOUT remove the messages with \Deleted from the mailbox that they leave."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb in {*_OPENING, b"LOGOUT"} and self.selected is not None:
            yield OnTheSide(b"CLOSE")
        return None


@imap_fault("imap-select-failed-stays")
class SelectFailedStays(ImapMediator):
    """After a SELECT that failed the mailbox before it is still selected."""

    _before = b""

    def command(self, command: Command) -> CommandDecision:
        if command.verb in _OPENING and self.selected is not None:
            self._before = (b"EXAMINE " if self.read_only else b"SELECT ") + astring(self.selected)
        return None

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        before, self._before = self._before, b"" if response.is_tagged else self._before
        if before and response.refused and during(command, *_OPENING):
            return self._opened_again(before)
        return None

    def _opened_again(self, before: bytes) -> ResponseDecision:
        yield OnTheSide(before)
        return None


@imap_fault("imap-flags-of-session-only")
class FlagsOfSession(ImapMediator):
    r"""\Flagged and \Answered last only as long as the session stays in the mailbox."""

    def command(self, command: Command) -> CommandDecision:
        if command.verb in _LEAVING and self.selected is not None and self.exists:
            yield OnTheSide(rb"STORE 1:* -FLAGS.SILENT (\Flagged \Answered)")
        return None
