"""Each fault of the transport, seen by what it does."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.peers.faults import transport
from harness.peers.faults.turns import AtCommands, Seeded
from harness.transport.interpose import (
    Action,
    End,
    Ending,
    InterposerFactory,
    Spoken,
    ToClient,
    ToServer,
    Wait,
)
from harness.vocabulary.errors import UsageError

SMTP, IMAP, POP3 = Spoken.SMTP, Spoken.IMAP, Spoken.POP3
GREETING = {SMTP: b"220 hi\r\n", IMAP: b"* OK hi\r\n", POP3: b"+OK hi\r\n", Spoken.LMTP: b"220 hi\r\n"}


def acted(factory: InterposerFactory, spoken: Spoken, *turns: tuple[str, bytes]) -> list[Action]:
    """What is done about the turns behind a greeting."""
    interposer = factory.open(spoken)
    assert interposer is not None
    list(interposer.from_server(GREETING[spoken]))
    actions: list[Action] = []
    for who, octets in turns:
        actions += interposer.from_client(octets) if who == "C" else interposer.from_server(octets)
    return joined(actions)


def joined(actions: Sequence[Action]) -> list[Action]:
    """Neighbours of a kind as one."""
    result: list[Action] = []
    for action in actions:
        match result[-1:], action:
            case [ToServer(before)], ToServer(octets):
                result[-1] = ToServer(before + octets)
            case [ToClient(before)], ToClient(octets):
                result[-1] = ToClient(before + octets)
            case _:
                result.append(action)
    return result


AT_THE_LAST = [
    factory(command=10**9)
    for factory in (
        transport.Stall, transport.RefuseForNow, transport.RefuseForGood, transport.ReplyTwice,
        transport.ReplyCutShort, transport.ReplyLost, transport.Garbage, transport.Drop, transport.Reset,
        transport.HalfClose,
    )
]  # fmt: skip


@given(
    st.sampled_from(AT_THE_LAST),
    st.sampled_from(Spoken),
    st.lists(st.tuples(st.booleans(), st.binary(max_size=20)), max_size=20),
)
def test_where_it_does_not_strike_all_passes(
    factory: InterposerFactory, spoken: Spoken, turns: list[tuple[bool, bytes]]
) -> None:
    interposer = factory.open(spoken)
    assert interposer is not None
    came, passed = {True: b"", False: b""}, {True: b"", False: b""}
    for from_client, octets in [*turns, (True, b""), (False, b"")]:
        came[from_client] += octets
        for action in (interposer.from_client if from_client else interposer.from_server)(octets):
            assert isinstance(action, ToServer if from_client else ToClient)
            passed[from_client] += action.octets
    assert passed == came


def test_drip_and_split() -> None:
    assert acted(transport.Drip(octets=2, seconds=0.5), SMTP, ("S", b"abc")) == [
        Wait(0.5), ToClient(b"ab"), Wait(0.5), ToClient(b"c"),
    ]  # fmt: skip
    split = transport.Split().open(SMTP)
    assert list(split.from_server(b"abc")) == [ToClient(b"a"), ToClient(b"b"), ToClient(b"c")]
    assert list(split.from_client(b"abc")) == [ToServer(b"abc")]


def test_bandwidth_holds_either_way() -> None:
    narrow = transport.Bandwidth(octets_per_s=1000).open(IMAP)
    for actions in (narrow.from_client(b"x" * 500), narrow.from_server(b"x" * 500)):
        waits = [action.seconds for action in actions if isinstance(action, Wait)]
        assert sum(waits) == pytest.approx(0.5)


def test_delay_is_for_each_command_and_not_for_text() -> None:
    actions = acted(
        transport.Delay(seconds=2),
        SMTP,
        ("C", b"MAIL\r\nDATA\r\n"),
        ("S", b"250 ok\r\n354 go\r\n"),
        ("C", b"a\r\nb\r\n.\r\n"),
    )
    assert actions == [
        Wait(2), ToServer(b"MAIL\r\n"), Wait(2), ToServer(b"DATA\r\n"), ToClient(b"250 ok\r\n354 go\r\n"),
        ToServer(b"a\r\nb\r\n"), Wait(2), ToServer(b".\r\n"),
    ]  # fmt: skip


def test_stall_is_in_front_of_the_chosen_reply() -> None:
    actions = acted(
        transport.Stall(seconds=9, match="^fetch", command=2),
        IMAP,
        ("C", b"a FETCH 1 FLAGS\r\nb NOOP\r\nc FETCH 2 FLAGS\r\nd FETCH 3 FLAGS\r\n"),
        ("S", b"* 1 FETCH ()\r\na OK\r\nb OK\r\n* 2 FETCH ()\r\nc OK\r\nd OK\r\n"),
    )
    assert actions[1:] == [
        ToClient(b"* 1 FETCH ()\r\na OK\r\nb OK\r\n"), Wait(9), ToClient(b"* 2 FETCH ()\r\nc OK\r\nd OK\r\n"),
    ]  # fmt: skip


@pytest.mark.parametrize("spoken", Spoken)
def test_greetings(spoken: Spoken) -> None:
    missing = transport.GreetingMissing().open(spoken)
    assert list(missing.from_server(GREETING[spoken])) == []
    assert list(missing.from_client(b"x NOOP\r\n")) == [ToServer(b"x NOOP\r\n")]
    late = transport.GreetingLate(seconds=3).open(spoken)
    assert list(late.from_server(GREETING[spoken])) == [Wait(3), ToClient(GREETING[spoken])]
    refusing = transport.GreetingRefusal().open(spoken)
    refusal, end = refusing.from_server(GREETING[spoken])
    assert isinstance(refusal, ToClient)
    assert refusal.octets.startswith((b"421 ", b"-ERR ", b"* BYE "))
    assert end == End()


@pytest.mark.parametrize(
    ("spoken", "asks", "for_now", "for_good"),
    [
        (SMTP, b"NOOP\r\n", b"451 4", b"554 5"),
        (Spoken.LMTP, b"NOOP\r\n", b"451 4", b"554 5"),
        (POP3, b"NOOP\r\n", b"-ERR [SYS/TEMP]", b"-ERR [SYS/PERM]"),
        (IMAP, b"a1 NOOP\r\n", b"a1 NO [UNAVAILABLE]", b"a1 BAD "),
    ],
)
def test_refusals(spoken: Spoken, asks: bytes, for_now: bytes, for_good: bytes) -> None:
    for factory, words in ((transport.RefuseForNow(), for_now), (transport.RefuseForGood(), for_good)):
        (told,) = acted(factory, spoken, ("C", asks))
        assert isinstance(told, ToClient)
        assert told.octets.startswith(words)
        assert told.octets.endswith(b"\r\n")
    tag = b"a1 " if spoken is IMAP else b""
    assert acted(transport.RefuseForNow(reply="OWN words"), spoken, ("C", asks)) == [
        ToClient(tag + b"OWN words\r\n")
    ]


def test_a_refusal_waits_for_its_turn() -> None:
    actions = acted(
        transport.RefuseForNow(match="^RCPT", command=2, times=2),
        SMTP,
        ("C", b"MAIL\r\nRCPT 1\r\nRCPT 2\r\nRCPT 3\r\nRCPT 4\r\n"),
        ("S", b"250 ok\r\n250 1\r\n250 4\r\n"),
    )
    no = b"451 4.3.0 Try again later\r\n"
    assert actions == [
        ToServer(b"MAIL\r\nRCPT 1\r\nRCPT 4\r\n"),
        ToClient(b"250 ok\r\n250 1\r\n" + no + no + b"250 4\r\n"),
    ]


def test_a_refused_command_takes_its_literal_along() -> None:
    factory = transport.RefuseForGood(match="^APPEND")
    actions = acted(factory, IMAP, ("C", b"a APPEND x {3+}\r\nabc\r\nb NOOP\r\n"), ("S", b"b OK\r\n"))
    assert actions == [ToClient(b"a BAD Refused\r\n"), ToServer(b"b NOOP\r\n"), ToClient(b"b OK\r\n")]
    actions = acted(factory, IMAP, ("C", b"a APPEND x {3}\r\n"), ("C", b"b NOOP\r\n"))
    assert actions == [ToClient(b"a BAD Refused\r\n"), ToServer(b"b NOOP\r\n")]


def test_the_end_of_the_text_is_refused_although_the_server_has_it() -> None:
    actions = acted(
        transport.RefuseForNow(match=r"^\.$"),
        SMTP,
        ("C", b"DATA\r\n"),
        ("S", b"354 go\r\n"),
        ("C", b"x\r\n.\r\n"),
        ("S", b"250-kept\r\n250 kept\r\n"),
    )
    assert actions[-2:] == [ToServer(b"x\r\n.\r\n"), ToClient(b"451 4.3.0 Try again later\r\n")]


def test_replies_doubled_cut_short_lost_and_littered() -> None:
    turns = (("C", b"NOOP\r\nRSET\r\n"), ("S", b"250-a\r\n25"), ("S", b"0 b\r\n250 ok\r\n"))
    asked = ToServer(turns[0][1])
    assert acted(transport.ReplyTwice(), SMTP, *turns) == [
        asked, ToClient(b"250-a\r\n250 b\r\n250-a\r\n250 b\r\n250 ok\r\n"),
    ]  # fmt: skip
    assert acted(transport.ReplyCutShort(), SMTP, *turns)[:3] == [asked, ToClient(b"250-"), End()]
    assert acted(transport.ReplyLost(command=2), SMTP, *turns) == [
        asked,
        ToClient(b"250-a\r\n250 b\r\n"),
        End(),
    ]
    littered = acted(transport.Garbage(octets=5, seed=3), SMTP, *turns)
    assert isinstance(littered[1], ToClient)
    assert littered[1].octets[5:] == b"250-a\r\n250 b\r\n250 ok\r\n"
    assert littered == acted(transport.Garbage(octets=5, seed=3), SMTP, *turns)
    assert littered != acted(transport.Garbage(octets=5, seed=4), SMTP, *turns)


def test_ends() -> None:
    turns = (("C", b"a NOOP\r\n"), ("S", b"a OK\r\n"))
    assert acted(transport.Drop(), IMAP, *turns)[0] == End(Ending.CLOSE)
    assert acted(transport.Reset(), IMAP, *turns)[0] == End(Ending.RESET)
    assert acted(transport.HalfClose(), IMAP, *turns)[1:] == [ToClient(b"a OK\r\n"), End(Ending.HALF_CLOSE)]
    counting = transport.DropAfter(octets=5).open(IMAP)
    assert list(counting.from_server(b"abc")) == [ToClient(b"abc")]
    assert list(counting.from_server(b"def")) == [ToClient(b"de"), End()]


def test_chance_is_the_same_for_the_same_seed() -> None:
    def struck(seed: int) -> list[list[int]]:
        factory = transport.Delay(seed=seed, chance=0.5)
        connections = [acted(factory, IMAP, *[("C", b"a NOOP\r\n")] * 40) for _ in range(3)]
        return [[n for n, action in enumerate(actions) if action == Wait(0.2)] for actions in connections]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    first, second, _ = struck(1)
    assert first != second


def test_after_tls_commands_are_counted_on_and_no_greeting_comes() -> None:
    refusing = transport.RefuseForNow(match="NOOP").open(POP3)
    list(refusing.from_server(GREETING[POP3]))
    list(refusing.from_client(b"STLS\r\n"))
    list(refusing.from_server(b"+OK\r\n"))
    refusing.tls_started()
    assert joined(list(refusing.from_client(b"NOOP\r\n"))) == [
        ToClient(b"-ERR [SYS/TEMP] Try again later\r\n")
    ]


def test_nonsense_is_one_clear_line() -> None:
    with pytest.raises(UsageError, match="seconds must not be below 0"):
        transport.Stall(seconds=-1)
    with pytest.raises(UsageError, match=r"match=.* is no regular expression"):
        AtCommands(match="(")
    with pytest.raises(UsageError, match="nor without end"):
        transport.Drip(seconds=float("inf"))
    assert Seeded(seed=5).lot().random() == Seeded(seed=5).lot().random()
