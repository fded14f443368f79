"""RFC 4731 §3.1: SEARCH RETURN, and the ESEARCH response."""

from hypothesis import example
from hypothesis import strategies as st

from harness.clients.imap_session import Result
from harness.conformance import MUST, PROSE, given, requirement, verify, verify_equal, verify_ok
from harness.strategies import search_programs
from harness.strategies.search_programs import CORPUS, Program
from harness.targets import ImapMailbox, Target
from harness.transport.tamper import Fault
from harness.wire.imap import ESearch, SearchData
from suites.imap.talk import offers
from suites.imap.tampering import told_also

_NEEDS = offers("ESEARCH")
_NOTHING = Program(b"KEYWORD $MailproofNowhere", lambda _: False)
_KEYS = st.lists(search_programs.flag_keys() | st.just(_NOTHING), min_size=2, max_size=6)
_OPTIONS = st.lists(st.sampled_from([b"MIN", b"MAX", b"ALL", b"COUNT"]), max_size=4, unique=True)


def _fill(box: ImapMailbox) -> None:
    for message in CORPUS:
        box.append(message.octets, message.flags, message.internal_date)
    verify_ok(box.client.noop())


def _found(result: Result) -> ESearch:
    """The ESEARCH response of a command that is OK; a finding if there is none."""
    verify_ok(result)
    told = result.first(ESearch)
    verify(told is not None, expected="an ESEARCH response", actual=result.octets)
    assert told is not None
    return told


@requirement(
    "rfc4731/3.1/count",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Fault("imap-esearch-count-off1"),
    also=["rfc4731/3.1/count-always"],
)
@example(programs=[_NOTHING])
@given(programs=_KEYS)
def test_count_is_the_number_of_messages_found(target: Target, programs: list[Program]) -> None:
    """COUNT tells how many messages were found, 0 as well."""
    with target.imap_mailbox() as box:
        _fill(box)
        for program in programs:
            told = _found(box.client.search(b"RETURN (COUNT) " + program.octets))
            verify_equal(
                f"COUNT of SEARCH {program.octets.decode()}",
                expected=len(program.numbers(CORPUS)),
                actual=told.count,
            )


@requirement(
    "rfc4731/3.1/tag-of-the-command",
    level=PROSE,
    needs=_NEEDS,
    refuted_by=Fault("imap-esearch-no-tag"),
)
@given(options=_OPTIONS)
def test_the_esearch_response_has_the_tag(target: Target, options: list[bytes]) -> None:
    """The search correlator is the tag of the command; without one the response answers no command."""
    with target.imap_mailbox() as box:
        _fill(box)
        for verb in (b"SEARCH", b"UID SEARCH"):
            result = box.client.command(b"%b RETURN (%b) UNSEEN" % (verb, b" ".join(options)))
            verify_equal("TAG", expected=result.tagged.tag, actual=_found(result).tag)


@requirement(
    "rfc4731/3.1/single-esearch",
    level=MUST,
    needs=_NEEDS,
    refuted_by=told_also(b"SEARCH", b"* SEARCH 1"),
)
@example(options=[b"MIN", b"MAX", b"ALL", b"COUNT"], program=_NOTHING)
@given(
    options=_OPTIONS.filter(bool),
    program=search_programs.flag_keys() | st.just(_NOTHING),
)
def test_one_esearch_response_takes_the_place_of_search(
    target: Target, options: list[bytes], program: Program
) -> None:
    """However many options there are, there is one ESEARCH response, and no SEARCH response."""
    with target.imap_mailbox() as box:
        _fill(box)
        result = box.client.search(b"RETURN (%b) %b" % (b" ".join(options), program.octets))
        _found(result)
        verify_equal("ESEARCH responses", expected=1, actual=len(result.all(ESearch)))
        verify_equal("SEARCH responses", expected=0, actual=len(result.all(SearchData)))
