"""The live loop without waiting, over a score: everything known at once, or only up to a lead."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import pairwise

from composer.errors import UsageError
from composer.generators import load
from composer.generators.base import Context, Generator, PartNote, Role
from composer.live.roles import RESTS, heard_notes
from composer.live.steps import STEP, Pace, answers, empty_machine, question
from composer.live.worker import make_with_parts
from composer.music import Meter, Part, Score, Span, Tempo

log = logging.getLogger(__name__)
Progress = Callable[[float], None]

HEARD_AHEAD = -8
"""The lead, in blocks, of a generator that is told one while it hears the whole piece: it looks one bar ahead."""

_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def compose(
    generator: Generator, context: Context, span: Span, *, lead: int | None = None, pace: Pace | None = None
) -> Iterator[PartNote]:
    """Yield the machine's notes of `span`, in order.

    Without a lead everything in the context is known. With one, the notes are those that the live session would play if
    the player's parts were played to it: of block b the player is known up to the start of block b - lead + 1 (a
    generator without blocks is asked again at every note). `pace` has the commit and lookahead of the session.
    """
    pace = pace or Pace()
    steps: Iterator[list[PartNote]]
    if lead is None:
        steps = (notes for _, notes in answers(generator, context, span))
    elif generator.grid > 1:
        steps = _blocks(generator, context, span, lead)
    else:
        steps = _at_once(generator, context, span, replace(pace, grid=1))
    for notes in steps:
        yield from sorted(notes, key=lambda entry: entry.note)


def _blocks(generator: Generator, context: Context, span: Span, lead: int) -> Iterator[list[PartNote]]:
    for block in span.split(generator.grid):
        known_until = max(0, block.start // generator.grid * generator.grid - (lead - 1) * generator.grid)
        known = question(context, block.start, known_until - generator.margin, known_until)
        _, notes = next(answers(generator, known, block), (block, []))
        yield notes
        context = context.extended(notes)


def _at_once(generator: Generator, context: Context, span: Span, pace: Pace) -> Iterator[list[PartNote]]:
    heard = heard_notes(context)
    changes = {note.onset for note in heard}
    if context.role in RESTS:
        changes |= {note.end for note in heard}
    asked = {max(span.start, tick + pace.commit): tick for tick in sorted(changes) if tick < span.end}
    asked = {span.start: span.start} | asked
    starts = [*sorted(start for start in asked if start < span.end), span.end]
    for start, end in pairwise(starts):
        for step in Span(start, end).split(STEP):
            # The step is asked for whole, as live, and cut where the next question begins.
            whole = Span(step.start, (step.start // STEP + 1) * STEP)
            at = max(asked[start], whole.end - pace.ahead)
            known = question(context, step.start, at, at)
            _, notes = next(answers(generator, known, whole), (whole, []))
            notes = [entry for entry in notes if entry.note.onset < step.end]
            yield notes
            context = context.extended(notes)


def accompany(
    score: Score,
    name: str,
    *,
    params: Mapping[str, str] | None = None,
    seed: int = 0,
    lead: int | None = None,
    players: tuple[str, ...] | None = None,
    role: Role = "accompany",
    progress: Progress | None = None,
) -> Score:
    """Return `score` with the machine's parts added; it listens to `players`, by default to every part."""
    heard = replace(score, parts=tuple(part for part in score.parts if players is None or part.name in players))
    generator, parts = _made(name, params, seed, HEARD_AHEAD if lead is None else lead)
    span = Span(0, _bar_end(score, score.end))
    whole, machine = empty_machine(score, parts)
    context, _ = _context(heard, parts, machine, role, span.end)
    notes = _collected(compose(generator, context, span, lead=lead), span, progress)
    return _with(whole, machine, notes)


