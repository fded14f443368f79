"""Faults in what POP3 says of messages, and in what becomes of them."""

import hashlib
import re

from harness.peers.faults.mediation import Answer
from harness.peers.faults.pop3.mediator import Command, Decision, Pop3Mediator, Response, pop3_fault

_OK = b"+OK\r\n"
_NUMBERS = {b"LIST", b"RETR", b"DELE", b"TOP", b"UIDL"}


@pop3_fault("pop3-rset-ignored")
class RsetIgnored(Pop3Mediator):
    """RSET answers +OK but unmarks nothing."""

    def command(self, command: Command) -> Decision:
        return Answer(_OK) if command.verb == b"RSET" and self.logged_in and not command.arguments else None


@pop3_fault("pop3-dele-twice-ok")
class DeleTwiceOk(Pop3Mediator):
    """DELE of a marked message answers +OK."""

    def command(self, command: Command) -> Decision:
        again = command.verb == b"DELE" and command.number in self.deleted
        return Answer(b"+OK message marked\r\n") if again else None


@pop3_fault("pop3-stat-counts-deleted")
class StatCountsDeleted(Pop3Mediator):
    """STAT still counts marked messages."""

    _stat = b""

    def _keep(self, response: Response) -> None:
        if response.ok:
            self._stat = response.status

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if reply.ok and self.logged_in and (command.verb in {b"PASS", b"APOP"} or command.is_auth):
            self.ask(b"STAT\r\n", self._keep)
        return self._stat or None if command.verb == b"STAT" and reply.ok else None


@pop3_fault("pop3-stat-in-words")
class StatInWords(Pop3Mediator):
    """STAT has words around its numbers."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb != b"STAT" or not reply.ok:
            return None
        return re.sub(rb"^\+OK (\d+) (\d+)", rb"+OK \1 messages \2 octets", reply.status)


@pop3_fault("pop3-stat-octets-short")
class StatOctetsShort(Pop3Mediator):
    """STAT has five octets less than there are for each message, as if line ends counted once."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        numbers = reply.status.split()[1:3]
        if command.verb != b"STAT" or not reply.ok or len(numbers) < 2 or numbers[1] == b"0":
            return None
        return b"+OK %b %d\r\n" % (numbers[0], int(numbers[1]) - 5 * int(numbers[0]))


@pop3_fault("pop3-list-size-off")
class ListSizeOff(Pop3Mediator):
    """The sizes of LIST are two octets more than RETR gives."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb != b"LIST" or not reply.ok:
            return None
        if reply.wire is None:
            return re.sub(rb"^(\+OK \d+ )(\d+)", _two_more, reply.status)
        return reply.with_lines(re.sub(rb"^(\d+ )(\d+)", _two_more, line) for line in reply.lines)


def _two_more(found: re.Match[bytes]) -> bytes:
    return found.group(1) + b"%d" % (int(found.group(2)) + 2)


class _KeepsListing(Pop3Mediator):
    """Lists messages that are marked as deleted."""

    VERB: bytes

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._kept: dict[int, bytes] = {}

    def command(self, command: Command) -> Decision:
        if command.verb == b"DELE" and command.number:
            self.ask(self.VERB + b" %d\r\n" % command.number, self._keep)
        return None

    def _keep(self, response: Response) -> None:
        words = response.status.split()
        if response.ok and len(words) > 2 and words[1].isdigit():
            self._kept[int(words[1])] = b" ".join(words[1:3])

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb != self.VERB or reply.wire is None:
            return None
        kept = [self._kept[number] for number in self.deleted if number in self._kept]
        return reply.with_lines(sorted([*reply.lines, *kept], key=lambda line: int(line.split()[0])))


@pop3_fault("pop3-list-with-deleted")
class ListWithDeleted(_KeepsListing):
    """Messages that are marked as deleted are in the response to LIST."""

    VERB = b"LIST"


@pop3_fault("pop3-uidl-with-deleted")
class UidlWithDeleted(_KeepsListing):
    """Messages that are marked as deleted are in the response to UIDL."""

    VERB = b"UIDL"


@pop3_fault("pop3-list-one-in-lines")
class ListOneInLines(Pop3Mediator):
    """LIST with a number is answered in a multi-line response."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb == b"LIST" and command.arguments and reply.ok:
            return b"+OK\r\n" + reply.status[4:].lstrip() + b".\r\n"
        return None


