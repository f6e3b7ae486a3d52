"""Deadlines: the moments at which a block of the plan begins, and what was missed at them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from composer.live.plan import FALLBACK, Plan
from composer.live.seat import Seat
from composer.live.stats import Figures

WATCHED, TOO_MANY = 64, 16
"""Of so many deadlines so many missed are worth a sentence: 16 seconds at 120 quarters a minute, a quarter of them."""
LATE_TICKS = 20
"""A note of a late answer may begin this long ago, when nothing else was planned there."""


class Deadlines:
    """Count deadlines and misses into `figures`. One thread uses it."""

    def __init__(self, plan: Plan, figures: Figures, say: Callable[[str], None]) -> None:
        self._plan, self._figures, self._say = plan, figures, say
        self._recent: deque[bool] = deque(maxlen=WATCHED)
        self._watched: tuple[int, int] | None = None
        self._begin = 0
        self._last: int | None = None
        self._news: deque[int] = deque(maxlen=64)

    def begin(self, tick: int) -> None:
        """Begin to count after `tick`, with nothing counted and nothing new."""
        self._begin, self._last = tick, None

    def forget_news(self) -> None:
        """Forget what was new: its ticks mean another place now."""
        self._news.clear()

    def note_news(self, tick: float) -> None:
        """Note that the player did at `tick` what a plan should know."""
        self._news.append(max(0, round(tick)))

    def count(self, at: float, step: int, seat_at: Callable[[int], Seat]) -> None:
        """Count the deadlines up to tick `at`, one each `step` ticks; `seat_at` says whose plan it should have been."""
        deadline = self._begin if self._last is None else self._last + step
        deadline = max(deadline, (int(at) - 64 * step) // step * step)
        while deadline <= at:
            if deadline % step == 0 and deadline > self._begin:
                self._count(deadline, seat_at(deadline))
            self._last = deadline // step * step
            deadline = self._last + step

    def _count(self, tick: int, seat: Seat) -> None:
        self._figures.deadlines += 1
        cover = self._plan.cover(tick)
        if cover is None or (cover.seat == FALLBACK and cover.known_until < 0) or cover.at > tick + 1:
            self._figures.misses["fallback"] += 1
        missed = cover is None or cover.seat != seat.number or cover.known_until < self._needed(seat, tick)
        if missed:
            self._figures.misses[seat.name] += 1
        if seat.is_ready and seat.pace.grid > 1:
            self._watch(seat, missed)

    def _watch(self, seat: Seat, missed: bool) -> None:
        """Say once, of a seat and its lead, that it is too slow: what plays meanwhile are its older plans."""
        if self._watched != (watched := (seat.number, seat.pace.lead)):
            self._watched, self._recent = watched, deque(maxlen=WATCHED)
        self._recent.append(missed)
        if len(self._recent) == WATCHED and sum(self._recent) > TOO_MANY:
            self._say(
                f"{seat.name} was late for {sum(self._recent)} of its last {WATCHED} plans on this machine; give it"
                f" time with a greater lead than {seat.pace.lead}, or choose a lighter generator"
            )
            self._recent = deque(maxlen=0)

    def _needed(self, seat: Seat, tick: int) -> int:
        pace = seat.pace
        if pace.grid > 1:
            return max(self._begin // pace.grid * pace.grid, tick - (pace.lead - 1) * pace.grid)
        return max((news for news in self._news if news <= tick - pace.commit - LATE_TICKS), default=0)
