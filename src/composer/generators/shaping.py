"""What a player's wishes do to the transformer's choices: freedom of each kind, tones of chord and key, repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from composer.music.chords import Chord, Key

REPEAT = 3.0
"""Nats that a full wish for repetition adds to a pitch just played."""
JUST = 8
"""How many of an instrument's last notes count as just played."""
JUST_BLOCKS = 16
"""How many blocks back they may lie."""
RECENT = 16
"""Blocks, two bars of four quarters, over which the density of the machine's notes is watched."""
HABITS = {"piano": (0.9, 2.8), "bass": (0.2, 1.5), "drums": (0.4, 5.0), "lead": (0.2, 2.0)}
"""What an instrument's density is left alone between: the share of blocks in which it plays, and its notes a block.

POP909's pianists play in nine blocks of ten in the median, and in 95 of 100 places no more than 2.75 notes a block.
"""
USUAL = {"piano": 1.5, "bass": 0.2, "drums": 2.2, "lead": 0.65}
"""Notes a block of the middle pianist, bass line and melody of POP909, and of the middle drummer of Groove."""
PUSH, PULL, BRAKE = 0.5, 3.0, 8.0
"""Nats for each octave of density: that is wished for, that is missing, and that is too much."""
FEW, FURTHEST = 4, 2.0
"""Blocks after which what is played is compared with a wish, and octaves that are made up for at most."""
THIN, DENSE = 8.0, 2.0
"""Nats for an instrument that has been silent, and against one that has played twice too much."""
Freedom = tuple[float, float]
"""Temperature and top_p."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Hold how freely things are chosen: notes by temperature and top_p, chords by harmony.

    density asks for 2 ** density times the usual number of notes. Temperatures of rhythm and pitch are factors of
    temperature; their nuclei count where they are narrower than top_p.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    harmony: float = 1.0
    density: float = 0.0
    pitch_temperature: float = 1.0
    pitch_top_p: float = 1.0
    rhythm_temperature: float = 1.0
    rhythm_top_p: float = 1.0
    chord_mask: float = 0.0
    in_key: bool = False
    repetition: float = 0.0
    low: int = 0
    high: int = 127

    @property
    def touch(self) -> Freedom:
        """Return the freedom of durations and velocities."""
        return self.temperature, self.top_p

    @property
    def pitch(self) -> Freedom:
        """Return the freedom of pitches."""
        return self.temperature * self.pitch_temperature, min(self.top_p, self.pitch_top_p)

    @property
    def rhythm(self) -> Freedom:
        """Return the freedom of places."""
        return self.temperature * self.rhythm_temperature, min(self.top_p, self.rhythm_top_p)

    def register(self, shift: int) -> tuple[int, int]:
        """Return the lowest and the highest pitch as the model has them, `shift` semitones above those that sound."""
        if (self.low, self.high) == (0, 127):
            return 0, 127  # what lies beyond either end is an octave away, not forbidden
        low, high = sorted((self.low, self.high))
        return min(127, max(0, low + shift)), min(127, max(0, high + shift))

    def shape(self, logits: NDArray[np.float32], chord: int, played: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits of pitches 0..127 (relative to the key) after chord mask, key lock and repetition.

        `chord` is key-relative, 0 for none; `played` holds the pitches just played. The key is stronger than the chord,
        and neither is obeyed where no pitch is left.
        """
        if self.in_key:
            logits = _kept(logits, _in_key())
        if self.chord_mask >= 1 and chord:
            logits = _kept(logits, _in_chord(chord))
        elif self.chord_mask > 0 and chord:
            # The odds of every other pitch shrink to what the mask leaves.
            logits = np.where(_in_chord(chord), logits, logits + np.float32(np.log1p(-self.chord_mask)))
        if self.repetition and len(played):
            logits = logits.copy()
            logits[sorted(set(played))] += np.float32(REPEAT * self.repetition)
        return logits


def _kept(logits: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NDArray[np.float32]:
    masked = np.where(allowed, logits, np.float32(-np.inf))
    return masked if np.isfinite(masked).any() else logits


@lru_cache(maxsize=128)
def _in_chord(chord: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(128) % 12, Chord.from_index(chord).pitch_classes)


@lru_cache(maxsize=1)
def _in_key() -> NDArray[np.bool_]:
    return np.isin(np.arange(128) % 12, Key(0).scale)


def moderation(recent: Sequence[int], instrument: str, density: float) -> tuple[float, float]:
    """Return what brings an instrument's density back: nats for its first note in a block, and for each of its notes.

    A model that reads what it played itself drifts, over a long evening, into ever denser or thinner playing. `recent`
    counts the notes of the last RECENT blocks; `density` is the player's wish, in octaves: 1 for twice as many notes as
    are usual. With fewer blocks nothing is said of habits, and with fewer than FEW nothing at all.
    """
    if len(recent) < FEW:
        return 0.0, 0.0
    playing, notes = np.count_nonzero(recent) / len(recent), float(np.mean(recent))
    least, most = HABITS[instrument]
    pull = _pull(notes, USUAL[instrument] * 2.0**density, most, density)
    if len(recent) < RECENT:
        return 0.0, pull
    if density <= 0:
        pull -= DENSE * min(2.0, max(0.0, notes / most - 1))
    # Who is to play few notes may rest for long, and then play a chord.
    least = min(1.0, least) * min(1.0, 4.0**density)
    return float(THIN * max(0.0, 1 - playing / least)), float(pull)


def _pull(notes: float, target: float, most: float, density: float) -> float:
    """Return nats for each note of an instrument whose player wishes for `target` notes a block."""
    missing = float(np.clip(np.log2(target / max(notes, 1e-3)), -FURTHEST, FURTHEST))
    if density > 0 and missing < 0:
        # Who plays more than is wished for, and no more than is usual, is left alone.
        return -BRAKE * max(0.0, float(np.log2(notes / max(target, most))))
    return PULL * missing if density * missing > 0 else 0.0
