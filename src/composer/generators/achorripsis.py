"""Achorripsis: Xenakis's clouds of notes, as dense, high and loud as the player."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise, takewhile
from typing import Literal, NamedTuple

import numpy as np

from composer.generators.base import Context, PartNote
from composer.generators.clouds import SCREENS, cells, screens, sections
from composer.generators.compass import folded, reflected
from composer.generators.controls import SNAPS, AchorripsisParams
from composer.generators.heard import Ear, Heard, Manner
from composer.generators.stochastic import TIMBRES, Draws, Field, arrivals, exponential, gaussian, linear
from composer.music import TICKS_PER_QUARTER, Note, Part, Score, Span

SILENT = Manner(density=2.0, pitch=62.0, spread=6.0, velocity=76.0)
"""How a player would play who has not played yet."""
SPARSEST, DENSEST = 0.25, 12.0
"""Notes a quarter of all timbres together, in the mean, whatever the player does."""
FASTEST_STEP = TICKS_PER_QUARTER // 12
"""Ticks between two notes of a glissando, at least."""
LONGEST = 4 * TICKS_PER_QUARTER
_SHORT = TICKS_PER_QUARTER // 5


class Timbre(NamedTuple):
    """Hold an instrument group: its General MIDI program, its lowest and highest pitch, and how its notes last."""

    name: str
    program: int
    low: int
    high: int
    kind: Literal["held", "short", "gliding"] = "held"


ENSEMBLE = (
    Timbre("Flutes", 73, 55, 98),
    Timbre("Oboes", 68, 46, 91),
    Timbre("Glissandi", 48, 28, 98, "gliding"),
    Timbre("Percussion", 13, 41, 96, "short"),
    Timbre("Pizzicato", 45, 28, 93, "short"),
    Timbre("Brass", 61, 36, 84),
    Timbre("Strings", 48, 28, 100),
)
"""The seven timbres, in the order of the rows of Xenakis's matrix."""


@dataclass(slots=True)
class _Line:
    """Hold where the pitches of one timbre have wandered to, in semitones from the player's middle."""

    offset: float


