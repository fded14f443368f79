"""Changes go to disk together: when a group is complete, and that nobody waits for who does not come."""

from fake_wire import Loop

from reference_server.net.gathering import Gathering


class Talker:
    """A client."""

    def __init__(self) -> None:
        self.round_heard = 0


def _gathering() -> tuple[Loop, Gathering, list[str]]:
    loop = Loop()
    return loop, Gathering(loop), []  # type: ignore[arg-type]


def _turns(loop: Loop, most: int) -> int:
    """Turn the loop until it has nothing to do, and count."""
    for turn in range(most):
        if not loop.has_work():
            return turn
        loop.turn_once()
    return most


def test_a_client_alone_waits_for_one_turn() -> None:
    loop, gathering, done = _gathering()
    gathering.joined(Talker())
    gathering(lambda: done.append("handed over"))
    assert done == []
    assert _turns(loop, 100) == 1
    assert done == ["handed over"]


def test_a_group_waits_for_who_was_heard_from() -> None:
    loop, gathering, done = _gathering()
    first, second = Talker(), Talker()
    gathering.heard(second)
    gathering.joined(first)
    gathering(lambda: done.append("handed over"))
    loop.turn_once()
    assert done == []
    gathering.arrivals += 1
    gathering.joined(second)
    loop.turn_once()
    assert done == ["handed over"]


def test_who_says_nothing_more_is_not_waited_for_long() -> None:
    loop, gathering, done = _gathering()
    gathering.heard(Talker())
    gathering.joined(Talker())
    gathering(lambda: done.append("handed over"))
    assert 1 < _turns(loop, 100) < 100
    assert done == ["handed over"]


def test_who_leaves_is_not_waited_for() -> None:
    loop, gathering, done = _gathering()
    leaver = Talker()
    gathering.heard(leaver)
    gathering.joined(Talker())
    gathering.gone(leaver)
    gathering(lambda: done.append("handed over"))
    assert _turns(loop, 100) == 1
    assert done == ["handed over"]


def test_a_busy_loop_holds_changes_back_for_a_moment_only() -> None:
    loop, gathering, done = _gathering()
    gathering.heard(Talker())
    gathering.joined(Talker())
    gathering(lambda: done.append("handed over"))
    for _ in range(1_000):
        gathering.arrivals += 1
        loop.turn_once()
    assert done == []
    loop.now += 0.1
    gathering.arrivals += 1
    loop.turn_once()
    assert done == ["handed over"]


def test_each_round_counts_anew() -> None:
    loop, gathering, done = _gathering()
    talkers = [Talker() for _ in range(3)]
    for talker in talkers:
        gathering.joined(talker)
    gathering(lambda: done.append("first"))
    assert _turns(loop, 100) == 1
    for talker in talkers:
        gathering.heard(talker)
        gathering.heard(talker)
    gathering.joined(talkers[0])
    gathering(lambda: done.append("second"))
    loop.turn_once()
    assert done == ["first"]
    for talker in talkers[1:]:
        gathering.joined(talker)
    loop.turn_once()
    assert done == ["first", "second"]