class _FoundAnyway(Pop3Mediator):
    """A refusal of a number becomes a positive response."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if reply.ok or not command.number or not self.logged_in:
            return None
        return self.found(command)

    def found(self, command: Command) -> bytes | None:
        """The response to a command with a number that was refused."""
        raise NotImplementedError


@pop3_fault("pop3-deleted-listed-by-number")
class DeletedListed(_FoundAnyway):
    """LIST of a message that is marked as deleted is answered with +OK."""

    def found(self, command: Command) -> bytes | None:
        if command.verb == b"LIST" and command.number in self.deleted:
            return b"+OK %d 120\r\n" % command.number
        return None


@pop3_fault("pop3-no-such-message-ok")
class NoSuchMessageOk(_FoundAnyway):
    """LIST, RETR and DELE of a number that no message has are answered with +OK."""

    def found(self, command: Command) -> bytes | None:
        if command.number in self.deleted:
            return None
        answers = {b"LIST": b"+OK %d 0\r\n" % command.number, b"RETR": b"+OK\r\n.\r\n", b"DELE": _OK}
        return answers.get(command.verb)


@pop3_fault("pop3-top-no-such-message-ok")
class TopNoSuchMessage(_FoundAnyway):
    """TOP of a number without a message is answered with nothing, positively."""

    def found(self, command: Command) -> bytes | None:
        return b"+OK\r\n.\r\n" if command.verb == b"TOP" and len(command.arguments) == 2 else None


@pop3_fault("pop3-uidl-no-such-message-ok")
class UidlNoSuchMessage(_FoundAnyway):
    """UIDL of a number without a message is answered with +OK."""

    def found(self, command: Command) -> bytes | None:
        return b"+OK %d none\r\n" % command.number if command.verb == b"UIDL" else None


@pop3_fault("pop3-renumbered")
class Renumbered(Pop3Mediator):
    """After DELE the messages behind it move up by one number."""

    def _to_server(self, number: int) -> int:
        for deleted in sorted(self.deleted):
            number += number >= deleted
        return number

    def _to_client(self, number: int) -> int:
        return number - sum(deleted < number for deleted in self.deleted)

    def command(self, command: Command) -> Decision:
        if command.verb not in _NUMBERS or not command.number:
            return None
        words = command.words
        words[1] = b"%d" % self._to_server(command.number)
        return b" ".join(words) + b"\r\n"

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb not in {b"LIST", b"UIDL"} or not reply.ok:
            return None
        if reply.wire is None:
            return re.sub(rb"(?<=^\+OK )(\d+)", b"%d" % command.number, reply.status)
        words = (line.split(b" ", 1) for line in reply.lines)
        return reply.with_lines(b"%d %b" % (self._to_client(int(number)), rest) for number, rest in words)


@pop3_fault("pop3-numbers-from-zero")
class NumbersFromZero(Pop3Mediator):
    """The first message has the number 0."""

    def command(self, command: Command) -> Decision:
        words = command.words
        if command.verb not in _NUMBERS or len(words) < 2 or not words[1].isdigit():
            return None
        words[1] = b"%d" % (int(words[1][:10]) + 1)
        return b" ".join(words) + b"\r\n"

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb not in {b"LIST", b"UIDL"} or not reply.ok:
            return None
        if reply.wire is None:
            return re.sub(rb"(?<=^\+OK )(\d+)", _one_less, reply.status)
        return reply.with_lines(re.sub(rb"^(\d+)", _one_less, line) for line in reply.lines)


def _one_less(found: re.Match[bytes]) -> bytes:
    return b"%d" % (int(found.group(1)) - 1)


# --- RETR and TOP


@pop3_fault("pop3-unstuffed")
class Unstuffed(Pop3Mediator):
    """Lines starting with a dot are not byte-stuffed."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return None if reply.wire is None else reply.status + reply.body + b".\r\n"


@pop3_fault("pop3-top-unstuffed")
class TopUnstuffed(Pop3Mediator):
    """TOP, and TOP alone, does not byte-stuff."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb != b"TOP" or reply.wire is None:
            return None
        return reply.status + reply.body + b".\r\n"


@pop3_fault("pop3-dots-doubled-twice")
class DotsDoubledTwice(Pop3Mediator):
    """RETR gives the message as SMTP carried it, its doubled dots doubled again."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return None if command.verb != b"RETR" or reply.wire is None else reply.with_body(reply.wire)


@pop3_fault("pop3-top-one-more")
class TopOneMore(Pop3Mediator):
    """TOP m n returns n+1 body lines."""

    def command(self, command: Command) -> Decision:
        arguments = command.arguments
        if command.verb != b"TOP" or len(arguments) != 2 or not arguments[1].isdigit():
            return None
        return b"TOP %b %d\r\n" % (arguments[0], int(arguments[1][:10]) + 1)


@pop3_fault("pop3-top-beyond-end-refused")
class TopBeyondEnd(Pop3Mediator):
    """TOP with more lines than the body has is refused."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        asked = command.arguments[1] if len(command.arguments) == 2 else b""
        if command.verb != b"TOP" or reply.wire is None or not asked.isdigit():
            return None
        body = reply.body.partition(b"\r\n\r\n")[2]
        return b"-ERR no so many lines\r\n" if body.count(b"\r\n") < int(asked[:10]) else None


@pop3_fault("pop3-retr-last-line-lost")
class RetrLastLineLost(Pop3Mediator):
    """RETR leaves out the last line of the message."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        return reply.with_lines(reply.lines[:-1]) if command.verb == b"RETR" and reply.wire else None


