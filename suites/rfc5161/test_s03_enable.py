"""RFC 5161 §3: ENABLE."""

from harness.conformance import MUST, MUST_NOT, requirement, verify, verify_equal, verify_ok
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import Enabled
from suites.imap.talk import offers
from suites.imap.tampering import Remembering, answered, counted

_NEEDS = offers("ENABLE")


@requirement(
    "rfc5161/3.1/unknown-ignored",
    level=MUST,
    needs=_NEEDS,
    refuted_by=answered(b"ENABLE", b"BAD", of=b"OK"),
    also=["rfc9051/6.3.1/unknown-ignored"],
)
def test_unknown_extensions_are_ignored(target: Target) -> None:
    """ENABLE of what the server does not know is OK, and enables nothing."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        result = client.enable("X-MAILPROOF-NONE")
        verify_ok(result)
        enabled = [name for told in result.all(Enabled) for name in told.names]
        verify_equal("what is enabled", expected=[], actual=enabled)


@requirement(
    "rfc5161/3.1/enabled-response",
    level=MUST,
    needs=_NEEDS,
    refuted_by=Rewrite.from_server(rb"^\* ENABLED[^\r]*\r\n", b""),
    also=["rfc9051/6.3.1/enabled-response"],
)
def test_enable_is_answered_by_enabled(target: Target) -> None:
    """A successful ENABLE has an untagged ENABLED response."""
    with target.imap_mailbox() as box:
        result = box.other_session().enable("CONDSTORE", "X-MAILPROOF-NONE")
        verify_ok(result)
        verify(result.first(Enabled) is not None, expected="an untagged ENABLED", actual=result.octets)


@requirement(
    "rfc5161/3.1/capability-unchanged",
    level=MUST_NOT,
    needs=_NEEDS,
    refuted_by=Remembering(
        rb"^\* CAPABILITY (?=IMAP4rev1)",
        lambda found, memory: found.group() + b"X-%d " % counted(memory, b"asked"),
    ),
    also=["rfc9051/6.3.1/capability-unchanged"],
)
def test_enable_changes_no_capability(target: Target) -> None:
    """CAPABILITY lists the same before and after ENABLE."""
    with target.imap_mailbox() as box:
        client = box.other_session()
        verify_ok(client.capability())
        before = client.capabilities
        verify_ok(client.enable("CONDSTORE", "X-MAILPROOF-NONE"))
        verify_ok(client.capability())
        verify_equal("capabilities", expected=sorted(before), actual=sorted(client.capabilities))
