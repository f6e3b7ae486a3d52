"""The block vocabulary of our own model: harmony first, then notes, heard with a signed lead.

Time is cut into blocks of half a quarter. For every block the sequence holds the *player's* notes of the block `lead`
blocks earlier, one BLOCK event with the place in the bar and the chord, and the *machine's* notes of the block. An
event is one row of integers and costs the model one step. Nothing is ever patched: a player's key that is still down
when its block has been heard has the duration HELD.

Pitches and chord roots are relative to a key: `shift` semitones are added so that the tonic (of the relative major) is
C. After Thickstun, Hall, Donahue, Liang, Anticipatory Music Transformer (2024); here the lead is signed and musical.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

BLOCK_TICKS = 240
"""Half a quarter."""
POSITIONS = 12
"""Places in a block at which a note may begin: every 1/24 quarter, so swing and triplets survive."""
GRID = BLOCK_TICKS // POSITIONS
MARGIN = 2 * GRID
"""Ticks before its end at which a player's block has been heard; a later note belongs to the next block."""

INSTRUMENTS = ("piano", "bass", "drums", "lead")
DRUMS = INSTRUMENTS.index("drums")
PLAYER_SLOT = len(INSTRUMENTS)
"""What stands in the INST column of a player's note."""

DURATIONS = np.array(
    [*range(1, 13), 14, 16, 18, 20, 22, 24, 28, 32, 36, 42, 48, 60, 72, 84, 96, 120, 144, 192, 288, 384]
)
"""Durations in positions: exact to half a quarter, then coarser, up to sixteen quarters."""
HELD = len(DURATIONS)
VELOCITIES = 16
CHORDS = 109
"""No chord, then root * 9 + quality + 1, as in composer.music.chords."""
QUALITIES = 9
LEADS = range(-16, 5)
MAX_BAR = 16
"""Blocks in the longest bar that is told apart."""

BLOCK, PLAYER, MACHINE = 0, 1, 2
KIND, POS, INST, PITCH, DUR, VEL, CHORD, TIME = range(8)
"""Columns of an event. A BLOCK row keeps bar length, lead, tempo and instruments in INST, PITCH, DUR and VEL."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Hold what is constant for a sequence: lead in blocks, tempo class 0..15, instruments as a bit mask 0..15."""

    lead: int = 1
    tempo: int = 9
    instruments: int = 1


def key_shift(tonic: int, minor: bool) -> int:
    """Return the semitones, -5..6, that move a key to C major or A minor."""
    return (-(tonic + 3 * minor) + 5) % 12 - 5


def tempo_class(qpm: float) -> int:
    """Return the class 0..15 of a tempo in quarters a minute: six to the octave above 40."""
    return int(np.clip(round(6 * np.log2(max(qpm, 1.0) / 40)), 0, 15))


def duration_class(positions: Ints) -> Ints:
    """Return the nearest duration classes for durations counted in positions (geometric midpoints)."""
    edges = np.sqrt(DURATIONS[1:] * DURATIONS[:-1])
    return np.searchsorted(edges, np.maximum(positions, 1), side="right")


def player_block(onset: Ints) -> Ints:
    """Return the block in which a player's onset (ticks) is heard."""
    return (onset + MARGIN) // BLOCK_TICKS


def heard_at(block: int) -> int:
    """Return the tick at which all of a player's block has been heard."""
    return (block + 1) * BLOCK_TICKS - MARGIN


def _round(ticks: Ints) -> Ints:
    return (2 * ticks + GRID) // (2 * GRID)


def player_events(notes: Ints, shift: int = 0) -> Ints:
    """Return the PLAYER rows of notes given as rows (onset, pitch, duration, velocity) in ticks, without chords yet.

    A note that sounds on when its block has been heard is HELD, whatever its duration is later known to be.
    """
    onset, pitch, duration, velocity = notes.reshape(-1, 4).T
    block = player_block(onset)
    pos = np.clip(_round(onset - block * BLOCK_TICKS), 0, POSITIONS - 1)
    held = onset + duration >= (block + 1) * BLOCK_TICKS - MARGIN
    dur = np.where(held, HELD, duration_class(_round(duration)))
    inst = np.full_like(onset, PLAYER_SLOT)
    return _rows(PLAYER, pos, inst, fold(pitch + shift), dur, velocity >> 3, block)


