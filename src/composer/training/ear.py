"""Keys and chords by ear, for music in which nobody wrote them: the counted harmony model, looking back as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from typing import TypeVar

from composer.generators.counts import BLOCK, Tables, hear, load_tables, place_at
from composer.generators.harmony import HarmonyFollower
from composer.music import Note, Score, Span
from composer.music.chords import Chord, Key
from composer.training.song import ChordSpan

PAGE, OVERLAP = 256, 32
"""How many blocks are judged at once, and how many after them are heard before they are."""
KeySpan = tuple[int, int, Key]
Value = TypeVar("Value")


def by_ear(score: Score, notes: Iterable[Note], tables: Tables | None = None) -> tuple[list[ChordSpan], list[KeySpan]]:
    """Return the chords and keys that `notes` (sounding together, in any order) suggest, from tick 0 to their end.

    Neighbours differ; time that sounds like no chord is left out of the chords. Ticks lie on blocks of half a quarter.
    """
    follower = HarmonyFollower(tables or load_tables())
    chords: list[Chord] = []
    keys: list[Key] = []
    blocks = inside(notes)
    for block, sounding in enumerate(blocks):
        start = block * BLOCK
        follower.feed(hear(sounding, Span(start, start + BLOCK)), place_at(score, start))
        keys.append(follower.key)
        waiting = block + 1 - len(chords)
        if waiting == PAGE + OVERLAP or block + 1 == len(blocks):
            chords += follower.heard(waiting)[: waiting if block + 1 == len(blocks) else PAGE]
            del follower.beliefs[:-OVERLAP]
    spans = [span for span in runs(chords) if span[2].root is not None]
    return spans, runs(keys)


def inside(notes: Iterable[Note]) -> list[list[Note]]:
    """Return the notes that sound in each block, in order of onset."""
    ordered = sorted(notes)
    blocks: list[list[Note]] = [[] for _ in range(-(-max((n.end for n in ordered), default=0) // BLOCK))]
    for note in ordered:
        for block in range(note.onset // BLOCK, -(-note.end // BLOCK)):
            blocks[block].append(note)
    return blocks


def runs(values: list[Value]) -> list[tuple[int, int, Value]]:
    """Return the runs of equal values, one value a block, with the ticks [start, end) they last."""
    spans, block = [], 0
    for value, group in groupby(values):
        count = len(list(group))
        spans.append((block * BLOCK, (block + count) * BLOCK, value))
        block += count
    return spans


def longest(keys: Iterable[KeySpan]) -> Key:
    """Return the key that holds longest in all; C major where there is none."""
    held: Counter[Key] = Counter()
    for start, end, key in keys:
        held[key] += end - start
    return held.most_common(1)[0][0] if held else Key(0)
