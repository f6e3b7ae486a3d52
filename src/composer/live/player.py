"""The player: the whole plan in ticks, and what of it is due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from math import isfinite
from operator import attrgetter
from typing import NamedTuple


@dataclass(frozen=True, slots=True, order=True)
class PlannedNote:
    """Hold a note of the plan: onset and duration in ticks, and the id under which it is reported.

    Raises ValueError when a field is not what MIDI allows.
    """

    onset: float
    duration: float
    pitch: int
    velocity: int
    channel: int
    id: int

    def __post_init__(self) -> None:
        if not (isfinite(self.onset) and isfinite(self.duration) and self.duration > 0):
            raise ValueError(f"note {self.id} at {self.onset} for {self.duration} ticks has no beginning and later end")
        if not (0 <= self.pitch <= 127 and 1 <= self.velocity <= 127 and 0 <= self.channel <= 15):
            raise ValueError(
                f"note {self.id} has pitch {self.pitch}, velocity {self.velocity}, channel {self.channel}; "
                "MIDI has 0..127, 1..127, 0..15"
            )

    @property
    def end(self) -> float:
        """Return the tick at which the note stops."""
        return self.onset + self.duration


class Due(NamedTuple):
    """Hold one thing to do: begin or end `note`, which was due at `tick`."""

    tick: float
    begins: bool
    note: PlannedNote


_in_order = attrgetter("onset", "duration", "pitch", "velocity", "channel", "id")


class Player:
    """Hold the plan and hand out what is due, in order, note-offs before note-ons at one tick.

    Due moments are ticks, so a tempo change moves them without anything being done here. One thread uses a player.
    """

    def __init__(self) -> None:
        # The next note is the last of the list: what is due at a moment is found without a comparison.
        self._waiting: list[PlannedNote] = []
        self._ends: list[tuple[float, int, PlannedNote]] = []
        self._begun: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def replace_from(self, tick: float, notes: Iterable[PlannedNote]) -> None:
        """Forget the notes not yet begun at or after `tick` and add `notes`; a note already begun never comes again."""
        # An id is repeated only by a plan that was made before the note began, and that plan reaches back to its onset.
        self._begun = {note_id: onset for note_id, onset in self._begun.items() if onset >= tick}
        kept = [note for note in self._waiting if note.onset < tick]
        self._waiting = kept + [note for note in notes if note.id not in self._begun]
        self._waiting.sort(key=_in_order, reverse=True)

    def forget(self) -> None:
        """Forget the plan and every end that is still to come: the caller releases what sounds."""
        self._waiting.clear()
        self._ends.clear()
        self._begun.clear()

    def next_tick(self) -> float | None:
        """Return the tick at which something is due next, None when nothing is."""
        if not self._ends:
            return self._waiting[-1].onset if self._waiting else None
        end = self._ends[0][0]
        return min(end, self._waiting[-1].onset) if self._waiting else end

    def due(self, tick: float) -> Iterator[Due]:
        """Yield what is due at or before `tick`.

        A note gets its end only when the caller says `begin(note)`: a note that was not sent has none.
        """
        while (coming := self.next_tick()) is not None and coming <= tick:
            if self._ends and self._ends[0][0] == coming:
                end, _, note = heappop(self._ends)
                yield Due(end, False, note)
            else:
                note = self._waiting.pop()
                yield Due(note.onset, True, note)

    def begin(self, note: PlannedNote) -> None:
        """Schedule the end of a note that has begun."""
        self._begun[note.id] = note.onset
        heappush(self._ends, (note.end, note.id, note))
