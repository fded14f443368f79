"""The mailbox that a session has selected: its view of it, and the untagged responses about it."""

from collections.abc import Sequence
from typing import Final

from reference_server.codec.imap.lexer import Garbled
from reference_server.codec.imap.sequence_set import SequenceSet, numbers_to_indices, uids_to_indices
from reference_server.store.flags import SYSTEM_FLAGS, flag_names
from reference_server.store.view import MailboxView

_SYSTEM_FLAGS: Final = " ".join(SYSTEM_FLAGS)


class Selected:
    """A view with the words that tell of it."""

    __slots__ = ("_flag_texts", "_told_keywords", "kept", "read_only", "view")

    def __init__(self, view: MailboxView, *, read_only: bool) -> None:
        self.view = view
        self.read_only = read_only
        self.kept: tuple[int, bytes] | None = None
        """Id and octets of the message that the client is fetching piece by piece."""
        self._flag_texts: dict[int, bytes] = {}
        """By mask: the flags as they are written, without parentheses."""
        self._told_keywords = len(view.mailbox.keywords)

    def close(self) -> None:
        """Leave the mailbox."""
        self.view.close()

    @property
    def mailbox_id(self) -> int:
        """The mailbox's id in the store."""
        return self.view.mailbox.entry.mailbox_id

    # -- message numbers -------------------------------------------------------------------------------------

    def numbers(self, sequence_set: SequenceSet, *, by_uid: bool) -> list[int]:
        """Return the message numbers that a set names; BAD for a message number that does not exist.

        A UID that does not exist is no error (RFC 3501 §6.4.8).
        """
        if by_uid:
            indices = uids_to_indices(sequence_set, self.view.uids)
        else:
            found = numbers_to_indices(sequence_set, len(self.view))
            if found is None:
                raise Garbled(b"There is no message of such a number")
            indices = found
        return [index + 1 for index in indices]

    def uids_of(self, numbers: Sequence[int]) -> list[int]:
        """Return the UIDs of messages."""
        if len(numbers) == 1:
            return [self.view.uid(numbers[0])]
        uids = self.view.uids
        return [uids[number - 1] for number in numbers]

    # -- flags -----------------------------------------------------------------------------------------------

    def flags(self, mask: int, uid: int) -> bytes:
        r"""Return flags as FETCH writes them, with `\Recent` where this session was told first."""
        text = self._flag_texts.get(mask)
        if text is None:
            text = self.flags_text(mask)
        if self.view.is_recent(uid):
            return b"(\\Recent %s)" % text if text else b"(\\Recent)"
        return b"(%s)" % text

    def flags_text(self, mask: int) -> bytes:
        r"""Return the flags of a mask without parentheses and `\Recent`."""
        text = self._flag_texts.get(mask)
        if text is None:
            text = " ".join(flag_names(mask, self.view.mailbox.keywords)).encode("utf-8")
            self._flag_texts[mask] = text
        return text

    def known_flags(self) -> bytes:
        """Return all flags that a message of this mailbox can have (RFC 3501 §7.2.6)."""
        keywords = self.view.mailbox.keywords
        return " ".join((_SYSTEM_FLAGS, *keywords)).encode("utf-8")

    def permanent_flags(self) -> bytes:
        r"""Return the flags that the client can change for good; `\*` allows new keywords (RFC 3501 §7.1)."""
        return b"()" if self.read_only else b"(%s \\*)" % self.known_flags()

    def announce_keywords(self, out: bytearray) -> None:
        """Send FLAGS again if there are keywords that the client does not know."""
        known = len(self.view.mailbox.keywords)
        if known != self._told_keywords:
            self._told_keywords = known
            out += b"* FLAGS (%s)\r\n" % self.known_flags()
            out += b"* OK [PERMANENTFLAGS %s] New keywords\r\n" % self.permanent_flags()

    # -- news ------------------------------------------------------------------------------------------------

    def write_news(self, out: bytearray, *, expunge: bool) -> None:
        """Write what others have changed; every EXPUNGE counts after those before it (RFC 3501 §7.4.1)."""
        view = self.view
        news = view.take_news(expunge=expunge)
        for number in news.expunged:
            out += b"* %d EXPUNGE\r\n" % number
        if news.exists is not None:
            out += b"* %d EXISTS\r\n* %d RECENT\r\n" % (news.exists, news.recent or 0)
        self.announce_keywords(out)
        for number in news.flags:
            message = view.message(number)
            # with the UID, which RFC 3501 §7.4.2 allows everywhere and which saves clients from guessing
            out += b"* %d FETCH (UID %d FLAGS %s)\r\n" % (
                number,
                message.uid,
                self.flags(message.flags, message.uid),
            )
