"""Ways for a connection to be bad, whatever is spoken on it."""

from harness.vocabulary.faults.entry import FaultEntry

ENTRIES: tuple[FaultEntry, ...] = ()
