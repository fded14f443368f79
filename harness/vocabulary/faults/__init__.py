"""The one registry of named faults: for the fault proxy, the reference server, refutations and reports.

Adding a fault touches one list here (by protocol) and the one place that misbehaves under its name: in the
reference server, or in the fault proxy.
"""

from harness.vocabulary.faults import dsn, esmtp, imap, lmtp, mda, pop3, relay, smtp, transport
from harness.vocabulary.faults.entry import FaultEntry, Seat

FAULTS: dict[str, FaultEntry] = {
    entry.name: entry
    for module in (smtp, esmtp, lmtp, relay, dsn, mda, pop3, imap, transport)
    for entry in module.ENTRIES
}
"""By name, in the order of the mail's way."""

SERVER_FAULTS = {name: entry for name, entry in FAULTS.items() if Seat.SERVER in entry.seats}
"""Those that the reference server can be started with."""
PROXY_FAULTS = {name: entry for name, entry in FAULTS.items() if Seat.PROXY in entry.seats}
"""Those that can be put between a client and any server."""

__all__ = ["FAULTS", "PROXY_FAULTS", "SERVER_FAULTS", "FaultEntry", "Seat"]
