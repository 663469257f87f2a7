"""How long the jobs that are left will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

PRIOR = 0.1
"""How much the estimates count against the measured time, as a part of the whole work."""


class Estimate:
    """Time left, from estimates of the jobs and from how far off they were until now.

    Args:
        seconds: estimated seconds of each job, by its number.
        slots: how many jobs run side by side.
        known: whether the estimates say how long a job takes; otherwise only how long it takes beside the others.
        clock: the time in seconds.
    """

    def __init__(
        self, seconds: Mapping[int, float], slots: int, known: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.waiting = dict(seconds)
        self.total = len(seconds)
        self.sum = sum(seconds.values())
        self.expected = self.sum / max(1, slots)
        self.prior = PRIOR if known else 0.0
        self.clock = clock
        self.began = self.last = clock()

    @property
    def done(self) -> int:
        """Number of finished jobs."""
        return self.total - len(self.waiting)

    def finish(self, job: int) -> None:
        """Note that a job is finished."""
        if self.waiting.pop(job, None) is not None:
            self.last = self.clock()

    def part(self) -> float:
        """Return the part of the work that is done, from 0 to 1."""
        return 1 - sum(self.waiting.values()) / self.sum if self.sum else 1.0

    def left(self) -> float | None:
        """Return the seconds that are left, which run down until another job is finished; None if nothing is known."""
        part, took = self.part(), self.last - self.began
        if not self.expected or not part + self.prior:
            return None
        slower = (took / self.expected + self.prior) / (part + self.prior)
        return max(0.0, (1 - part) * self.expected * slower - (self.clock() - self.last))


def clock(seconds: float) -> str:
    """Return a duration as minutes and seconds: 3:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def in_words(seconds: float) -> str:
    """Return a duration as somebody would say it: 40 seconds, 7 minutes, 5 hours."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} seconds"
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return f"{minutes} minute{'s' if minutes > 1 else ''}"
    return f"{round(minutes / 60)} hours"
