"""What the store raises: one line for the operator, or the news that a change is not on disk."""

from harness.vocabulary.errors import MailproofError


class StoreError(MailproofError):
    """The data directory cannot be used; the text names the path and the mend, and nothing was touched."""


class StoreUnavailable(MailproofError):
    """A change or a read did not come about; nothing of the change is on disk.

    Sessions answer 451 (SMTP), `-ERR [SYS/TEMP]` (POP3) or `NO [UNAVAILABLE]` (IMAP).
    """
