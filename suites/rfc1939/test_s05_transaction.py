import re

from hypothesis import example
from hypothesis import strategies as st

from harness.clients.pop3 import Pop3Client
from harness.conformance import PROSE, Need, given, requirement, verify_equal, verify_ok, verify_refused
from harness.strategies import messages
from harness.targets import Target
from harness.transport.tamper import Rewrite
from harness.wire.message import strip_trace
from suites.rfc1939.steps import contents, filled, need_retention, notes
from suites.rfc1939.tampering import After, FirstAnswer, While, answered, taken_for

_DROP = Need.EMPTY_MAILDROP


def one_more(found: re.Match[bytes]) -> bytes:
    """Write the number that the last group is, and one."""
    return found.group()[: -len(found[1])] + b"%d" % (int(found[1]) + 1)


def mail() -> st.SearchStrategy[bytes]:
    """Messages with dots, folded fields, long lines and octets of eight bits."""
    return messages.conforming_messages(long=True) | messages.conforming_messages(eight_bit=True)


@requirement(
    "rfc1939/5/stat",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"STAT", Rewrite.from_server(rb"\A\+OK [0-9]+ ([0-9]+)", one_more)),
)
@given(stored=st.lists(mail(), max_size=4))
def test_stat_gives_number_and_octets(target: Target, stored: list[bytes]) -> None:
    """STAT gives `nn mm`: the number of messages, and the octets of all of them as RETR gives them."""
    with filled(target, stored) as (_, peer):
        octets = sum(len(peer.retr(number).body) for number in range(1, len(stored) + 1))
        verify_equal("STAT", expected=(len(stored), octets), actual=tuple(peer.stat()))


@requirement(
    "rfc1939/5/stat-without-deleted",
    level=PROSE,
    needs={_DROP},
    refuted_by=FirstAnswer(rb"STAT"),
)
@given(deleted=st.lists(st.integers(1, 4), unique=True, max_size=4))
def test_stat_counts_no_deleted_messages(target: Target, deleted: list[int]) -> None:
    """With every message that is marked as deleted, both totals of STAT shrink."""
    with filled(target, notes(4)) as (_, peer):
        sizes = peer.list()
        verify_equal("STAT", expected=(4, sum(sizes.values())), actual=tuple(peer.stat()))
        for number in deleted:
            verify_ok(peer.dele(number))
            del sizes[number]
            expected = (len(sizes), sum(sizes.values()))
            verify_equal(f"STAT after DELE {number}", expected=expected, actual=tuple(peer.stat()))
        verify_ok(peer.rset())


@requirement(
    "rfc1939/5/list-exact-size",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"LIST", Rewrite.from_server(rb"^[0-9]+ ([0-9]+)(?=\r\n)", one_more)),
)
@given(stored=st.lists(mail(), min_size=1, max_size=3))
def test_list_gives_exact_sizes(target: Target, stored: list[bytes]) -> None:
    """The size in LIST is that of what RETR gives: CRLF counts as two octets, a stuffed dot as none."""
    with filled(target, stored) as (_, peer):
        expected = {number: len(peer.retr(number).body) for number in range(1, len(stored) + 1)}
        verify_equal("LIST", expected=expected, actual=peer.list())


@requirement(
    "rfc1939/5/list-one",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"LIST [0-9]", Rewrite.from_server(rb"\A\+OK [0-9]+ ([0-9]+)", one_more)),
)
@given(stored=st.lists(mail(), min_size=1, max_size=3))
def test_list_of_one_message_is_its_scan_listing(target: Target, stored: list[bytes]) -> None:
    """LIST with a number is answered in one line by the scan listing that LIST has for that message."""
    with filled(target, stored) as (_, peer):
        for number, octets in peer.list().items():
            response = peer.command(f"LIST {number}")
            verify_ok(response)
            verify_equal(
                f"LIST {number}",
                expected=[b"%d" % number, b"%d" % octets],
                actual=response.text.split(b" ")[:2],
            )


@requirement(
    "rfc1939/5/retr-entire",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"RETR", Rewrite.from_server(rb"[\x80-\xff]", b"?")),
)
@given(message=mail())
@example(message=messages.compose(b"caf\xe9\r\n"))
def test_retr_gives_every_octet(target: Target, message: bytes) -> None:
    """RETR gives the message as it is in the maildrop, whatever its octets."""
    with filled(target, [message]) as (maildrop, peer):
        response = peer.retr(1)
        verify_ok(response)
        body = response.body if maildrop.exact else strip_trace(response.body)
        verify_equal("what RETR gives", expected=message, actual=body)


@requirement(
    "rfc1939/5/retr-again",
    level=PROSE,
    needs={_DROP},
    refuted_by=After(rb"NOOP", taken_for(rb"RETR 1", b"RETR 2")),
)
@given(numbers=st.lists(st.integers(1, 3), min_size=2, max_size=6))
def test_retr_gives_the_same_each_time(target: Target, numbers: list[int]) -> None:
    """However often and in which order RETR is given, each number has its message."""
    with filled(target, notes(3)) as (_, peer):
        stored = contents(peer)
        verify_ok(peer.noop())
        for number in numbers:
            response = peer.retr(number)
            verify_ok(response)
            verify_equal(f"message {number}", expected=stored[number - 1], actual=strip_trace(response.body))


