"""One question put to a singer of phrases, and a phrase: its moments, its chords and who sings them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

from composer.generators.base import Context
from composer.generators.cantus import Moment, phrase_at
from composer.generators.counterpoint import Chord
from composer.generators.gap import IN_RESTS
from composer.generators.quartet import singers
from composer.generators.viewpoints import top_line
from composer.music import Note, Part, Score, Span

_onset = attrgetter("onset")
LATE = 120
"""Ticks after the player's note within which it is still answered, where nobody could know that it would come."""
FOLLOWING = 16
"""Bars after a gap that are listened to for its key, where the machine's own music is all there is."""
AHEAD = 4
"""Bars after a phrase that say in which key it is, where they are known."""
Struck = list[tuple[int, str]]
"""Pitches and parts of one moment, from low to high."""


@dataclass(frozen=True)
class Question:
    """Hold what one question says, in the form that every phrase of its answer needs."""

    context: Context
    span: Span

    @property
    def score(self) -> Score:
        """Return the music that is known."""
        return self.context.score

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the machine's pitched parts, from the top down."""
        return singers(self.context)

    @cached_property
    def line(self) -> list[Note]:
        """Return the player's top line; drums are not listened to."""
        heard = [note for part in self.context.players if not part.is_drums for note in part.notes]
        return top_line(sorted(heard, key=attrgetter("onset", "pitch")))

    def before(self, tick: int) -> list[Note]:
        """Return the player's line before `tick`."""
        return self.line[: bisect_left(self.line, tick, key=_onset)]

    def latest(self, tick: int) -> Note | None:
        """Return the note of the player's line that sounds at `tick` or began just before, None when there is none."""
        before = self.before(tick + 1)
        return before[-1] if before and (before[-1].end > tick or tick - before[-1].onset <= LATE) else None

    def hears(self, phrase: Span) -> bool:
        """Return whether the player has played in a phrase or the one before."""
        before = self.before(phrase.end)
        return bool(before) and before[-1].end > phrase.start - phrase.length

    def is_answer(self, phrase: Span) -> bool:
        """Return whether the machine sings a phrase beside the player, and not in the player's place."""
        if self.context.role != "accompany" or not self.hears(phrase):
            return False
        return self.context.known_until < phrase.end or self.before(phrase.end)[-1].end > phrase.start

    def phrase(self, tick: int, bars: int) -> Span:
        """Return the phrase of `bars` bars that holds `tick`; in rests, the player divides it."""
        grid = phrase_at(self.score, tick, bars)
        if self.context.role not in IN_RESTS:
            return grid
        index = bisect_left(self.line, tick + 1, key=_onset)
        starts = [grid.start, *(note.onset for note in self.line[:index][-1:])]
        ends = [note.onset for note in self.line[index : index + 1] if note.onset < self.context.known_until]
        return Span(max(starts), min([grid.end, *ends]))

    def struck(self, phrase: Span) -> dict[int, Struck]:
        """Return what the machine has played in `phrase` before the question's span, by onset."""
        found: dict[int, Struck] = {}
        for name in self.names:
            for note in self.score.part(name).within(Span(phrase.start, max(phrase.start, self.span.start))):
                if note.onset in phrase:
                    found.setdefault(note.onset, []).append((note.pitch, name))
        return {tick: sorted(found[tick]) for tick in sorted(found)}

    def listened_to(self, phrase: Span) -> tuple[Context, int]:
        """Return what the key of a phrase is heard in, and the tick up to which: the player, or what follows a gap."""
        if self.line:
            until = phrase.end + AHEAD * self.score.meter_at(phrase.end).bar
            return self.context, min(self.context.known_until, until)
        until = self.span.end + FOLLOWING * self.score.meter_at(self.span.end).bar
        kept = [note for name in self.names for note in self.score.part(name).within(Span(self.span.end, until))]
        following = Part("Following", tuple(sorted(kept)))
        return Context(Score((following,), meters=self.score.meters), (), until), min(until, following.end)


@dataclass(frozen=True, slots=True)
class Texture:
    """Hold a phrase: its moments, and a chord for each, with the parts that sing its voices from the lowest up."""

    moments: tuple[Moment, ...]
    chords: tuple[Chord, ...]
    singers: tuple[str, ...]

    def struck(self, index: int) -> Struck:
        """Return what a moment strikes; a key of one part is struck once."""
        return sorted(set(zip(self.chords[index], self.singers, strict=True)))

    def agrees(self, played: Mapping[int, Struck]) -> bool:
        """Return whether what was played is what the texture says, each chord at its moment or just after."""
        ticks = [moment.tick for moment in self.moments]
        for tick, struck in played.items():
            index = bisect_left(ticks, tick + 1) - 1
            if index < 0 or tick - ticks[index] > LATE or self.struck(index) != struck:
                return False
        return True

    def stood(self, played: Mapping[int, Struck]) -> dict[int, Chord]:
        """Return the chords of what was played, by onset, where each voice can be told."""
        return {
            tick: tuple(p for p, _ in struck) for tick, struck in played.items() if len(struck) == len(self.singers)
        }


def resumed(moments: Iterable[Moment], begun: Iterable[int], question: Question) -> list[Moment]:
    """Return the moments of a phrase of which the chords at `begun` have sounded, and the rest is still open."""
    planned = {moment.tick: moment for moment in moments}
    stood = [planned.get(tick) or Moment(tick, question.latest(tick), 1) for tick in begun]
    after = max(question.span.start - LATE, stood[-1].tick + 1) if stood else 0
    return stood + [moment for moment in planned.values() if moment.tick >= after]
