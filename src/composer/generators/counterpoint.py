"""First-species counterpoint: rules that are switched one by one, and a search by random trial that obeys them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from composer.music.chords import Key

RULES = (
    "tritones", "repeats", "span", "recovery", "consonance", "unisons", "fifths", "octaves", "cadence",
)  # fmt: skip
"""The rules in the order in which they are switched on; the last one in is the first to be given up."""
Chord = tuple[int, ...]
"""What the voices sing at one moment, the lowest voice first."""

CONSONANT = frozenset((0, 3, 4, 7, 8, 9))
"""Semitones above the lowest voice, octaves left out."""
AMONG_UPPER = CONSONANT | {5}
"""Semitones between two upper voices; a fourth is a dissonance only above the lowest."""
UNSINGABLE = frozenset((6, 10, 11))
LEAP = 4
"""Semitones above which a skip is a leap, to be followed by a step back."""
OCTAVE = 12
ATTEMPTS = 4
"""How often a phrase is begun anew, with other luck, before a rule is given up."""
NEARNESS = 3.0
"""Semitones at which a note is e times less likely than a repetition when `steps` is 1."""


@dataclass(frozen=True, slots=True)
class Task:
    """Hold what a phrase must be: its moments, what is given, and the rules in force."""

    ticks: tuple[int, ...]
    """When each moment begins; luck depends on it and on the seed, on nothing else."""
    cantus: tuple[int | None, ...]
    """The pitch given at each moment, None where there is none."""
    ranges: tuple[tuple[int, int], ...]
    """Lowest and highest pitch of each voice, the lowest voice first."""
    key: Key
    rules: frozenset[str]
    seed: int
    stream: int = 0
    apart: tuple[int, ...] = ()
    """For each voice the least distance from the voice below it in semitones, 0 when nothing is said."""
    begun: tuple[Chord, ...] = ()
    """The chords of the first moments where they cannot be changed any more."""
    closes: bool = True
    """Whether the last moment ends a phrase."""
    steps: float = 0.5
    ahead: tuple[int | None, ...] = ()
    """What each voice sings at the last moment where that stands already, None where it is free; () for no such moment.

    The voices are led to it by the rules about motion; its sound, and how far it lies, is not theirs to judge.
    """


def triad(key: Key) -> tuple[int, int, int]:
    """Return the pitch classes of the tonic triad."""
    return key.scale[0], key.scale[2], key.scale[4]


class Search:
    """Hold one attempt: voice by voice, moment by moment, notes are tried in an order that chance decides."""

    def __init__(self, task: Task, rules: frozenset[str], attempt: int) -> None:
        """Prepare to obey `rules`; another `attempt` has other luck, and the last one is not wary."""
        self.is_exhausted = False
        """Whether every note that may be tried was tried in vain, so that other luck would not help."""
        self._task, self._rules, self._attempt = task, rules, attempt
        self._last = len(task.ticks) - 1
        self._voices = len(task.ranges)
        self._lines: list[list[int]] = [[chord[v] for chord in task.begun] for v in range(self._voices)]
        self._orders: dict[int, list[list[float]]] = {}
        self._triad = triad(task.key)
        self._is_closing = "cadence" in rules and task.closes
        # Where nobody knows what comes next, a leap might make it impossible to step back in consonance.
        self.is_wary = "recovery" in rules and not task.closes and not task.ahead and attempt < ATTEMPTS - 1
        self._barred = frozenset(
            step
            for step in range(128)
            if ("repeats" in rules and not step) or ("tritones" in rules and step % OCTAVE in UNSINGABLE)
        )
        low, high = min(low for low, _ in task.ranges), max(high for _, high in task.ranges)
        scale = frozenset(task.key.scale)
        self._pitches = [p for p in range(low, high + 1) if p % 12 in scale]
        # The leading tone of a minor key is raised where it leads.
        raised = scale | {(task.key.tonic - 1) % 12} - {(task.key.tonic - 2) % 12}
        self._closing = [p for p in range(low, high + 1) if p % 12 in raised]

    def run(self, trials: int) -> list[list[int]] | None:
        """Return the voices' lines, None when the attempt came to nothing; `trials` notes may be tried."""
        begun = len(self._task.begun)
        missing = (self._last + 1 - begun) * self._voices
        trails: list[Iterator[int]] = []
        while len(trails) < missing:
            trails.append(self._candidates(*divmod(begun * self._voices + len(trails), self._voices)))
            while (pitch := next(trails[-1], None)) is None:
                trails.pop()
                if not trails:
                    self.is_exhausted = True
                    return None
                self._lines[(len(trails) - 1) % self._voices].pop()
            trials -= 1
            if trials < 0:
                return None
            self._lines[(len(trails) - 1) % self._voices].append(pitch)
        return self._lines

    def _candidates(self, moment: int, voice: int) -> Iterator[int]:
        """Yield the pitches of a voice that break no rule, in the order of chance, near ones rather than far ones."""
        line = self._lines[voice]
        luck, pull = self._luck(moment)[voice], self._task.steps / NEARNESS
        pitches = self._singable(moment, voice)
        if self._given(moment, voice) is None:
            pitches = self._consonant(moment, voice, pitches)
        if line and pull:
            before = line[-1]
            pitches.sort(key=lambda p: luck[p] + pull * abs(p - before))
        else:
            pitches.sort(key=luck.__getitem__)
        if moment:
            pitches = self._apart(moment, voice, pitches)
        if self._task.ahead and moment == self._last - 1:
            return (p for p in pitches if self._leads(voice, p))
        return (p for p in pitches if not self._is_closing or self._may_close(moment, voice, p))

    def _given(self, moment: int, voice: int) -> int | None:
        """Return what stands already where a phrase leads to, None where a voice is free."""
        return self._task.ahead[voice] if self._task.ahead and moment == self._last else None

    def _luck(self, moment: int) -> list[list[float]]:
        if moment not in self._orders:
            task = self._task
            rng = np.random.default_rng([task.seed, task.ticks[moment], task.stream, self._attempt])
            # The logarithm of exponential waiting times: adding to it makes a pitch wait longer in proportion.
            self._orders[moment] = np.log(rng.exponential(size=(self._voices, 128))).tolist()
        return self._orders[moment]

    def _singable(self, moment: int, voice: int) -> list[int]:
        """Return the pitches in a voice's range and key that obey the melodic rules in force."""
        task, rules, line = self._task, self._rules, self._lines[voice]
        low, high = task.ranges[voice]
        if voice:
            low = max(low, self._lines[voice - 1][moment] + (task.apart[voice] if task.apart else 0))
        pool = self._closing if self._is_closing and moment == self._last - 1 else self._pitches
        if (given := self._given(moment, voice)) is not None:
            pool, low, high = [given], given, given
        if not line:
            return [p for p in pool if low <= p <= high]
        before = line[-1]
        if "span" in rules and given is None:
            low, high = max(low, max(line) - OCTAVE), min(high, min(line) + OCTAVE)
        if self.is_wary and moment == self._last:
            low, high = max(low, before - LEAP), min(high, before + LEAP)
        if "recovery" in rules and len(line) > 1 and abs(leap := before - line[-2]) > LEAP:
            back = (before - 2, before - 1) if leap > 0 else (before + 1, before + 2)
            low, high = max(low, back[0]), min(high, back[1])
        return [p for p in pool if low <= p <= high and abs(p - before) not in self._barred]

    def _consonant(self, moment: int, voice: int, pitches: list[int]) -> list[int]:
        """Return those of `pitches` that are consonant with what is placed or given at a moment."""
        given = self._task.cantus[moment]
        sounding = [line[moment] for line in self._lines[:voice]] + ([] if given is None else [given])
        if "consonance" not in self._rules or not sounding:
            return pitches
        lowest = min(sounding)
        return [p for p in pitches if _is_consonant(p, sounding, min(p, lowest))]

    def _apart(self, moment: int, voice: int, pitches: list[int]) -> list[int]:
        """Return those of `pitches` that no voice that is placed or given at a moment leads to in parallel."""
        before = self._lines[voice][moment - 1]
        for other_before, other in self._moves(moment, voice):
            if other != other_before and abs(before - other_before) % OCTAVE in (0, 7):
                pitches = [p for p in pitches if not self._is_parallel(before, p, other_before, other)]
        return pitches

    def _moves(self, moment: int, voice: int) -> list[tuple[int, int]]:
        """Return from where to where the voices below one and the given one go at a moment."""
        cantus = self._task.cantus
        moves = [(line[moment - 1], line[moment]) for line in self._lines[:voice]]
        if (earlier := cantus[moment - 1]) is not None and (given := cantus[moment]) is not None:
            moves.append((earlier, given))
        return moves

    def _is_parallel(self, before: int, pitch: int, other_before: int, other: int) -> bool:
        first, second = abs(before - other_before), abs(pitch - other)
        if before == pitch or other_before == other or (second - first) % OCTAVE:
            return False
        if first % OCTAVE == 7:
            return "fifths" in self._rules
        return not first % OCTAVE and ("unisons" if first == second == 0 else "octaves") in self._rules

    def _leads(self, voice: int, pitch: int) -> bool:
        """Return whether a voice may go from `pitch`, at the last moment but one, to what stands at the last one."""
        goal, line = self._task.ahead[voice], self._lines[voice]
        if goal is None:
            return True
        step = goal - pitch
        if abs(step) in self._barred:
            return False
        leap = pitch - line[-1] if line and "recovery" in self._rules else 0
        if abs(leap) > LEAP and not 0 < (-step if leap > 0 else step) <= 2:
            return False
        before, given = self._task.cantus[-2:]
        moves: list[tuple[int | None, int | None]] = [(before, given)]
        moves += [(lower[-1], after) for lower, after in zip(self._lines[:voice], self._task.ahead, strict=False)]
        return not any(a is not None and b is not None and self._is_parallel(pitch, goal, a, b) for a, b in moves)

    def _may_close(self, moment: int, voice: int, pitch: int) -> bool:
        """Return whether a pitch lets the phrase end: the tonic below, the triad above, the leading tone resolved."""
        tonic, given = self._task.key.tonic, self._task.cantus[moment]
        alone = self._voices == 1 and given is None
        if alone and moment == 0 and not self._task.begun:
            return pitch % 12 == tonic
        if moment < self._last - 1:
            return True
        is_whole = voice == self._voices - 1
        if moment == self._last - 1:
            sung = [pitch, *(line[moment] for line in self._lines[:voice]), *(() if given is None else (given,))]
            leads = any((p + 1) % 12 == tonic for p in sung)
            return not is_whole or leads or (alone and pitch % 12 == self._task.key.scale[1])
        if alone:
            return pitch % 12 == tonic and abs(pitch - self._lines[0][-1]) <= 2
        if pitch % 12 not in self._triad:
            return False
        if voice == 0 and min(pitch, pitch if given is None else given) % 12 != tonic:
            return False
        return not is_whole or self._resolves(voice, pitch)

    def _resolves(self, voice: int, pitch: int) -> bool:
        moves = [(line[-2], line[-1]) for line in self._lines[:voice]] + [(self._lines[voice][-1], pitch)]
        before, last = self._task.cantus[-2:]
        if before is not None and last is not None:
            moves.append((before, last))
        return any(b - a == 1 and b % 12 == self._task.key.tonic for a, b in moves)


def _is_consonant(pitch: int, sounding: list[int], lowest: int) -> bool:
    for other in sounding:
        if abs(pitch - other) % OCTAVE not in (CONSONANT if lowest in (pitch, other) else AMONG_UPPER):
            return False
    return True
