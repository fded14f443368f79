"""Faults of FETCH."""

import re
from collections.abc import Callable

from harness.peers.faults.imap.mediator import (
    Command,
    CommandDecision,
    ImapMediator,
    Response,
    ResponseDecision,
    during,
    imap_fault,
)
from harness.peers.faults.imap.syntax import (
    Item,
    asked_items,
    inner,
    items_listed,
    items_of,
    listed,
    literal,
    string_of,
)

_PARTIAL = re.compile(rb"<([0-9]+)\.([0-9]+)>")
_PART = re.compile(rb"BODY\[[0-9.]*[0-9]\]", re.IGNORECASE)
_MIME = re.compile(rb"BODY\[[0-9.]+\.MIME\]", re.IGNORECASE)
_PART_HEADER = re.compile(rb"(?<=[0-9])\.HEADER(?=\])", re.IGNORECASE)
_PART_MIME = re.compile(rb"(?<=[0-9])\.MIME(?=\])", re.IGNORECASE)
_TEXT_PART = re.compile(rb'("TEXT" .*? )([0-9]+) ([0-9]+)(?=[ )])', re.IGNORECASE)
_SECONDS = re.compile(rb"(:[0-9]{2}:)[0-9]{2}(?= )")
_CONTENT = re.compile(rb"BODY\[", re.IGNORECASE)
_NIL = b"NIL"

ItemChange = Callable[[bytes, bytes], Item | None]


def with_items(response: Response, change: ItemChange) -> bytes | None:
    """A FETCH response with other items; None for another response, b"" if no item is left.

    `change` gets the name in upper case and the value, and says what there is instead. A name that it leaves
    alone stays as the server wrote it.
    """
    if response.word != b"FETCH" or response.number is None:
        return None
    items = []
    for name, value in items_of(response.rest):
        if (new := change(name.upper(), value)) is not None:
            items.append((name if new[0] == name.upper() else new[0], new[1]))
    return response.with_rest(items_listed(items)) if items else b""


def asked_for(command: Command | None) -> list[bytes]:
    """What a FETCH command asks for."""
    if not during(command, b"FETCH") or len(command.words) < 2:
        return []
    return asked_items(command.words[1])


def asking(command: Command, change: Callable[[bytes], bytes]) -> bytes | None:
    """A FETCH command that asks for something else; None for another command."""
    if command.verb != b"FETCH" or len(command.words) < 2:
        return None
    numbers, items, *rest = command.words
    new = [change(item) for item in inner(items)]
    return command.with_words([numbers, listed(new) if items[:1] == b"(" else new[0], *rest])


@imap_fault("imap-peek-sets-seen")
class PeekSetsSeen(ImapMediator):
    r"""BODY.PEEK[...] sets \Seen."""

    def command(self, command: Command) -> CommandDecision:
        return asking(command, lambda item: re.sub(rb"(?i)^BODY\.PEEK\[", b"BODY[", item))


@imap_fault("imap-body-keeps-unseen")
class BodyKeepsUnseen(ImapMediator):
    r"""BODY[...] does not set \Seen."""

    def command(self, command: Command) -> CommandDecision:
        return asking(command, lambda item: re.sub(rb"(?i)^BODY\[", b"BODY.PEEK[", item))


@imap_fault("imap-seen-untold")
class SeenUntold(ImapMediator):
    r"""FETCH of a body does not tell that it set \Seen."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        asked = asked_for(command)
        if not any(item.startswith((b"BODY[", b"RFC822")) for item in asked) or b"FLAGS" in asked:
            return None
        return with_items(response, lambda name, value: None if name == b"FLAGS" else (name, value))


@imap_fault("imap-rfc822-header-sets-seen")
class HeaderSetsSeen(ImapMediator):
    r"""RFC822.HEADER sets \Seen."""

    def command(self, command: Command) -> CommandDecision:
        return asking(command, lambda item: b"BODY[HEADER]" if item.upper() == b"RFC822.HEADER" else item)

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if b"RFC822.HEADER" not in asked_for(command):
            return None
        return with_items(
            response, lambda name, value: (b"RFC822.HEADER" if name == b"BODY[HEADER]" else name, value)
        )


@imap_fault("imap-partial-one-more")
class PartialOneMore(ImapMediator):
    """BODY[]<o.n> returns n+1 octets."""

    def command(self, command: Command) -> CommandDecision:
        return asking(
            command,
            lambda item: _PARTIAL.sub(lambda f: b"<%b.%d>" % (f.group(1), int(f.group(2)) + 1), item),
        )


@imap_fault("imap-partial-no-origin")
class PartialNoOrigin(ImapMediator):
    """The response to a partial fetch does not say where its octets begin."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(response, lambda name, value: (re.sub(rb"<[0-9]+>\Z", b"", name), value))


