"""What is kept of a corpus of scores: their melodies, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.generators.viewpoints import VALUES, Stroke, Tune, top_line, tune
from composer.music import Note, Part, Score

_SUNG = ("melody", "vocal", "voice", "lead", "solo", "sing")


def kept(scores: Iterable[Score]) -> dict[str, NDArray[Any]]:
    """Return the melodies of scores as arrays: four rows of numbers for their notes, and where each one begins."""
    tunes = []
    for score in scores:
        line = top_line(sorted(note for part in _melodies(score) for note in part.notes))
        if len(line) > 1:
            tunes.append(tune(line, scale_tonic(line)))
    rows = [
        (pitch, VALUES.index(stroke.value) if stroke.value else -1, stroke.loudness, stroke.length)
        for one in tunes
        for pitch, stroke in zip(one.pitches, (*one.strokes, Stroke(VALUES[0], 0, 0)), strict=True)
    ]
    return {
        "notes": np.array(rows, np.int8).reshape(-1, 4),
        "lengths": np.array([len(one.pitches) for one in tunes], np.int32),
        "tonics": np.array([one.tonic for one in tunes], np.int8),
    }


def tunes_of(arrays: Mapping[str, NDArray[Any]]) -> list[Tune]:
    """Return the tunes that `kept` made arrays of."""
    tunes, start = [], 0
    for length, tonic in zip(arrays["lengths"].tolist(), arrays["tonics"].tolist(), strict=True):
        notes = arrays["notes"][start : start + length].tolist()
        strokes = [Stroke(VALUES[value] if value >= 0 else 0, loudness, cut) for _, value, loudness, cut in notes[:-1]]
        tunes.append(Tune([row[0] for row in notes], strokes, tonic))
        start += length
    return tunes


def scale_tonic(line: Sequence[Note]) -> int:
    """Return the tonic 0..11 of the major scale that holds most of a line, tonic and fifth counting twice."""
    weights = np.zeros(12)
    for note in line:
        weights[note.pitch % 12] += min(note.duration, 960)
    scale = np.array([2, 0, 1, 0, 1, 1, 0, 2, 0, 1, 0, 1])
    return int(np.argmax([np.roll(scale, tonic) @ weights for tonic in range(12)]))


def _melodies(score: Score) -> list[Part]:
    """Return the parts that are called a melody, else all that are no drums: their top line is what is heard."""
    pitched = [part for part in score.parts if part.notes and not part.is_drums]
    return [part for part in pitched if any(word in part.name.lower() for word in _SUNG)] or pitched
