"""Who plays what in a training sequence: a song of some corpus, its parts shared out, perhaps a drummer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Ints
from composer.training.arrays import SongArrays
from composer.training.groove import BAR, DRUMS, lay

WEIGHTS = {"pop909": 0.6, "lieder": 0.2, "openewld": 0.08, "wjazzd": 0.07, "quartets": 0.05}
"""How often each corpus is drawn from; corpora that are not there leave their share to the others."""
Band = tuple[tuple[str, ...], dict[str, str]]
"""The player's parts, and the machine's with their instruments."""
ARRANGEMENTS: dict[str, tuple[tuple[float, tuple[str, ...], dict[str, str]], ...]] = {
    # share, what the player plays, what the machine plays
    "pop909": (
        (0.55, ("MELODY",), {"PIANO": "piano"}),
        (0.15, ("MELODY",), {"RIGHT": "piano", "LEFT": "bass"}),
        (0.10, ("MELODY", "BRIDGE"), {"PIANO": "piano"}),
        (0.10, ("PIANO",), {"MELODY": "lead"}),
        (0.05, (), {"PIANO": "piano", "MELODY": "lead"}),
        (0.05, (), {"PIANO": "piano"}),
    ),
    "lieder": (
        (0.78, ("MELODY",), {"PIANO": "piano"}),
        (0.10, ("MELODY",), {"RIGHT": "piano", "LEFT": "bass"}),
        (0.07, ("PIANO",), {"MELODY": "lead"}),
        (0.05, (), {"PIANO": "piano", "MELODY": "lead"}),
    ),
    "quartets": (
        (0.60, ("MELODY",), {"RIGHT": "piano", "LEFT": "bass"}),
        (0.40, ("MELODY",), {"PIANO": "piano"}),
    ),
    "openewld": (
        (0.70, ("MELODY",), {}),
        (0.30, (), {"MELODY": "lead"}),
    ),
    "wjazzd": (
        (0.60, ("MELODY",), {"BASS": "bass"}),
        (0.40, ("BASS",), {"MELODY": "lead"}),
    ),
}
"""Where the machine plays nothing the sequence asks for chords alone."""
DRUMMED = ("pop909", "openewld", "wjazzd")
"""Corpora whose songs in bars of four quarters may get a drummer."""
DRUMS_JOIN, DRUMS_ALONE = 0.20, 0.08
"""Shares of their sequences in which drums join what the machine plays, and in which they are all it plays."""
JAZZ = "jazz"

Corpora = dict[str, list[SongArrays]]


def by_corpus(songs: Sequence[SongArrays]) -> Corpora:
    """Return the songs of each corpus, in their order."""
    found: Corpora = {}
    for song in songs:
        found.setdefault(song.corpus, []).append(song)
    return found


def pick(corpora: Corpora, rng: np.random.Generator) -> SongArrays:
    """Return a song: a corpus by its weight, then any of its songs."""
    names = [name for name in WEIGHTS if name in corpora]
    weights = np.array([WEIGHTS[name] for name in names])
    songs = corpora[names[rng.choice(len(names), p=weights / weights.sum())]]
    return songs[rng.integers(len(songs))]


def arrangement(song: SongArrays, rng: np.random.Generator) -> Band:
    """Return who plays what: an arrangement of the song's corpus that its parts allow, by share."""
    possible = [a for a in ARRANGEMENTS[song.corpus] if all(len(song.parts.get(p, ())) for p in (*a[1][:1], *a[2]))]
    if not possible:
        return tuple(song.parts), {}
    share = np.array([a[0] for a in possible])
    _, players, machines = possible[rng.choice(len(possible), p=share / share.sum())]
    return players, machines


def with_drummer(
    song: SongArrays, band: Band, drummers: Sequence[SongArrays], blocks: range, rng: np.random.Generator
) -> tuple[SongArrays, Band]:
    """Return the song and who plays it, sometimes with one of the `drummers` in a range of blocks.

    A drummer joins what the machine plays, or is all it plays; then the player may have everything else.
    """
    joins = rng.random()
    if not drummers or joins >= DRUMS_JOIN + DRUMS_ALONE or not has_beat(song, blocks):
        return song, band
    players, machines = band
    if joins < DRUMS_ALONE:
        everything = not players or rng.random() < 0.4
        players, machines = (*players, *machines) if everything else players, {}
    rows = accompany(song, nearest(song, drummers, rng), blocks, 4 * int(rng.integers(8)))
    return replace(song, parts=song.parts | {DRUMS: rows}), (players, machines | {DRUMS: "drums"})


def has_beat(song: SongArrays, blocks: range) -> bool:
    """Return whether a drummer in bars of four quarters may play along in a range of the song's blocks."""
    four = song.bar_length[blocks.start : blocks.stop] == BAR // B.BLOCK_TICKS
    return song.corpus in DRUMMED and bool(four.mean() > 0.9)


def nearest(song: SongArrays, drummers: Sequence[SongArrays], rng: np.random.Generator) -> SongArrays:
    """Return a drummer of the song's kind (jazz or not) among those of the nearest tempo."""
    alike = [d for d in drummers if (d.style == JAZZ) == (song.corpus == "wjazzd")] or drummers
    distance = min(abs(d.tempo - song.tempo) for d in alike)
    near = [d for d in alike if abs(d.tempo - song.tempo) == distance]
    return near[rng.integers(len(near))]


def accompany(song: SongArrays, drummer: SongArrays, blocks: range, begins: int = 0) -> Ints:
    """Return what a drummer plays in a range of the song's blocks; the song's first bar is the drummer's `begins`."""
    lines = np.append(np.flatnonzero(song.bar_pos == 0), song.blocks)
    low = int(np.searchsorted(lines, blocks.start, side="right")) - 1
    lines = lines[low : np.searchsorted(lines, blocks.stop) + 1]
    return lay(drummer.parts[DRUMS], lines * B.BLOCK_TICKS, begins + low)
