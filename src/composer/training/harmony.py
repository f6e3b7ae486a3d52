"""Count the harmony model: how chords move, where they change, and which notes sound over them."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer.generators.counts import BLOCK, VOICES, Evidence, hear, place_at
from composer.music import Note, Span
from composer.music.chords import N_CHORDS, Chord, Key
from composer.training.pop909 import Song, songs

PLAYERS = (("MELODY",), ("MELODY", "PIANO"))
"""Whom the model learns to listen to: somebody who sings, and somebody who plays with two hands."""


HANDS = (range(52), range(52, 128))
"""The pitches of a piano's left and right hand, for counting how they strike."""


def count(training: Iterable[Song]) -> dict[str, object]:
    """Return the counts of all songs, pooled over keys, as plain lists and numbers."""
    emission = np.zeros((2, N_CHORDS, len(VOICES), 12))
    move = np.zeros((2, N_CHORDS, N_CHORDS))
    start = np.zeros((2, N_CHORDS))
    modulation = np.zeros((2, 2, 12))
    comping = {blocks: np.zeros((len(HANDS), blocks, 8, 4)) for blocks in (6, 8)}
    change: dict[int, list[list[int]]] = {}
    for song in training:
        chords, keys = chord_blocks(song), key_blocks(song)
        count_comping(song, comping)
        evidence = [blocks_heard(notes_of(song, parts), len(chords)) for parts in PLAYERS]
        for block, (chord, key) in enumerate(zip(chords, keys, strict=True)):
            if chord is None:
                continue
            mode, here = key.index // 12, chord.transpose(-key.tonic).index
            start[mode, here] += 1
            for heard in evidence:
                emission[mode, here] += np.roll(np.array(heard[block]), -key.tonic, axis=1)
            place = place_at(song.score, block * BLOCK)
            if block and place.block == 0:
                before = keys[max(0, block - place.blocks)]
                modulation[before.index // 12, mode, (key.tonic - before.tonic) % 12] += 1
            last = chords[block - 1] if block else None
            if last is None:
                continue
            row = change.setdefault(place.blocks, [[0, 0] for _ in range(place.blocks)])[place.block]
            row[0] += last != chord
            row[1] += 1
            if last != chord:
                move[mode, last.transpose(-key.tonic).index, here] += 1
    return {
        "emission": np.round(emission, 1).tolist(),
        "move": move.astype(int).tolist(),
        "start": start.astype(int).tolist(),
        "modulation": modulation.astype(int).tolist(),
        # Bars of other lengths are too rare, and mostly mistakes of the beat annotation.
        "comping": {str(blocks): counts.astype(int).tolist() for blocks, counts in comping.items()},
        "change": {str(blocks): rows for blocks, rows in sorted(change.items()) if blocks in (6, 8)},
    }


def count_comping(song: Song, comping: dict[int, NDArray[np.float64]]) -> None:
    """Add how each hand of the piano strikes in each block, given whether it struck in each of the three before.

    A block is struck on its beginning (1), in its middle (2), on both (3) or not (0); `comping` holds arrays (hand,
    block of the bar, strikes before as three bits, strike) by the number of blocks in the bar.
    """
    notes = song.score.part("PIANO").notes
    for hand, pitches in enumerate(HANDS):
        struck: dict[int, int] = {}
        for note in notes:
            if note.pitch in pitches:
                half = round(note.onset / (BLOCK // 2))
                struck[half // 2] = struck.get(half // 2, 0) | 1 << half % 2
        for block in range(min(struck, default=0), max(struck, default=-1) + 1):
            place = place_at(song.score, block * BLOCK)
            if place.blocks in comping:
                before = sum(1 << i for i in range(3) if block - 1 - i in struck)
                comping[place.blocks][hand, place.block, before, struck.get(block, 0)] += 1


def chord_blocks(song: Song) -> list[Chord | None]:
    """Return the chord that holds in the middle of each block, None where nothing is annotated."""
    starts = [start for start, _, _ in song.chords]
    chords: list[Chord | None] = []
    for middle in range(BLOCK // 2, song.chords[-1][1], BLOCK):
        start, end, chord = song.chords[max(0, bisect_right(starts, middle) - 1)]
        chords.append(chord if start <= middle < end else None)
    return chords


def key_blocks(song: Song) -> list[Key]:
    """Return the key that holds in each block with a chord, the nearest one before where nothing is annotated."""
    starts = [start for start, _, _ in song.keys]
    blocks = range(BLOCK // 2, song.chords[-1][1], BLOCK)
    return [song.keys[max(0, bisect_right(starts, middle) - 1)][2] for middle in blocks]


def notes_of(song: Song, parts: Iterable[str]) -> list[Note]:
    """Return the notes of several parts in order."""
    return sorted(note for name in parts for note in song.score.part(name).notes)


def blocks_heard(notes: list[Note], n: int) -> list[Evidence]:
    """Return what notes in order of onset say about each of the first `n` blocks."""
    inside: list[list[Note]] = [[] for _ in range(n)]
    for note in notes:
        for block in range(note.onset // BLOCK, min(n, -(-note.end // BLOCK))):
            inside[block].append(note)
    return [hear(notes, Span(block * BLOCK, (block + 1) * BLOCK)) for block, notes in enumerate(inside)]


def train(data: Path, out: Path) -> dict[str, object]:
    """Count the training songs of POP909 under `data` and write config.json and counts.json into the folder `out`."""
    counts = count(songs(data, "train"))
    out.mkdir(parents=True, exist_ok=True)
    (out / "counts.json").write_text(json.dumps(counts, separators=(",", ":")) + "\n")
    config = {"kind": "harmony", "block": BLOCK, "voices": list(VOICES), "chords": N_CHORDS, "data": "pop909 train"}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    return counts
