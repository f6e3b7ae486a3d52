"""Draw from logits: temperature, then the nucleus. Arrays and one random generator, nothing else."""

from __future__ import annotations

from math import isfinite

import numpy as np
from numpy.typing import NDArray

_FEW = 256
"""Entries up to which all are sorted: our own model's, whose music for a seed stays what it was measured with."""
_TRIES = 4
"""Draws from all entries before their nucleus is looked for after all."""
_COLD = 1e-3
"""The temperature under which there is nothing to draw."""


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0, top_p: float = 1.0) -> NDArray[np.float64]:
    """Return the distribution that `sample` draws from; masked entries are -inf in `logits`, at least one is finite.

    A `temperature` under 0.001 puts everything on the best entry. `top_p` 0..1 keeps the smallest set of best entries
    that holds that much of the mass (the entry that crosses the line stays). Holtzman et al., The Curious Case of
    Neural Text Degeneration, 2020.
    """
    best = _best(logits)
    if temperature < _COLD:
        return np.asarray(np.eye(1, len(logits), best)[0])
    p: NDArray[np.float64] = np.exp((logits - logits[best]) / temperature).astype(np.float64)
    p /= p.sum()
    if top_p < 1:
        falling = np.sort(p)[::-1]  # sorting values is several times faster than sorting places
        kept = min(int(np.searchsorted(np.cumsum(falling), top_p, "right")) + 1, len(p))
        least = falling[kept - 1]
        equal = np.flatnonzero(p == least)
        p *= p >= least
        p[equal[kept - np.count_nonzero(falling > least) :]] = 0.0
        p /= p.sum()
    return p


def sample(logits: NDArray[np.float32], rng: np.random.Generator, temperature: float = 1.0, top_p: float = 1.0) -> int:
    """Return the index of an entry drawn from `probabilities`; an entry of no probability is never drawn."""
    if len(logits) > _FEW and temperature >= _COLD:
        found = _tried(logits, rng, temperature, top_p)
        if found is not None:
            return found
    p = probabilities(logits, temperature, top_p)
    return _drawn(p, np.cumsum(p), rng)


def _tried(logits: NDArray[np.float32], rng: np.random.Generator, temperature: float, top_p: float) -> int | None:
    """Draw from all entries until one is in the nucleus, which spares sorting them; None after some tries.

    An entry is in the nucleus when those before it in the falling order hold no more than `top_p`.
    """
    # In place and by few operations: after a step of a large model each of them begins with cold caches.
    weights = logits - logits[_best(logits)]
    if temperature != 1:
        weights /= temperature
    np.exp(weights, out=weights)
    mass = weights.cumsum(dtype=np.float64)
    most = top_p * mass[-1]
    for _ in range(_TRIES):
        drawn = _drawn(weights, mass, rng)
        # With all of its equals there is less to compute, and nearly always that is little enough.
        if weights @ (weights >= weights[drawn]) <= most:
            return drawn
        before = weights @ (weights > weights[drawn]) + weights[:drawn] @ (weights[:drawn] == weights[drawn])
        if before <= most:
            return drawn
    return None


def _best(logits: NDArray[np.floating]) -> int:
    best = int(logits.argmax())
    if not isfinite(logits[best]):
        raise ValueError("nothing may be drawn: every entry is masked or not a number")
    return best


def _drawn(p: NDArray[np.floating], mass: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Return an entry drawn by `mass`, which is how much all up to each hold."""
    drawn = int(mass.searchsorted(rng.random() * mass[-1], side="right"))
    if drawn >= len(p) or p[drawn] == 0.0:  # rounding at the upper end
        drawn = int(np.flatnonzero(p)[-1])
    return drawn
