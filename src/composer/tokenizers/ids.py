"""Block sequences as plain token ids, whole or streaming: the same ids for a piece known or still being played.

An event is written as four ids (a note: place, pitch, duration, velocity) or six (a block: place in the bar, bar
length, lead, tempo, instruments, chord). The ids carry everything; the model reads events (composer.tokenizers.blocks).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from composer.errors import FileError
from composer.music import Meter, Note, Part, Score, Tempo
from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Conditions, Ints

_SIZES = {
    "bar": B.MAX_BAR, "bar_length": B.MAX_BAR + 1, "lead": len(B.LEADS), "tempo": 16, "mask": 16, "chord": B.CHORDS,
    "player": B.POSITIONS, "machine": B.POSITIONS * len(B.INSTRUMENTS),
    "pitch": 128, "dur": B.HELD + 1, "vel": B.VELOCITIES,
}  # fmt: skip
_START = dict(zip(_SIZES, itertools.accumulate([0, *_SIZES.values()]), strict=False))
VOCABULARY = sum(_SIZES.values())
"""How many ids there are."""

_BLOCK_FIELDS = (
    ("bar", B.POS),
    ("bar_length", B.INST),
    ("lead", B.PITCH),
    ("tempo", B.DUR),
    ("mask", B.VEL),
    ("chord", B.CHORD),
)
_NOTE_FIELDS = (("pitch", B.PITCH), ("dur", B.DUR), ("vel", B.VEL))


def to_ids(events: Ints) -> list[int]:
    """Return the ids of events."""
    return list(itertools.chain.from_iterable(_event_ids(event) for event in events.tolist()))


def _event_ids(event: list[int]) -> Iterator[int]:
    if event[B.KIND] == B.BLOCK:
        for name, column in _BLOCK_FIELDS:
            yield _START[name] + event[column]
        return
    if event[B.KIND] == B.PLAYER:
        yield _START["player"] + event[B.POS]
    else:
        yield _START["machine"] + event[B.POS] * len(B.INSTRUMENTS) + event[B.INST]
    for name, column in _NOTE_FIELDS:
        yield _START[name] + event[column]


def from_ids(ids: Iterable[int]) -> Ints:
    """Return the events of ids, the first block at 0. FileError says which id breaks the grammar."""
    stream = iter(enumerate(ids))
    rows: list[list[int]] = []
    block, chord, waiting = -1, 0, 0
    for at, token in stream:
        row = [0] * 8
        name = _kind(at, token)
        if name == "bar":
            block += 1
            row[B.POS] = token - _START["bar"]
            for field_name, column in _BLOCK_FIELDS[1:]:
                row[column] = _expect(stream, field_name)
            chord = row[B.CHORD]
            row[B.TIME] = block * B.POSITIONS
            for earlier in rows[len(rows) - waiting :]:
                earlier[B.TIME] += (block - row[B.PITCH] - B.LEADS.start) * B.POSITIONS
            waiting = 0
        else:
            row[B.KIND] = B.PLAYER if name == "player" else B.MACHINE
            place = token - _START[name]
            row[B.POS], row[B.INST] = (place, B.PLAYER_SLOT) if name == "player" else divmod(place, len(B.INSTRUMENTS))
            for field_name, column in _NOTE_FIELDS:
                row[column] = _expect(stream, field_name)
            row[B.CHORD] = chord
            row[B.TIME] = row[B.POS] + (0 if name == "player" else max(0, block) * B.POSITIONS)
            waiting += name == "player"
        rows.append(row)
    return np.array(rows, dtype=np.int64).reshape(-1, 8)


def _kind(at: int, token: int) -> str:
    for name in ("bar", "player", "machine"):
        if _START[name] <= token < _START[name] + _SIZES[name]:
            return name
    raise FileError(
        f"token {token} at place {at} cannot begin an event; the text was made by another tokenizer or is cut"
    )


def _expect(stream: Iterator[tuple[int, int]], name: str) -> int:
    at, token = next(stream, (-1, -1))
    value = token - _START[name]
    if not 0 <= value < _SIZES[name]:
        what = "the text ends" if at < 0 else f"token {token} at place {at} stands"
        raise FileError(f"{what} where a {name} token belongs; it is of another tokenizer, or the text is cut")
    return value


@dataclass(slots=True)
class StreamingEncoder:
    """Turn music into events block by block, as it becomes known; what was given out is never changed.

    `shift` semitones are added to every pitch; `chord` is what each block is labelled with (no chord by default).
    """

    conditions: Conditions = field(default_factory=Conditions)
    shift: int = 0
    meters: tuple[Meter, ...] = (Meter(0),)
    block: int = 0
    """The next block that will be given out."""
    _player: list[Ints] = field(default_factory=list)

    def push(self, player: Iterable[Note], machine: Mapping[int, Iterable[Note]], chord: int = 0) -> Ints:
        """Return the events of the next block: the player's block `lead` before it, the machine's notes by instrument.

        A player's note may be given with the duration it has had so far; only whether it outlasts its block counts.
        """
        heard = self.block - self.conditions.lead
        low = 0 if self.block == 0 and self.conditions.lead < 0 else heard
        rows = B.player_events(note_array(player), self.shift)
        rows = rows[(rows[:, B.TIME] // B.POSITIONS >= low) & (rows[:, B.TIME] // B.POSITIONS <= heard)]
        own = [B.machine_events(note_array(notes), i, self.shift) for i, notes in machine.items()]
        tick = self.block * B.BLOCK_TICKS
        meter = max((m for m in self.meters if m.tick <= tick), key=lambda m: m.tick)
        place, bar = (tick - meter.tick) % meter.bar // B.BLOCK_TICKS, meter.bar // B.BLOCK_TICKS
        row = B.block_events(
            np.array([self.block]), np.array([place]), np.array([bar]), np.array([chord]), self.conditions
        )
        events = B.assemble(rows, row, np.concatenate([np.zeros((0, 8), np.int64), *own]), self.conditions.lead)
        self.block += 1
        return events


def note_array(notes: Iterable[Note]) -> Ints:
    """Return notes as rows (onset, pitch, duration, velocity) in ticks."""
    rows = [(n.onset, n.pitch, n.duration, n.velocity) for n in notes]
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def instrument_of(part: Part) -> int:
    """Return the model's instrument that stands for a part: drums, bass (programs 32..39), or piano."""
    if part.is_drums:
        return B.DRUMS
    return B.INSTRUMENTS.index("bass" if 32 <= part.program <= 39 else "piano")


