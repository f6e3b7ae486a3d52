"""Takes: held-out songs accompanied by a generator, block by block, under stated conditions; each is played once.

A lead counts half quarters: at lead 1 the machine hears a block when it is over, and plays the next one. Lead 2 is late
by one quarter, lead 4 by two.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from composer.generators import make
from composer.generators.base import Context
from composer.generators.controls import KEYS
from composer.generators.harmony import BLOCK
from composer.music import Note, Part, Score, Span
from composer.music.chords import Chord
from composer.training.song import ChordSpan, Song

LEADS = (0, 1, 2, 4)
BLOCKS = 160
"""How much of each song is played: twenty bars of four quarters."""
PRIMER_BARS = 8
"""Bars of the human pianist that the machine is given for its own past when it is primed."""
LED = 3
"""Of a take that is led one block in so many is asked for: no divisor of a bar, so that every place has its turn."""
JUMP = BLOCKS // 2
"""The block in whose bar a melody that changes its key changes it."""


@dataclass(frozen=True, slots=True)
class Take:
    """Say how songs are accompanied."""

    name: str
    lead: int = 1
    seed: int = 0
    params: tuple[tuple[str, str], ...] = ()
    key_told: bool = False
    silent: bool = False
    """Nobody plays."""
    primed: bool = False
    """What the machine did in the first PRIMER_BARS bars is what the human pianist did."""
    led: bool = False
    """The machine's past is always the human pianist's, and every LED-th block is asked for: takes that differ in their
    seed are answers to the same questions."""
    jump: int = 0
    """Semitones by which the melody is moved from the middle on."""


class Played(NamedTuple):
    """What a machine played, and the chords it said it played."""

    parts: tuple[Part, ...]
    chords: tuple[ChordSpan, ...]

    def notes(self, span: Span) -> list[Note]:
        """Return the notes of all parts that begin in `span`."""
        return [note for part in self.parts for note in part.within(span)]


class Stage:
    """Play takes of songs, each once, in up to `jobs` processes; a context manager, whose end ends the processes."""

    def __init__(self, songs: Sequence[Song], jobs: int = 1) -> None:
        self.songs = list(songs)
        self._played: dict[Take, list[Played]] = {}
        self._pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            # A decoder uses one thread; libraries that start more read this when they are loaded.
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
            os.environ.setdefault("OMP_NUM_THREADS", "1")
            self._pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def of(self, songs: Sequence[Song]) -> Stage:
        """Return a stage for these songs, in the same processes."""
        few = Stage(songs)
        few._pool = self._pool
        return few

    def play(self, takes: Iterable[Take]) -> list[list[Played]]:
        """Return for each take what was played to each song."""
        takes = list(takes)
        new = [take for take in dict.fromkeys(takes) if take not in self._played]
        each = [(song, take) for take in new for song in self.songs]
        run = partial(self._pool.map, chunksize=4) if self._pool else map
        done = list(_shown(run(accompany, *zip(*each, strict=True)), len(each))) if each else []
        for i, take in enumerate(new):
            self._played[take] = done[i * len(self.songs) : (i + 1) * len(self.songs)]
        return [self._played[take] for take in takes]


def _shown(played: Iterable[Played], total: int) -> Iterator[Played]:
    """Yield what is played, counting it on a terminal's error output."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield from bar.track(played, total, description=f"{total} songs to play")


def span_of(song: Song, primed: bool = False) -> Span:
    """Return what of a song is measured: all that is played, or what comes after the primer."""
    return Span(song.score.bar_tick(PRIMER_BARS) if primed else 0, BLOCKS * BLOCK)


def accompany(song: Song, take: Take) -> Played:
    """Return what a generator plays to the song's melody."""
    song = jumped(song, take.jump)
    generator = make(take.name, _params(song, take), take.seed)
    parts: tuple[Part, ...] = tuple(p.with_notes(()) for p in generator.parts(generator.params))
    span = span_of(song, take.primed)
    if take.primed:
        parts = _pianist(song, parts, span.start)
    melody = song.score.part("MELODY")
    score = Score(parts if take.silent else (melody, *parts), song.score.tempos, song.score.meters)
    context = Context(score, tuple(p.name for p in parts), 0)
    chords: list[ChordSpan] = []
    for block in list(span.split(BLOCK))[:: LED if take.led else 1]:
        known = max(0, block.end - take.lead * BLOCK)
        heard = score if take.silent else score.with_part(_until(melody, known))
        past = _pianist(song, context.machines, block.start) if take.led else context.machines
        asked = replace(context, score=_with_machine(heard, past), known_until=known)
        context = context.extended(list(generator.propose(asked, block)))
        said = getattr(generator, "chords", [])
        chords += [(block.start, block.end, Chord.parse_symbol(symbol)) for _, symbol in said[-1:]]
    return Played(context.machines, tuple(chords))


def _params(song: Song, take: Take) -> dict[str, str]:
    params = dict(take.params)
    if take.name == "anticipation":
        params = {"wait": "0", **params, "lead": str(take.lead)}
        if take.key_told:
            params["key"] = KEYS[song.key.relative_major]
    return params


def _until(part: Part, tick: int) -> Part:
    return part.with_notes(
        replace(n, duration=max(1, min(n.duration, tick - n.onset))) for n in part.notes if n.onset < tick
    )


def _pianist(song: Song, machines: Sequence[Part], until: int) -> tuple[Part, ...]:
    """Return the machine's parts, the first one with what the human pianist played before a tick."""
    return machines[0].with_notes(song.score.part("PIANO").within(Span(0, until))), *machines[1:]


def _with_machine(score: Score, machines: Sequence[Part]) -> Score:
    for part in machines:
        score = score.with_part(part)
    return score


def jump_tick(song: Song) -> int:
    """Return the bar line at which a melody that changes its key changes it."""
    return song.score.bar_start(JUMP * BLOCK)


def jumped(song: Song, semitones: int) -> Song:
    """Return the song with melody and chords moved by `semitones` from `jump_tick` on."""
    if not semitones:
        return song
    tick = jump_tick(song)
    melody = song.score.part("MELODY")
    notes = [replace(n, pitch=_fold(n.pitch + semitones)) if n.onset >= tick else n for n in melody.notes]
    chords: list[ChordSpan] = []
    for start, end, chord in song.chords:
        chords += [(a, b, c) for a, b, c in ((start, min(end, tick), chord),) if a < b]
        chords += [(a, b, c) for a, b, c in ((max(start, tick), end, chord.transpose(semitones)),) if a < b]
    return replace(song, score=song.score.with_part(melody.with_notes(notes)), chords=tuple(chords))


def _fold(pitch: int) -> int:
    return pitch + 12 * (pitch < 0) - 12 * (pitch > 127)


def mean(values: Iterable[Any]) -> float:
    """Return the mean of numbers, 0.0 of none."""
    values = list(values)
    return float(sum(values)) / len(values) if values else 0.0
