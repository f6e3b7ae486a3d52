"""A counted hidden Markov model of harmony: which chord sounds, and which comes next, from the player's notes.

The hidden state is a key and a chord; nobody tells the model the key, it follows it (after Raphael and Stoddard,
Functional Harmonic Analysis Using Probabilistic Models, 2004; with chords of nine qualities instead of functions, and
counts from annotated songs instead of expectation maximisation).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from composer.generators.base import Context
from composer.generators.counts import BLOCK, Evidence, Floats, Place, Tables, hear, load_tables, place_at
from composer.music import TICKS_PER_QUARTER, Meter, Note, Score, Span
from composer.music.chords import N_CHORDS, QUALITIES, Chord, Key

__all__ = ["BLOCK", "HarmonyFollower", "Listener", "Place", "follow", "hear", "load_tables", "place_at"]

TRUST = 1.0
"""How much a quarter of a note counts against what the chords before make likely; tuned on the validation songs."""
EPOCH, AT_ONCE = 128, 4
"""Blocks between two beginnings of a long evening, and how many of them are heard in advance with each question."""
MEMORY = 16 * TICKS_PER_QUARTER
"""How long a held note is listened to, in ticks."""
RESTLESS = 1.0
"""What it costs to change the chord where chords never change, against 1 to 2 for a block with the right chord."""
SCALE_MARGIN, MODE_MARGIN = 1.5, 2.0
"""How many times likelier another scale, or the other key of the same scale, must be before it is announced, so that
the key shown does not flicker."""

# From chords counted from C to the same chords counted from each tonic, and back.
_ROLL = np.array(
    [
        [0, *(1 + (r - tonic) % 12 * len(QUALITIES) + q for r in range(12) for q in range(len(QUALITIES)))]
        for tonic in range(12)
    ]
)
_FROM_TONIC = (np.arange(12)[:, None] + np.arange(12)) % 12  # pitch classes counted from each tonic
_TONE = np.array([[p in Chord.from_index(i).pitch_classes for p in range(12)] for i in range(N_CHORDS)], dtype=float)
_SHARED = _TONE @ _TONE.T / np.maximum(1, _TONE.sum(1))[:, None]  # share of a chord's tones that another one has
_EVEN = np.full((2, 12, N_CHORDS), 1 / (24 * N_CHORDS))


@dataclass(frozen=True, slots=True)
class Belief:
    """Hold what is believed about one block when everything up to its end was heard."""

    state: Floats
    """Probability, (mode, tonic, chord), the chord counted from the tonic."""
    likelihood: Floats
    """What the block's notes said, in the same shape, up to a factor."""
    place: Place
    key: Key


