"""From the seconds of a performance whose beats are annotated to musical time, in which each beat is a quarter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from composer.music import TICKS_PER_QUARTER, Meter, Note
from composer.music.chords import Chord
from composer.training.song import ChordSpan


def clock(beats: NDArray[np.float64], downbeat: int, beats_per_bar: int, first: float) -> Callable[[float], int]:
    """Return the function from seconds to ticks that puts beat `downbeat` on a bar line and `first` at 0 or later."""
    step = float(np.median(np.diff(beats)))
    before = max(0, int(np.ceil((beats[0] - first) / step)))
    times = np.concatenate((beats[0] - step * np.arange(before + 4, 0, -1), beats, beats[-1] + step * np.arange(1, 65)))
    bars = -(-(downbeat + before) // beats_per_bar)
    index = np.arange(len(times)) - (before + 4) - downbeat + bars * beats_per_bar

    return lambda seconds: round(float(np.interp(seconds, times, index)) * TICKS_PER_QUARTER)


def note_at(ticks: Callable[[float], int], start: float, end: float, pitch: int, velocity: int) -> Note:
    """Return the note that sounds from `start` to `end`, in seconds, lasting a tick at least."""
    onset = ticks(start)
    return Note(onset, pitch, max(1, ticks(end) - onset), max(1, velocity))


def meters_of(downbeats: list[int], beats_per_bar: int) -> tuple[Meter, ...]:
    """Return the meters that put bar lines on the ticks `downbeats`; the last bar is as long as usual."""
    lengths = [(a, (b - a) // TICKS_PER_QUARTER) for a, b in pairwise(downbeats)]
    meters = [Meter(0, beats_per_bar)]
    for tick, beats in (*lengths, (downbeats[-1], beats_per_bar)):
        if beats != meters[-1].numerator:
            meters.append(Meter(tick, beats))
    return tuple(meters)


def chord_spans(ticks: Callable[[float], int], chords: Iterable[tuple[float, float, Chord]]) -> tuple[ChordSpan, ...]:
    """Return the spans of chords given in order with their seconds, equal neighbours joined."""
    spans = []
    for chord, group in groupby(chords, key=lambda row: row[2]):
        rows = list(group)
        start, end = max(0, ticks(rows[0][0])), ticks(rows[-1][1])
        if start < end:
            spans.append((start, end, chord))
    return tuple(spans)
