"""Training sequences: a song, an arrangement of it, a lead, a place to begin; drawn anew every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Conditions, Ints
from composer.training.arrays import UNKNOWN, SongArrays, arrays, lowest_line
from composer.training.bands import arrangement, with_drummer

__all__ = ["Asked", "SongArrays", "arrange", "arrays", "draw", "example", "lowest_line", "misled", "unchorded"]

LEADS = ((0.40, 1), (0.15, 0), (0.20, 2), (0.05, 3), (0.10, 4), (0.04, -2), (0.03, -8), (0.03, -16))
LISTENERS = 0.25
"""Share of the sequences with a player in which the model has to hear the chords, and does nothing else."""
WRITTEN = "BASS"
"""A part that was never played as it stands: Weimar's walking bass is a pitch on each beat, at one velocity."""
WRONG_KEYS = (-5, 5, -2, 2, -1, 1, 3, -3)
"""Keys that a follower mistakes for the right one, in semitones."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Hold what a sequence asks of the model beside the player's notes and the chords that are known."""

    notes: bool = True
    """Whether the machine's notes and its silence are meant."""
    velocities: bool = True
    """Whether velocities are a player's; a drummer's always are."""
    after: int = 0
    """The block before which the machine's slots are not asked for."""


EVERYTHING = Asked()


def draw(
    song: SongArrays,
    length: int,
    rng: np.random.Generator,
    *,
    augment: bool = True,
    drummers: Sequence[SongArrays] = (),
    leads: Sequence[tuple[float, int]] = LEADS,
) -> dict[str, Ints]:
    """Return one training sequence of `length` steps: the model's inputs and targets, padded with IGNORE.

    One of the `drummers` may play along where the song's corpus and meter allow it. `leads` are shares and leads.
    """
    band = arrangement(song, rng)
    lead = int(rng.choice([v for _, v in leads], p=[p for p, _ in leads]))
    first = 0 if rng.random() < 0.2 else int(rng.integers(0, max(1, song.blocks - 128)))
    shift = song.shift + (int(rng.choice(WRONG_KEYS)) if augment and rng.random() < 0.2 else 0)
    song, (players, machines) = with_drummer(song, band, drummers, range(first, first + length), rng)
    events = arrange(song, players, machines, lead, first, length, shift)
    asked = Asked(notes=bool(machines), velocities=song.performed and WRITTEN not in machines)
    if not augment:
        return example(events, events, length, asked)
    if players and rng.random() < 0.15:
        a = first + int(rng.integers(0, 64))
        silent = _between(events, a, a + int(rng.integers(16, 65)))
        events = events[~((events[:, B.KIND] == B.PLAYER) & silent)]
    seen = events
    if players and rng.random() < LISTENERS:
        only = arrange(song, players, {}, lead, first, length, shift)
        return example(only, unchorded(only), length, replace(asked, notes=False))
    if rng.random() < 0.5:
        quiet = first + int(rng.integers(8, 129))
        events = events[~((events[:, B.KIND] == B.MACHINE) & _between(events, first, quiet))]
        seen = misled(events, quiet, song, rng) if players else events
        asked = replace(asked, after=quiet)
    return example(events, seen, length, asked)


def unchorded(events: Ints) -> Ints:
    """Return the events without chords: what a listener reads who has the player's notes and nothing else."""
    seen = events.copy()
    seen[:, B.CHORD] = 0
    return seen


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
    """Return the events of a song from block `first` on, at least `length` + 1 where the song lasts.

    Blocks whose chord is unknown, and the notes in them, carry UNKNOWN.
    """
    last = min(song.blocks, first + length)
    # Who plays nothing might be a pianist: only the chord is asked for.
    mask = sum(1 << B.INSTRUMENTS.index(name) for name in set(machines.values()) or {"piano"})
    span = np.arange(first, last)
    chords = song.chords[first:last]
    block_rows = B.block_events(
        span,
        song.bar_pos[first:last],
        song.bar_length[first:last],
        np.where(chords < 0, UNKNOWN, B.transpose_chords(chords, shift)),
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


def example(events: Ints, seen: Ints, length: int, asked: Asked = EVERYTHING) -> dict[str, Ints]:
    """Return inputs and targets of `length` steps, IGNORE where there are no more.

    `seen` is what the model reads, row for row, `events` what it is asked for. Chords that are UNKNOWN are read as no
    chord, and not asked for.
    """
    seen = seen.copy()
    seen[:, B.CHORD] = np.maximum(seen[:, B.CHORD], 0)
    pad = length - (len(events) - 1)
    target = B.targets(events)
    target["root"] = B.targets(seen)["root"]
    silent = (events[:-1, B.TIME] < asked.after * B.POSITIONS) & (events[:-1, B.KIND] != B.PLAYER)
    target["machine"] = np.where(silent | (not asked.notes), B.IGNORE, target["machine"])
    drums = (events[1:, B.KIND] == B.MACHINE) & (events[1:, B.INST] == B.DRUMS)
    target["vel"] = np.where(drums | asked.velocities, target["vel"], B.IGNORE)
    out = {
        "rows": np.pad(B.input_rows(seen[:-1]), ((0, pad), (0, 0))),
        "steps": np.arange(length),
        "times": np.pad(seen[:-1, B.TIME], (0, pad), mode="edge"),
        "places": np.pad(B.next_rows(seen[1:]), (0, pad)),
    }
    return out | {name: np.pad(value, (0, pad), constant_values=B.IGNORE) for name, value in target.items()}