def encode(score: Score) -> list[int]:
    """Return the ids of a score; every part is the machine's, chords are not labelled, the key is left as it is."""
    instruments: dict[int, list[Note]] = {}
    for part in score.parts:
        instruments.setdefault(instrument_of(part), []).extend(part.notes)
    mask = sum(1 << i for i in instruments)
    encoder = StreamingEncoder(Conditions(0, B.tempo_class(score.tempos[0].qpm), mask), 0, score.meters)
    count = 1 + max((n.onset for notes in instruments.values() for n in notes), default=0) // B.BLOCK_TICKS
    return to_ids(np.concatenate([encoder.push((), instruments) for _ in range(count + 1)]))


PROGRAMS = {"piano": 0, "bass": 33, "drums": 0, "lead": 73}


def decode(ids: Iterable[int]) -> Score:
    """Return the score of ids: a part for each instrument, and one for the player, in the key they were written in."""
    events = from_ids(ids)
    names = {B.PLAYER_SLOT: "Player"} | {i: name.capitalize() for i, name in enumerate(B.INSTRUMENTS)}
    notes: dict[int, list[Note]] = {}
    blocks = events[events[:, B.KIND] == B.BLOCK]
    for row in events[events[:, B.KIND] != B.BLOCK].tolist():
        duration = B.POSITIONS if row[B.DUR] == B.HELD else int(B.DURATIONS[row[B.DUR]])
        onset = max(0, row[B.TIME]) * B.GRID
        notes.setdefault(row[B.INST], []).append(
            Note(onset, row[B.PITCH], duration * B.GRID, min(127, row[B.VEL] * 8 + 4))
        )
    channels = {B.DRUMS: 9}
    parts = tuple(
        Part(names[i], tuple(n), channels.get(i, i), PROGRAMS.get(names[i].lower(), 0))
        for i, n in sorted(notes.items())
    )
    tempo = 40 * 2 ** (int(blocks[0, B.DUR]) / 6) if len(blocks) else 120.0
    return Score(parts, (Tempo(0, round(tempo, 3)),), _meters(blocks))


def _meters(blocks: Ints) -> tuple[Meter, ...]:
    meters: list[Meter] = []
    for row in blocks.tolist():
        eighths = max(1, row[B.INST])
        numerator, denominator = (eighths // 2, 4) if eighths % 2 == 0 else (eighths, 8)
        if row[B.POS] == 0 and (
            not meters or (meters[-1].numerator, meters[-1].denominator) != (numerator, denominator)
        ):
            meters.append(Meter(row[B.TIME] * B.GRID, numerator, denominator))
    return tuple(meters)
