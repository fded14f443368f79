"""RFC 3501 §6.4.6, §2.3.2: STORE and the flags it leaves."""

from hypothesis import example
from hypothesis import strategies as st

from harness.conformance import PROSE, given, requirement, verify_equal, verify_ok
from harness.strategies import flags as flag_strategies
from harness.strategies.flags import STORE_ITEMS, stored
from harness.strategies.messages import compose
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.vocabulary.imap import ANSWERED, DRAFT, FLAGGED, SEEN
from harness.wire.imap import FetchData
from suites.imap.talk import IMAP, flags_of, same_flags

_STORES = st.lists(
    st.tuples(st.integers(1, 3), flag_strategies.stores(), st.booleans()), min_size=1, max_size=8
)
_Store = tuple[int, tuple[bytes, frozenset[bytes]], bool]
# Two stores to one message, so that adding, removing and replacing each leave other flags.
_TWICE: dict[bytes, list[_Store]] = {
    item: [
        (1, (b"FLAGS", frozenset({FLAGGED, SEEN})), False),
        (1, (item, frozenset({ANSWERED, SEEN})), False),
        (2, (b"+FLAGS", frozenset({FLAGGED})), True),
        (2, (item, frozenset({DRAFT})), True),
    ]
    for item in STORE_ITEMS
}


@requirement(
    "rfc3501/6.4.6/store",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"-FLAGS", b"FLAGS"),
    also=["rfc9051/6.4.6/store"],
)
@given(stores=_STORES)
@example(stores=_TWICE[b"+FLAGS"])
@example(stores=_TWICE[b"-FLAGS"])
@example(stores=_TWICE[b"FLAGS"])
def test_store_changes_what_it_says(target: Target, stores: list[_Store]) -> None:
    """FLAGS replaces, +FLAGS adds, -FLAGS removes, of the messages named and of no other."""
    with target.imap_mailbox() as box:
        model: dict[int, frozenset[bytes]] = {}
        for number in (1, 2, 3):
            box.append(compose())
            model[number] = frozenset()
        verify_ok(box.client.noop())
        for number, (item, flags), silent in stores:
            verify_ok(box.client.store(number, item + (b".SILENT" if silent else b""), flags))
            model[number] = stored(model[number], item, flags)
        for number, flags in model.items():
            verify_equal(
                f"flags of message {number}", expected=same_flags(flags), actual=flags_of(box.client, number)
            )


@requirement(
    "rfc3501/6.4.6/new-value-told",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"(STORE \S+ [+-]?FLAGS) ", rb"\1.SILENT "),
    also=["rfc9051/6.4.6/new-value-told"],
)
@given(stores=_STORES)
def test_store_tells_the_new_flags(target: Target, stores: list[_Store]) -> None:
    """STORE without .SILENT is answered by an untagged FETCH with the flags that the message has then."""
    with target.imap_mailbox() as box:
        model = {number: frozenset[bytes]() for number in (1, 2, 3)}
        for _ in model:
            box.append(compose())
        verify_ok(box.client.noop())
        for number, (item, flags), _ in stores:
            result = box.client.store(number, item, flags)
            verify_ok(result)
            before, model[number] = model[number], stored(model[number], item, flags)
            told = [same_flags(data.flags) for data in result.all(FetchData) if data.number == number]
            if before == model[number] and not told:
                continue  # "Normally, STORE will return the updated value", and there is none.
            verify_equal(
                f"the last flags told of {number}", expected=[same_flags(model[number])], actual=told[-1:]
            )


@requirement(
    "rfc3501/6.4.6/silent",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"\.SILENT", b""),
    also=["rfc9051/6.4.6/silent"],
)
@given(stores=_STORES)
def test_silent_stores_are_silent(target: Target, stores: list[_Store]) -> None:
    """With .SILENT no untagged FETCH follows, as nobody else changes these flags."""
    with target.imap_mailbox() as box:
        for _ in range(3):
            box.append(compose())
        verify_ok(box.client.noop())
        for number, (item, flags), _ in stores:
            result = box.client.store(number, item + b".SILENT", flags)
            verify_ok(result)
            told = [data for data in result.all(FetchData) if data.flags is not None]
            verify_equal("the FETCH responses with FLAGS", expected=[], actual=told)


@requirement(
    "rfc3501/2.3.2/permanent-flags",
    level=PROSE,
    needs=IMAP,
    refuted_by=Rewrite.from_client(rb"STORE (\S+) \S+ \([^)]*\)", rb"FETCH \1 FLAGS"),
    also=["rfc9051/2.3.2/permanent-flags"],
)
@given(flags=flag_strategies.flag_sets(keyword=True).filter(bool))
def test_permanent_flags_outlive_the_session(target: Target, flags: frozenset[bytes]) -> None:
    """Flags that PERMANENTFLAGS allows are seen by concurrent and later sessions."""
    with target.imap_mailbox() as box:
        box.append(compose())
        verify_ok(box.client.noop())
        permanent = box.client.selected.permanent_flags if box.client.selected else None
        lasting = same_flags(permanent if permanent is not None else flags)
        wanted = {
            flag
            for flag in flags
            if flag.lower() in lasting or (not flag.startswith(b"\\") and rb"\*" in lasting)
        }
        verify_ok(box.client.store(1, b"+FLAGS", wanted))
        concurrent = flags_of(box.second(), 1)
        verify_equal("flags in a concurrent session", expected=same_flags(wanted), actual=concurrent)
        verify_ok(box.client.logout())
        verify_equal(
            "flags in a later session", expected=same_flags(wanted), actual=flags_of(box.second(), 1)
        )
