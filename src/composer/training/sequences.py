"""Training sequences: a song, an arrangement of it, a lead, a place to begin; drawn anew every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Conditions, Ints
from composer.tokenizers.ids import note_array
from composer.training.pop909 import Song

ARRANGEMENTS: tuple[tuple[float, tuple[str, ...], dict[str, str]], ...] = (
    # share, what the player plays, what the machine plays
    (0.55, ("MELODY",), {"PIANO": "piano"}),
    (0.15, ("MELODY",), {"RIGHT": "piano", "LEFT": "bass"}),
    (0.10, ("MELODY", "BRIDGE"), {"PIANO": "piano"}),
    (0.10, ("PIANO",), {"MELODY": "lead"}),
    (0.05, (), {"PIANO": "piano", "MELODY": "lead"}),
    (0.05, (), {"PIANO": "piano"}),
)
LEADS = ((0.55, 1), (0.15, 0), (0.10, 2), (0.05, 3), (0.05, 4), (0.04, -2), (0.03, -8), (0.03, -16))
WRONG_KEYS = (-5, 5, -2, 2, -1, 1, 3, -3)
"""Keys that a follower mistakes for the right one, in semitones."""


@dataclass(frozen=True, slots=True)
class SongArrays:
    """Hold a song as arrays: notes of each part as rows (onset, pitch, duration, velocity), and one entry a block."""

    parts: dict[str, Ints]
    bar_pos: Ints
    bar_length: Ints
    chords: Ints
    shift: int
    tempo: int

    @property
    def blocks(self) -> int:
        """Return how many blocks the song lasts."""
        return len(self.chords)


def arrays(song: Song) -> SongArrays:
    """Return the song as arrays, its piano also split into LEFT (the lowest line below C3) and RIGHT."""
    parts = {part.name: note_array(part.notes) for part in song.score.parts}
    left = lowest_line(parts["PIANO"])
    parts["LEFT"], parts["RIGHT"] = parts["PIANO"][left], parts["PIANO"][~left]
    count = song.score.end // B.BLOCK_TICKS + 1
    starts = [n * B.BLOCK_TICKS for n in range(count)]
    bars = [song.score.meter_at(tick) for tick in starts]
    bar_pos = [(tick - song.score.bar_start(tick)) // B.BLOCK_TICKS for tick in starts]
    chords = np.zeros(count, dtype=np.int64)
    for start, end, chord in song.chords:
        # A chord rules the blocks whose middle it covers.
        low, high = (max(0, (tick + B.BLOCK_TICKS // 2 - 1) // B.BLOCK_TICKS) for tick in (start, end))
        chords[low:high] = chord.index
    return SongArrays(
        parts,
        np.array(bar_pos, dtype=np.int64),
        np.array([m.bar // B.BLOCK_TICKS for m in bars], dtype=np.int64),
        chords,
        B.key_shift(song.key.tonic, song.key.mode == "minor"),
        B.tempo_class(song.score.tempos[0].qpm),
    )


def lowest_line(piano: Ints) -> NDArray[np.bool_]:
    """Return which piano notes are the left hand's bass: below C3, and the lowest that begins around that moment."""
    onset, pitch = piano[:, 0], piano[:, 1]
    near = np.abs(onset[:, None] - onset[None, :]) <= 2 * B.GRID if len(piano) < 4000 else None
    if near is None:
        return np.asarray(pitch < 45)
    lowest = np.where(near, pitch[None, :], 999).min(axis=1)
    return np.asarray((pitch < 48) & (pitch == lowest))


def draw(song: SongArrays, length: int, rng: np.random.Generator, augment: bool = True) -> dict[str, Ints]:
    """Return one training sequence of `length` steps: the model's inputs and targets, padded with IGNORE."""
    share = np.array([a[0] for a in ARRANGEMENTS])
    _, players, machines = ARRANGEMENTS[rng.choice(len(ARRANGEMENTS), p=share / share.sum())]
    lead = int(rng.choice([v for _, v in LEADS], p=[p for p, _ in LEADS]))
    first = 0 if rng.random() < 0.2 else int(rng.integers(0, max(1, song.blocks - 64)))
    shift = song.shift + (int(rng.choice(WRONG_KEYS)) if augment and rng.random() < 0.2 else 0)
    events = arrange(song, players, machines, lead, first, length, shift)
    if not augment:
        return example(events, events, length)
    if players and rng.random() < 0.15:
        a = first + int(rng.integers(0, 64))
        silent = _between(events, a, a + int(rng.integers(16, 65)))
        events = events[~((events[:, B.KIND] == B.PLAYER) & silent)]
    seen, quiet = events, 0
    if rng.random() < 0.5:
        quiet = first + int(rng.integers(8, 129))
        events = events[~((events[:, B.KIND] == B.MACHINE) & _between(events, first, quiet))]
        seen = misled(events, quiet, song, rng) if players else events
    return example(events, seen, length, quiet)