def continue_score(
    score: Score,
    name: str,
    *,
    bars: int = 8,
    params: Mapping[str, str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Score:
    """Return `score` with `bars` bars of the machine's parts after its last bar."""
    generator, parts = _made(name, params, seed, None)
    start = _bar_end(score, score.end)
    span = Span(start, start + bars * score.meter_at(start).bar)
    whole, machine = empty_machine(score, parts)
    context, _ = _context(score, parts, machine, "accompany", span.end)
    return _with(whole, machine, _collected(compose(generator, context, span), span, progress))


def generate(
    name: str,
    *,
    bars: int = 16,
    key: str = "C",
    tempo: float = 120.0,
    meter: tuple[int, int] = (4, 4),
    seed: int = 0,
    params: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Score:
    """Return `bars` bars of the machine alone; `key` is a tonic, with an m for minor.

    A generator with a parameter called key is told the key; of any other one the music is moved from C or A minor.
    """
    tonic, is_minor = parse_key(key)
    params = dict(params or {})
    knows_key = any(field.name == "key" for field in fields(load(name).Params))
    if knows_key:
        params.setdefault("key", _key_option(name, tonic, is_minor) or key)
    generator, parts = _made(name, params, seed, None)
    score = Score((), (Tempo(0, tempo),), (Meter(0, *meter),))
    span = Span(0, bars * score.meter_at(0).bar)
    whole, machine = empty_machine(score, parts)
    context, _ = _context(score, parts, machine, "accompany", span.end)
    notes = _collected(compose(generator, context, span), span, progress)
    composed = _with(whole, machine, notes)
    return composed if knows_key else _moved(composed, (tonic - (9 if is_minor else 0) + 5) % 12 - 5)


def infill(
    score: Score,
    name: str,
    *,
    bars: tuple[int, int],
    parts: tuple[str, ...] | None = None,
    params: Mapping[str, str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Score:
    """Return `score` with bars [first, end) (counted from 0) of `parts` written anew, by default of every part.

    What the generator's parts play goes to the rewritten parts: to those of the same name or drums, else to the first.
    """
    span = Span(score.bar_tick(bars[0]), score.bar_tick(bars[1]))
    rewritten = tuple(part for part in score.parts if parts is None or part.name in parts)
    if not rewritten:
        raise UsageError(
            f"there is no part to rewrite; the parts are {', '.join(p.name for p in score.parts) or 'none'}"
        )
    around = score
    for part in rewritten:
        around = around.with_part(part.with_notes(n for n in part.notes if n.onset not in span))
    generator, own = _made(name, params, seed, None)
    homes = {part.name: _home(part, rewritten) for part in own}
    machine = tuple(part.name for part in own)
    names = {part.name for part in rewritten}
    known = replace(around, parts=tuple(part for part in around.parts if part.name not in names))
    for part in own:
        kept = [n for home in rewritten if homes[part.name] == home.name for n in around.part(home.name).notes]
        known = known.with_part(part.with_notes(kept))
    context = Context(known, machine, max(known.end, span.end) + 1)
    for entry in _collected(compose(generator, context, span), span, progress):
        home = around.part(homes[entry.part])
        around = around.with_part(home.with_notes((*home.notes, entry.note)))
    return around


def parse_key(key: str) -> tuple[int, bool]:
    """Return the tonic's pitch class and whether the key is minor; UsageError when `key` is none, such as "H"."""
    name, is_minor = (key[:-1], True) if key.endswith("m") else (key, False)
    alteration = {"": 0, "#": 1, "b": -1}.get(name[1:])
    if name[:1] not in _TONICS or alteration is None:
        raise UsageError(f"there is no key {key!r}; a key is a letter A to G, then # or b, then m for minor: F#m")
    return (_TONICS[name[0]] + alteration) % 12, is_minor


def _key_option(name: str, tonic: int, is_minor: bool) -> str | None:
    """Return what a generator that knows the major keys only calls a key: its own name or its relative major's."""
    options = next(field.metadata.get("options", ()) for field in fields(load(name).Params) if field.name == "key")
    major = (tonic + 3 * is_minor) % 12
    return next((option for option in options if option[:1] in _TONICS and parse_key(option) == (major, False)), None)


def _made(
    name: str, params: Mapping[str, str] | None, seed: int, lead: int | None
) -> tuple[Generator, tuple[Part, ...]]:
    values = dict(params or {})
    if lead is not None and any(field.name == "lead" for field in fields(load(name).Params)):
        values.setdefault("lead", str(lead))
    generator, parts = make_with_parts(name, values, seed)
    if values.get("corpus") and (notice := getattr(generator, "notice", str)()):
        log.warning("%s", notice)
    return generator, parts


def _context(
    score: Score, parts: tuple[Part, ...], machine: tuple[str, ...], role: Role, end: int
) -> tuple[Context, tuple[str, ...]]:
    for part, name in zip(parts, machine, strict=True):
        score = score.with_part(replace(part, name=name, notes=()))
    # One tick more, so that a note that ends with the piece has an end.
    return Context(score, machine, max(score.end, end) + 1, role), machine


def _collected(notes: Iterator[PartNote], span: Span, progress: Progress | None) -> list[PartNote]:
    collected = []
    for entry in notes:
        collected.append(entry)
        if progress:
            progress((entry.note.onset - span.start) / max(1, span.length))
    if progress:
        progress(1.0)
    return collected


def _with(score: Score, machine: tuple[str, ...], notes: list[PartNote]) -> Score:
    for name in machine:
        score = score.with_part(score.part(name).with_notes(entry.note for entry in notes if entry.part == name))
    return score


def _moved(score: Score, semitones: int) -> Score:
    return replace(
        score,
        parts=tuple(
            part
            if part.is_drums
            else part.with_notes(replace(n, pitch=min(127, max(0, n.pitch + semitones))) for n in part.notes)
            for part in score.parts
        ),
    )


def _home(part: Part, rewritten: tuple[Part, ...]) -> str:
    same = [home.name for home in rewritten if home.name == part.name]
    alike = [home.name for home in rewritten if home.is_drums == part.is_drums]
    return (same or alike or [rewritten[0].name])[0]


def _bar_end(score: Score, tick: int) -> int:
    line = score.bar_start(tick)
    return line if line == tick else line + score.meter_at(line).bar
