"""Recovery: how long a machine plays wrong chords after the player has jumped to another key.

The melody is moved by some semitones from a bar line in the middle of the song on, and its chords with it. Recovered is
the machine at the first moment from which two bars hold at least nine tenths of the chord share that the eight bars
before the jump held, on average over songs and seeds. Times are in quarters after the jump.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from composer.generators.harmony import BLOCK
from composer.music import TICKS_PER_QUARTER, Note, Span
from composer.training.evaluation import baselines as base
from composer.training.evaluation.takes import BLOCKS, Stage, Take, jump_tick, jumped, mean
from composer.training.measures import chord_share
from composer.training.song import Song

JUMPS = (2, 6, -3)
ENOUGH = 0.9
WINDOW_BARS, BEFORE_BARS = 2, 8
Figures = dict[str, float]
Pairs = list[tuple[Song, list[Note]]]
"""Songs as they were played (the jump in them), and what was played to them."""


def recovery(stage: Stage, take: Take, seeds: Sequence[int]) -> tuple[Figures, dict[str, Figures]]:
    """Return the quarters to recovery after each jump, and the same of the Markov model and the counted harmony."""

    def played(one: Take, jump: int) -> Pairs:
        takes = stage.play(replace(one, seed=seed, jump=jump) for seed in seeds)
        songs = [jumped(song, jump) for song in stage.songs]
        whole = Span(0, BLOCKS * BLOCK)
        return [(s, p.notes(whole)) for performed in takes for s, p in zip(songs, performed, strict=True)]

    def counted(jump: int) -> Pairs:
        songs = [jumped(song, jump) for song in stage.songs]
        return [(song, base.counted(song, 1)) for song in songs]

    markov = Take("markov")
    stage.play(replace(one, seed=seed, jump=jump) for one in (take, markov) for seed in seeds for jump in JUMPS)
    return _figures(lambda jump: played(take, jump)), {
        "markov": _figures(lambda jump: played(markov, jump)),
        "counted harmony": _figures(counted),
    }


def _figures(play: Callable[[int], Pairs]) -> Figures:
    out: Figures = {}
    for jump in JUMPS:
        before, after = curve(play(jump))
        out[f"recovery_quarters_jump{jump:+d}"] = quarters(before, after)
        out[f"chord_share_before_jump{jump:+d}"] = round(before, 3)
        out[f"chord_share_two_bars_after_jump{jump:+d}"] = round(after[0], 3)
    return {"recovery_quarters": max(out[f"recovery_quarters_jump{jump:+d}"] for jump in JUMPS)} | out


def curve(pairs: Pairs) -> tuple[float, list[float]]:
    """Return the mean chord share before the jump, and of the two bars that begin in each block after it."""
    before = []
    after: list[list[list[float]]] = []
    for song, notes in pairs:
        tick = jump_tick(song)
        bar = song.score.meter_at(tick).bar
        before += _share(song, notes, Span(max(0, tick - BEFORE_BARS * bar), tick))
        window = WINDOW_BARS * bar
        starts = range(tick, BLOCKS * BLOCK - window + 1, BLOCK)
        after.append([_share(song, notes, Span(start, start + window)) for start in starts])
    longest = min(map(len, after), default=0)
    return mean(before), [mean(v for song in after for v in song[i]) for i in range(longest)]


def quarters(before: float, after: Sequence[float]) -> float:
    """Return when the share is back, in quarters; what is left of the music where it never is."""
    blocks = next((i for i, share in enumerate(after) if share >= ENOUGH * before), len(after))
    return blocks * BLOCK / TICKS_PER_QUARTER


def _share(song: Song, notes: list[Note], span: Span) -> list[float]:
    """Return the chord share of the notes that begin in `span`, nothing where there are none."""
    inside = [note for note in notes if note.onset in span]
    return [chord_share(inside, song.chords)] if inside else []
