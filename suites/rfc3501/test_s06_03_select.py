"""RFC 3501 §6.3.1, §6.3.2, §6.3.10: SELECT, EXAMINE and STATUS."""

from hypothesis import strategies as st

from harness.clients.imap_session import Result
from harness.conformance import (
    MUST,
    MUST_NOT,
    PROSE,
    SHOULD,
    given,
    requirement,
    unsupported,
    verify,
    verify_equal,
    verify_ok,
    verify_refused,
)
from harness.strategies import flags as flag_strategies
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Fault, Rewrite
from harness.vocabulary.imap import RECENT, SEEN, SYSTEM_FLAGS
from harness.wire.imap import Exists, Expunge, Flags, Recent, StatusData
from suites.imap.talk import IMAP, code_name, fetched, flags_of, octets_of, same_flags, status_of
from suites.imap.tampering import During, Remembering, answered, first_repeated

_FLAG_SETS = st.lists(flag_strategies.flag_sets(), min_size=1, max_size=5)


@requirement(
    "rfc3501/6.3.1/required-responses",
    level=MUST,
    needs=IMAP,
    refuted_by=During(b"SELECT EXAMINE", Rewrite.from_server(rb"^\* OK \[UIDNEXT [^\r]*\r\n", b"")),
    also=["rfc3501/6.3.2/required-responses"],
)
@given(count=st.integers(0, 3))
def test_select_describes_the_mailbox(target: Target, count: int) -> None:
    """SELECT and EXAMINE send FLAGS, EXISTS, RECENT, PERMANENTFLAGS, UIDNEXT and UIDVALIDITY before OK."""
    with target.imap_mailbox() as box:
        for _ in range(count):
            box.append(compose())
        client = box.other_session()
        for result in (client.select(box.name), client.examine(box.name)):
            verify_ok(result)
            missing = _missing_from(result)
            verify(not missing, expected=f"{', '.join(missing)} before OK", actual=result.octets)
            verify_equal("EXISTS", expected=count, actual=result.all(Exists)[-1].count)


def _missing_from(result: Result) -> list[str]:
    data = {"FLAGS": Flags, "EXISTS": Exists, "RECENT": Recent}
    missing = [name for name, kind in data.items() if result.first(kind) is None]
    codes = ("PERMANENTFLAGS", "UIDNEXT", "UIDVALIDITY")
    return missing + [name for name in codes if result.code(name) is None]


@requirement(
    "rfc3501/6.3.1/unseen-first",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"\[UNSEEN [0-9]+\]", b"[UNSEEN 1]"),
)
@given(flag_sets=st.lists(flag_strategies.flag_sets(), max_size=4))
def test_unseen_is_the_first_unseen_message(target: Target, flag_sets: list[frozenset[bytes]]) -> None:
    r"""What UNSEEN names is the first message without \Seen."""
    with target.imap_mailbox() as box:
        for flags in [frozenset({SEEN}), *flag_sets, frozenset()]:
            box.append(compose(), flags)
        seen = [SEEN.lower() in flags_of(box.client, number) for number in range(1, len(flag_sets) + 3)]
        result = box.other_session().examine(box.name)
        verify_ok(result)
        code = result.code("UNSEEN")
        if code is None:
            unsupported("SELECT sends no UNSEEN")
        verify_equal("the first unseen message", expected=seen.index(False) + 1, actual=code.number)


@requirement(
    "rfc3501/7.2.6/system-flags",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb"^(\* FLAGS \([^)\r]*)\\Draft", rb"\1Draft"),
    also=["rfc9051/7.3.5/system-flags"],
)
def test_flags_has_the_system_flags(target: Target) -> None:
    r"""FLAGS names at least \Answered \Flagged \Deleted \Seen \Draft."""
    with target.imap_mailbox() as box:
        result = box.client.select(box.name)
        verify_ok(result)
        named = frozenset(flag for data in result.all(Flags) for flag in data.flags)
        missing = same_flags(SYSTEM_FLAGS) - same_flags(named)
        verify(not missing, expected="the five system flags", actual=sorted(named))