def machine_events(notes: Ints, instrument: int, shift: int = 0) -> Ints:
    """Return the MACHINE rows of notes given as rows (onset, pitch, duration, velocity) in ticks."""
    onset, pitch, duration, velocity = notes.reshape(-1, 4).T
    at = _round(onset)
    inst = np.full_like(onset, instrument)
    pitch = pitch if instrument == DRUMS else fold(pitch + shift)
    return _rows(MACHINE, at % POSITIONS, inst, pitch, duration_class(_round(duration)), velocity >> 3, at // POSITIONS)


def fold(pitch: Ints) -> Ints:
    """Return pitches moved by octaves into 0..127."""
    return np.where(pitch < 0, pitch + 12, np.where(pitch > 127, pitch - 12, pitch))


def _rows(kind: int, pos: Ints, inst: Ints, pitch: Ints, dur: Ints, vel: Ints, block: Ints) -> Ints:
    kinds = np.full_like(pos, kind)
    return np.stack([kinds, pos, inst, pitch, dur, vel, np.zeros_like(pos), block * POSITIONS + pos], axis=1)


def block_events(blocks: Ints, bar_pos: Ints, bar_length: Ints, chords: Ints, conditions: Conditions) -> Ints:
    """Return the BLOCK rows of `blocks`; places in the bar and bar lengths count blocks, chords are key-relative."""
    constant = np.ones_like(blocks)
    return np.stack(
        [
            constant * BLOCK,
            np.minimum(bar_pos, MAX_BAR - 1),
            np.minimum(bar_length, MAX_BAR),
            constant * (conditions.lead - LEADS.start),
            constant * conditions.tempo,
            constant * conditions.instruments,
            chords,
            blocks * POSITIONS,
        ],
        axis=1,
    )


def assemble(player: Ints, blocks: Ints, machine: Ints, lead: int) -> Ints:
    """Return the sequence of the given BLOCK rows with the notes that belong to them, in order.

    Player rows of block k come before BLOCK k + lead (those of a negative lead's first blocks before the first BLOCK),
    machine rows of block k after BLOCK k. Rows of other blocks are left out. Every note carries the running chord.
    """
    first, last = blocks[0, TIME] // POSITIONS, blocks[-1, TIME] // POSITIONS
    heard = player[:, TIME] // POSITIONS + lead
    if lead < 0:
        heard = np.where(player[:, TIME] // POSITIONS >= first, np.maximum(heard, first), heard)
    own = machine[:, TIME] // POSITIONS
    player_in, machine_in = (heard >= first) & (heard <= last), (own >= first) & (own <= last)
    rows = np.concatenate([player[player_in], blocks, machine[machine_in]])
    at = np.concatenate([heard[player_in], blocks[:, TIME] // POSITIONS, own[machine_in]])
    phase = np.choose(rows[:, KIND], [1, 0, 2])
    # Within a block: a player's notes by time and pitch, the machine's by place, instrument and pitch (bass first).
    order = np.lexsort((rows[:, PITCH], rows[:, INST] * (phase == 2), rows[:, TIME], phase, at))
    rows = rows[order]
    is_block = rows[:, KIND] == BLOCK
    running = np.maximum.accumulate(np.where(is_block, np.arange(len(rows)), -1))
    rows[:, CHORD] = np.where(running >= 0, rows[running, CHORD], 0)
    return rows


# --- what the model sees: each event is a sum of rows of one embedding table ---------------------------------------

_TABLES = {
    "pad": 1,
    "bar": MAX_BAR, "bar_length": MAX_BAR + 1, "chord": CHORDS, "root": 13, "quality": QUALITIES + 1,
    "lead": len(LEADS), "tempo": 16, "mask": 16,
    "place": 3 * POSITIONS, "inst": len(INSTRUMENTS) + 1, "pitch": 3 * 128, "class": 3 * 12, "degree": 3 * 13,
    "dur": 2 * (HELD + 1), "vel": 2 * VELOCITIES,
}  # fmt: skip
_START = {name: sum(list(_TABLES.values())[:i]) for i, name in enumerate(_TABLES)}
INPUT_ROWS = sum(_TABLES.values())
"""Rows of the embedding table."""
INPUTS = 8
"""Table rows summed for each event."""
SLOTS_MACHINE = 1 + POSITIONS * len(INSTRUMENTS)
"""The block ends (0), or a note begins at position * instruments + instrument + 1."""
SLOTS_PLAYER = 1 + POSITIONS
NEXT_ROWS = MAX_BAR + SLOTS_PLAYER + SLOTS_MACHINE
"""Rows of the table that tells the last layer where the next event stands."""


def input_rows(events: Ints) -> Ints:
    """Return the table rows (events, INPUTS) whose sum is each event's embedding."""
    kind, pos, inst, pitch, dur, vel, chord, _ = events.T
    is_block = kind == BLOCK
    family = np.where(kind == PLAYER, 0, np.where(inst == DRUMS, 2, 1))
    root, quality = chord_root(chord), np.where(chord > 0, (chord - 1) % QUALITIES + 1, 0)
    degree = np.where(chord > 0, (pitch - root) % 12 + 1, 0)
    note = [
        _START["place"] + kind * POSITIONS + np.minimum(pos, POSITIONS - 1),
        _START["inst"] + np.minimum(inst, PLAYER_SLOT),
        _START["pitch"] + family * 128 + pitch,
        _START["class"] + family * 12 + pitch % 12,
        _START["degree"] + family * 13 + degree,
        _START["dur"] + (kind == PLAYER) * (HELD + 1) + np.minimum(dur, HELD),
        _START["vel"] + (kind == PLAYER) * VELOCITIES + np.minimum(vel, VELOCITIES - 1),
        np.zeros_like(kind),
    ]
    block = [
        _START["bar"] + pos,
        _START["bar_length"] + np.minimum(inst, MAX_BAR),
        _START["chord"] + chord,
        _START["root"] + np.where(chord > 0, root + 1, 0),
        _START["quality"] + quality,
        _START["lead"] + np.minimum(pitch, len(LEADS) - 1),
        _START["tempo"] + np.minimum(dur, 15),
        _START["mask"] + np.minimum(vel, 15),
    ]
    return np.where(is_block[:, None], np.stack(block, axis=1), np.stack(note, axis=1))


def chord_root(chord: Ints) -> Ints:
    """Return the root pitch class of chord classes (0 for no chord)."""
    return np.where(chord > 0, (chord - 1) // QUALITIES, 0)


def transpose_chords(chords: Ints, shift: int) -> Ints:
    """Return chord classes with their roots moved by `shift` semitones."""
    moved = (chord_root(chords) + shift) % 12 * QUALITIES + (chords - 1) % QUALITIES + 1
    return np.where(chords > 0, moved, 0)


def next_rows(events: Ints) -> Ints:
    """Return, for each event, its row in the table of places: what the last layer is told before the event is known."""
    kind, pos, inst = events[:, KIND], events[:, POS], events[:, INST]
    player = MAX_BAR + 1 + pos
    machine = MAX_BAR + SLOTS_PLAYER + 1 + pos * len(INSTRUMENTS) + inst
    return np.choose(kind, [pos, player, machine])


IGNORE = -1


def targets(events: Ints) -> dict[str, Ints]:
    """Return what each step has to predict about the next event, IGNORE where nothing; one shorter than `events`.

    Keys: machine and player (slots; 0 ends the group), chord, pitch (drums at 128..255), root (of the running chord, 12
    where none matters), dur, vel, and `of` (the next event's kind).
    """
    now, then = events[:-1], events[1:]
    kind = then[:, KIND]
    in_machine = now[:, KIND] != PLAYER
    slot_m = 1 + then[:, POS] * len(INSTRUMENTS) + then[:, INST]
    machine = np.where(kind == MACHINE, slot_m, np.where(in_machine, 0, IGNORE))
    player = np.where(kind == PLAYER, 1 + then[:, POS], np.where(kind == BLOCK, 0, IGNORE))
    note = kind != BLOCK
    drums = (kind == MACHINE) & (then[:, INST] == DRUMS)
    return {
        "of": kind,
        "machine": machine,
        "player": player,
        "chord": np.where(kind == BLOCK, then[:, CHORD], IGNORE),
        "pitch": np.where(note, then[:, PITCH] + 128 * drums, IGNORE),
        "root": np.where(drums | ~note | (then[:, CHORD] == 0), 12, chord_root(then[:, CHORD])),
        "dur": np.where(note, then[:, DUR], IGNORE),
        "vel": np.where(note, then[:, VEL], IGNORE),
    }
