"""RFC 3501 §5.2, §5.5, §7: what a session is told of what others do, and in which order commands run."""

from hypothesis import strategies as st

from harness.clients.imap import ImapClient
from harness.conformance import (
    MUST,
    PROSE,
    SHOULD,
    given,
    requirement,
    verify,
    verify_equal,
    verify_ok,
)
from harness.models.mailbox import SessionView
from harness.strategies import flags as flag_strategies
from harness.strategies.commands import case_variants
from harness.strategies.messages import compose
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import Exists, Expunge, FetchData, Response
from harness.wire.imap.responses import Data
from suites.imap.talk import IMAP, delete_marked, flags_of, octets_of, same_flags, uids_of
from suites.imap.tampering import not_told

_COUNT = 5
_POLLS = 5
"""So many times NOOP is asked for news."""


def _news(client: ImapClient, enough: int = _POLLS) -> list[Response]:
    """What NOOP tells; a server that looks only now and then gets a few of them."""
    told: list[Response] = []
    for _ in range(enough):
        result = client.noop()
        verify_ok(result)
        told += result.untagged
        if result.untagged:
            break
    return told


def _filled(box: ImapMailbox) -> tuple[int, ...]:
    for _ in range(_COUNT):
        box.append(compose())
    verify_ok(box.client.noop())
    return uids_of(box.client)


