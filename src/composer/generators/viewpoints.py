"""Viewpoints of a line: what its steps are called, what may follow them, and how loud and how long its notes are.

After Conklin and Witten, Multiple Viewpoint Systems for Music Prediction, 1995: pitches are seen as intervals, as
pitches or as degrees of the key, each linked with the note values or beside a chain of note values of its own; loudness
and length are linked with the note value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from composer.music import TICKS_PER_QUARTER, Note

Step = tuple[int, int]
"""What leads to the next note, as the viewpoint sees it, and ticks to its onset."""

VIEWPOINTS = ("interval+rhythm", "pitch+rhythm", "degree+rhythm", "interval", "pitch", "degree")
"""What a step is: linked with the note value, or beside it."""
VALUES = (120, 160, 240, 320, 360, 480, 720, 960, 1440, 1920)
"""Note values in ticks, from a sixteenth to a whole note; what is played is heard as the nearest one."""
BREATH = 3 * TICKS_PER_QUARTER
"""Ticks of silence after which a line begins anew."""
LOUDER = 6
"""Units of velocity between two classes of loudness."""
_LENGTHS = (0.25, 0.5, 0.75, 0.9)
"""Classes of length, as shares of the note value."""


class Stroke(NamedTuple):
    """Hold how a note is played: its value in ticks, and classes of loudness (0 is the mean) and of length.

    The value of a note after which the line takes a breath is 0.
    """

    value: int
    loudness: int
    length: int


class Tune(NamedTuple):
    """Hold one line that was learned: how it goes on, how it is played, and the tonic of its scale."""

    pitches: Sequence[int]
    strokes: Sequence[Stroke]
    """One for each pitch but the last."""
    tonic: int


def top_line(notes: Iterable[Note]) -> list[Note]:
    """Return the highest note of every onset, in order; onsets within 30 ticks are one."""
    line: list[Note] = []
    for note in notes:
        if line and note.onset - line[-1].onset <= 30:
            if note.pitch > line[-1].pitch:
                line[-1] = note
        else:
            line.append(note)
    return line


def tune(line: Sequence[Note], tonic: int) -> Tune:
    """Return what is to be learned of a line; `tonic` is the pitch class of the major key with its notes."""
    level = sum(note.velocity for note in line) / max(1, len(line))
    return Tune([note.pitch for note in line], [_stroke(a, b, level) for a, b in pairwise(line)], tonic)


def _stroke(note: Note, following: Note, level: float) -> Stroke:
    gap = following.onset - note.onset
    share = note.duration / gap
    length = min(range(len(_LENGTHS)), key=lambda i: abs(_LENGTHS[i] - share))
    loudness = max(-6, min(6, round((note.velocity - level) / LOUDER)))
    value = min(VALUES, key=lambda value: abs(value - gap)) if gap - note.duration < BREATH else 0
    return Stroke(value, loudness, length)


def seen(learned: Tune, pitch: str) -> list[Step | None]:
    """Return the steps of a tune, its pitches seen as "interval" (up to an octave), "pitch" or "degree".

    None stands where the tune takes a breath.
    """
    see: dict[str, Callable[[int, int], int]] = {
        "interval": lambda before, here: max(-12, min(12, here - before)),
        "pitch": lambda before, here: here,
        "degree": lambda before, here: (here - learned.tonic) % 12,
    }
    moves = map(see[pitch], learned.pitches, learned.pitches[1:])
    return [(move, stroke.value) if stroke.value else None for move, stroke in zip(moves, learned.strokes, strict=True)]


def reached(move: int, pitch: str, before: int, tonic: int) -> int:
    """Return the pitch to which a move leads from the pitch `before`, the nearest one where several are meant."""
    if pitch == "interval":
        return before + move
    return move if pitch == "pitch" else before + (tonic + move - before + 5) % 12 - 5


def loud(stroke: Stroke, level: float) -> int:
    """Return the velocity of a stroke for a player whose mean velocity is `level`."""
    return int(min(127, max(1, round(level + LOUDER * stroke.loudness))))


def long(stroke: Stroke, gap: int) -> int:
    """Return the duration of a note that is followed after `gap` ticks, at least a sixteenth triplet or so."""
    return max(60, round(min(gap, 1920) * _LENGTHS[stroke.length]))