_NUMBERS = st.one_of(
    st.sampled_from([0, 3, 2**31, 2**32 + 1, 2**63, 2**64 + 1, 10**30 + 1]), st.integers(3, 10**9)
)


@requirement(
    "rfc1939/5/no-such-message",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"[A-Z]+ [0-9]{9}", Rewrite.from_client(rb"(?<= )[0-9]+", b"1")),
)
@given(verb=st.sampled_from(["LIST", "RETR", "DELE"]), number=_NUMBERS)
def test_numbers_without_a_message_are_refused(target: Target, verb: str, number: int) -> None:
    """Zero, and a number beyond the last message however large, is answered with -ERR."""
    with filled(target, notes(2)) as (_, peer):
        response = peer.command(f"{verb} {number}")
        verify_refused(response, "there are two messages")
        verify_equal("the messages that STAT counts", expected=2, actual=peer.stat().messages)


@requirement(
    "rfc1939/5/deleted-not-listed",
    level=PROSE,
    needs={_DROP},
    refuted_by=FirstAnswer(rb"LIST"),
)
@given(deleted=st.lists(st.integers(1, 4), unique=True, min_size=1, max_size=4))
def test_deleted_messages_are_not_listed(target: Target, deleted: list[int]) -> None:
    """LIST leaves out what is marked as deleted, and nothing else."""
    with filled(target, notes(4)) as (_, peer):
        expected = peer.list()
        for number in deleted:
            verify_ok(peer.dele(number))
            del expected[number]
            verify_equal(f"LIST after DELE {number}", expected=expected, actual=peer.list())
        verify_ok(peer.rset())


@requirement(
    "rfc1939/5/deleted-refused",
    level=PROSE,
    needs={_DROP},
    refuted_by=While(rb"DELE", Rewrite.from_client(rb"\ADELE [0-9]+", b"NOOP")),
)
@given(deleted=st.integers(1, 3), verb=st.sampled_from(["LIST", "RETR"]))
def test_the_number_of_a_deleted_message_is_refused(target: Target, deleted: int, verb: str) -> None:
    """What names a message that is marked as deleted is answered with -ERR, and others are not."""
    with filled(target, notes(3)) as (_, peer):
        verify_ok(peer.dele(deleted))
        for number in range(1, 4):
            response = peer.command(f"{verb} {number}", multiline=verb == "RETR")
            if number == deleted:
                verify_refused(response, "it is marked as deleted")
            else:
                verify_ok(response, "it is not marked")
        verify_ok(peer.rset())


@requirement(
    "rfc1939/5/dele-twice",
    level=PROSE,
    needs={_DROP},
    refuted_by=answered(rb"DELE", b"+OK"),
)
@given(number=st.integers(1, 3), between=st.lists(st.sampled_from(["NOOP", "STAT", "DELE"]), max_size=3))
def test_a_message_is_deleted_once(target: Target, number: int, between: list[str]) -> None:
    """DELE of a message that is marked as deleted is answered with -ERR."""
    with filled(target, notes(3)) as (_, peer):
        verify_ok(peer.dele(number))
        for verb in between:
            peer.command(f"DELE {number % 3 + 1}" if verb == "DELE" else verb)
        verify_refused(peer.dele(number), "it is marked as deleted")
        verify_ok(peer.rset())


@requirement(
    "rfc1939/5/noop",
    level=PROSE,
    needs={_DROP},
    refuted_by=taken_for(rb"NOOP", b"RSET"),
)
@given(deleted=st.sets(st.integers(1, 3), min_size=1), times=st.integers(1, 3))
def test_noop_does_nothing(target: Target, deleted: set[int], times: int) -> None:
    """NOOP is answered with +OK, and leaves everything as it was."""
    with filled(target, notes(3)) as (_, peer):
        for number in deleted:
            verify_ok(peer.dele(number))
        before = peer.list()
        for _ in range(times):
            verify_ok(peer.noop())
        verify_equal("LIST after NOOP", expected=before, actual=peer.list())
        verify_ok(peer.rset())


def state_of(peer: Pop3Client) -> tuple[dict[int, int], tuple[int, ...], list[bytes]]:
    """Return what LIST, STAT and RETR say."""
    return peer.list(), tuple(peer.stat()), contents(peer)


@requirement(
    "rfc1939/5/rset",
    level=PROSE,
    needs={_DROP},
    refuted_by=taken_for(rb"RSET", b"NOOP"),
)
@given(deleted=st.sets(st.integers(1, 3), min_size=1), kept=st.sets(st.integers(1, 3)))
def test_reset_unmarks_what_was_marked(target: Target, deleted: set[int], kept: set[int]) -> None:
    """After RSET everything is there again, and only what is marked after it goes at QUIT."""
    with filled(target, notes(3)) as (maildrop, peer):
        need_retention(peer)
        stored = contents(peer)
        before = state_of(peer)
        for number in deleted:
            verify_ok(peer.dele(number))
        verify_ok(peer.rset())
        verify_equal("LIST, STAT and the messages after RSET", expected=before, actual=state_of(peer))
        for number in {1, 2, 3} - kept:
            verify_ok(peer.dele(number))
        verify_ok(peer.quit())
        with maildrop.open() as other:
            expected = [stored[number - 1] for number in sorted(kept)]
            verify_equal("what is left after QUIT", expected=sorted(expected), actual=sorted(contents(other)))
