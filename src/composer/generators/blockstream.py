"""One sequence of blocks in a decoder: read what was played, choose what comes next, go back when the past changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.generators.drumming import placed
from composer.generators.harmony import promise
from composer.generators.reading import look, read, slide
from composer.generators.shaping import JUST, JUST_BLOCKS, PUSH, RECENT, Sampling, moderation
from composer.neural.sampling import probabilities, sample
from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Ints

MOST_NOTES = 16
"""Notes a block may hold: more is a stuck model, not music."""
MOST_IMAGINED = 6
TONIC = 1
"""The chord of a block before which nothing is known: the tonic, in major."""
FLATTER = 6.0
"""How much closer together the promises of chords lie than their probabilities."""


@dataclass(slots=True)
class _Group:
    """Remember one block of the sequence: what it was made from, and where it begins and ends in the decoder."""

    block: int
    source: tuple[bytes | None, bytes, int | None]
    """The player's rows (None: imagined), the machine's rows that were given, and the position chosen from."""
    start: int
    chord: int = 0
    complete: bool = False
    counts: Ints = field(default_factory=lambda: np.zeros(len(B.INSTRUMENTS), dtype=np.int64))
    """How many notes each instrument of the machine has in the block."""
    played: list[Ints] = field(default_factory=list)


Identity = tuple[int, tuple[int, ...], int, str]
"""What makes another sequence of the same music: key shift, instruments, lead and role."""
Odds = NDArray[np.float64]
"""Log-odds of each key-relative chord."""
MakeRow = Callable[[], Ints]


class Choice(NamedTuple):
    """Say how a block is chosen, should it have to be: most blocks of a question are as they were."""

    believe: Callable[[], Odds]
    """What is heard of its chord."""
    rng: Callable[[], np.random.Generator]


def _difference(before: Ints, now: Ints) -> int:
    """Return the first block in which two tables of rows, both in order of time, differ; a late one when in none."""
    same = min(len(before), len(now))
    unlike = np.flatnonzero((before[:same] != now[:same]).any(axis=1))
    same = int(unlike[0]) if len(unlike) else same
    times = [int(rows[same, B.TIME]) // B.POSITIONS for rows in (before, now) if same < len(rows)]
    return min(times, default=2**62)


class BlockStream:
    """Keep a decoder in step with a sequence of blocks; what is unchanged since the last question is not read again."""

    def __init__(self, decoder: Any, sampling: Sampling) -> None:
        self.decoder = decoder
        self.sampling = sampling
        self.first = 0
        """The first block that the next question has to offer: earlier ones slid out of the window for good."""
        self._origin = 0
        """The block with which the sequence began."""
        self._groups: list[_Group] = []
        self._identity: Identity | None = None
        self._instruments: tuple[int, ...] = ()
        self._lead = 1
        self._lowest, self._highest = 0, 127
        self._at = 0
        self._by_ear = False
        self._unread: list[Ints] = []
        self._told: tuple[int, Ints, Ints] | None = None

    def begin(self, identity: Identity, origin: int, wanted: int, by_ear: bool = False) -> None:
        """Begin a question; a new identity (key shift, instruments, lead, role) begins a new sequence at `origin`.

        `wanted` is the first block that is asked for. A sequence whose beginning has left the window is as good as one
        that would be read from `origin` only to leave it again. Chords are chosen `by_ear`, that is by what is heard of
        them alone, or by that and by how the sequence goes on.
        """
        kept = bool(self._groups) and identity == self._identity and self._origin <= origin and self.first <= wanted
        self._identity = identity
        self._by_ear = by_ear
        shift, self._instruments, self._lead, _ = identity
        self._lowest, self._highest = self.sampling.register(shift)
        if not kept:
            self._groups.clear()
            self._go_back(0)
            self.first = self._origin = origin
            self._told = None
        self._at = 0

    def skip(self, until: int, player: Ints, machine: Ints, alone: bool) -> int:
        """Return the first block, `until` at most, to be looked at: those before it are in the decoder as told.

        `player` and `machine` are all rows of the question, in order of time; `alone` says that every player's block is
        imagined.
        """
        told, self._told = self._told, (self.first, player, machine)
        if told is None or told[0] != self.first:
            return self.first
        changed = min(_difference(told[1], player) + max(0, self._lead), _difference(told[2], machine))
        for group in self._groups:
            heard, _, after = group.source
            if (
                group.block >= min(changed, until)
                or after is not None
                or not group.complete
                or (heard is None and not alone)
            ):
                break
            self._at += 1
        return self._groups[self._at].block if self._at < len(self._groups) else self.first + self._at

    def chord_of(self, block: int) -> int:
        """Return the key-relative chord chosen for a block of the last question."""
        return next(g.chord for g in reversed(self._groups) if g.block == block)

    def replay(self, block: int, row: MakeRow, player: Ints | None, machine: Ints, choice: Choice) -> None:
        """Make sure that a past block is in the decoder: the player's rows, its chord, the machine's rows as given."""
        for _ in self._block(block, row, player, machine, choice, None):
            pass

    def play(
        self, block: int, row: MakeRow, player: Ints | None, machine: Ints, choice: Choice, after: int
    ) -> Iterator[Ints]:
        """Yield the machine's events chosen for a block, from position `after` on; `machine` holds those already fixed.

        A player of None is imagined.
        """
        yield from self._block(block, row, player, machine, choice, after)

    def _block(
        self, block: int, row: MakeRow, player: Ints | None, machine: Ints, choice: Choice, after: int | None
    ) -> Iterator[Ints]:
        told = None if player is None else player[:, 1 : B.CHORD].tobytes()
        source = (told, machine[:, 1 : B.CHORD].tobytes(), after)
        if self._at < len(self._groups):
            group = self._groups[self._at]
            same = group.complete and group.block == block
            if same and group.source == source:
                self._at += 1
                yield from group.played
                return
            if same and after is None and self._as_chosen(group, told, machine):
                self._at += 1
                group.source = source
                return
            self._go_back(group.start - self.decoder.forgotten)
            del self._groups[self._at :]
        self.settle()
        self._make_room()
        group = _Group(block, source, self.decoder.forgotten + self._length)
        self._groups.append(group)
        self._at += 1
        before, random = self._groups[-2].chord if len(self._groups) > 1 else 0, choice.rng()
        if player is None:
            self._imagine(block, before, random)
        else:
            self._append(player, before)
        begun = row()
        group.chord = self._choose_chord(begun, choice.believe(), random)
        begun[B.CHORD] = group.chord
        self._append(begun[None])
        self._append(machine, group.chord)
        if after is not None:
            for event in self._choose_notes(begun, machine, random, after):
                group.played.append(event)
                yield event
        group.counts = np.bincount(
            [*machine[:, B.INST], *(e[B.INST] for e in group.played)], minlength=len(B.INSTRUMENTS)
        )
        group.complete = True

    def settle(self) -> None:
        """Read the end of the last block, which nobody has to wait for before the next one begins.

        Weights of eight bits round by what is read together, and a block must not depend on how it was asked for.
        """
        self._read()

    @staticmethod
    def _as_chosen(group: _Group, told: bytes | None, machine: Ints) -> bool:
        """Return whether a block now past is what was chosen for it: same player, and the machine played its choice."""
        chosen = np.array(group.played, dtype=np.int64).reshape(-1, 8)
        return group.source[0] == told and chosen[:, 1 : B.CHORD].tobytes() == machine[:, 1 : B.CHORD].tobytes()

    @property
    def _length(self) -> int:
        return int(self.decoder.length) + sum(map(len, self._unread))

    def _go_back(self, length: int) -> None:
        # What is unread belongs to the last block, and going back means giving it up.
        self._unread.clear()
        self.decoder.rollback(length)

    def _make_room(self) -> None:
        spare = 3 * (MOST_NOTES + MOST_IMAGINED)
        if self._length + spare < self.decoder.context:
            return
        del self._groups[: slide(self.decoder, [group.start for group in self._groups])]
        self._at = len(self._groups)
        self.first = self._groups[0].block

    def _append(self, events: Ints, chord: int = 0) -> None:
        if not len(events):
            return
        if events[0, B.KIND] != B.BLOCK:
            events = events.copy()
            events[:, B.CHORD] = chord
        self._unread.append(events)

    def _read(self) -> Any:
        """Read what was appended, all at once, and return the decoder."""
        if self._unread:
            events = np.concatenate(self._unread)
            self._unread.clear()
            read(self.decoder, events)
        return self.decoder

    # --- choosing ---------------------------------------------------------------------------------------------------

    def _choose_chord(self, row: Ints, odds: Odds, rng: np.random.Generator) -> int:
        if self._by_ear:
            odds = FLATTER * np.log(promise(probabilities(odds)))
        elif self._length:
            # A product of experts (Hinton, 2002): the transformer knows how songs go, the belief what is heard.
            odds = odds + self._read().chord(look(self.decoder, row))
        else:
            odds = odds + 2.0 * np.eye(1, B.CHORDS, TONIC)[0]
        return sample(odds.astype(np.float32), rng, self.sampling.harmony, self.sampling.top_p)

    def _imagine(self, block: int, chord: int, rng: np.random.Generator) -> None:
        """Append a player's block as the model expects it."""
        if self._length == 0:
            return
        heard, last = block - self._lead, -1
        for _ in range(MOST_IMAGINED):
            logits = self._read().slots()[1].copy()
            logits[1 : 1 + max(0, last)] = -np.inf
            slot = sample(logits, rng, self.sampling.temperature, self.sampling.top_p)
            if slot == 0:
                return
            last = slot - 1
            event = np.array([B.PLAYER, last, B.PLAYER_SLOT, 0, 0, 0, 0, heard * B.POSITIONS + last])
            self._complete(event, chord, rng, -1)
            self._append(event[None], chord)

    def _choose_notes(self, begun: Ints, given: Ints, rng: np.random.Generator, after: int) -> Iterator[Ints]:
        """Yield notes of the block whose row is `begun`."""
        n, chord = len(B.INSTRUMENTS), int(begun[B.CHORD])
        allowed = np.full(B.SLOTS_MACHINE, -np.inf, np.float32)
        entries = np.zeros_like(allowed)
        for instrument in self._instruments:
            entry, allowed[1 + instrument :: n] = self._moderation(instrument)
            if not (given[:, B.INST] == instrument).any():
                entries[1 + instrument :: n] = entry
        allowed[1 : 1 + after * n] = -np.inf
        allowed[0] = -PUSH * self.sampling.density
        last_slot, last_pitch = (0, -1)
        if len(given):
            last_slot = int(1 + given[-1, B.POS] * n + given[-1, B.INST])
            last_pitch = int(given[-1, B.PITCH])
        for _ in range(MOST_NOTES):
            mask = allowed + entries
            mask[1:last_slot] = -np.inf
            if last_slot and last_pitch >= (127 if (last_slot - 1) % n == B.DRUMS else self._highest):
                mask[last_slot] = -np.inf
            slot = sample(self._read().slots()[0] + mask, rng, *self.sampling.rhythm)
            if slot == 0:
                return
            position, instrument = divmod(slot - 1, n)
            entries[1 + instrument :: n] = 0.0
            event = np.array([B.MACHINE, position, instrument, 0, 0, 0, chord, int(begun[B.TIME]) + position])
            self._complete(event, chord, rng, last_pitch if slot == last_slot else -1, begun)
            last_slot, last_pitch = slot, int(event[B.PITCH])
            self._append(event[None], chord)
            yield event

    def _moderation(self, instrument: int) -> tuple[float, float]:
        recent = [int(group.counts[instrument]) for group in self._groups[-1 - RECENT : -1]]
        return moderation(recent, B.INSTRUMENTS[instrument], self.sampling.density)

    def _complete(
        self, event: Ints, chord: int, rng: np.random.Generator, above: int, begun: Ints | None = None
    ) -> None:
        """Choose pitch (above a given one), duration and velocity of an event in block `begun` whose place is known."""
        drums = event[B.KIND] == B.MACHINE and event[B.INST] == B.DRUMS
        z = look(self._read(), event)
        root = 12 if drums or chord == 0 else int(B.chord_root(np.array(chord)))
        logits = self.decoder.pitch(z, root)
        half = slice(128, 256) if drums else slice(0, 128)
        options = logits[half].copy()
        if drums and begun is not None:
            options += placed(int(begun[B.POS]), int(begun[B.INST]), int(event[B.POS]))
        options[: above + 1] = -np.inf
        freedom = self.sampling.touch
        if event[B.KIND] == B.MACHINE and not drums:
            options[: self._lowest] = options[self._highest + 1 :] = -np.inf
            options = self.sampling.shape(options, chord, self._just_played(int(event[B.INST])))
            pitch = sample(options, rng, *self.sampling.pitch)
        else:
            pitch = sample(options, rng, *freedom)
        coded = pitch + (128 if drums else 0)
        durations = self.decoder.duration(z, coded)
        if event[B.KIND] == B.MACHINE:
            durations[B.HELD] = -np.inf
        duration = sample(durations, rng, *freedom)
        velocity = sample(self.decoder.velocity(z, coded, duration), rng, *freedom)
        event[B.PITCH], event[B.DUR], event[B.VEL] = pitch, duration, velocity

    def _just_played(self, instrument: int) -> list[int]:
        """Return the pitches of the instrument's last notes, newest first; none when nobody asks for repetition."""
        pitches: list[int] = []
        if not self.sampling.repetition:
            return pitches
        newest = self._groups[-1].block
        for group in reversed(self._groups):
            if len(pitches) >= JUST or group.block <= newest - JUST_BLOCKS:
                break
            given = np.frombuffer(group.source[1], dtype=np.int64).reshape(-1, B.CHORD - 1)
            # What was chosen for a block that is past was given back as played.
            chosen = group.played if group.source[2] is not None else []
            notes = [(row[B.INST - 1], row[B.PITCH - 1]) for row in given] + [(e[B.INST], e[B.PITCH]) for e in chosen]
            pitches += [int(pitch) for inst, pitch in reversed(notes) if inst == instrument]
        return pitches[:JUST]