@requirement(
    "rfc3501/7/new-messages-at-noop",
    level=PROSE,
    needs=IMAP,
    refuted_by=not_told(b"NOOP CHECK", rb"[0-9]+ (?:EXISTS|RECENT)"),
    also=["rfc3501/5.2/size-updates", "rfc9051/7/new-messages-at-noop", "rfc9051/5.2/size-updates"],
)
@given(counts=st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_noop_tells_new_messages(target: Target, counts: list[int]) -> None:
    """NOOP in the selected state tells the messages that have come, by EXISTS."""
    with target.imap_mailbox() as box:
        other, total = box.other_session(), 0
        for count in counts:
            for _ in range(count):
                verify_ok(other.append(box.name, compose()))
            total += count
            told = [each.value for each in _news(box.client) if isinstance(each, Data)]
            exists = [each.count for each in told if isinstance(each, Exists)]
            verify(exists and exists[-1] == total, expected=f"* {total} EXISTS at NOOP", actual=told)


@requirement(
    "rfc3501/7/expunges-at-noop",
    level=SHOULD,
    needs=IMAP,
    refuted_by=not_told(b"NOOP", rb"[0-9]+ EXPUNGE"),
    also=["rfc9051/7/expunges-at-noop"],
)
@given(chosen=st.sets(st.integers(1, _COUNT), min_size=1))
def test_noop_tells_removed_messages(target: Target, chosen: set[int]) -> None:
    """NOOP tells by EXPUNGE which messages others have removed; replayed, that leaves what is there."""
    with target.imap_mailbox() as box:
        view = SessionView(list(_filled(box)))
        left = [uid for number, uid in enumerate(view.uids, start=1) if number not in chosen]
        other = box.second()
        delete_marked(other, chosen)
        verify_ok(other.expunge())
        for _ in range(_POLLS):
            for each in _news(box.client, 1):
                if isinstance(each, Data) and isinstance(each.value, Expunge):
                    view.expunge(each.value.number)
            if len(view.uids) == len(left):
                break
        verify_equal("the UIDs left, by the EXPUNGE responses", expected=left, actual=view.uids)


@requirement(
    "rfc3501/5.2/exists-never-reduces",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^\* [0-9]+ EXPUNGE\r\n", b"* 1 EXISTS\r\n"),
    also=["rfc9051/5.2/exists-never-reduces"],
)
@given(chosen=st.sets(st.integers(1, _COUNT), min_size=1, max_size=3), added=st.integers(0, 2))
def test_only_expunge_reduces_the_mailbox(target: Target, chosen: set[int], added: int) -> None:
    """However a mailbox has shrunk and grown, EXISTS is never less than what EXPUNGE has left."""
    with target.imap_mailbox() as box:
        count = len(_filled(box))
        other = box.second()
        delete_marked(other, chosen)
        verify_ok(other.expunge())
        for _ in range(added):
            verify_ok(other.append(box.name, compose()))
        for _ in range(_POLLS):
            for each in _news(box.client, 1):
                if not isinstance(each, Data):
                    continue
                match each.value:
                    case Expunge():
                        count -= 1
                    case Exists(count=told):
                        verify(told >= count, expected=f"EXISTS of {count} and more", actual=each.octets)
                        count = told
        verify_equal("the messages told", expected=_COUNT - len(chosen) + added, actual=count)


@requirement(
    "rfc3501/5.2/flag-updates",
    level=SHOULD,
    needs=IMAP,
    refuted_by=not_told(b"NOOP", rb"[0-9]+ FETCH"),
    also=["rfc9051/5.2/flag-updates", "rfc9051/7/flags-at-noop"],
)
@given(flags=flag_strategies.flag_sets().filter(bool), number=st.integers(1, _COUNT))
def test_noop_tells_changed_flags(target: Target, flags: frozenset[bytes], number: int) -> None:
    """NOOP tells by FETCH the flags that others have changed."""
    with target.imap_mailbox() as box:
        _filled(box)
        verify_ok(box.second().store(number, b"+FLAGS", flags))
        told = [each.value for each in _news(box.client) if isinstance(each, Data)]
        found = [each for each in told if isinstance(each, FetchData) and each.number == number]
        verify(
            found and same_flags(found[-1].flags) == same_flags(flags),
            expected=f"* {number} FETCH (FLAGS ...) with {sorted(flags)} at NOOP",
            actual=told,
        )


@requirement(
    "rfc3501/5.5/order",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_client(
        rb"^(\S+ STORE [^\r]*\r\n)(\S+ FETCH [^\r]*\r\n)(\S+ SEARCH [^\r]*\r\n)", rb"\3\2\1"
    ),
    also=["rfc9051/5.5/order"],
)
@given(number=st.integers(1, 3))
def test_commands_sent_together_run_in_order(target: Target, number: int) -> None:
    """Commands that affect each other, sent without waiting, have the effect of their order."""
    with target.imap_mailbox() as box:
        _filled(box)
        client = box.client
        lines = (
            rb"x1 STORE %d +FLAGS.SILENT (\Flagged)" % number,
            b"x2 FETCH %d FLAGS" % number,
            b"x3 SEARCH FLAGGED",
        )
        client.send_raw(b"".join(line + b"\r\n" for line in lines), b"x1", b"x2", b"x3")
        # Data bear no tag: they may come before the completion of an earlier command.
        results = [client.finish(tag) for tag in (b"x1", b"x2", b"x3")]
        for result in results:
            verify_ok(result)
        told = [data for result in results for data in result.all(FetchData) if data.number == number]
        flags = [same_flags(data.flags) for data in told]
        verify_equal("flags by FETCH behind STORE", expected=[frozenset({rb"\flagged"})], actual=flags[-1:])
        found = [each for result in results for each in result.numbers]
        verify_equal("what SEARCH FLAGGED behind STORE finds", expected=[number], actual=found)


@requirement(
    "rfc3501/7.5/continuation",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^\+ ", b"x1 NO "),
    also=["rfc9051/7.6/continuation"],
)
@given(size=st.integers(0, 3))
def test_a_literal_is_asked_for(target: Target, size: int) -> None:
    """After the announcement of a literal, of length zero too, the server asks for it by a `+` line."""
    with target.imap_mailbox() as box:
        client = box.client
        client.reply_timeout_s = target.pace.at_least(5.0)
        client.send_raw(b"x1 SEARCH SUBJECT {%d}\r\n" % size, b"x1")
        answer = client.await_continuation(b"x1")
        verify(answer.octets.startswith(b"+"), expected='a continuation request, "+ "', actual=answer.octets)
        client.send_raw(b"q" * size + b"\r\n")
        verify_ok(client.finish(b"x1"))


_LINES = (
    b"NOOP",
    b"CAPABILITY",
    b"STATUS INBOX (MESSAGES UIDNEXT)",
    rb"STORE 1 +FLAGS.SILENT (\FLAGGED)",
    b"UID SEARCH FLAGGED NOT DELETED",
    b"FETCH 1 (FLAGS UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])",
)


@requirement(
    "rfc3501/9/case-insensitive",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"^(x[0-9]+) ([A-Z]*[a-z][A-Za-z]*)", rb"\1 Q\2"),
    also=["rfc9051/9/case-insensitive"],
)
@given(lines=st.tuples(*map(case_variants, _LINES)))
def test_commands_have_no_case(target: Target, lines: tuple[bytes, ...]) -> None:
    """Verbs, items, keys and flags mean the same in any case."""
    with target.imap_mailbox() as box:
        message = compose()
        box.append(message)
        client = box.client
        for index, line in enumerate(lines):
            result = client.raw(b"x%d %s\r\n" % (index, line), tag=b"x%d" % index)
            verify_ok(result, line.decode())
        verify_equal("the flags", expected=frozenset({rb"\flagged"}), actual=flags_of(client, 1))
        verify_equal("the message", expected=message, actual=octets_of(client, 1))
