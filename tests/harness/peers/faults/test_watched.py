"""What counts as a strike."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from harness.peers.faults.watched import Turn, Watched
from harness.transport.interpose import Action, End, ToClient, ToServer, Wait


class Played:
    """An interposer that does what it is told next."""

    def __init__(self) -> None:
        self.actions: list[Action] = []

    def from_client(self, octets: bytes) -> Iterable[Action]:
        return self.actions

    from_server = from_client

    def tls_started(self) -> None:
        self.actions = []


class Bench:
    def __init__(self) -> None:
        self.played = Played()
        self.strikes: list[Turn] = []
        self.watched = Watched(self.played, self.strikes.append)

    def client(self, octets: bytes, *actions: Action) -> int:
        """How often it strikes now."""
        return self._strikes(lambda: self.watched.from_client(octets), actions)

    def server(self, octets: bytes, *actions: Action) -> int:
        return self._strikes(lambda: self.watched.from_server(octets), actions)

    def _strikes(self, act: object, actions: Iterable[Action]) -> int:
        self.played.actions = list(actions)
        before = len(self.strikes)
        assert callable(act)
        assert list(act()) == list(actions)
        return len(self.strikes) - before


@given(st.lists(st.binary(min_size=1), max_size=9), st.randoms())
def test_held_back_and_cut_is_no_strike(pieces: list[bytes], random: object) -> None:
    bench = Bench()
    held = b""
    for piece in pieces:
        held += piece
        size = random.randrange(len(held) + 1)  # type: ignore[attr-defined]
        passing, held = held[:size], held[size:]
        assert bench.client(piece, ToServer(passing)) == 0
    assert bench.client(b"", ToServer(held)) == 0


def test_changed_swallowed_added_late_and_ended() -> None:
    bench = Bench()
    assert bench.server(b"a\r\n", ToClient(b"b\r\n")) == 1
    assert bench.server(b"c\r\n", ToClient(b"c\r\n")) == 0
    assert bench.server(b"d\r\n") == 0
    assert bench.server(b"e\r\n", ToClient(b"e\r\n")) == 1
    assert bench.server(b"f\r\n", ToClient(b"x\r\n"), ToClient(b"f\r\n")) == 1
    assert bench.client(b"g\r\n", ToServer(b"g\r\n"), ToClient(b"own\r\n")) == 1
    assert bench.client(b"h\r\n", Wait(0), Wait(1), ToServer(b"h\r\n")) == 1
    assert bench.client(b"i\r\n", End()) == 1
    assert bench.client(b"", End()) == 0
    assert set(bench.strikes) == {Turn.COMMAND, Turn.REPLY}


def test_a_command_that_is_answered_by_another_is_one_strike() -> None:
    bench = Bench()
    assert bench.client(b"a\r\n", ToClient(b"no\r\n")) == 1
    assert bench.client(b"b\r\n", ToServer(b"b\r\n")) == 0
    assert bench.server(b"ok\r\n", ToClient(b"ok\r\n")) == 0


def test_after_tls_all_begins_anew() -> None:
    bench = Bench()
    assert bench.server(b"held\r\n") == 0
    bench.watched.tls_started()
    assert bench.server(b"a\r\n", ToClient(b"a\r\n")) == 0


def test_what_is_held_back_has_a_bound() -> None:
    bench = Bench()
    for _ in range(40):
        assert bench.server(bytes(65536)) == 0
    assert bench.server(b"x", ToClient(b"x")) == 0
