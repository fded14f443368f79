"""Ways for a POP3 server to be wrong."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = ()