@requirement(
    "rfc3501/6.3.1/failed-select",
    level=PROSE,
    needs=IMAP,
    refuted_by=answered(b"FETCH", b"OK", of=b"NO|BAD"),
    also=["rfc9051/6.3.2/failed-select"],
)
def test_after_a_failed_select_nothing_is_selected(target: Target) -> None:
    """SELECT deselects first: if it fails with NO, no mailbox is selected."""
    with target.imap_mailbox() as box:
        box.append(compose())
        verify_refused(box.client.select(box.fresh_name()), "there is no such mailbox", kinds={"NO"})
        verify_refused(box.client.fetch(1, b"FLAGS"), "no mailbox is selected")


@requirement(
    "rfc3501/6.3.1/read-write",
    level=SHOULD,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb" OK \[READ-WRITE\]", b" OK"),
    also=["rfc9051/6.3.2/read-write"],
)
def test_select_says_read_write(target: Target) -> None:
    """Where the client may change the mailbox, the OK of SELECT begins with [READ-WRITE]."""
    with target.imap_mailbox() as box:
        result = box.client.select(box.name)
        verify_ok(result)
        verify_equal("the response code", expected=b"READ-WRITE", actual=code_name(result))


@requirement(
    "rfc3501/6.3.2/read-only",
    level=MUST,
    needs=IMAP,
    refuted_by=Rewrite.from_server(rb" OK \[READ-ONLY\]", b" OK"),
    also=["rfc9051/6.3.3/read-only"],
)
def test_examine_says_read_only(target: Target) -> None:
    """The OK of EXAMINE begins with [READ-ONLY]."""
    with target.imap_mailbox() as box:
        result = box.client.examine(box.name)
        verify_ok(result)
        verify_equal("the response code", expected=b"READ-ONLY", actual=code_name(result))


@requirement(
    "rfc3501/6.3.2/changes-nothing",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"EXAMINE ", b"SELECT "),
    also=["rfc9051/6.3.3/changes-nothing"],
)
@given(flags=flag_strategies.flag_sets(), stored=flag_strategies.flag_sets())
def test_examine_permits_no_changes(
    target: Target, flags: frozenset[bytes], stored: frozenset[bytes]
) -> None:
    """In a mailbox opened by EXAMINE neither STORE nor FETCH of a body nor EXPUNGE changes anything."""
    with target.imap_mailbox() as box:
        box.append(compose(), flags)
        box.append(compose(), [rb"\Deleted"])
        before = flags_of(box.client, 1)
        reader = box.other_session()
        verify_ok(reader.examine(box.name))
        verify_ok(reader.fetch(b"1:2", b"BODY[]"))
        reader.store(1, b"FLAGS", [*stored, SEEN])
        gone = reader.expunge().all(Expunge)
        later = box.second()
        assert later.selected is not None
        verify(not gone, expected="no EXPUNGE response while the mailbox is read-only", actual=gone)
        verify_equal("the number of messages", expected=2, actual=later.selected.exists)
        verify_equal("the flags of message 1", expected=before, actual=flags_of(later, 1))


@requirement(
    "rfc3501/6.3.2/keeps-recent",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"EXAMINE ", b"SELECT "),
)
def test_examine_leaves_recent_messages_recent(target: Target) -> None:
    r"""EXAMINE does not make messages lose \Recent: the SELECT that follows still counts them."""
    with target.imap_mailbox() as box:
        verify_ok(box.client.close())
        for _ in range(2):
            verify_ok(box.client.append(box.name, compose()))
        first = box.other_session()
        verify_ok(first.examine(box.name))
        assert first.selected is not None
        verify_ok(first.fetch(b"1:*", b"FLAGS"))
        seen = first.selected.recent
        first.disconnect()
        then = box.second().selected
        assert then is not None
        verify_equal(r"messages with \Recent at SELECT after EXAMINE", expected=seen, actual=then.recent)


@requirement(
    "rfc3501/7.3.2/recent-counts",
    level=PROSE,
    needs=IMAP,
    refuted_by=Fault("imap-recent-is-exists"),
)
@given(known=st.integers(1, 2), new=st.integers(0, 2))
def test_recent_counts_the_recent_messages(target: Target, known: int, new: int) -> None:
    r"""RECENT of SELECT is the number of messages that have \Recent in the session that it opens."""
    with target.imap_mailbox() as box:
        for _ in range(known):
            box.append(compose())
        verify_ok(box.client.close())
        for _ in range(new):
            verify_ok(box.client.append(box.name, compose()))
        client = box.other_session()
        result = client.select(box.name)
        verify_ok(result)
        told = result.all(Recent)
        if not told:
            unsupported("SELECT sends no RECENT")
        recent = sum(
            RECENT in (fetched(client, number, b"FLAGS").flags or ()) for number in range(1, known + new + 1)
        )
        verify_equal("RECENT", expected=recent, actual=told[-1].count)


