"""Music of Changes: Cage's chance operations, with the player's sounds on the charts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from composer.generators.base import Context, PartNote
from composer.generators.charts import Chart, Material, Playing, Sound, material
from composer.generators.compass import folded
from composer.generators.controls import MusicOfChangesParams
from composer.generators.heard import Ear, Heard
from composer.generators.oracle import numbers
from composer.generators.proportions import Phrase, phrase_at
from composer.music import TICKS_PER_QUARTER, Note, Part, Score, Span

MEMORY_BARS = 32
"""Bars of the player's past, before the phrase or the unit, that the charts reach back to."""
SHORTEST, LONGEST = TICKS_PER_QUARTER // 8, 8 * TICKS_PER_QUARTER
"""Ticks of an event, whatever the tempo."""
SLOWEST, FASTEST = 58, 176
"""Quarters a minute: the ends of the tempo chart, whose thirty-two tempos lie between at equal ratios."""
MIDDLE_TEMPO = math.sqrt(SLOWEST * FASTEST)
LOUDNESS = 72
"""The velocity before anything was thrown or heard."""
_DRUMS = (35, 81)
"""The percussion of General MIDI."""
_SUPERPOSITION, _TEMPO, _MOBILITY, _LAYER = range(8, 12)
"""Streams of chance, apart from those of the charts' own material (the layers 0 to 7)."""


class Event(NamedTuple):
    """Hold what one layer plays next: from when, for how many ticks, what, and how loud."""

    tick: int
    ticks: int
    sound: Sound
    velocity: int