class HarmonyFollower:
    """Follow key and chord, block by block; a `feed` takes a fraction of a millisecond.

    Blocks are numbered from the last one fed: `chord(1)` is the one to come, `chord(0)` the last one heard, and
    `chord(-3)` three before it, in the light of what came since.
    """

    def __init__(self, tables: Tables, beliefs: list[Belief] | None = None, first: int = 0) -> None:
        self.tables = tables
        self.beliefs = beliefs if beliefs is not None else []
        self.first = first
        """The number of the first block fed, counted from the beginning of the music."""

    @property
    def key(self) -> Key:
        """Return the key; it changes only when another one is clearly likelier. C major before anything was fed."""
        return self.beliefs[-1].key if self.beliefs else Key(0)

    @property
    def key_since(self) -> int:
        """Return the block from which on keys of the present scale were believed, counted from the beginning."""
        other = [i for i, belief in enumerate(self.beliefs) if belief.key.relative_major != self.key.relative_major]
        return self.first + (other[-1] + 1 if other else 0)

    def feed(self, evidence: Evidence, place: Place) -> None:
        """Hear one block; `evidence` comes from `hear`."""
        tables = self.tables
        if self.beliefs:
            state = self._step(self.beliefs[-1].state, place)
        else:
            state = np.repeat(tables.start[:, None, :], 12, axis=1) / 24
        weights = np.array(evidence)
        if weights.any():
            turned = weights[:, _FROM_TONIC].swapaxes(0, 1).reshape(12, -1)
            log = TRUST * (turned @ tables.emission)
            likelihood = np.exp(log - log.max())
        else:
            likelihood = np.ones_like(state)
        state = state * likelihood
        state /= state.sum()
        self.beliefs.append(Belief(state, likelihood, place, _key(state, self.key if self.beliefs else None)))

    def chord(self, lead: int = 1) -> Chord:
        """Return the chord to play `lead` blocks after the last one fed."""
        if lead <= 0:
            return self.heard(1 - lead)[0]
        return Chord.from_index(int(_gain(self._ahead(lead)[-1]).argmax()))

    def foresee(self, block: int, lead: int) -> Floats:
        """Return the probability of each chord (by Chord.index) in a block, from what was heard until `lead` before it.

        Blocks count from the beginning of the music. Where less was heard, what was heard decides; all chords are alike
        where nothing was.
        """
        last = min(block - lead - self.first, len(self.beliefs) - 1)
        if last < 0:
            return np.full(N_CHORDS, 1 / N_CHORDS)
        state, place = self.beliefs[last].state, self.beliefs[last].place
        for _ in range(block - self.first - last):
            place = place.next
            state = self._step(state, place)
        return _absolute(state)

    def heard(self, n: int) -> list[Chord]:
        """Return the chords of the last `n` blocks fed, each judged by what came before and after it."""
        past = self.beliefs[-n:]
        after = np.ones_like(_EVEN)
        states = []
        for belief in reversed(past):
            states.append(belief.state * after / (belief.state * after).sum())
            after = self._step_back(after * belief.likelihood, belief.place)
        path = self._path(states[::-1], [belief.place for belief in past])
        return [Chord()] * (n - len(path)) + path

    def plan(self, n: int) -> list[Chord]:
        """Return chords for the `n` blocks to come; like `heard`, the path moves where chords tend to move in a bar."""
        last = self.beliefs[-1:]
        states = [belief.state for belief in last] + self._ahead(n)
        places = [belief.place for belief in last]
        for _ in range(n):
            places.append(places[-1].next if places else Place(0))
        return self._path(states, places)[len(last) :]

    def _path(self, states: list[Floats], places: list[Place]) -> list[Chord]:
        """Return the chords that promise most in sum, less what changes cost (dynamic programming)."""
        score = np.zeros(N_CHORDS)
        came_from = []
        for i, (state, place) in enumerate(zip(states, places, strict=True)):
            best = int(score.argmax())
            moved = score[best] - RESTLESS * (1 - self.tables.change_at(place)) if i else 0.0
            came_from.append(np.where(score >= moved, np.arange(N_CHORDS), best))
            score = np.maximum(score, moved) + _gain(state)
        path = []
        chord = int(score.argmax())
        for back in reversed(came_from):
            path.append(Chord.from_index(chord))
            chord = int(back[chord])
        return path[::-1]

    def _ahead(self, n: int) -> list[Floats]:
        """Return the states of the `n` blocks to come."""
        if not self.beliefs:
            return [np.repeat(self.tables.start[:, None, :], 12, axis=1) / 24] * n
        state, place = self.beliefs[-1].state, self.beliefs[-1].place
        states = []
        for _ in range(n):
            place = place.next
            state = self._step(state, place)
            states.append(state)
        return states

    def _step(self, state: Floats, place: Place) -> Floats:
        if place.block == 0:
            state = _relative(np.tensordot(self.tables.modulation, _by_key(state), (0, 0)))
        change = self.tables.change_at(place)
        return (1 - change) * state + change * (state @ self.tables.move)

    def _step_back(self, after: Floats, place: Place) -> Floats:
        change = self.tables.change_at(place)
        after = (1 - change) * after + change * (after @ self.tables.move.transpose(0, 2, 1))
        if place.block == 0:
            after = _relative(self.tables.modulation @ _by_key(after))
        earlier: Floats = after / after.max()
        return earlier


def _by_key(state: Floats) -> Floats:
    """Return (key, chord) with chords as they are from (mode, tonic, chord counted from the tonic)."""
    return np.take_along_axis(state, _ROLL[None], 2).reshape(24, N_CHORDS)


def _relative(by_key: Floats) -> Floats:
    state: Floats = np.zeros((2, 12, N_CHORDS))
    np.put_along_axis(state, np.broadcast_to(_ROLL, state.shape), by_key.reshape(2, 12, N_CHORDS), 2)
    return state


def _absolute(state: Floats) -> Floats:
    """Return the probability of each chord, whatever the key."""
    chords: Floats = _by_key(state).sum(0)
    return chords


def promise(chords: Floats) -> Floats:
    """Return what each chord promises, from the probability of each: that it is right, or its tones at least in part.

    0..2: the chance that it is the right chord, and the expected share of its tones that are in the right one.
    """
    promised: Floats = chords + _SHARED @ chords
    return promised