@imap_fault("imap-partial-beyond-nil")
class PartialBeyondNil(ImapMediator):
    """A partial fetch that starts behind the end gets NIL."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(
            response,
            lambda name, value: (name, _NIL if name.endswith(b">") and not string_of(value) else value),
        )


@imap_fault("imap-size-off2")
class SizeOff2(ImapMediator):
    """RFC822.SIZE is two octets less than the BODY[] literal."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(
            response,
            lambda name, value: (
                name,
                b"%d" % max(0, int(value) - 2) if name == b"RFC822.SIZE" and value.isdigit() else value,
            ),
        )


class _OtherContent(ImapMediator):
    """A server whose sections hold something else than they should."""

    def content(self, name: bytes, octets: bytes) -> bytes:
        """Say what a section with this name in upper case holds."""
        return octets

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(response, self._changed)

    def _changed(self, name: bytes, value: bytes) -> Item:
        if (
            not (_CONTENT.match(name) or name in {b"RFC822", b"RFC822.TEXT", b"RFC822.HEADER"})
            or value == _NIL
        ):
            return name, value
        octets = string_of(value)
        new = self.content(name, octets)
        return name, value if new == octets else literal(new)


@imap_fault("imap-crlf-to-lf")
class BareLf(_OtherContent):
    """The lines of body literals end in a bare LF."""

    def content(self, name: bytes, octets: bytes) -> bytes:
        return octets.replace(b"\r\n", b"\n")


@imap_fault("imap-body-last-line-end-lost")
class LastLineEndLost(_OtherContent):
    """BODY[] lacks the CRLF at the end of the message."""

    def content(self, name: bytes, octets: bytes) -> bytes:
        return octets.removesuffix(b"\r\n") if name == b"BODY[]" else octets


@imap_fault("imap-header-no-empty-line")
class HeaderNoEmptyLine(_OtherContent):
    """BODY[HEADER] lacks the empty line behind the header."""

    def content(self, name: bytes, octets: bytes) -> bytes:
        return octets.removesuffix(b"\r\n") if name == b"BODY[HEADER]" else octets


@imap_fault("imap-mime-header-no-empty-line")
class MimeNoEmptyLine(_OtherContent):
    """BODY[1.MIME] lacks the empty line behind the MIME header."""

    def content(self, name: bytes, octets: bytes) -> bytes:
        return octets.removesuffix(b"\r\n") if _MIME.fullmatch(name) else octets


@imap_fault("imap-part-with-boundary-crlf")
class PartWithBoundary(_OtherContent):
    """A part has the CRLF at its end that belongs to the boundary behind it."""

    def content(self, name: bytes, octets: bytes) -> bytes:
        return octets + b"\r\n" if _PART.fullmatch(name) else octets


