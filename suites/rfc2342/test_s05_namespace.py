"""RFC 2342 §5: NAMESPACE."""

from harness.conformance import PROSE, requirement, verify, verify_equal, verify_ok
from harness.targets import Target
from harness.wire.imap import ListData, Namespaces
from suites.imap.talk import offers
from suites.imap.tampering import not_told


@requirement(
    "rfc2342/5/namespace-response",
    level=PROSE,
    needs=offers("NAMESPACE"),
    refuted_by=not_told(b"NAMESPACE", b"NAMESPACE"),
    also=["rfc9051/6.3.10/namespace-response", "rfc9051/6.3.10/prefix-and-delimiter"],
)
def test_namespace_names_the_personal_namespace(target: Target) -> None:
    """NAMESPACE is answered by one response; where mailboxes are made, its separator is that of LIST."""
    with target.imap_mailbox() as box:
        result = box.client.namespace()
        verify_ok(result)
        told = result.all(Namespaces)
        verify_equal("the number of NAMESPACE responses", expected=1, actual=len(told))
        listed = [data.delimiter for data in box.client.list(b"", box.name).all(ListData)]
        separators = [each.delimiter for each in told[0].personal if box.name.startswith(each.prefix)]
        verify(
            not separators or set(listed) <= set(separators),
            expected=f"the separator of LIST, {listed}, in the personal namespace",
            actual=told[0],
        )
