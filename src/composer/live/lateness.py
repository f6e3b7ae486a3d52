"""How late messages left: every value kept, eight bytes each, so that the quantiles are exact."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """Return n, p50, p95, p99 and max of `values` (nearest rank); all 0 when there are none."""
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        return {"n": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
    ranked = {f"p{p}": round(ordered[-(-n * p // 100) - 1], 3) for p in (50, 95, 99)}
    return {"n": n, **ranked, "max": round(ordered[-1], 3)}


class Tally:
    """Count what an engine did, for the statistics of the run."""

    def __init__(self) -> None:
        self.notes_out = 0
        self.dropped = 0
        self._late_ms = array("d")
        self._jitter_ms = array("d")

    def left(self, late_ms: float) -> None:
        """Count a message of the plan that left this late."""
        self._late_ms.append(late_ms)

    def clock(self, jitter_ms: float) -> None:
        """Keep how unevenly the MIDI clock arrives."""
        self._jitter_ms.append(jitter_ms)

    def summary(self, source: str, tempo: float) -> dict[str, Any]:
        """Return the counts and quantiles in the words of `--stats`."""
        jitter_ms_p99 = quantiles(self._jitter_ms)["p99"]
        return {
            "notes_out": self.notes_out,
            "dropped": self.dropped,
            "late_ms": quantiles(self._late_ms),
            "clock": {"source": source, "tempo": round(tempo, 3), "jitter_ms_p99": jitter_ms_p99},
        }
