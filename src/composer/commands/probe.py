"""Ask a published checkpoint whether it tells music from noise: its vocabulary, layout and weights belong together.

What else could be wrong with a checkpoint shows in its files. Weights that were mixed up on their way here, or learned
with another vocabulary, play on, and play anything.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

from composer.generators.amt_sampling import DURATIONS, NOTES, TIMES
from composer.live.demo import MELODY
from composer.music import TICKS_PER_QUARTER, Note, Part, Score
from composer.neural.gpt2 import Decoder
from composer.tokenizers import amt, amt_score
from composer.tokenizers.amt import Triple

HEADS = (TIMES, DURATIONS, NOTES)
CLEARLY = 0.2
"""Nats a token by which the piece must be likelier than either noise; random weights of amt-small's shape: 0.12."""
_BARS = 8
_CHORDS = {"I": (48, 52, 55), "V": (47, 50, 55)}
_HARMONY = ("I", "I", "I", "V", "I", "I", "I", "V")
_BREATH = 40
"""Ticks between two chords, as between two notes of the melody."""


class Likelihood(NamedTuple):
    """Hold nats a token of a piece, of the same with other pitches, and of the same with other onsets."""

    piece: float
    other_pitches: float
    other_times: float

    @property
    def is_music(self) -> bool:
        """Return whether the piece is clearly the likeliest."""
        return self.piece + CLEARLY < min(self.other_pitches, self.other_times)

    def __str__(self) -> str:
        """Return the sentence for a person."""
        told = f"{self.piece:.2f} nats a token against {self.other_pitches:.2f} with other pitches and"
        told += f" {self.other_times:.2f} with other onsets"
        if self.is_music:
            return f"tells music from noise ({told})"
        return (
            f"does not tell music from noise ({told}): the weights are untrained, damaged or of another vocabulary;"
            " download the checkpoint again, or choose another"
        )


def likelihood(folder: Path) -> Likelihood:
    """Return how likely a converted checkpoint finds a piece, and noise made of it; it reads 500 tokens.

    ModelError when the folder cannot be played.
    """
    from composer.neural.gpt2_fit import loss  # needs torch, as converting does

    decoder, rng = Decoder(folder), random.Random(1824)
    notes = _piece()[: (decoder.context - 4) // 3]
    pitches = [amt.event(n.time, n.length, n.instrument, rng.randint(36, 84)) for n in notes]
    times = sorted(rng.randint(0, notes[-1].time) for _ in notes)
    moved = [note._replace(time=time) for note, time in zip(notes, times, strict=True)]
    songs = [amt.song(each, anticipated=False) for each in (notes, pitches, moved)]
    return Likelihood(*(loss(HEADS, decoder.scores, [(song, decoder.read(song))]) for song in songs))


def _piece() -> list[Triple]:
    """Return eight bars of the built-in player's melody over plain chords, 120 quarters a minute."""
    bar = 4 * TICKS_PER_QUARTER
    melody = Part("Melody", tuple(note for note in MELODY if note.onset < _BARS * bar))
    voices = zip(*(reversed(_CHORDS[name]) for name in _HARMONY), strict=True)
    chords = (Part("Chords", tuple(Note(n * bar, p, bar - _BREATH, 90) for n, p in enumerate(line))) for line in voices)
    return amt.triples(amt_score.load("amt").encode(Score((melody, *chords))))
