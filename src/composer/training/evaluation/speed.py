"""Speed of the model that plays, by the benchmark of the decode runtime, on the one thread that playing uses."""

from __future__ import annotations

from pathlib import Path

Figures = dict[str, float]


def speed(model: str, folder: Path) -> tuple[Figures, dict[str, Figures]]:
    """Return notes a second with the context full, and the milliseconds from a changed block to the first new note.

    A played note is heard when its block of half a quarter is over; what is measured here comes on top.
    """
    from composer.neural.bench import decode

    found = decode(model, folder, threads=1)
    figures = {
        "notes_per_second": found["notes_per_second"],
        "ms_per_token_p50": found["ms_per_token"]["p50"],
        "ms_per_token_p95": found["ms_per_token"]["p95"],
        "reaction_ms": found.get("replan_ms", found["rollback_ms"]),
        "prefill_ms": found["prefill_ms"],
        "startup_ms": found["startup_ms"],
    }
    return figures, {name: {"tokens_per_second": rate} for name, rate in found["baselines"].items()}