def _gain(state: Floats) -> Floats:
    return promise(_absolute(state))


def _key(state: Floats, before: Key | None) -> Key:
    """Return the key: its scale first, of which a melody tells more than of the mode."""
    major, minor = state.sum(2)
    modes = np.stack([major, np.roll(minor, 3)])  # (mode, tonic of the major scale)
    scales = modes.sum(0)
    if before is not None:
        scales[before.relative_major] *= SCALE_MARGIN
        modes[int(before.mode == "minor"), before.relative_major] *= MODE_MARGIN
    tonic = int(scales.argmax())
    return Key((tonic - 3) % 12, "minor") if modes[1, tonic] > modes[0, tonic] else Key(tonic)


class Listener:
    """Follow the players of a context, remembering what was heard, so that the next question costs one block only.

    What it remembers never changes an answer: notes that were revised are heard again from the first difference. It
    begins with the bar of the first note; of a long evening it hears the last 256 to 383 blocks, from a multiple of 128
    on, and prepares for the next such beginning little by little.
    """

    def __init__(self, tables: Tables | None = None) -> None:
        self._tables = tables
        self._notes: tuple[tuple[Note, ...], ...] = ()
        self._meters: tuple[Meter, ...] = ()
        self._until = 0
        self._beliefs: dict[int, list[Belief]] = {}
        """What is believed by a follower that began with this block."""

    def follow(self, context: Context, until: int) -> HarmonyFollower:
        """Return what is believed when the players' notes up to tick `until` are known; drums are not listened to.

        Blocks are fed from the bar of the first note on. The last block may be known in part. Raises ModelError when
        the model is missing.
        """
        until = max(0, until)
        score = context.score
        notes = tuple(p.notes for p in context.players if not p.is_drums)
        onset = min((n[0].onset for n in notes if n), default=until)
        origin = min(score.bar_start(min(onset, until)), until) // BLOCK
        heard = until // BLOCK
        first = max(origin, (heard - 2 * EPOCH) // EPOCH * EPOCH)
        following = (first // EPOCH + 1) * EPOCH
        sound = self._agreement(notes, score.meters, until, first * BLOCK - MEMORY) // BLOCK
        kept = {begin: self._beliefs.get(begin, [])[: max(0, sound - begin)] for begin in (first, following)}
        self._notes, self._meters, self._until, self._beliefs = notes, score.meters, until, kept
        ready = following + len(kept[following])
        if ready < heard:
            self._feed(following, score, min(ready + AT_ONCE, heard) * BLOCK)
        return self._feed(first, score, until)

    def _feed(self, first: int, score: Score, until: int) -> HarmonyFollower:
        """Return the follower that began with block `first` and has heard everything up to `until`."""
        follower = HarmonyFollower(self._tables or load_tables(), self._beliefs[first], first)
        for start in range((first + len(follower.beliefs)) * BLOCK, until, BLOCK):
            span = Span(start, min(start + BLOCK, until))
            follower.feed(hear(_sounding(self._notes, span), span), place_at(score, start))
        return follower

    def _agreement(self, notes: tuple[tuple[Note, ...], ...], meters: tuple[Meter, ...], until: int, since: int) -> int:
        """Return the tick up to which everything from `since` on is as it was when last asked."""
        if len(notes) != len(self._notes) or meters != self._meters:
            return 0
        sound = min(until, self._until)
        recent = Span(max(0, since), max(0, since, until, self._until) + 1)
        for before, now in zip(self._notes, notes, strict=True):
            if before is now:
                continue
            old, new = _within(before, recent), _within(now, recent)
            same = min(len(old), len(new))
            if old[:same] != new[:same]:
                same = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
            sound = min((sound, *(later[same].onset for later in (old, new) if same < len(later))))
        return sound


def follow(context: Context, until: int) -> HarmonyFollower:
    """Return what is believed when the players' notes up to tick `until` are known, worked out from the beginning."""
    return Listener().follow(context, until)


def _sounding(notes: tuple[tuple[Note, ...], ...], span: Span) -> list[Note]:
    # A note held for longer than MEMORY is a drone; it no longer says which chord this is.
    recent = Span(max(0, span.start - MEMORY), span.end)
    return [note for part in notes for note in _within(part, recent) if note.end > span.start]


def _within(notes: tuple[Note, ...], span: Span) -> tuple[Note, ...]:
    low = bisect_left(notes, span.start, key=_onset)
    return notes[low : bisect_left(notes, span.end, lo=low, key=_onset)]


def _onset(note: Note) -> int:
    return note.onset
