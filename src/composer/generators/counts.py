"""The counts behind the harmony model as probabilities, and what notes say in its terms.

Chords and pitch classes are counted from the tonic, so that one song teaches all keys. Time goes in blocks of half a
quarter, counted from tick 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.errors import ModelError
from composer.folders import model_folder
from composer.music import TICKS_PER_QUARTER, Note, Score, Span
from composer.music.chords import N_CHORDS, QUALITIES

BLOCK = TICKS_PER_QUARTER // 2
"""Ticks in one step of the model."""
VOICES = ("melody", "bass", "inner")
"""What a note tells depends on its place in the texture: the top line strays from the chord more than the others."""
ONSET_WEIGHT = 0.15
"""What an onset adds to a note's weight, in quarters: short notes are heard, too."""
WHIM = 0.03
"""The chance, a bar, that a player goes on in any key at all; on songs that keep theirs it costs nothing."""

Floats = NDArray[np.float64]
Evidence = tuple[tuple[float, ...], ...]
"""Weight of each pitch class, one row for each of VOICES."""


@dataclass(frozen=True, slots=True)
class Place:
    """Hold where in its bar a block begins: `block` blocks after the bar line, in a bar of `blocks`."""

    block: int
    blocks: int = 8

    @property
    def next(self) -> Place:
        """Return the place of the following block, the meter staying as it is."""
        return Place((self.block + 1) % self.blocks, self.blocks)


