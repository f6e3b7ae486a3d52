"""Keys and chords by ear, for music in which nobody wrote them: the counted harmony model, looking back as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

import numpy as np

from composer.generators.counts import BLOCK, Evidence, Tables, hear, load_tables, place_at
from composer.generators.harmony import HarmonyFollower
from composer.music import TICKS_PER_QUARTER, Note, Score, Span
from composer.music.chords import Chord, Key
from composer.training.song import ChordSpan

PAGE, OVERLAP = 256, 32
"""How many blocks are judged at once, and how many after them are heard before they are."""
TRUST = 1.5
"""How much more the notes count than for a player alone: here the whole texture is heard."""
RESTLESS = 3.0
"""How many times likelier a change of the chord is than in pop songs; chorales change it on every quarter."""
OWN = 0.5
"""The share of what sounds that must belong to a chord for it to be known."""
LONGEST = 4 * TICKS_PER_QUARTER
"""Ticks for which a held note says more about the key."""
PROFILES = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
)
"""How common each pitch class is in major and minor, from the tonic (Temperley, Music and Probability, 2007)."""
KeySpan = tuple[int, int, Key]
Value = TypeVar("Value")


def chords_heard(score: Score, notes: Iterable[Note], tables: Tables | None = None) -> list[ChordSpan]:
    """Return the chords that `notes` (in any order) suggest, from tick 0 to their end, in the meters of the score.

    Time that sounds like no chord of ours is left out of the chords. Ticks lie on blocks of half a quarter.
    """
    follower = HarmonyFollower(whole_texture(tables or load_tables()))
    chords: list[Chord] = []
    blocks = inside(notes)
    heard: list[Evidence] = []
    for block, sounding in enumerate(blocks):
        start = block * BLOCK
        heard.append(hear(sounding, Span(start, start + BLOCK)))
        follower.feed(heard[-1], place_at(score, start))
        waiting = block + 1 - len(chords)
        if waiting == PAGE + OVERLAP or block + 1 == len(blocks):
            chords += follower.heard(waiting)[: waiting if block + 1 == len(blocks) else PAGE]
            del follower.beliefs[:-OVERLAP]
    return [span for span in runs(chords) if is_known(span, heard)]


def whole_texture(tables: Tables) -> Tables:
    """Return the tables for music whose every note is heard: what sounds is some chord, and the notes decide."""
    start, move = tables.start.copy(), tables.move.copy()
    start[:, 0], move[..., 0] = 0, 0
    change = {blocks: tuple(_odds(p) for p in row) for blocks, row in tables.change.items()}
    line, beat, off = tables.weak
    return replace(
        tables,
        emission=tables.emission * TRUST,
        start=start / start.sum(-1, keepdims=True),
        move=move / move.sum(-1, keepdims=True),
        change=change,
        weak=(_odds(line), _odds(beat), _odds(off)),
    )


def _odds(probability: float) -> float:
    return probability * RESTLESS / (1 + probability * (RESTLESS - 1))


def is_known(span: ChordSpan, heard: Sequence[Evidence]) -> bool:
    """Return whether enough of what was heard in a span belongs to its chord; silence belongs to none."""
    start, end, chord = span
    weights = np.array(heard[start // BLOCK : end // BLOCK]).sum((0, 1))
    return bool(weights.any() and weights[list(chord.pitch_classes)].sum() >= OWN * weights.sum())


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
    """Return the key that holds longest in all."""
    held: Counter[Key] = Counter()
    for start, end, key in keys:
        held[key] += end - start
    return held.most_common(1)[0][0]


def key_heard(notes: Iterable[Note]) -> Key:
    """Return the key whose profile is most like what the notes sound; C major for silence."""
    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += min(note.duration, LONGEST)
    profiles = [np.roll(profile, tonic) for profile in PROFILES for tonic in range(12)]
    likeness = [np.dot(profile - profile.mean(), weights) / profile.std() for profile in profiles]
    return Key.from_index(int(np.argmax(likeness)))


def signed(sharps: int, chords: Sequence[ChordSpan]) -> Key:
    """Return the key with so many sharps (flats when negative), major or minor as the chords under it say.

    The last chord decides where it is either tonic's, else the tonic that sounds longer.
    """
    major, minor = 7 * sharps % 12, (7 * sharps + 9) % 12
    held = Counter({major: 0, minor: 0})
    for start, end, chord in chords:
        if chord.root is not None and chord.root in held:
            held[chord.root] += end - start
    last = chords[-1][2].root if chords else None
    tonic = last if last in held else held.most_common(1)[0][0]
    return Key(minor, "minor") if tonic == minor else Key(major)
