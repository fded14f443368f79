"""RFC 2971 §3: ID."""

from harness.conformance import MUST, MUST_NOT, requirement, verify, verify_equal, verify_ok
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import ServerId
from suites.imap.talk import offers
from suites.imap.tampering import not_told

_NEEDS = offers("ID")
_LONGEST_FIELD_OCTETS = 30
_LONGEST_VALUE_OCTETS = 1024
_MOST_FIELDS = 30


@requirement("rfc2971/3.2/id-response", level=MUST, needs=_NEEDS, refuted_by=not_told(b"ID", b"ID"))
def test_id_is_answered_by_id(target: Target) -> None:
    """ID, with fields or with NIL, is answered by an ID response and OK."""
    with target.imap_mailbox() as box:
        for fields in (None, {"name": "mailproof", "x-nothing": None}):
            result = box.client.id(fields)
            verify_ok(result)
            verify_equal("the number of ID responses", expected=1, actual=len(result.all(ServerId)))


@requirement(
    "rfc2971/3.3/field-limits",
    level=MUST_NOT,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(
        rb"^\* ID [^\r]*", b'* ID ("name" "one" "name" "two" "' + b"x" * 31 + b'" NIL)'
    ),
)
def test_id_fields_are_few_and_short(target: Target) -> None:
    """No more than 30 fields, names of 30 octets, values of 1024 octets, and no name twice."""
    with target.imap_mailbox() as box:
        result = box.client.id(None)
        verify_ok(result)
        fields = [field for told in result.all(ServerId) for field in told.fields]
        names = [name.lower() for name, _ in fields]
        verify(len(fields) <= _MOST_FIELDS, expected="at most 30 fields", actual=len(fields))
        verify(len(names) == len(set(names)), expected="each field once", actual=names)
        for name, value in fields:
            verify(len(name) <= _LONGEST_FIELD_OCTETS, expected="names of at most 30 octets", actual=name)
            verify(
                value is None or len(value) <= _LONGEST_VALUE_OCTETS,
                expected="values of at most 1024 octets",
                actual=value,
            )
