"""A Markov accompanist: chords and bass that follow the player's harmony, and phrases in the player's own manner."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from composer.generators.base import Context, PartNote
from composer.generators.comping import LEFT, RIGHT, SPLIT, bass_pitch, strike, voicing
from composer.generators.constrained import pick
from composer.generators.controls import MarkovParams
from composer.generators.counts import BLOCK, load_tables, place_at
from composer.generators.harmony import Listener
from composer.generators.phrase import Improviser, top_line
from composer.music import TICKS_PER_QUARTER, Note, Part, Score, Span
from composer.music.chords import Chord, Key

_onset = attrgetter("onset")
AHEAD = 16
"""Blocks of harmony planned at once beyond what is known."""
AFTERWARDS = 8
"""Blocks after the one in question that are listened to, where they are known already."""
FORM = 8
"""Bars after which a progression comes home when nobody plays."""
LEARNED = 400
"""Notes of the player's line that phrases are learned from, the latest ones."""
REST = 2 * TICKS_PER_QUARTER
"""Ticks of the player's silence after which a line of the machine may answer."""
LONGEST_ANSWER = 8 * TICKS_PER_QUARTER
RECENT = 4 * TICKS_PER_QUARTER
"""Ticks of the past that say how dense, how loud and how high the player plays."""


@dataclass(frozen=True, slots=True)
class _Player:
    """Hold how the player has been playing just before a block."""

    onsets: int
    pitch: float | None
    velocity: float
    silent_since: int | None
    """The tick at which the last note stopped, None before the first note."""


