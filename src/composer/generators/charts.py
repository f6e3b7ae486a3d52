"""The charts of Music of Changes: 64 cells each for sounds, durations and dynamics, asked by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from composer.music import TICKS_PER_QUARTER

CELLS = 64
LAYERS = 8
"""Charts of each kind, one for each layer."""
FINGERS = 8
"""Notes that one stroke has at most, out of however many the player struck."""
_WHOLE_QUARTERS = (0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
_FRACTIONS = (1 / 5, 1 / 4, 1 / 3, 2 / 5, 1 / 2, 3 / 5, 2 / 3, 3 / 4, 1.0)
"""A duration adds one of these to one of those, as Cage's segments of a measured line do."""
_SHARES = ((1, 2, 4, 5), (1, 3, 3, 5), (2, 2, 3, 5), (1, 2, 3, 6), (3, 3, 3, 3))
"""How twelve tones may be dealt to four sounds: single tones, chords, and constellations."""
_LATIN = ((0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0))
_CONSTELLATION = 4
"""Every so many cells of the player's sounds hold this sound and the two before it, one after the other."""
_OCTAVES = (0, 12, -12, 24, -24)
_RATIOS = (1.0, 2.0, 0.5)


class Stroke(NamedTuple):
    """Hold the pitches struck together, and when: as a share 0..1 of the event's duration."""

    at: float
    pitches: tuple[int, ...]


Sound = tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class Material:
    """Hold one layer's own cells, made by chance: 32 sounds, 64 durations in quarters, and 16 velocities."""

    sounds: tuple[Sound, ...]
    durations: tuple[float, ...]
    velocities: tuple[int, ...]


def material(seed: int, layer: int) -> Material:
    """Return a layer's charts as they are before anything has been heard."""
    rng = np.random.default_rng([seed, layer])
    sounds = [sound for _ in range(2) for row in _square(rng) for sound in row]
    durations = rng.choice(_WHOLE_QUARTERS, CELLS) + rng.choice(_FRACTIONS, CELLS)
    velocities = rng.permutation(np.linspace(24, 120, CELLS // 4).round().astype(int))
    return Material(tuple(sounds), tuple(durations.tolist()), tuple(velocities.tolist()))


def _square(rng: np.random.Generator) -> list[list[Sound]]:
    """Return four times four sounds; each row and each column has all twelve tones once."""
    shares = rng.permutation(_SHARES[int(rng.integers(len(_SHARES)))])
    tones = np.split(rng.permutation(12), np.cumsum(shares)[:-1])
    return [[_sound(tones[symbol].tolist(), rng) for symbol in row] for row in _LATIN]


def _sound(tones: list[int], rng: np.random.Generator) -> Sound:
    pitches = [tone + 12 * int(octave) for tone, octave in zip(tones, rng.integers(2, 8, len(tones)), strict=True)]
    if len(pitches) <= 3:
        return (Stroke(0.0, tuple(sorted(pitches))),)
    places = np.sort(rng.random(len(pitches))) * 0.75
    return tuple(Stroke(float(at - places[0]), (pitch,)) for at, pitch in zip(places, pitches, strict=True))


@dataclass(frozen=True, slots=True)
class Playing:
    """Hold what the player has put on the charts: sounds, beginnings to beginnings in ticks, velocities; latest first.

    Cells numbered from 0 take them in that order. When there are more cells than sounds they go round, in other octaves
    and at twice or half the length; `share` of the cells, 0 to 1, are the player's, the others keep the chart's own.
    """

    sounds: Sequence[tuple[int, ...]]
    gaps: Sequence[int]
    velocities: Sequence[int]
    share: float = 1.0

    def sound(self, cell: int) -> Sound | None:
        """Return the player's sound of a cell, None when it is the chart's own."""
        if not self.sounds or cell % (CELLS // 2) >= self.share * CELLS // 2:
            return None
        turn, index = divmod(cell, len(self.sounds))
        octave = _OCTAVES[turn % len(_OCTAVES)]
        is_constellation = cell % _CONSTELLATION == _CONSTELLATION - 1
        latest = self.sounds[index : index + (3 if is_constellation else 1)]
        return tuple(
            Stroke(i / 4, tuple(pitch + octave for pitch in _hand(pitches))) for i, pitches in enumerate(latest[::-1])
        )

    def ticks(self, cell: int) -> int | None:
        """Return the player's duration of a cell in ticks, None when it is the chart's own."""
        if not self.gaps or cell % CELLS >= self.share * CELLS:
            return None
        turn, index = divmod(cell, len(self.gaps))
        return round(self.gaps[index] * _RATIOS[turn % len(_RATIOS)])

    def velocity(self, cell: int) -> int | None:
        """Return the player's velocity of a cell, None when it is the chart's own."""
        if not self.velocities or cell % (CELLS // 4) >= self.share * CELLS // 4:
            return None
        return self.velocities[cell % len(self.velocities)]


def _hand(pitches: Sequence[int]) -> Sequence[int]:
    """Return at most as many pitches as there are fingers, spread over all of them."""
    if len(pitches) <= FINGERS:
        return pitches
    return [pitches[i * (len(pitches) - 1) // (FINGERS - 1)] for i in range(FINGERS)]


@dataclass(slots=True)
class Chart:
    """Answer numbers 1..64 for one layer while one phrase lasts.

    A mobile chart (`is_mobile`) gives up a cell once it is used: the next time its number is thrown, the cell holds
    what lies further back in the player's past. An immobile chart keeps its cells.
    """

    own: Material
    is_mobile: bool
    _used: Counter[tuple[str, int]] = field(default_factory=Counter)

    def sound(self, number: int, playing: Playing) -> Sound:
        """Return the sound of a cell, none for the even numbers, which are silences."""
        if number % 2 == 0:
            return ()
        cell = number // 2
        return playing.sound(self._turned("sound", cell, CELLS // 2)) or self.own.sounds[cell]

    def ticks(self, number: int, playing: Playing) -> int:
        """Return the duration of a cell in ticks."""
        cell = number - 1
        length = playing.ticks(self._turned("duration", cell, CELLS))
        return round(self.own.durations[cell] * TICKS_PER_QUARTER) if length is None else length

    def velocity(self, number: int, playing: Playing, before: int) -> int:
        """Return the velocity of a cell; one cell in four (1, 5, 9, ...) has one, the others leave it as `before`."""
        if number % 4 != 1:
            return before
        cell = number // 4
        velocity = playing.velocity(self._turned("velocity", cell, CELLS // 4))
        return self.own.velocities[cell] if velocity is None else velocity

    def _turned(self, kind: str, cell: int, cells: int) -> int:
        """Return the cell, as many charts further on as it was used before."""
        if not self.is_mobile:
            return cell
        turns = self._used[kind, cell]
        self._used[kind, cell] += 1
        return cell + turns * cells
