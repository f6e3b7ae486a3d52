"""Music by which a published checkpoint is fitted to few bits, and other music by which that is judged.

Bach's chorales are shipped; here they are played by any four instruments, in any key and tempo, half of them with a
drummer, and in half of them one voice is told ahead, as a person's would be.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np

from composer.generators.groupings import BEGAN, STEPS, VOICES, Database, Row
from composer.generators.works import chorales
from composer.tokenizers import amt
from composer.tokenizers.amt import Triple

PIECES, HELD_OUT = 12, 6
_TRIPLES = (amt.CONTEXT - 4) // 3
_BEAT = (((36, 42), (42,)), ((38, 42), (42,)))
"""Drums on the halves of odd and of even quarters."""


def pieces() -> list[list[int]]:
    """Return the tokens of music to fit by, each as long as the context."""
    return _pieces(0, PIECES)


def held_out() -> list[list[int]]:
    """Return the tokens of music to judge by, none of it among `pieces`."""
    return _pieces(PIECES, PIECES + HELD_OUT)


def _pieces(first: int, stop: int) -> list[list[int]]:
    database = chorales()[0]
    works = np.unique(database.work).tolist()
    random.Random(1685).shuffle(works)
    share = len(works) // (PIECES + HELD_OUT)
    return [_piece(database, works[n * share : (n + 1) * share], random.Random(n), n) for n in range(first, stop)]


def _piece(database: Database, works: list[int], rng: random.Random, number: int) -> list[int]:
    """Return as many of the works one after another as the context holds."""
    band = rng.sample(range(amt.DRUMS), VOICES)
    told = band[rng.randrange(VOICES)] if number % 2 else None
    events: list[Triple] = []
    start = 0
    for work in works:
        bins, up = rng.uniform(40, 90) / STEPS, rng.randrange(-5, 7)
        notes = _notes(database, work)
        end = max(onset + length for onset, length, *_ in notes)
        for onset, length, pitch, voice, _ in notes:
            bin, held = start + round(onset * bins), min(round(length * bins), amt.MAX_DURATION - 1)
            events.append(amt.event(bin, held, band[voice], pitch + up))
        if number % 4 > 1:
            events += _drummed(start, bins, end // STEPS)
        start += round(end * bins)
    sorted_events = amt.sort(events)
    controls = [amt.as_control(event) for event in sorted_events if event.instrument == told]
    rest = amt.pad(event for event in sorted_events if event.instrument != told)
    return amt.song(amt.anticipate(rest, controls)[0][:_TRIPLES], anticipated=told is not None)


def _drummed(start: int, bins: float, quarters: int) -> Iterator[Triple]:
    for quarter in range(quarters):
        for half, drums in enumerate(_BEAT[quarter % 2]):
            at = start + round((quarter + half / 2) * STEPS * bins)
            yield from (amt.event(at, 10, amt.DRUMS, drum) for drum in drums)


def _notes(database: Database, work: int) -> list[Row]:
    """Return the notes of a work, onsets in steps from its first grouping on."""
    groupings = np.flatnonzero(database.work == work).tolist()
    last: dict[tuple[int, int], int] = {}
    notes: list[Row] = []
    for grouping in groupings:
        start = STEPS * int(database.beat[grouping] - database.beat[groupings[0]])
        for onset, length, pitch, voice, tie in database.rows(grouping):
            before = last.get((voice, pitch))
            if tie & BEGAN and before is not None and sum(notes[before][:2]) == start + onset:
                notes[before] = (notes[before][0], notes[before][1] + length, pitch, voice, tie)
            else:
                last[voice, pitch] = len(notes)
                notes.append((start + onset, length, pitch, voice, tie))
    return notes