class MusicOfChanges:
    """Play by chance operations among charts that the player fills.

    After John Cage, Music of Changes (1951), as he tells it in "To Describe the Process of Composition Used in Music of
    Changes and Imaginary Landscape No. 4" (1952): three coins give lines and hexagrams, a hexagram with moving lines is
    read twice; eight layers each have charts of 64 sounds (half of them silences), durations and dynamics (three in
    four: as before); at each unit an odd throw makes mobile charts immobile and immobile ones mobile; at each phrase
    throws say how many layers may sound and, half of the time, a new tempo; 3, 5, 6 3/4, 6 3/4, 5, 3 1/8 is the form at
    large and in small; an event that would last beyond its phrase is not heard.

    Changed: the player's own notes, chords, durations and loudness fill the cells, of mobile charts as they were heard
    up to the moment, of immobile ones up to the beginning of the unit; before there are any, and where `yours` says so,
    the cells hold sounds made by chance in Cage's arrangement (two squares of four by four, twelve tones in each row
    and column). The session owns the tempo: a thrown tempo makes events denser or sparser instead. Each layer begins
    anew at each phrase, and used cells of mobile charts come back then, so that any moment can be worked out from its
    phrase alone. Noises, pedals and accents are left out.
    """

    Params = MusicOfChangesParams
    grid = 1
    margin = 0

    def __init__(self, params: MusicOfChangesParams, seed: int) -> None:
        """Make one; `seed` may be any integer."""
        self.params = params
        self._seed = seed % 2**63
        self._materials: dict[int, Material] = {}
        self._changes = [0]
        self._ear = Ear()
        self._heard: Heard | None = None
        self._playings: dict[tuple[int, int], Playing] = {}

    @classmethod
    def parts(cls, params: MusicOfChangesParams) -> tuple[Part, ...]:
        """Return the one part it plays: a piano."""
        return (Part("Piano"),)

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts in `span`; it takes some milliseconds a phrase."""
        if not context.machine:
            return
        heard = self._ear.hear(context, span)
        if heard is not self._heard:
            self._heard, self._playings = heard, {}
        tick = span.start
        while tick < span.end:
            phrase = phrase_at(context.score, tick, self.params.measure)
            notes = set(self._phrase(context, heard, phrase, min(span.end, phrase.end)))
            yield from sorted((n for n in notes if n.note.onset in span), key=lambda n: (n.note, n.part))
            tick = phrase.end

    def layers(self, phrase: Phrase) -> int:
        """Return how many layers may sound in a phrase, 1 to 8."""
        return 1 + (next(numbers((self._seed, _SUPERPOSITION, phrase.start))) - 1) * self.params.layers // 64

    def tempo(self, score: Score, phrase: Phrase) -> float:
        """Return the tempo thrown for a phrase; half of the numbers say: as before."""
        origin = score.meter_at(phrase.start).tick
        while (thrown := next(numbers((self._seed, _TEMPO, phrase.start)))) % 2 == 0:
            if phrase.start <= origin:
                return MIDDLE_TEMPO
            phrase = phrase_at(score, phrase.start - 1, self.params.measure)
        return math.exp(math.log(SLOWEST) + thrown // 2 / 31 * math.log(FASTEST / SLOWEST))

    def is_mobile(self, unit: int, layer: int) -> bool:
        """Return whether a layer's charts are mobile in a unit: four always are, and an odd throw changes which."""
        while len(self._changes) <= unit:
            thrown = next(numbers((self._seed, _MOBILITY, len(self._changes))))
            self._changes.append((self._changes[-1] + thrown) % 2)
        return (layer + self._changes[unit]) % 2 == 0

    def _phrase(self, context: Context, heard: Heard, phrase: Phrase, end: int) -> Iterator[PartNote]:
        """Yield the notes of the events that begin in a phrase before the tick `end`, layer by layer."""
        memory = MEMORY_BARS * context.score.meter_at(phrase.start).bar
        frozen = self._playing(heard, phrase.unit_start, phrase.unit_start - memory)

        def playing(tick: int) -> Playing:
            return self._playing(heard, tick, phrase.start - memory)

        pace = self.params.pace * self.tempo(context.score, phrase) / MIDDLE_TEMPO
        velocities = heard.velocities(Span(max(0, phrase.start - memory), phrase.start))
        velocity = round(sum(velocities) / len(velocities)) if velocities else LOUDNESS
        parts = context.machines
        for layer in range(self.layers(phrase)):
            is_mobile = self.is_mobile(phrase.unit, layer)
            chart = Chart(self._material(layer), is_mobile)
            events = self._events(phrase, layer, chart, playing if is_mobile else lambda tick: frozen, pace, velocity)
            part = parts[layer % len(parts)]
            for event in takewhile(lambda event: event.tick < end, events):
                yield from self._notes(part, event)

    def _events(
        self, phrase: Phrase, layer: int, chart: Chart, playing: Callable[[int], Playing], pace: float, velocity: int
    ) -> Iterator[Event]:
        oracle = numbers((self._seed, _LAYER, phrase.start, layer))
        tick = phrase.start
        while tick < phrase.end:
            known = playing(tick)
            sound = chart.sound(next(oracle), known)
            ticks = min(LONGEST, max(SHORTEST, round(chart.ticks(next(oracle), known) / pace)))
            if sound:
                velocity = chart.velocity(next(oracle), known, velocity)
                # What would last beyond the phrase is not heard.
                if tick + ticks <= phrase.end:
                    yield Event(tick, ticks, sound, velocity)
            tick += ticks

    def _notes(self, part: Part, event: Event) -> Iterator[PartNote]:
        low, high = sorted((self.params.low, self.params.high))
        for stroke in event.sound:
            onset = event.tick + int(stroke.at * event.ticks)
            for pitch in stroke.pitches:
                pitch = int(folded(pitch, *_DRUMS) if part.is_drums else folded(pitch, low, high))
                yield PartNote(part.name, Note(onset, pitch, event.tick + event.ticks - onset, event.velocity))

    def _playing(self, heard: Heard, tick: int, since: int) -> Playing:
        """Return what is on the charts at `tick`, from what was played since the tick `since`."""
        known = heard.count(tick), since
        if known not in self._playings:
            span = Span(max(0, since), tick)
            chords, gaps, velocities = heard.chords(span), heard.gaps(span), heard.velocities(span)
            self._playings[known] = Playing(chords, gaps, velocities, self.params.yours)
        return self._playings[known]

    def _material(self, layer: int) -> Material:
        if layer not in self._materials:
            self._materials[layer] = material(self._seed, layer)
        return self._materials[layer]
