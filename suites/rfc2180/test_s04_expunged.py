"""RFC 2180 §4: commands about messages that another session has expunged meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from harness.clients.imap import ImapClient
from harness.clients.imap_session import Result
from harness.conformance import MAY, observe, requirement, verify_ok
from harness.strategies.messages import compose
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import FLAGGED
from harness.wire.imap import FetchData
from suites.imap.talk import IMAP, delete_marked, same_flags, status_of
from suites.imap.tampering import During, answered

_GONE = 2
"""The middle one of three messages: others are before and behind it."""
_OTHERWISE = During(
    b"COPY",
    Rewrite.from_server(
        rb"^(A[0-9]+) (OK|NO|BAD)(?= )",
        lambda found: found[1] + (b" NO" if found[2] == b"OK" else b" OK"),
    ),
)
"""A server that says the other thing."""


@contextmanager
def expunged(target: Target) -> Iterator[tuple[ImapMailbox, ImapClient, str]]:
    """Three messages, the second of which another session has expunged; a session that was not told.

    With them what the other session's EXPUNGE was answered: a server may refuse it (§4.1.4).
    """
    with target.imap_mailbox() as box:
        for _ in range(3):
            box.append(compose())
        verify_ok(box.client.noop())
        other = box.second()
        delete_marked(other, _GONE)
        yield box, box.client, other.expunge().kind.value


def told(result: Result, item: bytes) -> str:
    """Which of the three messages a result has data about."""
    numbers = sorted({data.number for data in result.all(FetchData) if data.has(item)})
    return " ".join(map(str, numbers)) or "none"


@requirement("rfc2180/4.1/fetching", level=MAY, needs=IMAP, refuted_by=answered(b"FETCH", b"BAD"))
def test_fetching_what_another_session_has_expunged(target: Target) -> None:
    """Whether FETCH gives the message, and what it is answered."""
    with expunged(target) as (_, client, expunge):
        observe("EXPUNGE in another session", expunge)
        result = client.fetch("1:3", b"BODY.PEEK[HEADER]")
        observe("FETCH of messages some of which are expunged", result.kind.value)
        observe("messages that it gives", told(result, b"BODY.PEEK[HEADER]"))
        alone = client.fetch(_GONE, b"RFC822.SIZE")
        observe("FETCH of an expunged message alone", alone.kind.value)


@requirement(
    "rfc2180/4.2/storing",
    level=MAY,
    needs=IMAP,
    refuted_by=During(b"STORE", Rewrite.from_server(rb"^\* [0-9]+ FETCH [^\r]*\r\n", b"")),
)
def test_storing_to_what_another_session_has_expunged(target: Target) -> None:
    """Whether STORE changes the messages that are left, and what it is answered."""
    with expunged(target) as (_, client, expunge):
        observe("EXPUNGE in another session", expunge)
        result = client.store("1:3", b"+FLAGS", [FLAGGED])
        observe("STORE to messages some of which are expunged", result.kind.value)
        flagged = (data for data in result.all(FetchData) if same_flags([FLAGGED]) <= same_flags(data.flags))
        observe("messages that it flags", " ".join(sorted({str(data.number) for data in flagged})) or "none")


@requirement(
    "rfc2180/4.3/searching",
    level=MAY,
    needs=IMAP,
    refuted_by=During(b"SEARCH", Rewrite.from_server(rb"^(\* SEARCH) 1\b", rb"\1")),
)
def test_searching_where_another_session_has_expunged(target: Target) -> None:
    """Whether SEARCH finds a message that is expunged and not told of."""
    with expunged(target) as (_, client, expunge):
        observe("EXPUNGE in another session", expunge)
        result = client.search(b"ALL")
        observe("SEARCH where some are expunged", result.kind.value)
        observe("messages that it finds", " ".join(map(str, sorted(result.numbers))) or "none")


@requirement("rfc2180/4.4/copying", level=MAY, needs=IMAP, refuted_by=_OTHERWISE)
def test_copying_what_another_session_has_expunged(target: Target) -> None:
    """Whether COPY succeeds, and how many messages it copies."""
    with expunged(target) as (box, client, expunge):
        observe("EXPUNGE in another session", expunge)
        name = box.fresh_name()
        verify_ok(client.create(name))
        observe("COPY of messages some of which are expunged", client.copy("1:3", name).kind.value)
        observe("messages that it copies", status_of(client, name, b"MESSAGES").messages)
