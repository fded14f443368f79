"""What LIST and LSUB have in common: reference and pattern, and which names they mean (RFC 3501 §6.3.8)."""

from reference_server.codec.imap.lexer import CommandReader
from reference_server.codec.imap.mutf7 import decode_mailbox_name
from reference_server.codec.imap.pattern import Pattern
from reference_server.store.values import INBOX, canonical_name


class Wanted:
    """Reference and pattern together."""

    __slots__ = ("_inbox", "_pattern", "ends_in_level")

    def __init__(self, pattern: str | None) -> None:
        self.ends_in_level = bool(pattern) and str(pattern).endswith("%")
        """The pattern ends in `%`: levels that are no mailboxes are named too."""
        self._pattern = Pattern(canonical_name(pattern)) if pattern is not None else None
        # INBOX is found in any case (RFC 3501 §5.1)
        self._inbox = Pattern(pattern.upper()) if pattern is not None else None

    def matches(self, name: str) -> bool:
        """Whether a name is meant."""
        if self._pattern is None or self._inbox is None:
            return False
        return self._pattern.matches(name) or (name == INBOX and self._inbox.matches(INBOX))


def read_patterns(reader: CommandReader) -> Wanted | None:
    """Read the arguments; None for an empty pattern, which asks for the delimiter only.

    The pattern goes on where the reference ends. One that is no modified UTF-7 matches nothing.
    """
    reader.sp()
    reference = reader.astring()
    reader.sp()
    pattern = reader.list_mailbox()
    reader.end()
    return Wanted(decode_mailbox_name(reference + pattern)) if pattern else None
