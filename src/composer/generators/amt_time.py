"""Ticks of a score to bins of 10 ms and back, through its tempo map."""

from __future__ import annotations

from composer.music import TICKS_PER_QUARTER, Score
from composer.tokenizers.amt import BINS_PER_SECOND


class Bins:
    """Count bins from a page of the song: a bin belongs to one tick, and comes back from it at 12.5 qpm or faster."""

    def __init__(self, score: Score, origin: int, now: int, page: int) -> None:
        """Begin at tick `origin`, or at a later page (bins from tick 0) with two pages or more before tick `now`."""
        self._score = score
        starts = [score.seconds(tempo.tick) for tempo in score.tempos]
        self._line = list(zip(starts, score.tempos, strict=True))
        # Bins are those of the whole session, so that two notes stay as far apart wherever the past begins.
        self._begin = 0
        self._begin = max(self.bin(origin), (self.bin(now) // page - 2) * page)

    def bin(self, tick: int) -> int:
        """Return the bin nearest to a tick, below 0 for one that lies before the page."""
        return round(self._score.seconds(tick) * BINS_PER_SECOND) - self._begin

    def tick(self, bin: int) -> int:
        """Return the tick nearest to a bin."""
        seconds = (bin + self._begin) / BINS_PER_SECOND
        start, tempo = next(entry for entry in reversed(self._line) if entry[0] <= seconds or entry is self._line[0])
        return tempo.tick + round((seconds - start) * tempo.qpm * TICKS_PER_QUARTER / 60)

    def first(self, tick: int) -> int:
        """Return the first bin from 0 on that does not come before a tick."""
        found = max(0, self.bin(tick))
        while found and self.tick(found - 1) >= tick:
            found -= 1
        while self.tick(found) < tick:
            found += 1
        return found
