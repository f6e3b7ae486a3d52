"""Phrases set in counterpoint: trial after trial, and the rules given up where none comes to anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from composer.generators.counterpoint import AMONG_UPPER, ATTEMPTS, CONSONANT, RULES, Chord, Search, Task, triad

TRIALS = 8
"""Notes that may be tried for each note of a phrase in one attempt, and a dozen times as many at least."""
STRETCH = 8
"""Moments that are written at once; up to twice as many where the phrase ends."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Hold the chords of a phrase, one for each moment, and the rules that had to be given up for it."""

    chords: tuple[Chord, ...]
    relaxed: tuple[str, ...] = ()


def solve(task: Task) -> Setting:
    """Return a setting by random trial and rejection, with bounded backtracking; it always finds one.

    Where the rules leave no way, or none that a bounded search finds, they are given up one by one, last in first out:
    the cadence first, the tritone last. Long phrases are written in stretches, so that a rule given up in one holds in
    the others. Pure: the same task has the same answer.
    """
    chords: tuple[Chord, ...] = task.begun
    relaxed: tuple[str, ...] = ()
    while len(task.ticks) - len(chords) > 2 * STRETCH:
        until = len(chords) + STRETCH
        ticks, cantus = task.ticks[:until], task.cantus[:until]
        stretch = replace(task, ticks=ticks, cantus=cantus, begun=chords, closes=False, ahead=())
        setting = _solve_stretch(stretch)
        chords, relaxed = setting.chords, (*relaxed, *setting.relaxed)
    setting = _solve_stretch(replace(task, begun=chords))
    given_up = {*relaxed, *setting.relaxed}
    return Setting(setting.chords, tuple(rule for rule in reversed(RULES) if rule in given_up))


@lru_cache(maxsize=256)
def _solve_stretch(task: Task) -> Setting:
    in_force = [rule for rule in RULES if rule in task.rules]
    relaxed: list[str] = []
    if "cadence" in in_force and not _closable(task):
        in_force.remove("cadence")
        relaxed += ["cadence"] * task.closes
    lines = _tried(task, frozenset(in_force), range(ATTEMPTS), TRIALS)
    while lines is None:
        relaxed.append(in_force.pop())
        # An answer that gives up a rule must not take longer than one that keeps all of them.
        lines = _tried(task, frozenset(in_force), (0, ATTEMPTS - 1), TRIALS // 2)
    return Setting(tuple(zip(*lines, strict=True)), tuple(relaxed))


def _tried(task: Task, rules: frozenset[str], attempts: Iterable[int], trials: int) -> list[list[int]] | None:
    """Return the voices' lines of the first attempt that comes to something, None when none does."""
    missing = (len(task.ticks) - len(task.begun)) * len(task.ranges)
    hopeless: set[bool] = set()
    for attempt in attempts:
        search = Search(task, rules, attempt)
        if search.is_wary in hopeless:
            continue
        if (lines := search.run(trials * (missing + 12))) is not None:
            return lines
        if search.is_exhausted:
            hopeless.add(search.is_wary)
    return None


def _closable(task: Task) -> bool:
    """Return whether the given line lets the phrase end in its key, as far as its last two notes say."""
    if not task.closes or len(task.cantus) < 2 or len(task.begun) >= len(task.ticks):
        return False
    before, last = task.cantus[-2:]
    if last is not None and last % 12 not in triad(task.key):
        return False
    if len(task.begun) == len(task.ticks) - 1:
        sung = (*task.begun[-1], *(() if before is None else (before,)))
        return any((pitch + 1) % 12 == task.key.tonic for pitch in sung)
    if before is None or "consonance" not in task.rules:
        return True
    distance = (before - task.key.tonic + 1) % 12
    fitting = CONSONANT if len(task.ranges) == 1 else AMONG_UPPER
    return distance in fitting or -distance % 12 in fitting