# STATUS

_ITEMS = b"MESSAGES UIDNEXT UIDVALIDITY UNSEEN"


@requirement(
    "rfc3501/6.3.10/equals-select",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_server(
        rb"UNSEEN ([0-9]+)(?=[ )])", lambda found: b"UNSEEN %d" % (int(found.group(1)) + 1)
    ),
    also=["rfc9051/6.3.11/equals-select", "rfc9051/6.3.11/status-response"],
)
@given(flag_sets=_FLAG_SETS)
def test_status_says_what_select_says(target: Target, flag_sets: list[frozenset[bytes]]) -> None:
    """STATUS of a mailbox and a look into it agree in messages, UIDNEXT, UIDVALIDITY and unseen ones."""
    with target.imap_mailbox() as box:
        for flags in flag_sets:
            box.append(compose(), flags)
        client = box.other_session()
        told = status_of(client, box.name, _ITEMS)
        verify_ok(client.examine(box.name))
        mailbox = client.selected
        assert mailbox is not None
        verify_equal("MESSAGES", expected=mailbox.exists, actual=told.messages)
        verify_equal("UIDNEXT", expected=mailbox.uid_next, actual=told.uid_next)
        verify_equal("UIDVALIDITY", expected=mailbox.uid_validity, actual=told.uid_validity)
        unseen = [
            number
            for number in range(1, len(flag_sets) + 1)
            if SEEN.lower() not in same_flags(fetched(client, number, b"FLAGS").flags)
        ]
        verify_equal("UNSEEN", expected=len(unseen), actual=told.unseen)


@requirement(
    "rfc3501/6.3.10/counts-now",
    level=PROSE,
    needs=IMAP,
    refuted_by=Remembering(rb"^\* STATUS (\S+)[^\r]*", first_repeated),
    also=["rfc9051/6.3.11/counts-now"],
)
@given(counts=st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_status_is_fresh(target: Target, counts: list[int]) -> None:
    """STATUS counts the messages that are there now, also where it was asked before."""
    with target.imap_mailbox() as box:
        client, total = box.other_session(), 0
        for count in [0, *counts]:
            for _ in range(count):
                box.append(compose())
            total += count
            told = status_of(client, box.name, b"MESSAGES UNSEEN")
            verify_equal("MESSAGES", expected=total, actual=told.messages)
            verify_equal("UNSEEN", expected=total, actual=told.unseen)
        verify_ok(box.client.store(1, b"+FLAGS", [SEEN]))
        verify_equal("UNSEEN", expected=total - 1, actual=status_of(client, box.name, b"UNSEEN").unseen)


@requirement(
    "rfc3501/6.3.10/keeps-recent",
    level=MUST_NOT,
    needs=IMAP,
    refuted_by=Fault("imap-status-takes-recent"),
)
@given(count=st.integers(1, 3))
def test_status_leaves_recent_messages_recent(target: Target, count: int) -> None:
    r"""STATUS does not make messages lose \Recent: the SELECT that follows still counts them."""
    with target.imap_mailbox() as box:
        verify_ok(box.client.close())
        client = box.other_session()
        for _ in range(count):
            verify_ok(client.append(box.name, compose()))
        result = client.status(box.name, b"RECENT")
        told = result.first(StatusData)
        if not result.ok or told is None:
            unsupported("STATUS tells no RECENT")
        status_of(client, box.name, b"MESSAGES UNSEEN")
        then = box.second().selected
        assert then is not None
        verify_equal(
            r"messages with \Recent at SELECT after STATUS", expected=told.recent, actual=then.recent
        )


@requirement(
    "rfc3501/6.3.10/keeps-selection",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"STATUS (\S+) [^\r]*", rb"SELECT \1"),
    also=["rfc9051/6.3.11/keeps-selection"],
)
def test_status_leaves_the_selected_mailbox_selected(target: Target) -> None:
    """STATUS of another mailbox changes nothing about the one that is selected."""
    with target.imap_mailbox() as box:
        message = compose()
        box.append(message)
        other = box.fresh_name()
        verify_ok(box.client.create(other))
        box.client.status(other, b"MESSAGES")
        verify_equal("message 1", expected=message, actual=octets_of(box.client, 1))
