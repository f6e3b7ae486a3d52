"""Phrases and their moments: when a counterpoint answers, and which note it answers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from composer.music import TICKS_PER_QUARTER, Note, Score, Span

LONGEST = 16 * TICKS_PER_QUARTER
"""Ticks of a phrase at most, where bars are very long."""
ROOM = 60
"""Ticks that a moment must leave before the player's next note."""


class Moment(NamedTuple):
    """Hold one moment at which the machine sings: its tick, and the player's note there, None when nobody sounds."""

    tick: int
    note: Note | None
    length: int
    """Ticks until the next moment; where nobody can know it, what the player's last note lasted."""

    @property
    def pitch(self) -> int | None:
        """Return the pitch to be answered."""
        return self.note.pitch if self.note else None


@dataclass(frozen=True, slots=True)
class Pace:
    """Hold when moments fall, in ticks."""

    pulse: int
    """Distance of the moments where the machine goes on by itself, counted from each bar line."""
    patience: int
    """How long the player may hold a note or rest before it does."""
    fastest: int
    """The least distance of two notes of the player that are both answered."""


def phrase_at(score: Score, tick: int, bars: int) -> Span:
    """Return the phrase of `bars` bars that holds `tick`; phrases are counted from the last change of meter."""
    meter = score.meter_at(tick)
    length = bars * meter.bar if bars * meter.bar <= 2 * LONGEST else LONGEST
    start = meter.tick + (tick - meter.tick) // length * length
    following = min((m.tick for m in score.meters if m.tick > tick), default=start + length)
    return Span(start, min(start + length, following))


def beats(score: Score, span: Span, pulse: int) -> Iterator[int]:
    """Yield the ticks of `span` that lie a multiple of `pulse` after a bar line."""
    bar = score.bar_start(span.start)
    while bar < span.end:
        meter = score.meter_at(bar)
        following = min([bar + meter.bar, *(m.tick for m in score.meters if bar < m.tick)])
        yield from (tick for tick in range(bar, following, pulse) if tick in span)
        bar = following


def follow(score: Score, line: Sequence[Note], known_until: int, phrase: Span, pace: Pace) -> list[Moment]:
    """Return the moments of `phrase` against the player's `line`: its notes, and beats where it holds or rests long."""
    low = bisect_left(line, phrase.start, key=lambda note: note.onset)
    high = bisect_left(line, phrase.end, key=lambda note: note.onset)
    answered = list(line[max(0, low - 1) : low])
    inside: list[Note] = []
    for note in line[low:high]:
        if not inside or note.onset - inside[-1].onset >= pace.fastest:
            inside.append(note)
    grid = list(beats(score, phrase, pace.pulse))
    found: list[tuple[int, Note | None]] = []
    bounds = [*answered, *inside]
    if not answered:
        until = inside[0].onset if inside else phrase.end
        found += [(tick, None) for tick in grid if tick + ROOM <= until]
    for i, note in enumerate(bounds):
        until = bounds[i + 1].onset if i + 1 < len(bounds) else phrase.end + ROOM
        if note.onset >= phrase.start:
            found.append((note.onset, note))
        own = [tick for tick in grid if note.onset + pace.patience < tick <= until - ROOM]
        found += [(tick, note if _sounds(note, tick, known_until) else None) for tick in own]
    return _timed(found, phrase, known_until, pace)


def _sounds(note: Note, tick: int, known_until: int) -> bool:
    # A key that is down at the end of what is known goes on sounding, as far as anybody knows.
    return note.end > tick or note.end >= known_until


def _timed(found: list[tuple[int, Note | None]], phrase: Span, known_until: int, pace: Pace) -> list[Moment]:
    moments: list[Moment] = []
    gap = TICKS_PER_QUARTER
    for i, (tick, note) in enumerate(found):
        following = found[i + 1][0] if i + 1 < len(found) else phrase.end
        length = max(1, following - tick)
        if note is not None and note.onset == tick:
            if following > known_until and note.end >= known_until:
                length = min(length, gap)
            elif note.end < known_until:
                length = min(length, max(pace.fastest, note.duration))
            gap = following - tick
        moments.append(Moment(tick, note, length))
    return moments


def alone(score: Score, line: Sequence[Note], phrase: Span, pulse: int) -> list[Moment]:
    """Return the beats of `phrase` at which nobody plays."""
    ticks = []
    for tick in beats(score, phrase, pulse):
        until = bisect_left(line, tick + 1, key=lambda note: note.onset)
        if not until or line[until - 1].end <= tick:
            ticks.append(tick)
    return [Moment(a, None, max(1, b - a)) for a, b in pairwise([*ticks, phrase.end])]