def _between(events: Ints, low: int, high: int) -> NDArray[np.bool_]:
    return (events[:, B.TIME] >= low * B.POSITIONS) & (events[:, B.TIME] < high * B.POSITIONS)


def misled(events: Ints, until: int, song: SongArrays, rng: np.random.Generator) -> Ints:
    """Return the events with other chords before block `until`: none, or those of other bars of the song.

    The model is still asked for the right ones, so it has to hear them in what the player plays; and it learns to come
    back from its own mistakes.
    """
    seen = events.copy()
    blocks = np.flatnonzero((seen[:, B.KIND] == B.BLOCK) & (seen[:, B.TIME] < until * B.POSITIONS))
    if not len(blocks):
        return seen
    wrong = np.zeros(len(blocks), dtype=np.int64)
    if rng.random() < 0.6:
        own = seen[blocks, B.CHORD]
        bars = rng.permutation(-(-len(own) // 8))
        wrong = np.concatenate([own[8 * b : 8 * b + 8] for b in bars])[: len(own)]
    seen[blocks, B.CHORD] = wrong
    running = np.searchsorted(blocks, np.arange(len(seen)), side="right") - 1
    before = seen[:, B.TIME] < until * B.POSITIONS
    note = before & (seen[:, B.KIND] != B.BLOCK)
    seen[note, B.CHORD] = np.where(running[note] >= 0, wrong[np.maximum(running[note], 0)], 0)
    return seen


def arrange(
    song: SongArrays,
    players: tuple[str, ...],
    machines: dict[str, str],
    lead: int,
    first: int,
    length: int,
    shift: int,
) -> Ints:
    """Return the events of a song from block `first` on, at least `length` + 1 where the song lasts."""
    last = min(song.blocks, first + length)
    mask = sum(1 << B.INSTRUMENTS.index(name) for name in machines.values())
    span = np.arange(first, last)
    block_rows = B.block_events(
        span,
        song.bar_pos[first:last],
        song.bar_length[first:last],
        B.transpose_chords(song.chords[first:last], shift),
        Conditions(lead, song.tempo, mask),
    )
    empty = np.zeros((0, 8), dtype=np.int64)
    player = [B.player_events(song.parts[p], shift) for p in players if p in song.parts]
    machine = [B.machine_events(song.parts[p], B.INSTRUMENTS.index(i), shift) for p, i in machines.items()]
    events = B.assemble(np.concatenate([empty, *player]), block_rows, np.concatenate([empty, *machine]), lead)
    return unique(events)[: length + 1]


def unique(events: Ints) -> Ints:
    """Return the events without notes that repeat the one before in kind, place, instrument and pitch."""
    same = (np.diff(events[:, [B.KIND, B.INST, B.PITCH, B.TIME]], axis=0) == 0).all(axis=1)
    keep = np.concatenate([[True], ~(same & (events[1:, B.KIND] != B.BLOCK))])
    return np.asarray(events[keep])


def example(events: Ints, seen: Ints, length: int, quiet: int = 0) -> dict[str, Ints]:
    """Return inputs and targets of `length` steps, IGNORE where there are no more.

    `seen` is what the model reads, row for row, `events` what it is asked for; the machine's slots before block `quiet`
    are not asked.
    """
    pad = length - (len(events) - 1)
    target = B.targets(events)
    target["root"] = B.targets(seen)["root"]
    silent = (events[:-1, B.TIME] < quiet * B.POSITIONS) & (events[:-1, B.KIND] != B.PLAYER)
    target["machine"] = np.where(silent, B.IGNORE, target["machine"])
    out = {
        "rows": np.pad(B.input_rows(seen[:-1]), ((0, pad), (0, 0))),
        "steps": np.arange(length),
        "times": np.pad(seen[:-1, B.TIME], (0, pad), mode="edge"),
        "places": np.pad(B.next_rows(seen[1:]), (0, pad)),
    }
    return out | {name: np.pad(value, (0, pad), constant_values=B.IGNORE) for name, value in target.items()}