def place_at(score: Score, tick: int) -> Place:
    """Return the place of the block at `tick`; a bar line inside a block makes it the first of its bar."""
    bar = score.bar_start(tick + BLOCK - 1)
    blocks = -(-score.meter_at(tick).bar // BLOCK)
    return Place(min(max(0, tick - bar) // BLOCK, blocks - 1), blocks)


def hear(notes: Iterable[Note], span: Span) -> Evidence:
    """Return what notes say about `span`: their time inside it in quarters, and a little for an onset."""
    heard = [(max(n.onset, span.start), min(n.end, span.end), n) for n in notes]
    heard = [(start, end, note) for start, end, note in heard if start < end]
    weights = [[0.0] * 12 for _ in VOICES]
    for start, end, note in heard:
        # Notes that overlap for most of the shorter one sound together; legato does not make a chord.
        chord = [n.pitch for a, b, n in heard if 2 * (min(end, b) - max(start, a)) > min(end - start, b - a)]
        voice = 0 if note.pitch == max(chord) else 1 if note.pitch == min(chord) else 2
        weights[voice][note.pitch % 12] += (end - start) / TICKS_PER_QUARTER
        if note.onset >= span.start:
            weights[voice][note.pitch % 12] += ONSET_WEIGHT
    return tuple(tuple(row) for row in weights)


@dataclass(frozen=True, slots=True)
class Tables:
    """Hold the probabilities of the model; its chords and pitch classes are counted from the tonic."""

    emission: Floats
    """Log-probability of a pitch class, (mode, voice * 12 + pitch class, chord)."""
    move: Floats
    """Where a chord goes when it changes, (mode, chord, chord)."""
    start: Floats
    """How often each chord sounds, (mode, chord)."""
    modulation: Floats
    """Probability of each key after a bar line, (key, key), keys as in `Key.index`."""
    change: dict[int, tuple[float, ...]]
    """Probability that the chord changes at each block of a bar, by the number of blocks in the bar."""
    comping: dict[int, Floats]
    """How a pianist's hands strike, (hand, block of the bar, struck before as three bits, strike): see training."""
    weak: tuple[float, float, float]
    """The same for other bars: on the bar line, on a quarter, between quarters."""

    def change_at(self, place: Place) -> float:
        """Return the probability that the chord changes where a block begins."""
        if place.blocks in self.change:
            return self.change[place.blocks][place.block]
        return self.weak[0 if place.block == 0 else 1 + place.block % 2]


@lru_cache(maxsize=1)
def load_tables() -> Tables:
    """Return the probabilities from models/harmony; ModelError when the counts are missing or damaged."""
    folder = model_folder("harmony")
    if folder is None:
        raise ModelError("the harmony model is missing; put models/harmony back or run composer train harmony")
    try:
        return tables_from(json.loads((folder / "counts.json").read_text()))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelError(
            f"{folder}/counts.json is damaged ({error}); restore it or run composer train harmony"
        ) from None


def tables_from(counts: dict[str, Any]) -> Tables:
    """Return probabilities from counts as `composer train harmony` writes them; ValueError when a shape is wrong."""
    emission, move, start, modulation = (
        np.asarray(counts[name], dtype=float).reshape(shape)
        for name, shape in (
            ("emission", (2, N_CHORDS, len(VOICES), 12)),
            ("move", (2, N_CHORDS, N_CHORDS)),
            ("start", (2, N_CHORDS)),
            ("modulation", (2, 2, 12)),
        )
    )
    bars: dict[str, list[list[float]]] = counts["change"]
    change = {int(blocks): tuple((a + 0.5) / (b + 10) for a, b in rows) for blocks, rows in bars.items()}
    by_strength = [
        [row for rows in bars.values() for block, row in enumerate(rows) if _strength(block) == strength]
        for strength in range(3)
    ]
    line, beat, off = (sum(a for a, _ in rows) / max(1, sum(b for _, b in rows)) for rows in by_strength)
    comping = {
        int(blocks): _normal(np.asarray(table, dtype=float).reshape(2, int(blocks), 8, 4) + 0.5)
        for blocks, table in counts["comping"].items()
    }
    return Tables(
        _emission(emission, start),
        _move(move),
        _normal(start + 0.5),
        _modulation(modulation),
        change,
        comping,
        (line, beat, off),
    )


def _strength(block: int) -> int:
    return 0 if block == 0 else 1 + block % 2


def _normal(counts: Floats) -> Floats:
    normal: Floats = counts / counts.sum(-1, keepdims=True)
    return normal


def _emission(counts: Floats, start: Floats) -> Floats:
    """Return log-probabilities; a rare chord in a mode borrows from the same quality on every root."""
    by_root = np.zeros((len(QUALITIES), len(VOICES), 12))
    for chord in range(1, N_CHORDS):
        root, quality = divmod(chord - 1, len(QUALITIES))
        by_root[quality] += np.roll(counts[:, chord].sum(0), -root, axis=-1)
    prior = np.empty(counts.shape)
    prior[:, 0] = _normal(counts[:, 0].sum(0) + 1)
    for chord in range(1, N_CHORDS):
        root, quality = divmod(chord - 1, len(QUALITIES))
        prior[:, chord] = np.roll(_normal(by_root[quality] + 1), root, axis=-1)
    log: Floats = np.log(_normal(counts + 20 * prior))
    return log.transpose(0, 2, 3, 1).reshape(2, len(VOICES) * 12, N_CHORDS)


def _move(counts: Floats) -> Floats:
    """Return the moves; a chord seldom left borrows from where all chords of the mode go."""
    anywhere = _normal(counts.sum(1) + 0.1)
    moves = counts + 5 * anywhere[:, None, :]
    moves[:, np.arange(N_CHORDS), np.arange(N_CHORDS)] = 0
    return _normal(moves)


def _modulation(counts: Floats) -> Floats:
    """Return (key, key) from counts (mode, mode, interval) of keys one bar apart.

    Songs seldom change their key, players at their instruments do, and to any: every key has its share of WHIM.
    """
    smooth = _normal((counts + 0.5).reshape(2, 24)).reshape(2, 2, 12)
    step = (np.arange(12)[None, :] - np.arange(12)[:, None]) % 12
    return (1 - WHIM) * np.block([[smooth[a, b][step] for b in range(2)] for a in range(2)]) + WHIM / 24
