"""What the registry says of the faults of SMTP, LMTP and POP3 is true."""

import pytest

from harness.catalogue import load_catalogue
from harness.vocabulary.faults import PROXY_FAULTS

ENTRIES = [entry for entry in PROXY_FAULTS.values() if entry.name.startswith(("smtp-", "lmtp-", "pop3-"))]
SHARED = {
    "pop3-uidl-unstable",
    "pop3-rset-ignored",
    "pop3-stat-counts-deleted",
    "pop3-top-one-more",
    "pop3-unstuffed",
    "pop3-dele-twice-ok",
    "pop3-verb-case",
    "smtp-dot-kept",
    "smtp-lf-dot-lf",
    "smtp-multiline-codes",
    "smtp-data-no-rcpt",
    "smtp-8bit-stripped",
    "smtp-null-sender-rejected",
    "smtp-rcpt-limit-50",
    "smtp-vrfy-claims",
    "smtp-noop-arg",
    "smtp-verb-case",
    "lmtp-single-reply",
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_broken_requirements_are_in_the_catalogue(entry) -> None:
    catalogue = load_catalogue()
    assert [broken for broken in entry.breaks if catalogue.find(broken) is None] == []
    assert entry.source.startswith("RFC ")


def test_the_well_known_ones_are_there() -> None:
    assert set(PROXY_FAULTS) >= SHARED
