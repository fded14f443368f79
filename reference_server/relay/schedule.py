"""When to try again, and when to give up (RFC 5321 §4.5.4.1)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Growing pauses between attempts, the last one repeated, until a message has waited long enough.

    RFC 5321 asks for pauses of 30 minutes or more after the first hour and for 4 to 5 days before giving up;
    the first pauses are short, since most refusals of a test bed pass soon.
    """

    pauses_s: tuple[float, ...] = (2.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 7200.0, 14_400.0)
    give_up_after_s: float = 5 * 86_400.0
    tell_delay_after_s: float | None = 4 * 3600.0
    """When the sender is told that it takes longer; None for never."""

    def next_attempt_s(self, *, attempts: int, queued_at_s: float, now_s: float) -> float | None:
        """Return when to try again after `attempts` failed ones; None to give up.

        The last attempt falls on the end of the message's time, not before it.
        """
        end_s = queued_at_s + self.give_up_after_s
        if now_s >= end_s:
            return None
        pause_s = self.pauses_s[min(attempts, len(self.pauses_s)) - 1]
        return min(now_s + pause_s, end_s)
