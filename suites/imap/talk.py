"""Small questions to an IMAP server, whose answers the checks judge."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from harness.clients.imap import ImapClient
from harness.clients.imap_session import Result
from harness.conformance import verify, verify_ok
from harness.targets import Target
from harness.vocabulary.imap import RECENT
from harness.vocabulary.judging import Need, Offers
from harness.wire.imap import Expunge, FetchData, ListData, Numbers, StatusData

IMAP = frozenset({Need.IMAP})
"""What nearly every check of these suites needs."""


def offers(capability: str) -> frozenset[Need | Offers]:
    """The need for a capability that the server may announce only after login."""
    return frozenset({Need.IMAP, Offers(Need.IMAP, capability, authenticated=True)})


@contextmanager
def door(target: Target) -> Iterator[ImapClient]:
    """A connection on which nobody has logged in, but a password may be said: under TLS if need be."""
    needs_tls = "LOGINDISABLED" in target.offers(Need.IMAP)
    with target.imap(login=False, tls=needs_tls) as client:
        yield client


def same_flags(flags: Iterable[bytes] | None) -> frozenset[bytes]:
    r"""Flags as they compare: without case (RFC 3501 §9), and without \Recent, which is the session's."""
    return frozenset(flag.lower() for flag in flags or ()) - {RECENT.lower()}


def data_of(result: Result, number: int, item: bytes) -> FetchData:
    """What the result says last about `item` of message `number`; a finding if it says nothing."""
    found = [each for each in result.all(FetchData) if each.number == number and each.has(item)]
    verify(
        found,
        expected=f"an untagged FETCH response for message {number} with {item.decode()}",
        actual=result.octets,
    )
    return found[-1]


def fetched(client: ImapClient, number: int, item: bytes) -> FetchData:
    """FETCH one item of one message."""
    result = client.fetch(number, item)
    verify_ok(result)
    return data_of(result, number, item)


def octets_of(client: ImapClient, number: int, item: bytes = b"BODY.PEEK[]") -> bytes | None:
    """FETCH a section of one message."""
    return fetched(client, number, item).section(item)


def flags_of(client: ImapClient, number: int) -> frozenset[bytes]:
    """The flags that FETCH tells of a message."""
    return same_flags(fetched(client, number, b"FLAGS").flags)


def uids_of(client: ImapClient) -> tuple[int, ...]:
    """The UIDs in the selected mailbox, by message number."""
    if client.selected is None or not client.selected.exists:
        return ()
    result = client.fetch(b"1:*", b"UID")
    verify_ok(result)
    by_number = {data.number: data.uid for data in result.all(FetchData) if data.uid is not None}
    return tuple(uid for _, uid in sorted(by_number.items()))


def status_of(client: ImapClient, name: bytes, items: bytes) -> StatusData:
    """STATUS of a mailbox."""
    result = client.status(name, items)
    verify_ok(result)
    found = result.first(StatusData)
    verify(found is not None, expected="an untagged STATUS response", actual=result.octets)
    assert found is not None
    return found


def listed(client: ImapClient, pattern: bytes, *, subscribed: bool = False) -> dict[bytes, ListData]:
    """The names that LIST, or LSUB, returns for `pattern`, by name."""
    result = client.lsub(b"", pattern) if subscribed else client.list(b"", pattern)
    verify_ok(result)
    return {data.mailbox: data for data in result.all(ListData) if data.subscribed is subscribed}


def expunges(result: Result) -> list[int]:
    """The numbers of the EXPUNGE responses, in their order."""
    return [each.number for each in result.all(Expunge)]


def delete_marked(client: ImapClient, numbers: Numbers) -> None:
    r"""Mark messages \Deleted, in silence."""
    verify_ok(client.store(numbers, b"+FLAGS.SILENT", [rb"\Deleted"]))


def code_name(result: Result) -> bytes | None:
    """The name of the response code in the tagged response."""
    return result.tagged.code.name if result.tagged.code is not None else None
