"""When a generator is asked, for what, and what it may know: rules about ticks alone."""

from __future__ import annotations

from typing import NamedTuple

from composer.live.plan import Plan
from composer.live.seat import Seat
from composer.live.steps import STEP, Pace
from composer.music import Span

HEAD_START = 60
"""Ticks before a block has been heard at which it is asked for, as if the player did nothing more in it.

A sixteenth of four quarters, so that notes in the middle of a block have come. Mostly nothing comes in between, and
the answer has had twice the time; otherwise the question is asked again.
"""


class Due(NamedTuple):
    """Say what is to be asked: for which span, the last tick heard, and the tick until which the player is known."""

    span: Span
    heard: int
    known_until: int
    is_early: bool = False
    """Whether it is asked before the last tick heard, on trust."""


def block_due(seat: Seat, at: float) -> Due | None:
    """Return the question of a generator with blocks that is due at a tick, once; None when none is.

    A block is asked for when it has been heard, and a little before.
    """
    pace, first = seat.pace, seat.boundary is None
    block, coming = (int((at + pace.margin + early) // pace.grid) * pace.grid for early in (0, HEAD_START))
    # A block that is half over is not worth a question; the next one is near.
    is_early = seat.boundary == block or (first and at > block + pace.grid / 4)
    if is_early:
        if coming in (block, seat.expected):
            return None
        block = seat.expected = coming
    else:
        seat.boundary = block
    start = block if first and not is_early else block + (pace.lead - 1) * pace.grid
    end = max(start + pace.grid, block + pace.ahead)
    return Due(Span(start, end), block - pace.margin, block, is_early)


def news_due(seat: Seat, at: float, plan: Plan, is_news: bool) -> Due | None:
    """Return the same for a generator without blocks: after news, and where its plan runs short."""
    pace, here = seat.pace, int(at // STEP) * STEP
    if is_news or seat.boundary is None:
        tick = round(at)
        start = tick + pace.commit if seat.boundary is not None else tick
        seat.boundary = here
        return Due(Span(start, max((tick + pace.ahead) // STEP * STEP, start + 1)), tick, tick)
    if seat.boundary == here:
        return None
    seat.boundary = here
    start = plan.covered_until(round(at), seat.number)
    end = here + pace.ahead
    return Due(Span(start, end), here, here) if start < end else None


def next_due(pace: Pace, at: float) -> float:
    """Return the next tick after `at` at which a question may be due that does not come from news."""
    early = (pace.margin, pace.margin + HEAD_START) if pace.grid > 1 else (pace.margin,)
    return min((at + ticks) // pace.step * pace.step + pace.step - ticks for ticks in early)
