"""Two hands of an accompanist: when they strike, and which tones of a chord they take."""

from __future__ import annotations

import numpy as np

from composer.generators.constrained import pick
from composer.generators.counts import Place, Tables
from composer.music.chords import Chord

LEFT, RIGHT = 0, 1
SPLIT = 52
"""The lowest pitch of the right hand."""
_DEEPEST = 33


def strike(tables: Tables, hand: int, place: Place, before: int, liveliness: float, rng: np.random.Generator) -> int:
    """Return how a hand strikes in a block: 0 not, 1 on its beginning, 2 in its middle, 3 on both.

    `before` has a bit for each of the three blocks before in which it struck, the last one lowest. `liveliness` is 1
    for what pianists do, below for less, above for more.
    """
    table = tables.comping.get(place.blocks)
    if table is None:
        # In meters nobody counted, a bar line, a quarter and an off-beat are what they are in common time.
        odds = tables.comping[8][hand, 0 if place.block == 0 else 2 if place.block % 2 == 0 else 1, before]
    else:
        odds = table[hand, place.block, before]
    return pick(odds * (1.0, liveliness, liveliness, liveliness**2), rng)


def bass_pitch(chord: Chord, choice: float) -> int | None:
    """Return the root for most values of `choice` 0..1, else the fifth of the chord; None without a chord."""
    tones = chord.pitch_classes
    if not tones:
        return None
    tone = tones[0] if choice < 0.75 else tones[2]
    return _DEEPEST + (tone - _DEEPEST) % 12


def voicing(chord: Chord, middle: int, size: int) -> tuple[int, ...]:
    """Return `size` tones of the chord as close to the pitch `middle` as they come, the telling ones first chosen."""
    tones = chord.pitch_classes
    if not tones:
        return ()
    # The third and the seventh say which chord it is; the root is in the bass.
    telling = (tones[1], *tones[3:], tones[0], tones[2])[: max(2, size)]
    lowest = max(SPLIT, middle - 6)
    return tuple(sorted(lowest + (tone - lowest) % 12 for tone in telling))