class Achorripsis:
    """Throw notes by laws of chance around what the player does.

    After Iannis Xenakis, Musiques formelles (1963; Formalized Music, 1971): Achorripsis (1957), a matrix of 7 timbres
    and 28 cells of time whose events are distributed by Poisson's law with mean 0.6, in each cell onsets at exponential
    distances, intervals of linear density (2/a)(1 - x/a) and glissandi of Gaussian speed; the ST programme (1962),
    sections of exponential length with a density and a mixture of timbres each; Analogique A (1959), screens that
    follow each other by coupled Markov chains of frequency, intensity and density.

    Changed: density, middle pitch, spread and loudness are those of the player's last seconds, the density taken anew
    at each quarter, the others at each note. Cells last bars, not 15 seconds, and after 28 of them there is another
    matrix. A glissando is played as a run of notes, because notes are all that a generator proposes. Durations are
    exponential, loudness is Gaussian in the matrix and one of four degrees in ST, and the orchestration table of ST is
    ours. Which variable of a screen chooses the matrix of which other is ours too. The chain of screens is put into a
    new state every 16 screens.
    """

    Params = AchorripsisParams
    grid = 1
    margin = 0

    def __init__(self, params: AchorripsisParams, seed: int) -> None:
        """Make one; `seed` may be any integer."""
        self.params = params
        self._seed = seed % 2**63
        self._ear = Ear()

    @classmethod
    def parts(cls, params: AchorripsisParams) -> tuple[Part, ...]:
        """Return the parts it plays: one for each timbre, or one piano."""
        if params.band == "piano":
            return (Part("Piano"),)
        return tuple(Part(timbre.name, (), channel, timbre.program) for channel, timbre in enumerate(ENSEMBLE))

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts in `span`; it takes some milliseconds a cell."""
        if not context.machine:
            return
        scene = _Scene(context, span.end, self._ear.hear(context, span), self.params)
        notes = {
            entry
            for field in self._fields(context.score, span)
            for entry in scene.fill(field)
            if entry.note.onset in span
        }
        yield from sorted(notes, key=lambda entry: (entry.note, entry.part))

    def _fields(self, score: Score, span: Span) -> Iterator[Field]:
        """Yield the fields that touch `span`; they begin anew, and end, where the meter changes."""
        changes = [meter.tick for meter in score.meters if meter.tick in span]
        edges = sorted({span.start, *changes, span.end})
        for start, end in pairwise(edges):
            following = min((m.tick for m in score.meters if m.tick > start), default=None)
            for field in self._found(score, Span(start, end)):
                if following is None or field.span.end <= following:
                    yield field
                else:
                    cut = Span(field.span.start, following)
                    yield Field(cut, field.place, field.density, field.timbres, field.loudness, field.regions)

    def _found(self, score: Score, span: Span) -> Iterator[Field]:
        meter = score.meter_at(span.start)
        length = max(TICKS_PER_QUARTER // 4, round(self.params.cell * meter.bar))
        if self.params.mode == "st":
            return sections(self._seed, meter.tick, length, span)
        if self.params.mode == "screens":
            return screens(self._seed, meter.tick, max(TICKS_PER_QUARTER // 4, length // SCREENS), span)
        return cells(self._seed, meter.tick, length, self.params.events, span)


class _Scene:
    """Hold one question: what was heard, and which part plays which timbre."""

    def __init__(self, context: Context, end: int, heard: Heard, params: AchorripsisParams) -> None:
        self._params = params
        self._heard = heard
        self._score = context.score
        self._end = end
        self._parts = context.machines
        self._manners: dict[int, Manner] = {}

    def fill(self, field: Field) -> Iterator[PartNote]:
        """Yield the notes of a field from its beginning to the end of the span, in no order."""
        rng = np.random.default_rng(field.place)
        lines = [_Line(offset) for offset in rng.normal(0, self._params.compass / 4, TIMBRES).tolist()]
        odds = list(accumulate(field.timbres))

        def rate(tick: int) -> float:
            density = self._params.density * self._manner(tick).density
            return min(DENSEST, max(SPARSEST, density)) * field.density

        for tick, draws in takewhile(lambda arrival: arrival[0] < self._end, arrivals(field.span, rate, rng)):
            timbre = min(TIMBRES - 1, bisect_right(odds, draws[0] * odds[-1]))
            onset = max(field.span.start, tick // SNAPS[self._params.snap] * SNAPS[self._params.snap])
            manner = self._manner(tick)
            pitch = self._pitch(field, lines[timbre], manner, draws)
            yield from self._notes(field, timbre, onset, pitch, self._loud(field, manner, draws), draws, rate(tick))

    def _pitch(self, field: Field, line: _Line, manner: Manner, draws: Draws) -> float:
        if field.regions:
            low, high = field.regions[int(draws[2] * len(field.regions))]
            return manner.pitch + low + draws[1] * (high - low)
        interval = linear(draws[1], self._params.compass) * (1 if draws[2] < 0.5 else -1)
        reach = self._params.compass / 2 + manner.spread
        line.offset = reflected(line.offset + interval, -reach, reach)
        return manner.pitch + line.offset

    def _loud(self, field: Field, manner: Manner, draws: Draws) -> int:
        if len(field.loudness) > 1:
            difference = float(field.loudness[int(draws[3] * len(field.loudness))])
        else:
            difference = field.loudness[0] + gaussian(draws[3], 8)
        return int(min(124, max(12, manner.velocity + difference)))

    def _notes(
        self, field: Field, timbre: int, onset: int, pitch: float, velocity: int, draws: Draws, rate: float
    ) -> Iterator[PartNote]:
        """Yield one note, or the notes of one glissando."""
        instrument, part = ENSEMBLE[timbre], self._parts[timbre % len(self._parts)]
        low, high = (35, 81) if part.is_drums else (instrument.low, instrument.high)
        first = round(folded(pitch, low, high))
        if instrument.kind == "short":
            yield PartNote(part.name, Note(onset, first, _SHORT, velocity))
            return
        mean = 1.5 * TICKS_PER_QUARTER / max(rate, SPARSEST)
        length = min(LONGEST, max(_SHORT, round(mean * exponential(draws[4]))))
        steps = [(0, length, 0)]
        if instrument.kind == "gliding":
            steps = glissando(max(TICKS_PER_QUARTER, length), gaussian(draws[5], self._params.glissando))
        for start, end, step in steps:
            if low <= first + step <= high and onset + start < field.span.end:
                yield PartNote(part.name, Note(onset + start, first + step, end - start, velocity))

    def _manner(self, tick: int) -> Manner:
        """Return how the player played before `tick`."""
        if tick not in self._manners:
            tempo = [t.qpm for t in self._score.tempos if t.tick <= tick][-1]
            memory = round(self._params.memory * tempo * TICKS_PER_QUARTER / 60)
            self._manners[tick] = self._heard.manner(tick, memory) or SILENT
        return self._manners[tick]


def glissando(length: int, speed: float) -> list[tuple[int, int, int]]:
    """Return a glissando of `length` ticks as (start, end, semitones from its beginning) of each note.

    `speed` is in semitones a quarter, downwards when negative; a fast one leaves out semitones.
    """
    way = speed * length / TICKS_PER_QUARTER
    notes = 1 + min(abs(round(way)), length // FASTEST_STEP - 1)
    return [(i * length // notes, (i + 1) * length // notes, round(way * i / max(1, notes - 1))) for i in range(notes)]
