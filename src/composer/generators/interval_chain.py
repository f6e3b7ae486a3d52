"""Markov chains over intervals: how consonant, how near, and how many notes back (Illiac Suite, Experiment IV)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from composer.generators.constrained import pick
from composer.generators.counterpoint import OCTAVE, Chord, Task

HARMONIC = (13, 3, 5, 7, 9, 10, 1, 11, 8, 6, 4, 2, 12)
"""Weight of an interval of 0 to 12 semitones by its consonance: unison 13, octave 12, fifth 11, ... tritone 1."""
PROXIMITY = tuple(13 - interval for interval in range(13))
"""Weight of an interval of 0 to 12 semitones by its size: unison 13, semitone 12, ... octave 1."""

Floats = NDArray[np.float64]


def wander(
    task: Task, strong: Sequence[bool], order: int, proximity: float, start: int | None = None
) -> tuple[Chord, ...]:
    """Return chords whose voices are Markov chains of `order` 0 or more over intervals.

    Order 0 draws every interval from the tonic, order 1 from the voice's last note, order n from its last n notes, the
    earlier the weaker; on strong beats the last n notes of strong beats are looked back to instead. Where a note is
    given, consonance is heard against it. `proximity` 0..1 is the share of nearness against consonance. A voice that
    has no note yet looks at the tonic, or, from order 1 on, at the octave of the pitch `start` in its range.
    """
    chords = list(task.begun)
    for moment in range(len(chords), len(task.ticks)):
        rng = np.random.default_rng([task.seed, task.ticks[moment], task.stream])
        chord: list[int] = []
        for voice, (low, high) in enumerate(task.ranges):
            past = [c[voice] for c, s in zip(chords, strong, strict=False) if s or not strong[moment]]
            past = past[-order:] if order else []
            home = start if start is not None and order else task.key.tonic
            references = past or [_near_middle(home % OCTAVE, low, high)]
            weights = weigh(low, high, references[::-1], task.cantus[moment], proximity)
            if voice and task.apart:
                # Two voices of one part cannot strike one key.
                taken = [p for p in chord[-1:] if low <= p <= high and task.apart[voice]]
                weights[[p - low for p in taken]] = 0.0
            chord.append(low + pick(weights, rng))
        chords.append(tuple(chord))
    return tuple(chords)


def weigh(low: int, high: int, references: Sequence[int], given: int | None, proximity: float) -> Floats:
    """Return the weight of each pitch from low to high, seen from `references`, the nearest in time first."""
    weights = np.zeros(high - low + 1)
    for pitch in range(low, high + 1):
        for back, reference in enumerate(references, 1):
            size = abs(pitch - reference)
            near = PROXIMITY[size] if size <= OCTAVE else 0
            if given is None:
                fitting = HARMONIC[size] if size <= OCTAVE else 0
            else:
                fitting = HARMONIC[abs(pitch - given) % OCTAVE] if size <= OCTAVE else 0
            weights[pitch - low] += (proximity * near + (1 - proximity) * fitting) / back
    return weights if weights.any() else np.ones_like(weights)


def _near_middle(pitch_class: int, low: int, high: int) -> int:
    middle = (low + high) // 2
    return middle - 6 + (pitch_class - middle + 6) % OCTAVE
