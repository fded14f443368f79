"""Our own catalogue: every RFC in it has been read with care, and none is half done."""

import re
from collections import Counter

from harness.catalogue import load_catalogue

IN_PROGRESS = frozenset(
    {
        *("rfc1870", "rfc1939", "rfc2033", "rfc2034", "rfc2177", "rfc2342", "rfc2449", "rfc2505", "rfc2595"),
        *("rfc2920", "rfc2971", "rfc3206", "rfc3207", "rfc3464", "rfc3501", "rfc3691", "rfc3848", "rfc4315"),
        *("rfc4616", "rfc4954", "rfc4959", "rfc5034", "rfc5161", "rfc5256", "rfc5321", "rfc5322", "rfc6152"),
        *("rfc6409", "rfc6522", "rfc6851", "rfc7505", "rfc7888", "rfc9051"),
    }
)
"""RFCs whose entries somebody has still to review (`mailproof catalogue RFC --unreviewed`)."""


def test_no_entry_is_left_unreviewed():
    unreviewed = Counter(entry.folder for entry in load_catalogue() if not entry.is_reviewed)
    left = {folder: count for folder, count in unreviewed.items() if folder not in IN_PROGRESS}
    assert not left, "give each a visibility: python -m harness.catalogue.extraction RFC --texts DIR --check"


def test_what_is_no_duty_says_its_section_and_why():
    for folder, reasons in load_catalogue().no_duties.items():
        for digest, reason in reasons.items():
            assert re.fullmatch(r"[0-9A-Z]+(?:\.[0-9]+)*: .+", reason), f"{folder}: {digest}: {reason!r}"
