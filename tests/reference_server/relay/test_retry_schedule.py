"""When the next attempt is due, and when there is none."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reference_server.relay.schedule import RetrySchedule

PAUSES = st.lists(st.floats(0.1, 10_000), min_size=1, max_size=6).map(lambda pauses: tuple(sorted(pauses)))


@given(PAUSES, st.floats(1, 500_000), st.floats(0, 1e9))
def test_attempts_grow_apart_and_end(pauses: tuple[float, ...], life_s: float, queued_at_s: float) -> None:
    schedule = RetrySchedule(pauses, life_s)
    times = [queued_at_s]
    for attempts in range(1, 50):
        due = schedule.next_attempt_s(attempts=attempts, queued_at_s=queued_at_s, now_s=times[-1])
        if due is None:
            assert times[-1] >= queued_at_s + life_s
            break
        assert times[-1] < due <= queued_at_s + life_s
        times.append(due)
    waits = [after - before for before, after in pairwise(times[:-1])]
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(waits))


def test_the_default_tries_for_five_days() -> None:
    schedule = RetrySchedule()
    now_s, attempts = 0.0, 1
    while (due := schedule.next_attempt_s(attempts=attempts, queued_at_s=0.0, now_s=now_s)) is not None:
        now_s, attempts = due, attempts + 1
    assert now_s == 5 * 86_400
    assert 30 < attempts < 60
