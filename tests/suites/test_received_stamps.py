"""The suites' strict reading of Received fields."""

import pytest

from harness.conformance import Finding
from suites.journeys.stamp import for_clause, is_one_path, read_stamp

_POSTFIX = (
    b"from client.test (localhost [127.0.0.1])\t(using TLSv1.3 with cipher X (256/256 bits)"
    b"\t key-exchange Y)\t(No client certificate requested)\tby mx.example.test (Postfix) with ESMTPS id 4f!g"
    b"\tfor <a@b.test>; Thu,  1 Jan 2026 12:00:00 +0100 (CET)"
)


@pytest.mark.parametrize(
    "value",
    [
        _POSTFIX,
        b"from a by b; 1 Jan 2026 12:00 -0000",
        b"FROM [192.0.2.1] ([192.0.2.1]) BY b VIA TCP WITH SMTP ID <x@y> FOR a@b; 1 Jan 2026 12:00 +0000",
        b"from a ([IPv6:::1]) by b with LMTP id gG/x+A== for <@c:a@b> tls x; 31 Dec 2026 12:00 +0000",
        b'from a by b id 1.2-3 for <"a b"@c.test>; Fri, 02 Jan 2026 12:00:00 +0530',
        b"from a by b for <postmaster>; Fri, 02 Jan 2026 12:00:00 +0530",
    ],
)
def test_stamps_of_the_grammar(value: bytes) -> None:
    read_stamp(value)


@pytest.mark.parametrize(
    "value",
    [
        b"by b; 1 Jan 2026 12:00 -0000",
        b"from a; 1 Jan 2026 12:00 -0000",
        b"from a by b with SMTP",
        b"from a by b id x with SMTP; 1 Jan 2026 12:00 -0000",
        b"from a by b for <a@b.test>,<c@d.test>; 1 Jan 2026 12:00 -0000",
        b"from a by b; 1 Jan 26 12:00 -0000",
        b"from a by b; 1 Jan 2026 12:00 GMT",
        b"from a by b; 2026-01-01T12:00:00Z",
        b"from a by b; 32 Jan 2026 12:00 -0000",
        b"from a by b; 1 Jan 2026 24:00 -0000",
        b"from a by b; Don, 1 Jan 2026 12:00 -0000",
        b"from a_ by b; ",
    ],
)
def test_other_stamps(value: bytes) -> None:
    with pytest.raises(Finding, match="date-time"):
        read_stamp(value)


def test_clauses() -> None:
    stamp = read_stamp(_POSTFIX)
    assert (stamp.source, stamp.protocol, stamp.path) == (b"client.test", b"ESMTPS", b"<a@b.test>")
    assert for_clause(_POSTFIX) == b"<a@b.test>"
    assert for_clause(b"from a by b (for nobody); 1 Jan 2026 12:00 -0000") is None
    clause = for_clause(b"from a by b for <a@b.test>, <c@d.test>; 1 Jan 2026 12:00 -0000")
    assert clause == b"<a@b.test>, <c@d.test>"
    assert not is_one_path(clause)