class Markov:
    """Play along by Markov chains: of chords, of a pianist's strikes, and of the player's own phrases.

    Chords come from a counted hidden Markov model, strikes from counts of POP909's pianists, phrases from a
    variable-order chain over intervals and note values learned from the player (Pachet, The Continuator: Musical
    Interaction with Style, 2003), bound to the chords by constrained sampling (Pachet, Roy, Barbieri, Finite-Length
    Markov Processes with Constraints, 2011); Hiller and Isaacson weighted order and consonance in Illiac Suite IV
    (1957). Changed: everything is decided in blocks of half a quarter, from the seed and the place, so that a question
    asked again has the same answer.
    """

    Params = MarkovParams
    grid = 1
    margin = 0

    def __init__(self, params: MarkovParams, seed: int) -> None:
        """Make one that has heard nothing; `seed` may be any integer."""
        self.params = params
        self.chords: list[tuple[int, str]] = []
        """Tick and symbol of every chord of the last proposal, as far as it was read."""
        self.key = ""
        """The key of its last block, "" while there was none."""
        self._seed = seed % 2**63
        self._listener = Listener()
        self._improviser = Improviser(params.order, params.harmony)

    @classmethod
    def parts(cls, params: MarkovParams) -> tuple[Part, ...]:
        """Return the parts that it plays where nobody asks for others: a bass and a piano."""
        return (Part("Bass", channel=1, program=33), Part("Piano", channel=0, program=0))

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts in `span`; it takes a millisecond or so a beat."""
        self.chords, self.key = [], ""
        if not [part for part in context.machines if not part.is_drums]:
            return
        scene = _Scene(context, self._listener, self._seed)
        for block in range(span.start // BLOCK, -(-span.end // BLOCK)):
            chord, self.key = scene.chord(block), scene.key(block).name
            if not self.chords or self.chords[-1][1] != chord.symbol:
                self.chords.append((max(span.start, block * BLOCK), chord.symbol))
            # A block is decided whole, whatever the span: the part before the span was played already.
            notes = self._line(scene, block) if context.role != "accompany" else self._accompany(scene, block)
            scene.played(notes)
            yield from (n for n in notes if n.note.onset in span)

    def _accompany(self, scene: _Scene, block: int) -> list[PartNote]:
        player = scene.player(block)
        rng = scene.rng(block)
        notes = [*self._bass(scene, block, player, rng), *self._comp(scene, block, player, rng)]
        since = player.silent_since
        start = block * BLOCK
        if self.params.answers and since is not None and since + REST <= start < since + REST + LONGEST_ANSWER:
            notes += self._line(scene, block)
        return sorted(notes, key=lambda n: n.note)

    def _bass(self, scene: _Scene, block: int, player: _Player, rng: np.random.Generator) -> list[PartNote]:
        chord, place = scene.chord(block), place_at(scene.score, block * BLOCK)
        changed = place.block == 0 or scene.chord(block - 1) != chord
        liveliness = 2 * self.params.density
        struck = strike(load_tables(), LEFT, place, scene.struck(block, LEFT), liveliness, rng)
        pitch = bass_pitch(chord, 0.0 if changed else rng.random())
        if pitch is None or not self.params.density or not (struck or changed):
            return []
        onset = block * BLOCK + (BLOCK // 2 if struck == 2 and not changed else 0)
        end = scene.chord_end(block, 4 if changed else 2)
        note = Note(onset, pitch, max(60, end - onset - 20), _loud(player.velocity - 2 + 6 * changed, rng))
        return scene.free(scene.bass, [note])

    def _comp(self, scene: _Scene, block: int, player: _Player, rng: np.random.Generator) -> list[PartNote]:
        chord, place = scene.chord(block), place_at(scene.score, block * BLOCK)
        # The more the player plays, the more room is left.
        busy = min(1.0, player.onsets / 12)
        liveliness = 2 * self.params.density * (1 - 0.7 * busy)
        struck = strike(load_tables(), RIGHT, place, scene.struck(block, RIGHT), liveliness, rng)
        size = 3 if rng.random() < self.params.density + 0.3 * (place.block % 4 == 0) - 0.3 * busy else 2
        length = (1, 2, 4)[pick((0.2 + busy, 0.5, 0.5), rng)]
        if not self.params.density:
            return []
        pitches = voicing(chord, self._middle(player), size)
        end = scene.chord_end(block, length)
        notes = []
        for bit, onset in ((1, block * BLOCK), (2, block * BLOCK + BLOCK // 2)):
            if struck & bit:
                stop = block * BLOCK + BLOCK // 2 if struck == 3 and bit == 1 else end
                loudness = player.velocity - 10 + 4 * (place.block == 0 and bit == 1)
                notes += [Note(onset, p, max(60, stop - onset - 20), _loud(loudness, rng)) for p in pitches]
        return scene.free(scene.lead, notes)

    def _middle(self, player: _Player) -> int:
        """Return the middle pitch of the chords, an octave away from where the player plays."""
        if player.pitch is None or abs(player.pitch - self.params.register) > 9:
            return self.params.register
        away = player.pitch - 12 if player.pitch - 12 >= SPLIT + 3 else player.pitch + 12
        return round(min(84, max(SPLIT + 6, away)))

    def _line(self, scene: _Scene, block: int) -> list[PartNote]:
        """Return the notes of `block` out of a phrase that lasts until the bar line."""
        start = scene.phrase_start(block)
        if start not in scene.phrases:
            score = scene.score
            end = score.bar_start(start) + score.meter_at(start).bar
            heard = scene.line_before(start)
            middle = round(sum(n.pitch for n in heard[-16:]) / len(heard[-16:])) if heard else 70
            middle = min(100, max(SPLIT + 10, middle))
            velocity = round(sum(n.velocity for n in heard[-16:]) / len(heard[-16:])) if heard else 76
            phrase = self._improviser.play(
                heard,
                Span(start, end),
                lambda tick: scene.chord(tick // BLOCK),
                scene.key(start // BLOCK),
                (middle - 10, middle + 12),
                scene.rng(start // BLOCK, 1),
            )
            scene.phrases[start] = [replace(note, velocity=velocity) for note in phrase]
        inside = Span(block * BLOCK, (block + 1) * BLOCK)
        return scene.free(scene.lead, [note for note in scene.phrases[start] if note.onset in inside])


class _Scene:
    """Hold one question's context, and what has been answered so far."""

    def __init__(self, context: Context, listener: Listener, seed: int) -> None:
        self.score: Score = context.score
        self.phrases: dict[int, list[Note]] = {}
        self._context = context
        self._listener = listener
        self._seed = seed
        self._chords: dict[int, Chord] = {}
        self._keys: dict[int, Key] = {}
        self._notes = sorted(
            (note for part in context.players if not part.is_drums for note in part.notes),
            key=attrgetter("onset", "pitch"),
        )
        pitched = [part for part in context.machines if not part.is_drums]
        self.bass = next(
            (p.name for p in pitched if 32 <= p.program <= 39 or "bass" in p.name.lower()), pitched[0].name
        )
        self.lead = next((p.name for p in pitched if p.name != self.bass), self.bass)
        self._machine = {part.name: list(part.notes) for part in pitched}
        self._longest = max((note.duration for note in self._notes), default=0)

    def rng(self, block: int, stream: int = 0) -> np.random.Generator:
        """Return the chance of one block, the same whenever it is asked for."""
        return np.random.default_rng([self._seed, block, stream])

    def chord(self, block: int) -> Chord:
        """Return the chord of a block: heard, where it is known, else expected; dreamt when nobody plays."""
        block = max(0, block)
        if block not in self._chords:
            if self._notes:
                self._hear(block)
            else:
                self._chords[block] = self._dream(block)
        return self._chords[block]

    def _hear(self, block: int) -> None:
        known = min(self._context.known_until, (block + 1 + AFTERWARDS) * BLOCK)
        follower = self._listener.follow(self._context, known)
        behind = -(-known // BLOCK) - 1 - block
        if behind >= 0:
            self._chords[block] = follower.heard(behind + 1)[0]
            self._keys[block] = follower.key
            return
        # Planned in whole stretches, so that a block's chord does not depend on which block was asked for first.
        stretches = -(behind // AHEAD)
        for i, chord in enumerate(follower.plan(stretches * AHEAD)[-AHEAD:], (stretches - 1) * AHEAD + 1):
            self._chords[block + behind + i] = chord
            self._keys[block + behind + i] = follower.key

    def key(self, block: int) -> Key:
        """Return the key of a block."""
        self.chord(block)
        return self._keys.get(block, Key(0))

    def _dream(self, block: int) -> Chord:
        """Return a chord of a progression in C major that moves at every bar line and comes home after eight bars."""
        bar = self.score.bar_start(block * BLOCK + BLOCK - 1)
        meter = self.score.meter_at(bar)
        bars = (bar - meter.tick) // meter.bar
        chord = Chord(0, "maj").index
        for i in range(bars // FORM * FORM + 1, bars + 1):
            odds = load_tables().move[0, chord] ** 1.5
            odds[0] = 0.0
            chord = pick(odds, self.rng((meter.tick + i * meter.bar) // BLOCK, 2))
        return Chord.from_index(chord)

    def chord_end(self, block: int, blocks: int) -> int:
        """Return the tick at which the chord of `block` stops, at most `blocks` blocks after its beginning."""
        last = block + 1
        while last < block + blocks and self.chord(last) == self.chord(block):
            last += 1
        return last * BLOCK

    def player(self, block: int) -> _Player:
        """Return how the player has been playing up to `block`, as far as it is known."""
        now = min(block * BLOCK, self._context.known_until)
        until = bisect_left(self._notes, block * BLOCK, key=_onset)
        recent = self._notes[bisect_left(self._notes, now - RECENT, key=_onset) : until]
        since = max((n.end for n in self._between(now - REST - LONGEST_ANSWER, block * BLOCK)), default=None)
        plays_now = any(n.end > block * BLOCK for n in self._between(block * BLOCK, (block + 1) * BLOCK))
        return _Player(
            len({n.onset for n in recent}),
            sum(n.pitch for n in recent) / len(recent) if recent else None,
            sum(n.velocity for n in recent) / len(recent) if recent else 74.0,
            None if plays_now or (since is not None and since + REST > now) else since,
        )

    def _between(self, start: int, end: int) -> list[Note]:
        """Return the player's notes that sound somewhere in [start, end)."""
        low = bisect_left(self._notes, start - self._longest, key=_onset)
        return [n for n in self._notes[low : bisect_left(self._notes, end, key=_onset)] if n.end > start]

    def phrase_start(self, block: int) -> int:
        """Return where the phrase that `block` belongs to begins: a bar line, or when the player has come to rest."""
        start = block * BLOCK
        index = bisect_left(self._notes, start, key=_onset)
        last = self._notes[index - 1].onset // BLOCK * BLOCK + BLOCK if index else 0
        return max(self.score.bar_start(start), min(last, start))

    def line_before(self, tick: int) -> list[Note]:
        """Return the line that a phrase beginning at `tick` continues: the player's, and the machine's own after it."""
        until = bisect_left(self._notes, tick, key=_onset)
        heard = top_line(self._notes[max(0, until - LEARNED) : until])
        if self._context.role == "accompany":
            return heard
        after = heard[-1].onset if heard else -1
        return heard + top_line(n for n in self._machine[self.lead] if after < n.onset < tick)

    def struck(self, block: int, hand: int) -> int:
        """Return a bit for each of the three blocks before in which the machine's hand struck, the last one lowest."""
        bits = 0
        for name in {self.bass, self.lead}:
            notes = self._machine[name]
            for note in notes[bisect_left(notes, (block - 3) * BLOCK, key=_onset) :]:
                if note.onset >= block * BLOCK:
                    break
                if (note.pitch >= SPLIT) == (hand == RIGHT):
                    bits |= 1 << (block - 1 - note.onset // BLOCK)
        return bits

    def free(self, name: str, notes: list[Note]) -> list[PartNote]:
        """Return the notes of a part whose pitch the part does not sound already."""
        before = self._machine[name]
        free = []
        for note in notes:
            late = before[bisect_left(before, note.onset - 4 * TICKS_PER_QUARTER, key=_onset) :]
            if not any(n.pitch == note.pitch and n.onset < note.onset < n.end for n in late):
                free.append(PartNote(name, note))
        return free

    def played(self, notes: list[PartNote]) -> None:
        """Remember notes as played; those the context already holds are not added again."""
        for name, note in notes:
            part = self._machine[name]
            place = bisect_left(part, note)
            if place == len(part) or part[place] != note:
                part.insert(place, note)


def _loud(velocity: float, rng: np.random.Generator) -> int:
    return int(min(120, max(20, velocity + rng.integers(-4, 5))))
