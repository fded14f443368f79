"""An interposer in a stream of this process, and several in a row."""

import ssl
import time
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.transport.chain import Chain, chained
from harness.transport.interpose import Action, End, Ending, Interposer, Spoken, ToClient, ToServer, Wait
from harness.transport.interposed import InterposedStream
from harness.transport.memory import ScriptedStream
from harness.vocabulary.errors import PeerClosed, ReplyTimeout

Hook = Callable[[bytes], Iterable[Action]]


class Hooked:
    """An interposer of two functions; passes everything by default."""

    def __init__(self, *, from_client: Hook | None = None, from_server: Hook | None = None) -> None:
        self._from_client = from_client or (lambda octets: [ToServer(octets)])
        self._from_server = from_server or (lambda octets: [ToClient(octets)])
        self.tls = 0

    def from_client(self, octets: bytes) -> Iterable[Action]:
        return self._from_client(octets)

    def from_server(self, octets: bytes) -> Iterable[Action]:
        return self._from_server(octets)

    def tls_started(self) -> None:
        self.tls += 1


def answering(*actions: Action) -> Hooked:
    return Hooked(from_server=lambda _: actions)


@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=9))))
def test_who_changes_nothing_is_not_noticed(turns: list[tuple[bool, bytes]]) -> None:
    script = ScriptedStream()
    for by_client, octets in turns:
        script.client(octets) if by_client else script.server(octets)
    with script.server_closes():
        stream = InterposedStream(script, Hooked())
        for by_client, octets in turns:
            if by_client:
                stream.send(octets)
            else:
                assert stream.receive(1) == octets
        assert stream.receive(1) == b""


def test_each_action_arrives_by_itself() -> None:
    stream = InterposedStream(ScriptedStream().server(b"x"), answering(ToClient(b"a"), ToClient(b"b")))
    assert [stream.receive(1), stream.receive(1)] == [b"a", b"b"]


def test_a_wait_takes_place_within_the_time_out() -> None:
    stream = InterposedStream(
        ScriptedStream().server(b"x"), answering(ToClient(b"a"), Wait(0.05), ToClient(b"b"))
    )
    assert stream.receive(1) == b"a"
    with pytest.raises(ReplyTimeout, match=r"nothing that passed for 0\.01 s"):
        stream.receive(0.01)
    started = time.monotonic()
    assert stream.receive(1) == b"b"
    assert time.monotonic() - started < 0.5


def test_what_waits_is_not_overtaken() -> None:
    held = Hooked(from_client=lambda octets: [Wait(0.02), ToServer(octets)])
    with ScriptedStream().client(b"onetwo").server(b"ok") as script:
        stream = InterposedStream(script, held)
        stream.send(b"one")
        stream.send(b"two")
        assert stream.receive(1) == b"ok"


@pytest.mark.parametrize("ending", [Ending.CLOSE, Ending.RESET])
def test_ends(ending: Ending) -> None:
    script = ScriptedStream().server(b"x")
    stream = InterposedStream(script, answering(ToClient(b"a"), End(ending), ToClient(b"b")))
    if ending is Ending.RESET:
        with pytest.raises(PeerClosed, match="reset"):
            stream.receive(1)
    else:
        assert [stream.receive(1), stream.receive(1)] == [b"a", b""]
    assert script.closed
    with pytest.raises(PeerClosed):
        stream.send(b"x")


def test_a_half_close_leaves_the_client_its_say() -> None:
    with ScriptedStream().server(b"x").client(b"more") as script:
        stream = InterposedStream(script, answering(End(Ending.HALF_CLOSE), ToClient(b"b")))
        assert stream.receive(1) == b""
        stream.send(b"more")
        assert stream.receive(1) == b""
        assert not script.closed


def test_the_end_of_the_server_is_the_interposers_too() -> None:
    held: list[bytes] = []

    def hold(octets: bytes) -> Iterable[Action]:
        held.append(octets)
        return [ToClient(b"".join(held))] if not octets else []

    stream = InterposedStream(ScriptedStream().server(b"a", b"b").server_closes(), Hooked(from_server=hold))
    assert [stream.receive(1), stream.receive(1)] == [b"ab", b""]


def test_tls_in_the_middle_is_told_and_at_the_start_is_not() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    interposer = Hooked()
    stream = InterposedStream(ScriptedStream().tls().server(b"hi").tls(), interposer)
    stream.start_tls(context, "a.test")
    assert interposer.tls == 0
    stream.receive(1)
    stream.start_tls(context, "a.test")
    assert interposer.tls == 1
    assert stream.peer == "script"


# Chains


def marked(mark: bytes) -> Hooked:
    return Hooked(
        from_client=lambda octets: [ToServer(octets + mark)] if octets else [ToServer(mark + b"$")],
        from_server=lambda octets: [ToClient(octets + mark)] if octets else [ToClient(mark + b"$")],
    )


class Made:
    def __init__(self, interposer: Interposer | None) -> None:
        self._interposer = interposer

    def open(self, spoken: Spoken) -> Interposer | None:
        return self._interposer


def test_the_first_of_a_chain_is_next_to_the_client() -> None:
    chain = Chain([Made(marked(b"1")), Made(None), Made(marked(b"2")), Made(marked(b"3"))]).open(Spoken.IMAP)
    assert chain is not None
    assert list(chain.from_client(b"c")) == [ToServer(b"c123")]
    assert list(chain.from_server(b"s")) == [ToClient(b"s321")]
    assert list(chain.from_client(b"")) == [ToServer(b"1$23"), ToServer(b"2$3"), ToServer(b"3$")]
    assert list(chain.from_server(b"")) == [ToClient(b"3$21"), ToClient(b"2$1"), ToClient(b"1$")]


def test_a_link_that_answers_itself_and_what_goes_the_other_way() -> None:
    answers = Hooked(from_client=lambda octets: [Wait(1), ToClient(b"no"), ToServer(octets), End()])
    chain = chained([marked(b"1"), answers, marked(b"3")])
    assert chain is not None
    assert list(chain.from_client(b"c")) == [
        *(Wait(1), ToClient(b"no1"), ToServer(b"c13")),
        *(ToClient(b"1$"), End()),
    ]


def test_a_chain_of_nothing_and_of_one() -> None:
    one = marked(b"1")
    assert Chain([Made(None)]).open(Spoken.POP3) is None
    assert Chain([Made(one), Made(None)]).open(Spoken.POP3) is one


def test_all_links_learn_of_tls() -> None:
    links = [marked(b"1"), marked(b"2")]
    chain = chained(links)
    assert chain is not None
    chain.tls_started()
    assert [link.tls for link in links] == [1, 1]
