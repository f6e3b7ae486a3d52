"""Measures of accompaniment: how much of it agrees with chords and melody, and how far its habits are from a human's.

Every measure of agreement is a share of sounding time, 0..1, and 0.0 when there is nothing to measure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from composer.music import TICKS_PER_QUARTER, Note, Span
from composer.music.chords import Chord

CONSONANT = frozenset({0, 3, 4, 5, 7, 8, 9})
"""Interval classes, in semitones modulo the octave, that count as consonant: unison, thirds, fourth, fifth, sixths."""


def chord_share(notes: Iterable[Note], chords: Sequence[tuple[int, int, Chord]]) -> float:
    """Return the share of note time inside the pitch classes of the chord that is annotated there.

    `chords` are (start, end, chord) in order; time without a chord is not counted.
    """
    ends = [end for _, end, _ in chords]
    inside = total = 0
    for note in notes:
        for start, end, chord in chords[bisect_left(ends, note.onset + 1) :]:
            if start >= note.end:
                break
            if chord.root is not None:
                time = min(end, note.end) - max(start, note.onset)
                total += time
                inside += time * (note.pitch % 12 in chord.pitch_classes)
    return inside / total if total else 0.0


def consonance(machine: Iterable[Note], melody: Iterable[Note]) -> float:
    """Return the share of the time in which a machine note and a melody note sound together that is consonant."""
    lines = sorted(melody)
    longest = max((note.duration for note in lines), default=0)
    agreeing = total = 0
    for note in machine:
        for other in lines[bisect_left(lines, note.onset - longest, key=lambda n: n.onset) :]:
            if other.onset >= note.end:
                break
            time = min(note.end, other.end) - max(note.onset, other.onset)
            if time > 0:
                total += time
                agreeing += time * ((note.pitch - other.pitch) % 12 in CONSONANT)
    return agreeing / total if total else 0.0


def pitch_classes(notes: Iterable[Note]) -> NDArray[np.float64]:
    """Return the share of sounding time of each of the twelve pitch classes."""
    histogram = np.zeros(12)
    for note in notes:
        histogram[note.pitch % 12] += note.duration
    shares: NDArray[np.float64] = histogram / max(1.0, histogram.sum())
    return shares


def distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the total variation distance of two histograms: 0 when equal, 1 when they share nothing."""
    return float(np.abs(a - b).sum() / 2)


def pitch_class_distance(a: Iterable[Note], b: Iterable[Note]) -> float:
    """Return the distance of two pitch-class histograms, 0..1."""
    return distance(pitch_classes(a), pitch_classes(b))


def density(notes: Iterable[Note], span: Span) -> float:
    """Return how many notes begin in a quarter of `span`."""
    return sum(note.onset in span for note in notes) * TICKS_PER_QUARTER / max(1, span.length)


def onset_intervals(notes: Iterable[Note]) -> list[int]:
    """Return the ticks between one onset and the next; notes that begin together are one onset."""
    onsets = sorted({note.onset for note in notes})
    return [b - a for a, b in pairwise(onsets)]


def onset_interval_distance(a: Iterable[Note], b: Iterable[Note]) -> float:
    """Return the distance of two histograms of inter-onset intervals, 0..1, in bins of a twelfth of a quarter."""
    grid, longest = TICKS_PER_QUARTER // 12, 4 * 12
    histograms = []
    for notes in (a, b):
        bins = [min(longest, round(ticks / grid)) for ticks in onset_intervals(notes)]
        histograms.append(np.bincount(bins, minlength=longest + 1) / max(1, len(bins)))
    return distance(*histograms)


def value_distance(a: Iterable[int], b: Iterable[int], width: int = 4) -> float:
    """Return the distance of two histograms of pitches or velocities 0..127, 0..1, in bins of `width`."""
    bins = 127 // width + 1
    one, other = (np.bincount([value // width for value in values], minlength=bins) for values in (a, b))
    return distance(one / max(1, one.sum()), other / max(1, other.sum()))


def longest_quotation(notes: Iterable[Note], corpus: Iterable[Iterable[Note]]) -> int:
    """Return the longest run of notes whose intervals also occur in a row in one piece of `corpus`."""
    run = _intervals(notes)
    longest = 0
    for piece in corpus:
        other = _intervals(piece)
        lengths = np.zeros(len(other) + 1, dtype=int)
        for interval in run:
            # lengths[j + 1]: the common run that ends at this interval and at interval j of the piece.
            lengths[1:] = np.where(other == interval, lengths[:-1] + 1, 0)
            longest = max(longest, int(lengths.max()))
    return longest + 1 if longest else 0


def _intervals(notes: Iterable[Note]) -> NDArray[np.int64]:
    pitches = np.array([note.pitch for note in sorted(notes)], dtype=np.int64)
    return pitches[1:] - pitches[:-1]
