"""The scene of one question: what the player played, which chords sound, and what the machine has answered so far."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from operator import attrgetter
from statistics import fmean as mean

import numpy as np

from composer.errors import UsageError
from composer.generators.base import Context, PartNote
from composer.generators.comping import RIGHT, SPLIT
from composer.generators.constrained import pick
from composer.generators.counts import BLOCK, load_tables
from composer.generators.gap import following
from composer.generators.harmony import Listener
from composer.generators.viewpoints import top_line
from composer.music import TICKS_PER_QUARTER, Note, Part, Score
from composer.music.chords import Chord, Key

_onset = attrgetter("onset")
AHEAD = 16
"""Blocks of harmony planned at once beyond what is known."""
AFTERWARDS = 8
"""Blocks after the one in question that are listened to, where they are known already."""
FORM = 8
"""Bars after which a progression comes home when nobody plays."""
HOME = Chord(0, "maj").index
"""The chord of the tonic in C."""
RESTED = 2
"""Bars of the player's rest after which the harmony moves on by itself."""
LEARNED = 400
"""Notes of the player's line that phrases are learned from, the latest ones."""
LATELY = 64
"""Notes of the player, at most, among which the latest of the line are looked for."""
LOWEST_MIDDLE = 36
"""The deepest middle of a line that has no accompaniment below it."""
REST = 2 * TICKS_PER_QUARTER
"""Ticks of the player's silence after which a line of the machine may answer."""
LONGEST_ANSWER = 8 * TICKS_PER_QUARTER
REACH = 16 * TICKS_PER_QUARTER
"""Ticks from the beginning of a phrase to a note that it leads to, at most."""
RECENT = 4 * TICKS_PER_QUARTER
"""Ticks of the past that say how dense, how loud and how high the player plays."""


@dataclass(frozen=True, slots=True)
class Player:
    """Hold how the player has been playing just before a block."""

    onsets: int
    pitch: float | None
    """The mean of the line's last sixteen notes, None before the first one."""
    velocity: float
    silent_since: int | None
    """The tick at which the last note stopped, None before the first note."""


@dataclass(frozen=True, slots=True)
class Manner:
    """Hold how high and how loud a line should be."""

    middle: int
    velocity: float


@dataclass(frozen=True, slots=True)
class Wishes:
    """Hold what the player has decided instead of the ear: the key, and a chord for each bar, over and over."""

    key: Key | None = None
    chords: tuple[Chord, ...] = ()

    @classmethod
    def parse(cls, key: str, chords: str) -> Wishes:
        """Return the wishes of a key's name or "auto", and of chord symbols with spaces; UsageError for no chord."""
        try:
            return cls(None if key == "auto" else Key.parse(key), tuple(map(Chord.parse_symbol, chords.split())))
        except ValueError as error:
            raise UsageError(
                f"chords cannot be {chords!r}: {error}; write one chord for each bar, as in C Am F G7"
            ) from None


