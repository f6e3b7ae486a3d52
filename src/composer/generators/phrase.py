"""Phrases from a variable-order Markov chain, steered through chords to an ending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from composer.generators.constrained import sample
from composer.generators.counts import BLOCK
from composer.generators.style import Style
from composer.generators.viewpoints import Step, long, loud, reached
from composer.music import TICKS_PER_QUARTER, Note, Span
from composer.music.chords import Chord, Key

FREEDOM = 0.3
"""How much shorter memories have to say beside the longest one when the harmony must be obeyed."""
CHUNK = 2
"""How many notes are chosen at once, so that the first ones make the last one possible."""
AHEAD_BREADTH = 8
"""How many steps are considered where the end of a phrase is looked for beyond those notes, the most frequent ones."""
MISSED, LATE = 1e-6, 1e-9
"""How welcome an ending is that leads to another pitch than its goal's, or at another time: where there is no other."""
STRAY = 1e-6
"""How welcome an ending is that is not the one asked for: only where there is no other."""
ENDINGS = ("open", "chord", "tonic", "cadence")
"""How a phrase may end: anyhow, on a tone of the chord, on the tonic, or there by step."""


class State(NamedTuple):
    """Hold the last steps, the pitch they led to, its onset, and the pitch before.

    After the end nothing changes: the pitch is the last one, unless the frame has a goal; then it is where that leads.
    """

    recent: tuple[Step, ...]
    pitch: int
    onset: int
    before: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Hold what a phrase is to fit into."""

    span: Span
    chords: tuple[Chord, ...]
    """The chord of each block, from that of the span's start on."""
    key: Key
    register: tuple[int, int]
    """Lowest and highest pitch."""
    ending: str = "open"
    """One of ENDINGS."""
    keeps_key: bool = False
    """Whether chord tones outside the key are strange, too."""
    goal: tuple[int, int] | None = None
    """Pitch and onset of the note that the phrase leads to, at the end of the span or after it."""

    def chord_at(self, tick: int) -> Chord:
        """Return the chord at a tick, beyond the span the nearest one."""
        return self.chords[max(0, min(len(self.chords) - 1, tick // BLOCK - self.span.start // BLOCK))]


class Improviser:
    """Continue lines in a style."""

    def __init__(self, style: Style, obedience: float) -> None:
        """Make one that obeys chord and key as strongly as `obedience` 0..1 says."""
        self._style = style
        self._obedience = obedience

    def play(
        self, heard: Sequence[Note], line: Sequence[Note], frame: Frame, rng: np.random.Generator
    ) -> list[tuple[int, int]]:
        """Return pitch and onset of the notes in the frame's span that continue `line` in the manner of `heard`."""
        span, (low, high) = frame.span, frame.register
        tonic = frame.key.relative_major
        self._style.learn(heard, tonic)
        recent = self._style.recent(line, tonic)
        told: dict[tuple[Step, ...], list[tuple[Step, float]]] = {}
        fits: dict[tuple[int, int], float] = {}

        def steps(state: State) -> list[tuple[float, State]]:
            if state.onset >= span.end:
                return [(1.0, state)]
            if state.recent not in told:
                told[state.recent] = self._style.following(state.recent, FREEDOM * self._obedience)
            return [(p, self._after(state, step, tonic, frame)) for step, p in told[state.recent]]

        def weight(place: int, state: State) -> float:
            _, pitch, onset, before = state
            if onset >= span.end:
                return self._closing(pitch, onset, before, frame)
            if not low <= pitch <= high:
                return 0.0
            if (pitch, onset) not in fits:
                fits[pitch, onset] = 0.01 if onset < span.start else self._fit(pitch, onset, frame)
            return fits[pitch, onset] * (hope(pitch, onset, before) if place == CHUNK - 1 else 1.0)

        hope = self._hope(frame, tonic)
        state = self._begin(line, recent, frame)
        path = [state] if state.onset >= span.start else []
        while state.onset < span.end:
            chunk = sample(state, steps, weight, CHUNK, rng)
            if not chunk:
                # Nothing that was heard stays in reach from here: take a breath and begin anew in the middle.
                onset = max(span.start, state.onset + TICKS_PER_QUARTER)
                pitch = _nearest(frame.chord_at(onset), (low + high) // 2, low, high)
                chunk = [State((), pitch, onset, state.pitch)]
            path += chunk
            state = chunk[-1]
        return [(state.pitch, state.onset) for state in path if state.onset in span]

    def perform(
        self, places: Sequence[tuple[int, int]], end: int, level: float, rng: np.random.Generator
    ) -> list[Note]:
        """Return notes at these pitches and onsets, as loud and as long as the style has it around velocity `level`."""
        onsets = [onset for _, onset in places]
        gaps = [after - onset for onset, after in zip(onsets, (*onsets[1:], end), strict=False)]
        strokes = self._style.strokes(gaps, rng)
        if not strokes:
            return [
                Note(onset, pitch, max(60, min(gap, 960) * 9 // 10), round(level))
                for (pitch, onset), gap in zip(places, gaps, strict=True)
            ]
        return [
            Note(onset, pitch, min(max(60, gap), long(stroke, gap)), loud(stroke, level))
            for (pitch, onset), gap, stroke in zip(places, gaps, strokes, strict=True)
        ]

    def _hope(self, frame: Frame, tonic: int) -> Callable[[int, int, int], float]:
        """Return how likely a phrase ends well from a note on, if the rest of it forgets what was before.

        What is returned takes the note's pitch, its onset and the pitch before it.
        """
        if frame.ending == "open" and not frame.goal:
            return lambda pitch, onset, before: 1.0
        ahead = self._style.following((), 0.0)[:AHEAD_BREADTH]
        known: dict[tuple[int, int, int], float] = {}
        (low, high), end = frame.register, frame.span.end

        def hope(pitch: int, onset: int, before: int) -> float:
            here = (pitch, onset, before if frame.ending == "cadence" else 0)
            if here not in known:
                known[here] = STRAY
                for (move, value), p in ahead:
                    following = reached(move, self._style.pitch, pitch, tonic)
                    if onset + value >= end:
                        last = (following, onset + value, pitch) if frame.goal else (pitch, end, before)
                        known[here] += p * self._closing(*last, frame)
                    elif low <= following <= high:
                        fit = self._fit(following, onset + value, frame)
                        known[here] += p * fit * hope(following, onset + value, pitch)
            return known[here]

        return hope

    def _after(self, state: State, step: Step, tonic: int, frame: Frame) -> State:
        move, value = step
        if state.onset + value >= frame.span.end and not frame.goal:
            return State((), state.pitch, frame.span.end, state.before)
        pitch = reached(move, self._style.pitch, state.pitch, tonic)
        if state.onset + value >= frame.span.end:
            return State((), pitch, state.onset + value, state.pitch)
        return State((*state.recent, step)[-self._style.order :], pitch, state.onset + value, state.pitch)

    def _begin(self, line: Sequence[Note], recent: tuple[Step, ...], frame: Frame) -> State:
        span, (low, high) = frame.span, frame.register
        last = line[-1] if line else None
        if last is not None and span.start - last.onset <= 2 * TICKS_PER_QUARTER and low <= last.pitch <= high:
            return State(recent, last.pitch, last.onset, last.pitch)
        near = last.pitch if last is not None else (low + high) // 2
        pitch = _nearest(frame.chord_at(span.start), near, low, high)
        return State(recent, pitch, span.start, pitch)

    def _fit(self, pitch: int, onset: int, frame: Frame) -> float:
        """Return how welcome a pitch is: chord tones always, others in passing, strange ones hardly."""
        in_key = pitch % 12 in frame.key.scale
        if pitch % 12 in frame.chord_at(onset).pitch_classes and (in_key or not frame.keeps_key):
            return 1.0
        passing = onset % TICKS_PER_QUARTER != 0 and in_key
        return 1 - 0.4 * self._obedience if passing else max(0.0001, (1 - self._obedience) ** 2)

    def _closing(self, last: int, onset: int, before: int, frame: Frame) -> float:
        """Return how welcome it is that a phrase ends on the pitch `last`, or leads to it, after the pitch `before`."""
        if frame.goal:
            return 1.0 if (last, onset) == frame.goal else MISSED if onset == frame.goal[1] else LATE
        tones = frame.chord_at(frame.span.end - 1).pitch_classes
        is_tonic = last % 12 == frame.key.tonic
        fits = {
            "open": True,
            "chord": not tones or last % 12 in tones,
            "tonic": is_tonic,
            "cadence": is_tonic and 1 <= abs(last - before) <= 2,
        }
        return 1.0 if fits[frame.ending] else STRAY


def _nearest(chord: Chord, pitch: int, low: int, high: int) -> int:
    """Return the pitch between `low` and `high` nearest to `pitch` that is in the chord."""
    tones = [p for p in range(low, high + 1) if p % 12 in chord.pitch_classes] or [(low + high) // 2]
    return min(tones, key=lambda p: (abs(p - pitch), p))
