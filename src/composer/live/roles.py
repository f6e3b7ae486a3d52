"""When the machine may play: each role is a rule about the player's silence or the bar."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from composer.generators.base import Context, Role
from composer.music import Note, Score, Span

TRADE_BARS = 4
"""Player and machine take turns of this many bars, the player first."""


HELD = 1 << 40
"""The duration in ticks of a note whose end nobody knows yet."""


class Rest(NamedTuple):
    """Say how long the player must be silent, and on what line the machine comes in: in bars or beats."""

    unit: str
    silence: float


RESTS: dict[Role, Rest] = {"continue": Rest("bar", 1.0), "fill": Rest("beat", 0.5)}


def may_play(role: Role, score: Score, heard: tuple[Note, ...], tick: int) -> bool:
    """Return whether a machine note may begin at `tick`, given the player's notes `heard` (sorted by onset).

    `continue` enters on the bar line after a bar of silence, `fill` on the beat after half a beat of it; both are
    silent until the player has played. A note of the player that begins at `tick` itself ends the machine's turn.
    """
    if role == "trade":
        return bars_before(score, tick) // TRADE_BARS % 2 == 1
    if role not in RESTS:
        return True
    ends = [note.end for note in heard if note.onset <= tick]
    return bool(ends) and tick >= _entry(RESTS[role], score, max(ends))


def turns(context: Context, span: Span, role: Role | None = None) -> list[Span]:
    """Return the stretches of `span` in which the machine may play, cut where the rule can change."""
    role = role or context.role
    if role == "accompany":
        return [span]
    heard = heard_notes(context)
    cuts = {span.start, span.end, *_lines(role, context.score, heard, span)}
    cuts |= {note.onset for note in heard if note.onset in span}
    edges = sorted(cuts)
    open_ = [Span(a, b) for a, b in pairwise(edges) if may_play(role, context.score, heard, a)]
    return _joined(open_)


def heard_notes(context: Context) -> tuple[Note, ...]:
    """Return the notes of all players, sorted; one that sounds at `known_until` is held and has no end yet."""
    notes = sorted(note for part in context.players for note in part.notes)
    return tuple(replace(note, duration=HELD) if note.end >= context.known_until else note for note in notes)


def _entry(rest: Rest, score: Score, end: int) -> int:
    meter = score.meter_at(end)
    unit = meter.bar if rest.unit == "bar" else meter.beat
    line = score.bar_start(end)
    return line + -(-(end + round(rest.silence * unit) - line) // unit) * unit


def _lines(role: Role, score: Score, heard: tuple[Note, ...], span: Span) -> set[int]:
    """Return the ticks inside `span` at which the machine's turn may begin or end by the rule itself."""
    if role == "trade":
        lines, line = set(), score.bar_start(span.start)
        while line < span.end:
            lines.add(line)
            line += score.meter_at(line).bar
        return {line for line in lines if line in span}
    recent = [note for note in heard if note.onset < span.end]
    latest = max((note.end for note in recent), default=0)
    ends = {note.end for note in recent if note.end >= span.start - 8 * score.meter_at(span.start).bar} | {latest}
    return {entry for end in ends if (entry := _entry(RESTS[role], score, end)) in span}


def bars_before(score: Score, tick: int) -> int:
    """Return the number of the bar (from 0) in which `tick` falls."""
    bars = 0
    for meter, following in zip(score.meters, (*score.meters[1:], None), strict=True):
        if following is None or tick < following.tick:
            return bars + (tick - meter.tick) // meter.bar
        bars += -(-(following.tick - meter.tick) // meter.bar)
    return bars


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end == span.start:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined
