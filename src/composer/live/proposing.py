"""How long a generator takes to propose one bar, whatever is played to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Any

from composer.generators.base import Context
from composer.live.steps import answers, empty_machine, question
from composer.live.worker import make_with_parts
from composer.music import DRUM_CHANNEL, TICKS_PER_QUARTER, Meter, Note, Part, Score, Span, Tempo

BARS = 16
"""Bars that are played, and proposed one after the other."""
TEMPO = 120
"""Quarters a minute at which a bar's duration is counted."""
_END = BARS * 4 * TICKS_PER_QUARTER
_SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


@dataclass(frozen=True, slots=True)
class Playing:
    """Hold what somebody plays, from the ordinary to the extreme."""

    notes: tuple[Note, ...]
    meter: tuple[int, int] = (4, 4)
    channel: int = 5


def _line(pitches: tuple[int, ...], step: int) -> tuple[Note, ...]:
    """Return pitches one after the other, over and over, `step` ticks apart."""
    return tuple(Note(t, pitches[t // step % len(pitches)], step - 10) for t in range(0, _END, step))


_chance = Random(1957)
PLAYINGS = {
    "eighths": Playing(_line(_SCALE, 240)),
    "quarters": Playing(_line((72, 74, 76, 77, 79, 76, 74, 72), 480)),
    "chords": Playing(tuple(Note(t, p, 1900) for t in range(0, _END, 1920) for p in (48, 60, 64, 67))),
    "chromatic eighths over three octaves": Playing(_line(tuple(_chance.choices(range(48, 85), k=61)), 240)),
    "chromatic sixteenths over three octaves": Playing(_line(tuple(_chance.choices(range(48, 85), k=127)), 120)),
    "forty notes at once": Playing(tuple(Note(t, 40 + i, 480) for t in range(0, _END, 960) for i in range(40))),
    "one note for a minute": Playing((Note(0, 60, _END * 4),)),
    "drums alone": Playing(_line((36, 42, 38, 42), 240), channel=DRUM_CHANNEL),
    "the edges of the keyboard": Playing(_line((0, 127), 240)),
    "seven eight": Playing(_line(_SCALE, 240), meter=(7, 8)),
    "nothing": Playing(()),
}
"""What is played, by name."""


def measure(name: str, params: dict[str, str], seed: int) -> dict[str, Any]:
    """Return what proposing one bar costs the generator `name`: milliseconds, and the greatest share of a bar.

    max_cpu_ms is the processor's time, which other work on the machine does not lengthen by much.
    Each bar is asked for twice, as the live engine asks (the player is known up to the bar) and as offline (everything
    is known), the machine's own bars before it standing; every playing begins with a new generator.
    """
    result: dict[str, Any] = {"generator": name, "bars": BARS}
    worst = 0.0
    for title, playing in PLAYINGS.items():
        bar_ms = Meter(0, *playing.meter).bar / TICKS_PER_QUARTER * 60_000 / TEMPO
        taken = [both for known in (False, True) for both in _bars(name, params, seed, playing, known)]
        ms, cpu = ([both[i] for both in taken] for i in range(2))
        share = max(ms) / bar_ms
        worst = max(worst, share)
        figures = {"p50_ms": median(ms), "max_ms": max(ms), "max_cpu_ms": max(cpu)}
        result[title] = {name: round(value, 1) for name, value in figures.items()} | {"share": round(share, 3)}
    return result | {"greatest_share": round(worst, 3)}


def _bars(name: str, params: dict[str, str], seed: int, playing: Playing, is_known: bool) -> list[tuple[float, float]]:
    """Return the milliseconds that each bar took, and those of the processor."""
    generator, parts = make_with_parts(name, params, seed)
    player = Part("Player", tuple(sorted(playing.notes)), playing.channel)
    meter = Meter(0, *playing.meter)
    score, machine = empty_machine(Score((player,), (Tempo(0, TEMPO),), (meter,)), parts)
    context = Context(score, machine, _END + 1)
    taken = []
    for start in range(0, BARS * meter.bar, meter.bar):
        known = context if is_known else question(context, start, start, start)
        began, worked = time.perf_counter(), time.process_time()
        notes = [entry for _, step in answers(generator, known, Span(start, start + meter.bar)) for entry in step]
        taken.append(((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000))
        context = context.extended(notes)
    return taken
