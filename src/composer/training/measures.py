"""Measures of accompaniment: how much of it agrees with chords and melody, and how far its habits are from a human's.

Every measure of agreement is a share of sounding time, 0..1, and 0.0 when there is nothing to measure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from composer.music import TICKS_PER_QUARTER, Note, Score, Span
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


def places_in_bar(notes: Iterable[Note], score: Score) -> NDArray[np.float64]:
    """Return the share of onsets (notes that begin together are one) at each twelfth of a quarter of the bar."""
    grid, longest = TICKS_PER_QUARTER // 12, 12 * 8
    onsets = {note.onset for note in notes}
    bins = [min(longest, (tick - score.bar_start(tick) + grid // 2) // grid) for tick in onsets]
    shares: NDArray[np.float64] = np.bincount(bins, minlength=longest + 1) / max(1, len(bins))
    return shares


def on_grid(notes: Iterable[Note], grid: int, near: int) -> float:
    """Return the share of onsets at most `near` ticks from a multiple of `grid` ticks."""
    misses = [_miss(note.onset, grid) for note in notes]
    return sum(miss <= near for miss in misses) / max(1, len(misses))


def off_grid(notes: Iterable[Note], grid: int) -> float:
    """Return by how many ticks onsets miss the nearest multiple of `grid` ticks, on average."""
    misses = [_miss(note.onset, grid) for note in notes]
    return sum(misses) / max(1, len(misses))


def _miss(tick: int, grid: int) -> int:
    return min(tick % grid, -tick % grid)


class Quotations:
    """Find the longest run of notes whose intervals also occur in a row in one piece of a corpus.

    Runs of the corpus are named by doubling: equal runs of 2n intervals have equal names of both halves (Karp, Miller,
    Rosenberg, Rapid Identification of Repeated Patterns in Strings, 1972), so every question is a search in a sorted
    array, however large the corpus is.
    """

    def __init__(self, corpus: Iterable[Iterable[Note]]) -> None:
        # No interval is as large as what stands between two pieces, so no shared run goes from one into the next.
        pieces = [np.append(_intervals(piece), 1000) for piece in corpus]
        whole = np.concatenate([np.zeros(0, dtype=np.int64), *pieces])
        self._base = len(whole) + 1
        self._runs = {1: np.unique(whole)}
        """Names of the runs of some length, sorted; the place of a name in them is the run's name in longer ones."""
        self._names = [_place(self._runs[1], whole)]
        """Which run of 1, 2, 4 ... intervals begins at each place of the corpus."""

    def longest(self, notes: Iterable[Note]) -> int:
        """Return the length of the longest shared run in notes, 0 when not even one interval is shared."""
        found = _place(self._runs[1], _intervals(notes))
        if not (found >= 0).any():
            return 0
        length = 1
        while ((doubled := self._find(found, 2 * length)) >= 0).any():
            found, length = doubled, 2 * length
        low, high = length, 2 * length - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if (self._find(found, middle) >= 0).any() else (low, middle - 1)
        return low + 1

    def _find(self, names: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Return the names of the runs of `length` at each place, -1 for strangers, from those of shorter ones."""
        if length not in self._runs:
            level = (length - 1).bit_length() - 1
            if level == len(self._names):
                self._names.append(self._find(self._names[-1], 1 << level))
            self._runs[length] = np.unique(self._paired(self._names[level], length))
        return _place(self._runs[length], self._paired(names, length))

    def _paired(self, names: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Return one number for the two runs, a power of two long, that cover a run of `length`."""
        further = length - (1 << (length - 1).bit_length() - 1)
        first, second = names[:-further], names[further:]
        return np.where((first < 0) | (second < 0), -1, first * self._base + second)


def _place(known: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each name is in the sorted `known`, -1 where it is not."""
    if not len(known):
        return np.full(len(names), -1)
    at = np.minimum(np.searchsorted(known, names), len(known) - 1)
    return np.where(known[at] == names, at, -1)


def _intervals(notes: Iterable[Note]) -> NDArray[np.int64]:
    pitches = np.array([note.pitch for note in sorted(notes)], dtype=np.int64)
    return pitches[1:] - pitches[:-1]
