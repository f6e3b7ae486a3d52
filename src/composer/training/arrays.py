"""Songs as arrays: what training sequences are drawn from, and what is kept between runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Ints
from composer.tokenizers.ids import note_array
from composer.training.song import Song

UNKNOWN = -1
"""The chord of a block for which none is known: it is not asked for, and read as no chord."""


@dataclass(frozen=True, slots=True)
class SongArrays:
    """Hold a song as arrays: notes of each part as rows (onset, pitch, duration, velocity), and one entry a block."""

    parts: dict[str, Ints]
    bar_pos: Ints
    bar_length: Ints
    chords: Ints
    shift: int
    tempo: int
    corpus: str = "pop909"
    performed: bool = True
    """Whether velocities are a player's; those of a score are read, and not asked for."""
    style: str = ""
    """What a drummer plays, such as "rock"; empty for songs."""

    @property
    def blocks(self) -> int:
        """Return how many blocks the song lasts."""
        return len(self.chords)


def arrays(song: Song) -> SongArrays:
    """Return the song as arrays, its piano also split into LEFT (the lowest line below C3) and RIGHT."""
    parts = {part.name: note_array(part.notes) for part in song.score.parts}
    if "PIANO" in parts and "LEFT" not in parts:
        left = lowest_line(parts["PIANO"])
        parts["LEFT"], parts["RIGHT"] = parts["PIANO"][left], parts["PIANO"][~left]
    count = song.score.end // B.BLOCK_TICKS + 1
    starts = [n * B.BLOCK_TICKS for n in range(count)]
    bars = [song.score.meter_at(tick) for tick in starts]
    bar_pos = [(tick - song.score.bar_start(tick)) // B.BLOCK_TICKS for tick in starts]
    # The annotation of POP909 is whole: where it names nothing there is no chord.
    chords = np.full(count, 0 if song.corpus == "pop909" else UNKNOWN, dtype=np.int64)
    for start, end, chord in song.chords:
        # A chord rules the blocks whose middle it covers.
        low, high = (max(0, (tick + B.BLOCK_TICKS // 2 - 1) // B.BLOCK_TICKS) for tick in (start, end))
        chords[low:high] = chord.index
    return SongArrays(
        parts,
        np.array(bar_pos, dtype=np.int64),
        np.array([m.bar // B.BLOCK_TICKS for m in bars], dtype=np.int64),
        chords,
        B.key_shift(song.key.tonic, song.key.mode == "minor"),
        B.tempo_class(song.score.tempos[0].qpm),
        song.corpus,
        song.performed,
        song.style,
    )


def lowest_line(piano: Ints) -> NDArray[np.bool_]:
    """Return which piano notes are the left hand's bass: below C3, and the lowest that begins around that moment."""
    onset, pitch = piano[:, 0], piano[:, 1]
    near = np.abs(onset[:, None] - onset[None, :]) <= 2 * B.GRID if len(piano) < 4000 else None
    if near is None:
        return np.asarray(pitch < 45)
    lowest = np.where(near, pitch[None, :], 999).min(axis=1)
    return np.asarray((pitch < 48) & (pitch == lowest))
