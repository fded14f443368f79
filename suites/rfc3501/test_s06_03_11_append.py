"""RFC 3501 §6.3.11, §7.3.1: APPEND and what it tells."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from harness.conformance import PROSE, SHOULD, given, requirement, verify, verify_equal, verify_ok
from harness.strategies import flags as flag_strategies
from harness.strategies import messages
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.imap import Exists
from suites.imap.talk import IMAP, fetched, flags_of, octets_of, same_flags
from suites.imap.tampering import ChangedLiterals, During, not_told

_MESSAGES = messages.conforming_messages(long=True) | messages.conforming_messages(utf8=True)
_MINUTES = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))
_DATES = st.builds(
    lambda moment, offset: moment.replace(microsecond=0, tzinfo=timezone(offset)),
    st.datetimes(datetime(1990, 1, 1), datetime(2020, 1, 1)),  # noqa: DTZ001 - the zone is drawn too
    _MINUTES,
)


@requirement(
    "rfc3501/6.3.11/append-at-the-end",
    level=PROSE,
    needs=IMAP,
    refuted_by=ChangedLiterals(lambda octets: octets.replace(b"Subject:", b"Subjekt:")),
    also=["rfc9051/6.3.12/append-at-the-end"],
)
@given(texts=st.lists(_MESSAGES, min_size=1, max_size=3))
def test_an_appended_message_is_the_last_one(target: Target, texts: list[bytes]) -> None:
    """APPEND adds the literal, octet for octet, as the last message of the mailbox."""
    with target.imap_mailbox() as box:
        for number, text in enumerate(texts, start=1):
            box.append(text)
            verify_ok(box.client.noop())
            assert box.client.selected is not None
            verify_equal("EXISTS", expected=number, actual=box.client.selected.exists)
        for number, text in enumerate(texts, start=1):
            verify_equal(f"message {number}", expected=text, actual=octets_of(box.client, number))


@requirement(
    "rfc3501/6.3.11/append-flags",
    level=SHOULD,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(APPEND \S+ )\([^)]*\) ", rb"\1"),
    also=["rfc9051/6.3.12/append-flags"],
)
@given(flag_sets=st.lists(flag_strategies.flag_sets(deleted=True), min_size=1, max_size=4))
def test_append_sets_the_flags(target: Target, flag_sets: list[frozenset[bytes]]) -> None:
    """The flags of APPEND's flag list are set in the new message."""
    with target.imap_mailbox() as box:
        for flags in flag_sets:
            verify_ok(box.client.append(box.name, compose(), flags))
        verify_ok(box.client.noop())
        for number, flags in enumerate(flag_sets, start=1):
            verify_equal(
                f"flags of message {number}", expected=same_flags(flags), actual=flags_of(box.client, number)
            )


@requirement(
    "rfc3501/6.3.11/append-no-flags",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(APPEND \S+ )(?=\{)", rb"\1(\\Flagged) "),
    also=["rfc9051/6.3.12/append-no-flags"],
)
def test_append_without_flags_sets_none(target: Target) -> None:
    r"""Without a flag list, and with an empty one, the new message has no flags but perhaps \Recent."""
    with target.imap_mailbox() as box:
        verify_ok(box.client.append(box.name, compose()))
        verify_ok(box.client.append(box.name, compose(), []))
        verify_ok(box.client.noop())
        for number in (1, 2):
            verify_equal(
                f"flags of message {number}", expected=frozenset(), actual=flags_of(box.client, number)
            )


@requirement(
    "rfc3501/6.3.11/append-date",
    level=SHOULD,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb'(APPEND \S+ )"[^"]*" ', rb"\1"),
    also=["rfc9051/6.3.12/append-date"],
)
@given(dates=st.lists(_DATES, min_size=1, max_size=4))
def test_append_sets_the_internal_date(target: Target, dates: list[datetime]) -> None:
    """INTERNALDATE is the moment that APPEND named, in whatever zone it is told."""
    with target.imap_mailbox() as box:
        for date in dates:
            box.append(compose(), date=date)
        verify_ok(box.client.noop())
        for number, date in enumerate(dates, start=1):
            told = fetched(box.client, number, b"INTERNALDATE").internal_date
            assert told is not None
            verify_equal("INTERNALDATE in UTC", expected=date.astimezone(UTC), actual=told.astimezone(UTC))


@requirement(
    "rfc3501/6.3.11/append-tells-exists",
    level=SHOULD,
    needs=IMAP,
    refuted_by=not_told(b"APPEND", rb"[0-9]+ EXISTS"),
    also=["rfc9051/6.3.12/append-tells-exists"],
)
def test_append_to_the_selected_mailbox_is_told_at_once(target: Target) -> None:
    """APPEND to the selected mailbox is told by an untagged EXISTS before its OK."""
    with target.imap_mailbox() as box:
        result = box.append(compose())
        verify(result.first(Exists) is not None, expected="an untagged EXISTS", actual=result.octets)


@requirement(
    "rfc3501/7.3.1/exists-counts",
    level=PROSE,
    needs=IMAP,
    refuted_by=During(
        b"APPEND",
        Rewrite.from_server(rb"^\* ([0-9]+) EXISTS", lambda found: b"* %d EXISTS" % (int(found[1]) + 1)),
    ),
    also=["rfc9051/7.4.1/exists-counts"],
)
@given(here=st.lists(st.booleans(), min_size=1, max_size=5))
def test_exists_is_the_number_of_messages(target: Target, here: list[bool]) -> None:
    """Every EXISTS tells how many messages there are, whichever session appends."""
    with target.imap_mailbox() as box:
        client, other = box.client, box.other_session()
        for number, by_us in enumerate(here, start=1):
            result = (client if by_us else other).append(box.name, compose())
            verify_ok(result)
            told = [each.count for each in result.all(Exists)] if by_us else []
            told += [each.count for each in client.noop().all(Exists)]
            wrong = [count for count in told if count > number]
            verify(not wrong, expected=f"EXISTS of at most {number}", actual=f"EXISTS {wrong}")
            assert client.selected is not None
            verify_equal("EXISTS after NOOP", expected=number, actual=client.selected.exists)
