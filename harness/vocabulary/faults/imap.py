"""Ways for an IMAP server to be wrong."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = ()
