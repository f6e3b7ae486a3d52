"""The question and its answer, step by step: what live playing, the worker and offline composition share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from composer.generators.base import Context, Generator, PartNote
from composer.live.roles import bars_before, turns
from composer.music import Note, Part, Score, Span

STEP = 240
"""Ticks answered at a time by a generator without blocks: half a quarter."""
WINDOW_BARS, TRIM_BARS = 64, 16
"""A question carries at least this many bars of the past, cut in steps so that its beginning stays the same."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Hold when a generator is asked and for what: all in ticks but `lead`, which counts blocks."""

    grid: int = 1
    margin: int = 0
    lead: int = 1
    commit: int = 15
    lookahead: int = 1920
    commit_is_set: bool = False
    """Whether `commit` is the user's wish, and not what suits a generator without blocks."""

    @property
    def step(self) -> int:
        """Return the length of one answer."""
        return self.grid if self.grid > 1 else STEP

    @property
    def ahead(self) -> int:
        """Return the lookahead in whole steps, at least one."""
        return max(1, -(-self.lookahead // self.step)) * self.step


def step_of(generator: Generator) -> int:
    """Return the length in ticks of one answer of `generator`."""
    return generator.grid if generator.grid > 1 else STEP


def answers(
    generator: Generator, context: Context, span: Span, stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Span, list[PartNote]]]:
    """Yield the machine's notes of `span`, one grid step after the other, each knowing the ones before.

    Notes outside the step, of a part that is not the machine's, or outside its turn are left out. Ends early, without
    the step at hand, when `stop` becomes true.
    """
    for step in span.split(step_of(generator)):
        notes: list[PartNote] = []
        if allowed := turns(context, step):
            for name, note in generator.propose(context, step):
                if stop():
                    return
                if name in context.machine and any(note.onset in turn for turn in allowed):
                    notes.append(PartNote(name, note))
        yield step, notes
        context = context.extended(notes)


def question(context: Context, start: int, at: int, known_until: int) -> Context:
    """Return what is known when a span that begins at `start` is asked for at tick `at`.

    The player's notes that began after `at` are unknown; one that sounds at `at` is held and ends at `known_until`, and
    one that was released at that very tick ends just before it. The machine's notes end before `start`. Bars long past
    are left out.
    """
    score = context.score
    first = (bars_before(score, start) - WINDOW_BARS) // TRIM_BARS * TRIM_BARS
    begin = score.bar_tick(max(0, first))
    parts = tuple(
        part.with_notes(part.within(Span(min(begin, start), start)))
        if part.name in context.machine
        else _heard(part, begin, at, known_until)
        for part in score.parts
    )
    return replace(context, score=replace(score, parts=parts), known_until=known_until)


def _heard(part: Part, begin: int, at: int, known_until: int) -> Part:
    notes = part.within(Span(begin, max(begin, at + 1)))
    return part.with_notes(
        Note(note.onset, note.pitch, max(1, known_until - note.onset - (note.end <= at)), note.velocity)
        if note.end > at or note.end == known_until
        else note
        for note in notes
    )


def empty_machine(score: Score, parts: tuple[Part, ...]) -> tuple[Score, tuple[str, ...]]:
    """Return `score` with the machine's `parts` added, without notes, and their names, made unique in the score."""
    names = []
    for part in parts:
        name = part.name
        while any(p.name == name for p in score.parts):
            name += "'"
        names.append(name)
        score = score.with_part(replace(part, name=name, notes=()))
    return score, tuple(names)
