"""The clock: the one source of seconds, injected so that tests need not wait."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tell the time."""

    def now(self) -> float:
        """Return the seconds of a clock that never runs backwards."""
        ...


class SystemClock:
    """Tell the time of the monotonic clock, which the processes of one machine share."""

    def now(self) -> float:
        """Return the monotonic clock's seconds."""
        return time.monotonic()


class ManualClock:
    """Tell the time it was told; it moves only when asked."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def now(self) -> float:
        """Return the seconds it stands at."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`; ValueError when that is negative."""
        if seconds < 0:
            raise ValueError(f"a clock cannot go back by {-seconds} seconds")
        self._seconds += seconds