@imap_fault("imap-header-fields-case")
class HeaderFieldsCase(ImapMediator):
    """HEADER.FIELDS finds fields only as their names are written in the message."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, b"FETCH"):
            return None
        wanted = {string_of(word) for word in re.findall(rb"[^\s()\[\]<>]+", command.arguments)}

        def changed(name: bytes, value: bytes) -> Item:
            if not name.startswith(b"BODY[HEADER.FIELDS (") or value == _NIL:
                return name, value
            kept = [field for field in _fields(string_of(value)) if field.split(b":")[0].rstrip() in wanted]
            return name, literal(b"".join(kept) + b"\r\n")

        return with_items(response, changed)


@imap_fault("imap-header-fields-not-loses-one")
class HeaderFieldsNotLosesOne(_OtherContent):
    """HEADER.FIELDS.NOT leaves out the first of the other fields too."""

    def content(self, name: bytes, octets: bytes) -> bytes:
        if not name.startswith(b"BODY[HEADER.FIELDS.NOT "):
            return octets
        return b"".join(_fields(octets)[1:]) + b"\r\n"


def _fields(header: bytes) -> list[bytes]:
    """The fields of a header, each with its folded lines."""
    return re.findall(rb"[^\r\n][^\n]*\n(?:[ \t][^\n]*\n)*", header)


@imap_fault("imap-nested-header-is-mime")
class NestedHeaderIsMime(ImapMediator):
    """BODY[2.HEADER] of an attached message gives the MIME header of the part."""

    def command(self, command: Command) -> CommandDecision:
        return asking(command, lambda item: _PART_HEADER.sub(b".MIME", item))

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not any(_PART_HEADER.search(item) for item in asked_for(command)):
            return None
        return with_items(response, lambda name, value: (_PART_MIME.sub(b".HEADER", name), value))


@imap_fault("imap-macro-fast-is-all")
class FastIsAll(ImapMediator):
    """FETCH FAST returns what ALL does."""

    def command(self, command: Command) -> CommandDecision:
        return asking(command, lambda item: b"ALL" if item.upper() == b"FAST" else item)


@imap_fault("imap-internaldate-drift")
class InternaldateDrift(ImapMediator):
    """INTERNALDATE is another whenever it is asked for."""

    _asked = 0

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(response, self._drifting)

    def _drifting(self, name: bytes, value: bytes) -> Item:
        if name != b"INTERNALDATE":
            return name, value
        self._asked += 1
        return name, _SECONDS.sub(rb"\g<1>%02d" % (self._asked % 60), value)


@imap_fault("imap-envelope-sender-nil")
class SenderNil(ImapMediator):
    """The sender of ENVELOPE is NIL where the message has no Sender."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(response, self._changed)

    def _changed(self, name: bytes, value: bytes) -> Item:
        fields = inner(value)
        if name != b"ENVELOPE" or len(fields) < 4 or fields[2] != fields[3]:
            return name, value
        return name, listed([*fields[:3], _NIL, *fields[4:]])


@imap_fault("imap-envelope-quote-bare")
class QuoteBare(ImapMediator):
    """A quote in the subject of ENVELOPE is not escaped."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(response, self._changed)

    def _changed(self, name: bytes, value: bytes) -> Item:
        fields = inner(value)
        if name != b"ENVELOPE" or len(fields) < 2 or fields[1] == _NIL:
            return name, value
        return name, listed([fields[0], b'"' + string_of(fields[1]) + b'"', *fields[2:]])


@imap_fault("imap-bodystructure-lines-off1")
class LinesOff1(ImapMediator):
    """BODYSTRUCTURE counts one line too many in a text part."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        return with_items(response, self._changed)

    def _changed(self, name: bytes, value: bytes) -> Item:
        if name not in {b"BODY", b"BODYSTRUCTURE"}:
            return name, value
        return name, _TEXT_PART.sub(lambda f: f.group(1) + f.group(2) + b" %d" % (int(f.group(3)) + 1), value)


@imap_fault("imap-literal-count-off1")
class LiteralCount(ImapMediator):
    """The announced length of a body literal is one octet short."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if response.word != b"FETCH":
            return None
        return re.sub(
            rb"\{([0-9]+)\}\r\n",
            lambda found: b"{%d}\r\n" % max(0, int(found.group(1)) - 1),
            response.octets,
            count=1,
        )


@imap_fault("imap-uidfetch-no-uid")
class NoUid(ImapMediator):
    """The responses to UID FETCH have no UID unless it was asked for."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, b"FETCH") or not command.uid or b"UID" in asked_for(command):
            return None
        return with_items(response, lambda name, value: None if name == b"UID" else (name, value))


@imap_fault("imap-uid-fetch-absent-no")
class AbsentUidNo(ImapMediator):
    """UID FETCH of UIDs that do not exist is answered NO."""

    def response(self, command: Command | None, response: Response) -> ResponseDecision:
        if not during(command, b"FETCH") or not command.uid:
            return None
        if response.word == b"FETCH":
            self._found.add(command.tag)
        return response.with_word(b"NO") if response.ok and command.tag not in self._found else None

    def _begin(self) -> None:
        super()._begin()
        self._found: set[bytes] = set()


@imap_fault("imap-uid-star-beyond-nothing")
class StarBeyondNothing(ImapMediator):
    """A UID range that starts behind the last message and ends in `*` does not hold the last one."""

    def command(self, command: Command) -> CommandDecision:
        if not command.uid or command.verb not in {b"FETCH", b"STORE", b"COPY"} or not command.words:
            return None
        numbers, *rest = command.words
        return command.with_words([re.sub(rb"(?<=:)\*|\*(?=:)", b"4294967295", numbers), *rest])
