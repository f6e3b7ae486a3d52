"""Guides: a chart of chords and a loop of bars, which the machine knows ahead and does not play itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from composer.errors import UsageError
from composer.generators.corpus import read
from composer.generators.scene import Wishes
from composer.music import Note, Part, Score, Span
from composer.music.chords import Chord

CHART = Part("Chart", program=48)
"""Who plays the chords of a chart: strings, as the notes are held."""
BASS, CHORDS = 36, 55
"""The lowest pitches of a chart's roots and of its chords."""
VELOCITY = 72


@dataclass(frozen=True, slots=True)
class Guides:
    """Hold a chord for each bar, and the parts of a loop that lasts `length` ticks; both go round from the start."""

    chords: tuple[Chord, ...] = ()
    loop: tuple[Part, ...] = ()
    length: int = 0

    @classmethod
    def parse(cls, chords: str, loop: str) -> Guides:
        """Return what is written as "C Am F G7" and kept in the MIDI file `loop`, either of them "" for nothing.

        The loop lasts whole bars of its own meter. UsageError when there is no such chord or no note in the file,
        FileError when it cannot be read.
        """
        chart = Wishes.parse("auto", chords).chords
        if not loop:
            return cls(chart)
        score = read(loop)
        if not score.end:
            raise UsageError(f"the loop {loop} has no notes; name a MIDI file that has")
        last = score.bar_start(score.end - 1)
        return cls(chart, score.parts, last + score.meter_at(last).bar)

    def parts(self, score: Score, span: Span) -> tuple[Part, ...]:
        """Return what begins in `span`, and in its first bar before it, in a piece with the bars of `score`."""
        chart = (CHART.with_notes(self._chart(score, span)),) if self.chords else ()
        loop = (replace(part.with_notes(self._round(part, span)), name=f"Loop {part.name}") for part in self.loop)
        return (*chart, *loop)

    def _chart(self, score: Score, span: Span) -> list[Note]:
        notes, bar = [], score.bar_start(span.start)
        while bar < span.end:
            meter = score.meter_at(bar)
            chord = self.chords[score.bar_number(bar) % len(self.chords)]
            tones = sorted(CHORDS + (pitch - CHORDS) % 12 for pitch in chord.pitch_classes)
            roots = [] if chord.root is None else [BASS + (chord.root - BASS) % 12]
            notes += [Note(bar, pitch, meter.bar, VELOCITY) for pitch in (*roots, *tones)]
            bar = score.bar_start(bar + meter.bar)
        return notes

    def _round(self, part: Part, span: Span) -> list[Note]:
        rounds = (i * self.length for i in range(span.start // self.length, -(-span.end // self.length)))
        return [note.shift(begin) for begin in rounds for note in part.notes if note.onset + begin in span]