@pop3_fault("pop3-retr-status-added")
class RetrStatusAdded(Pop3Mediator):
    """RETR adds a Status field to the header."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb != b"RETR" or not reply.wire:
            return None
        return reply.with_body(reply.body.replace(b"\r\n\r\n", b"\r\nStatus: RO\r\n\r\n", 1))


@pop3_fault("pop3-retr-once")
class RetrOnce(Pop3Mediator):
    """A message that was retrieved is refused when it is asked for again."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._retrieved: set[int] = set()

    def command(self, command: Command) -> Decision:
        if command.verb != b"RETR" or not command.number:
            return None
        if command.number in self._retrieved:
            return Answer(b"-ERR message was retrieved\r\n")
        self._retrieved.add(command.number)
        return None


@pop3_fault("pop3-retr-deletes")
class RetrDeletes(Pop3Mediator):
    """QUIT removes the messages that were retrieved, marked or not."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._retrieved: set[int] = set()

    def command(self, command: Command) -> Decision:
        if command.verb == b"RETR" and command.number:
            self._retrieved.add(command.number)
        if command.verb == b"QUIT" and self.logged_in:
            for number in sorted(self._retrieved - self.deleted):
                self.ask(b"DELE %d\r\n" % number)
        return None


@pop3_fault("pop3-dele-without-quit")
class DeleWithoutQuit(Pop3Mediator):
    """A session that ends without QUIT removes the marked messages."""

    def client_ended(self) -> None:
        if self.deleted:
            self.ask(b"QUIT\r\n")


@pop3_fault("pop3-quit-removes-nothing")
class QuitRemovesNothing(Pop3Mediator):
    """QUIT removes no message."""

    def command(self, command: Command) -> Decision:
        if command.verb == b"QUIT" and self.logged_in:
            self.ask(b"RSET\r\n")
        return None


# --- unique-ids


class _OtherIds(Pop3Mediator):
    """Gives messages other unique-ids than the server."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb != b"UIDL" or not reply.ok:
            return None
        if reply.wire is None:
            _, number, unique_id = (*reply.status.split(), b"", b"")[:3]
            return b"+OK %b %b\r\n" % (number, self.other(number, unique_id))
        words = (line.split(b" ", 1) for line in reply.lines)
        return reply.with_lines(b"%b %b" % (number, self.other(number, uid)) for number, uid in words)

    def other(self, number: bytes, unique_id: bytes) -> bytes:
        """The unique-id that a message gets in place of its own."""
        raise NotImplementedError


@pop3_fault("pop3-uidl-unstable")
class UidlUnstable(_OtherIds):
    """UIDL values change with every session."""

    def other(self, number: bytes, unique_id: bytes) -> bytes:
        return hashlib.sha256(b"%d %b" % (self.number, unique_id)).hexdigest()[:32].encode()


@pop3_fault("pop3-uidl-is-the-number")
class UidlIsTheNumber(_OtherIds):
    """The unique-id of a message is its number."""

    def other(self, number: bytes, unique_id: bytes) -> bytes:
        return b"id" + number


@pop3_fault("pop3-uidl-duplicates")
class UidlDuplicates(_OtherIds):
    """All messages have one unique-id."""

    def other(self, number: bytes, unique_id: bytes) -> bytes:
        return self.shared.notes.setdefault(b"unique-id of " + self.user, unique_id)


@pop3_fault("pop3-uidl-too-long")
class UidlTooLong(_OtherIds):
    """Unique-ids have more than 70 characters."""

    def other(self, number: bytes, unique_id: bytes) -> bytes:
        return unique_id.ljust(71, b".")


@pop3_fault("pop3-uidl-by-count")
class UidlByCount(_OtherIds):
    """The unique-id of a message changes when another one comes."""

    _messages = 0

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if reply.ok and (command.verb == b"PASS" or command.is_auth):
            self.ask(b"STAT\r\n", self._count)
        return super().reply(command, reply)

    def _count(self, response: Response) -> None:
        words = response.status.split()
        self._messages = int(words[1]) if response.ok and words[1:] and words[1].isdigit() else 0

    def other(self, number: bytes, unique_id: bytes) -> bytes:
        return unique_id[:60] + b".%d" % self._messages


@pop3_fault("pop3-uidl-one-differs")
class UidlOneDiffers(Pop3Mediator):
    """UIDL with a number gives another unique-id than UIDL without."""

    def reply(self, command: Command, reply: Response) -> bytes | None:
        if command.verb == b"UIDL" and command.arguments and reply.ok:
            return reply.status.rstrip() + b"x\r\n"
        return None
