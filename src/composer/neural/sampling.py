"""Draw from logits: temperature, then the nucleus. Arrays and one random generator, nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FEW = 1_000
"""Entries up to which sorting all of them is faster than looking for those at the edge of the nucleus."""
_EIGHTHS = 20
"""Bits of a float32 below its exponent and eighths of an octave: what is left rises with the number."""


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0, top_p: float = 1.0) -> NDArray[np.float64]:
    """Return the distribution that `sample` draws from; masked entries are -inf in `logits`, at least one is finite.

    A `temperature` under 0.001 puts everything on the best entry. `top_p` 0..1 keeps the smallest set of best entries
    that holds that much of the mass (the entry that crosses the line stays). Holtzman et al., The Curious Case of
    Neural Text Degeneration, 2020.
    """
    best = int(np.argmax(logits))
    if not np.isfinite(logits[best]):
        raise ValueError("nothing may be drawn: every entry is masked or not a number")
    if temperature < 1e-3:
        return np.asarray(np.eye(1, len(logits), best)[0])
    p: NDArray[np.float64] = np.exp((logits - logits[best]) / temperature).astype(np.float64)
    p /= p.sum()
    if top_p < 1:
        above, band = _crossing(p, top_p) if len(p) > _FEW else (0.0, p)
        falling = np.sort(band)[::-1]  # sorting values is several times faster than sorting places
        kept = min(int(np.searchsorted(above + np.cumsum(falling), top_p, "right")) + 1, len(falling))
        least = falling[kept - 1]
        equal = np.flatnonzero(p == least)
        p *= p >= least
        p[equal[kept - np.count_nonzero(falling > least) :]] = 0.0
        p /= p.sum()
    return p


def _crossing(p: NDArray[np.float64], top_p: float) -> tuple[float, NDArray[np.float64]]:
    """Return the entries of about the size at which the best ones reach `top_p`, and what all larger ones hold."""
    eighths = p.astype(np.float32).view(np.int32) >> _EIGHTHS
    mass = np.bincount(eighths, p)[::-1]
    reached = np.cumsum(mass)
    # Rounding may leave the whole below the line.
    at = int(np.searchsorted(reached, min(top_p, np.nextafter(reached[-1], 0)), "right"))
    return float(reached[at] - mass[at]), p[eighths == len(mass) - 1 - at]


def sample(logits: NDArray[np.float32], rng: np.random.Generator, temperature: float = 1.0, top_p: float = 1.0) -> int:
    """Return the index of an entry drawn from `probabilities`; an entry of no probability is never drawn."""
    p = probabilities(logits, temperature, top_p)
    mass = np.cumsum(p)
    drawn = int(np.searchsorted(mass, rng.random() * mass[-1], side="right"))
    if drawn >= len(p) or p[drawn] == 0.0:  # rounding at the upper end
        drawn = int(np.flatnonzero(p)[-1])
    return drawn