class Scene:
    """Hold one question's context, and what has been answered so far."""

    def __init__(
        self,
        context: Context,
        listener: Listener,
        seed: int,
        wishes: Wishes | None = None,
        broken: Part | None = None,
        begin: int = 0,
    ) -> None:
        """Listen to the players of `context`, and to the line `broken` by a gap, which then is the one continued.

        `begin` is where the question's span begins.
        """
        self._asked, self._begin = context, begin
        if broken is not None:
            context = replace(context, score=replace(context.score, parts=(*context.score.parts, broken)))
        self.score: Score = context.score
        self._wishes = wishes or Wishes()
        self.phrases: dict[int, list[Note]] = {}
        self._context = context
        self.sings: bool = context.role != "accompany" or broken is not None
        """Whether the machine plays a line of its own and no accompaniment."""
        self._listener = listener
        self._seed = seed
        self._chords: dict[int, Chord] = {}
        self._keys: dict[int, Key] = {}
        self._notes = sorted(
            (n for part in ((broken,) if broken else context.players) if not part.is_drums for n in part.notes),
            key=attrgetter("onset", "pitch"),
        )
        pitched = [part for part in context.machines if not part.is_drums]
        self.bass = next(
            (p.name for p in pitched if 32 <= p.program <= 39 or "bass" in p.name.lower()), pitched[0].name
        )
        self.lead = next((p.name for p in pitched if p.name != self.bass), self.bass)
        self.line = next((p.name for p in pitched if "lead" in p.name.lower() and p.name != self.bass), self.lead)
        self._machine = {part.name: list(part.notes) for part in pitched}
        self._longest = max((note.duration for note in self._notes), default=0)

    def rng(self, block: int, stream: int = 0) -> np.random.Generator:
        """Return the chance of one block, the same whenever it is asked for."""
        return np.random.default_rng([self._seed, block, stream])

    def chord(self, block: int) -> Chord:
        """Return the chord of a block: wished for, or heard where it is known, else expected; dreamt for nobody."""
        block = max(0, block)
        if chords := self._wishes.chords:
            return chords[self.score.bar_number(self._bar(block)) % len(chords)]
        return self._found(block)

    def _found(self, block: int) -> Chord:
        if block not in self._chords:
            if not self._notes:
                self._chords[block] = self._dream(block)
            elif (since := self._resting(block)) is not None:
                self._chords[block], self._keys[block] = self._dream_on(block, since)
            else:
                self._hear(block)
        return self._chords[block]

    def _resting(self, block: int) -> int | None:
        """Return the bar line from which nothing is heard any more at `block`, None while the player's harmony counts.

        That is two bars after the last note, and ends with the bar in which the next one is known to come.
        """
        bar = self._bar(block)
        index = bisect_left(self._notes, bar, key=_onset)
        before = self._notes[max(0, index - LATELY) : index]
        length = self.score.meter_at(bar).bar
        if not before or any(n.onset < bar + length for n in self._notes[index : index + 1]):
            return None
        rested = max(note.end for note in before) + RESTED * length
        line = self.score.bar_start(rested)
        line += (line < rested) * self.score.meter_at(line).bar
        return line if line <= bar else None

    def _dream_on(self, block: int, since: int) -> tuple[Chord, Key]:
        """Return a chord, and the key, of a progression that leaves at the bar line `since` where the player was."""
        left = since // BLOCK - 1
        key = self.key(left)
        tonic = key.relative_major
        chord, bar, bars = self._found(left).transpose(-tonic).index, since, 0
        while bar <= self._bar(block):
            bars += 1
            chord = HOME if bars % FORM == 0 else self._moved(chord, bar)
            bar += self.score.meter_at(bar).bar
        return Chord.from_index(chord).transpose(tonic), key

    def _moved(self, chord: int, bar: int) -> int:
        """Return a chord that chance chooses after another one, both in C, at the bar line `bar`."""
        odds = load_tables().move[0, chord] ** 1.5
        odds[0] = 0.0
        return pick(odds, self.rng(bar // BLOCK, 2))

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
            if self._resting(block + behind + i) is None:
                self._chords[block + behind + i] = chord
                self._keys[block + behind + i] = follower.key

    def key(self, block: int) -> Key:
        """Return the key of a block."""
        if self._wishes.key:
            return self._wishes.key
        self._found(max(0, block))
        return self._keys.get(block, Key(0))

    def _dream(self, block: int) -> Chord:
        """Return a chord of a major progression that moves at every bar line and comes home after eight bars."""
        bar = self._bar(block)
        meter = self.score.meter_at(bar)
        bars = (bar - meter.tick) // meter.bar
        chord = HOME
        for i in range(bars // FORM * FORM + 1, bars + 1):
            chord = self._moved(chord, meter.tick + i * meter.bar)
        return Chord.from_index(chord).transpose(self._wishes.key.tonic if self._wishes.key else 0)

    def _bar(self, block: int) -> int:
        """Return the bar line of a block; one inside it counts as its beginning."""
        return self.score.bar_start(block * BLOCK + BLOCK - 1)

    def chord_end(self, block: int, blocks: int) -> int:
        """Return the tick at which the chord of `block` stops, at most `blocks` blocks after its beginning."""
        last = block + 1
        while last < block + blocks and self.chord(last) == self.chord(block):
            last += 1
        return last * BLOCK

    @property
    def is_alone(self) -> bool:
        """Return whether no player has played a note with a pitch."""
        return not self._notes

    def is_over(self, block: int) -> bool:
        """Return whether it is known that from `block` on nobody plays any more."""
        end = (block + 1) * BLOCK
        return end <= self._context.known_until and not (self._notes and self._notes[-1].onset >= block * BLOCK)

    def player(self, block: int) -> Player:
        """Return how the player has been playing up to `block`, as far as it is known."""
        now = min(block * BLOCK, self._context.known_until)
        until = bisect_left(self._notes, block * BLOCK, key=_onset)
        recent = self._notes[bisect_left(self._notes, now - RECENT, key=_onset) : until]
        line = self._lately(block * BLOCK)
        latest = self._between(now - REST - LONGEST_ANSWER, block * BLOCK) or self._notes[max(0, until - 1) : until]
        since = max((n.end for n in latest), default=None)
        plays_now = any(n.end > block * BLOCK for n in self._between(block * BLOCK, (block + 1) * BLOCK))
        return Player(
            len({n.onset for n in recent}),
            mean(n.pitch for n in line) if line else None,
            mean(n.velocity for n in recent or line) if line else 74.0,
            None if plays_now or (since is not None and since + REST > now) else since,
        )

    def _between(self, start: int, end: int) -> list[Note]:
        """Return the player's notes that sound somewhere in [start, end)."""
        low = bisect_left(self._notes, start - self._longest, key=_onset)
        return [n for n in self._notes[low : bisect_left(self._notes, end, key=_onset)] if n.end > start]

    def begun(self, start: int, end: int) -> list[Note]:
        """Return the player's notes that begin in [start, end), as far as they are known."""
        return self._notes[bisect_left(self._notes, start, key=_onset) : bisect_left(self._notes, end, key=_onset)]

    def phrase_start(self, block: int) -> int:
        """Return where the phrase that `block` belongs to begins: a bar line, or when the player has come to rest."""
        start = block * BLOCK
        index = bisect_left(self._notes, start, key=_onset)
        last = self._notes[index - 1].onset // BLOCK * BLOCK + BLOCK if index else 0
        return max(self.score.bar_start(start), min(last, start))

    def phrase_end(self, start: int) -> tuple[int, Note | None]:
        """Return where a phrase that begins at `start` ends, and the note that it leads to.

        It ends with the bar, and leads nowhere that is known; or it ends where a gap does, up to four bars of four
        quarters later, and leads to what stands behind the gap, or to the player's next note.
        """
        bar = self.score.bar_start(start)
        end = bar + self.score.meter_at(start).bar
        found = following(self._asked, self._begin, start)
        if not found:
            return end, None
        goal = found[-1].note
        line = self.score.bar_start(goal.onset)
        # A gap in the machine's own part ends with a bar, and the player's turn begins with a note.
        far = line if found[-1].part in self._machine and line > start else goal.onset
        if far > start + REACH or goal.onset > far + REST:
            return min(end, goal.onset), None
        return far, goal

    def heard_before(self, tick: int) -> list[Note]:
        """Return the player's line before `tick`, the latest of it."""
        until = bisect_left(self._notes, tick, key=_onset)
        return top_line(self._notes[max(0, until - LEARNED) : until])

    def line_before(self, tick: int) -> list[Note]:
        """Return the line that a phrase beginning at `tick` continues: the player's, and the machine's own after it."""
        heard = self.heard_before(tick)
        if not self.sings and self.line == self.lead:
            return heard
        after = heard[-1].onset if heard else -1
        return heard + top_line(n for n in self._machine[self.line] if after < n.onset < tick)[-LEARNED:]

    def manner(self, tick: int) -> Manner:
        """Return how high and how loud the player's line was before `tick`; beside the accompaniment it stays above."""
        line = self._lately(tick)
        lowest = LOWEST_MIDDLE if self.sings else SPLIT + 10
        if not line:
            return Manner(70, 76.0)
        middle = round(mean(n.pitch for n in line))
        return Manner(min(100, max(lowest, middle)), mean(n.velocity for n in line))

    def _lately(self, tick: int) -> list[Note]:
        """Return the last sixteen notes of the player's line before `tick`."""
        until = bisect_left(self._notes, tick, key=_onset)
        return top_line(self._notes[max(0, until - LATELY) : until])[-16:]

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
