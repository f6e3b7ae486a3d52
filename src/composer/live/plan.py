"""The plan: the machine's notes, played and to be played, and who planned each step of it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from composer.generators.base import PartNote
from composer.live.steering import REACH
from composer.music import Note, Part, Span


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """Hold a note of the plan: the number under which io reports it, and how many of the player's notes it knew."""

    onset: int
    id: int
    entry: PartNote
    knew: int

    @property
    def end(self) -> int:
        """Return the tick at which the note stops."""
        return self.entry.note.end


class Cover(NamedTuple):
    """Say who planned a step: seat (0 for the fallback), question, the tick up to which it knew, when, and its end."""

    seat: int
    question: int
    known_until: int
    at: float
    end: int


FALLBACK = 0
Shape = Callable[[Planned], Note | None]
"""How a note of the plan sounds, None when it does not."""


class Plan:
    """Hold what the machine has played and means to play. One thread uses a plan."""

    def __init__(self) -> None:
        self._notes: list[Planned] = []
        self._gone: dict[int, Planned] = {}
        self._covers: dict[int, Cover] = {}
        self._next_id = 1
        self._changed_from: int | None = None
        self._floor = 0
        # Notes that io was told otherwise than they are planned, None for those it was not told.
        self._told: dict[int, Note | None] = {}
        self._begun: set[int] = set()

    def put(self, step: Span, notes: list[PartNote], cover: Cover, knew: int, cut: int) -> None:
        """Replace what begins in `step` at or after tick `cut`; a note that stays the same keeps its number."""
        self._covers = {tick: old for tick, old in self._covers.items() if tick not in step} | {step.start: cover}
        start = max(step.start, cut)
        low, high = self._index(start), self._index(step.end)
        old = {planned.entry: planned for planned in self._notes[low:high]}
        new = []
        for entry in dict.fromkeys(notes):
            if start <= entry.note.onset < step.end:
                same = old.pop(entry, None)
                new.append(replace(same, knew=knew) if same else self._planned(entry, knew))
        if old or any(planned.id not in {p.id for p in self._notes[low:high]} for planned in new):
            self._touch(start)
        self._gone.update({planned.id: planned for planned in old.values()})
        self._notes[low:high] = sorted(new)

    def clip(self, start: int, turns: list[Span]) -> None:
        """Drop what begins at or after `start` outside the machine's `turns`."""
        low = self._index(start)
        kept = [p for p in self._notes[low:] if any(p.onset in turn for turn in turns)]
        if len(kept) < len(self._notes) - low:
            self._touch(start)
            self._notes[low:] = kept

    def clear(self, start: int) -> None:
        """Forget what begins at or after `start`, and who planned it."""
        del self._notes[self._index(start) :]
        self._covers, self._gone = {}, {}
        # Io forgot with us which notes had begun, so none of them may be sent again.
        self._changed_from, self._floor = None, start

    def touch(self, tick: int) -> None:
        """Let io be told anew what begins at or after `tick`, because it is to sound otherwise."""
        self._touch(tick)

    def take_op(self, cut: int, channels: dict[str, int], shape: Shape | None = None) -> dict[str, Any] | None:
        """Return the message that brings io up to date, None when nothing changed since the last one.

        `shape` may move notes later by up to REACH ticks; without it they sound as planned.
        """
        if self._changed_from is None:
            return None
        start = max(cut, self._floor, self._changed_from)
        self._changed_from = None
        # What io was told to begin before `start` it keeps; what is only planned before may have been told for later.
        begin = start if shape is None and not self._told else max(self._floor, start - REACH)
        rows: dict[tuple[int, int, int], list[int]] = {}
        for p in self._notes[self._index(begin) :]:
            told = self._told.get(p.id) or p.entry.note
            if p.entry.part not in channels or told.onset < start:
                continue
            note = told if p.id in self._begun else self._tell(p, shape, start)
            if note is not None:
                channel = channels[p.entry.part]
                # Two notes that steering has made one are one key, which begins once.
                key = note.onset, note.pitch, channel
                rows.setdefault(key, [note.onset, note.duration, note.pitch, note.velocity, channel, p.id])
        return {"op": "plan", "from": start, "notes": list(rows.values())}

    def _tell(self, planned: Planned, shape: Shape | None, start: int) -> Note | None:
        note = shape(planned) if shape is not None else planned.entry.note
        if note is not None and note.onset < start:
            note = replace(note, onset=start)
        if note == planned.entry.note:
            self._told.pop(planned.id, None)
        else:
            self._told[planned.id] = note
        return note

    def sent(self, id: int) -> Planned | None:
        """Note that a note began, and return it; one that was just replaced comes back, because it sounds."""
        self._begun.add(id)
        if (planned := self._gone.pop(id, None)) is not None:
            insort(self._notes, planned)
            return planned
        return next((p for p in reversed(self._notes) if p.id == id), None)

    def dropped(self, id: int) -> None:
        """Forget a note that could not begin in time."""
        self._notes = [p for p in self._notes if p.id != id]

    def cover(self, tick: int) -> Cover | None:
        """Return who planned the step in which `tick` lies; of several, the one that begins last."""
        found = [start for start, cover in self._covers.items() if start <= tick < cover.end]
        return self._covers[max(found)] if found else None

    def confirm(self, question: int, seat: int, known_until: int) -> None:
        """Note that what `seat` answered to a question knew all there was to know up to tick `known_until`."""
        for tick, cover in self._covers.items():
            if (cover.seat, cover.question) == (seat, question):
                self._covers[tick] = cover._replace(known_until=known_until)

    def covered_until(self, tick: int, seat: int) -> int:
        """Return the tick from `tick` on up to which `seat` has planned every step without a gap."""
        while (cover := self.cover(tick)) is not None and cover.seat == seat:
            tick = cover.end
        return tick

    def has_notes(self, span: Span) -> bool:
        """Return whether any note begins in `span`."""
        return self._index(span.start) < self._index(span.end)

    def parts(self, parts: tuple[Part, ...], before: int) -> tuple[Part, ...]:
        """Return the machine's parts with the notes that begin before tick `before`."""
        notes = [p.entry for p in self._notes[: self._index(before)]]
        return tuple(part.with_notes(note for name, note in notes if name == part.name) for part in parts)

    def between(self, start: int, end: int) -> tuple[PartNote, ...]:
        """Return the notes that begin in [start, end)."""
        return tuple(p.entry for p in self._notes[self._index(start) : self._index(end)])

    def sounding_between(self, start: int, end: int) -> tuple[PartNote, ...]:
        """Return the notes planned to begin in [start, end) as they sound."""
        planned = self._notes[self._index(start) : self._index(end)]
        if not self._told:
            return tuple(p.entry for p in planned)
        sounding = ((p.entry.part, self._told.get(p.id, p.entry.note)) for p in planned)
        return tuple(PartNote(part, note) for part, note in sounding if note is not None)

    def forget(self, before: int) -> None:
        """Drop the notes that began before tick `before`."""
        del self._notes[: self._index(before)]
        self._gone = {}
        if len(self._begun) > 2 * len(self._notes):
            present = {p.id for p in self._notes}
            self._begun &= present
            self._told = {id: note for id, note in self._told.items() if id in present}

    def forget_covers(self, before: int) -> None:
        """Forget who planned what ended before tick `before`."""
        self._covers = {tick: cover for tick, cover in self._covers.items() if cover.end >= before}

    def shift(self, ticks: int) -> None:
        """Move the notes by `ticks`, forgetting what falls before 0."""
        self._notes = [
            replace(p, onset=p.onset + ticks, entry=p.entry._replace(note=p.entry.note.shift(ticks)))
            for p in self._notes
            if p.onset + ticks >= 0
        ]
        self._gone = {}
        self._told = {
            id: note and note.shift(ticks) for id, note in self._told.items() if note is None or note.onset + ticks >= 0
        }

    def _planned(self, entry: PartNote, knew: int) -> Planned:
        self._next_id += 1
        return Planned(entry.note.onset, self._next_id - 1, entry, knew)

    def _touch(self, tick: int) -> None:
        self._changed_from = tick if self._changed_from is None else min(tick, self._changed_from)

    def _index(self, tick: int) -> int:
        return bisect_left(self._notes, tick, key=lambda planned: planned.onset)
