"""Phrases from a variable-order Markov chain over (interval, note value), steered through chords."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from composer.generators.constrained import Chain, sample
from composer.music import TICKS_PER_QUARTER, Note, Span
from composer.music.chords import Chord, Key

Step = tuple[int, int]
"""Semitones to the next note and ticks to its onset."""
State = tuple[tuple[Step, ...], int, int]
"""The last steps, the pitch they led to, and its onset."""

VALUES = (120, 160, 240, 320, 360, 480, 720, 960, 1440, 1920)
"""Note values in ticks, from a sixteenth to a whole note; what is played is heard as the nearest one."""
FREEDOM = 0.3
"""How much shorter memories have to say beside the longest one when the harmony must be obeyed."""
CHUNK = 2
"""How many notes are chosen at once, so that the first ones make the last one possible."""
BREADTH = 16
"""How many continuations are considered, the most frequent ones."""
ENOUGH = 8
"""Steps to have heard before the player's own manner takes over from the tradition."""

TRADITION: tuple[Step, ...] = (
    *((2, 240), (2, 240), (1, 240), (-1, 240), (-2, 480), (2, 240), (3, 240), (2, 480), (-2, 240), (-2, 240)),
    *((-1, 480), (1, 240), (2, 240), (-3, 480), (-2, 240), (2, 240), (4, 480), (3, 240), (-3, 240), (-2, 480)),
    *((-2, 240), (-2, 240), (5, 480), (-1, 240), (-2, 240), (-2, 960), (2, 240), (1, 240), (2, 240), (2, 480)),
)
"""Steps of an ordinary tune, for a player who has hardly played yet."""


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


def steps_of(line: Sequence[Note]) -> list[Step]:
    """Return the steps from each note of a line to the next; leaps are folded into two octaves."""
    return [
        (max(-12, min(12, b.pitch - a.pitch)), min(VALUES, key=lambda value: abs(value - (b.onset - a.onset))))
        for a, b in pairwise(line)
    ]


class Improviser:
    """Continue lines in the manner of what was learned."""

    def __init__(self, order: int, obedience: float) -> None:
        """Make one that looks back `order` steps and obeys chord and key as strongly as `obedience` 0..1 says."""
        self._own: Chain[Step] = Chain(order)
        self._tradition: Chain[Step] = Chain(order)
        self._tradition.learn(TRADITION)
        self._order = order
        self._obedience = obedience

    def play(
        self,
        line: Sequence[Note],
        span: Span,
        chord_at: Callable[[int], Chord],
        key: Key,
        register: tuple[int, int],
        rng: np.random.Generator,
    ) -> list[Note]:
        """Return notes with onsets in `span` that continue `line`, in pitches from low to high of `register`."""
        learned = steps_of(line)
        self._own.learn(learned)
        chain = self._own if len(learned) >= ENOUGH else self._tradition
        low, high = register

        def steps(state: State) -> list[tuple[float, State]]:
            recent, pitch, onset = state
            if onset >= span.end:
                return [(1.0, state)]
            following = sorted(chain.blend(recent, FREEDOM * self._obedience), key=lambda o: -o[1])[:BREADTH]
            return [(p, ((*recent, s)[-self._order :], pitch + s[0], onset + s[1])) for s, p in following]

        def weight(_: int, state: State) -> float:
            pitch, onset = state[1:]
            if onset >= span.end:
                return 1.0
            if not low <= pitch <= high:
                return 0.0
            return 0.01 if onset < span.start else self._fit(pitch, onset, chord_at(onset), key)

        state = self._begin(line, learned, span, chord_at(span.start), register)
        path = [state] if state[2] >= span.start else []
        while state[2] < span.end:
            chunk = sample(state, steps, weight, CHUNK, rng)
            if not chunk:
                # Nothing that was heard stays in reach from here: take a breath and begin anew in the middle.
                onset = max(span.start, state[2] + TICKS_PER_QUARTER)
                chunk = [((), _nearest(chord_at(onset), (low + high) // 2, low, high), onset)]
            path += chunk
            state = chunk[-1]
        return _notes([(pitch, onset) for _, pitch, onset in path if onset in span], span.end)

    def _begin(
        self, line: Sequence[Note], learned: list[Step], span: Span, chord: Chord, register: tuple[int, int]
    ) -> State:
        recent = tuple(learned[-self._order :])
        low, high = register
        last = line[-1] if line else None
        if last is not None and span.start - last.onset <= 2 * TICKS_PER_QUARTER and low <= last.pitch <= high:
            return recent, last.pitch, last.onset
        near = last.pitch if last is not None else (low + high) // 2
        return recent, _nearest(chord, near, low, high), span.start

    def _fit(self, pitch: int, onset: int, chord: Chord, key: Key) -> float:
        """Return how welcome a pitch is: chord tones always, others in passing, strange ones hardly."""
        if pitch % 12 in chord.pitch_classes:
            return 1.0
        passing = onset % TICKS_PER_QUARTER != 0 and pitch % 12 in key.scale
        return 1 - 0.4 * self._obedience if passing else max(0.0001, (1 - self._obedience) ** 2)


def _nearest(chord: Chord, pitch: int, low: int, high: int) -> int:
    """Return the pitch between `low` and `high` nearest to `pitch` that is in the chord."""
    tones = [p for p in range(low, high + 1) if p % 12 in chord.pitch_classes] or [(low + high) // 2]
    return min(tones, key=lambda p: (abs(p - pitch), p))


def _notes(places: list[tuple[int, int]], end: int) -> list[Note]:
    onsets = [onset for _, onset in places]
    return [
        Note(onset, pitch, max(60, (min(following, onset + 960) - onset) * 9 // 10))
        for (pitch, onset), following in zip(places, (*onsets[1:], end), strict=False)
    ]
