"""Tempo from taps."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

_PAUSE_SECONDS = 2.0
_MEMORY = 8


class TapTempo:
    """Measure the tempo of taps on quarters; a pause of two seconds begins anew."""

    def __init__(self) -> None:
        self._taps: list[float] = []

    def tap(self, seconds: float) -> float | None:
        """Add a tap at `seconds` of a monotonic clock; return quarters a minute, None after the first tap."""
        if self._taps and seconds - self._taps[-1] > _PAUSE_SECONDS:
            self._taps = []
        self._taps = [*self._taps, seconds][-_MEMORY:]
        # The median forgives one tap gone astray.
        gaps = [later - earlier for earlier, later in pairwise(self._taps) if later > earlier]
        return 60 / median(gaps) if gaps else None
