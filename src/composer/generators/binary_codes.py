"""Rhythm, dynamics and ways of playing by random binary codes, and tone rows (Illiac Suite, Experiment III)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.music import Note, Score, Span

SLOT = 240
"""Ticks of one bit of a rhythm: an eighth."""
SLOTS = 4
"""Bits of a code, and eighths of a measure."""
MEASURE = SLOT * SLOTS


class Manner(NamedTuple):
    """Hold a way of playing: the sounding share of each note's time, what is added to its velocity, and its strokes."""

    name: str
    share: float
    accent: int = 0
    strokes: int = 1


MANNERS = (
    Manner("legato", 1.0),
    Manner("legato, accented", 1.0, 12),
    Manner("detached", 0.8),
    Manner("detached, accented", 0.8, 12),
    Manner("marcato", 0.6, 16),
    Manner("portato", 0.7, -4),
    Manner("spiccato", 0.4),
    Manner("staccato", 0.35, 6),
    Manner("pizzicato", 0.2),
    Manner("snap pizzicato", 0.15, 24),
    Manner("col legno", 0.15, -12),
    Manner("flautando", 0.95, -16),
    Manner("sul ponticello", 0.9, -8),
    Manner("muted", 0.9, -20),
    Manner("tremolo", 1.0, -4, 4),
    Manner("accented tremolo", 1.0, 10, 4),
)
"""What the sixteen codes of a playing instruction mean, as far as notes and velocities can say it."""


class Stroke(NamedTuple):
    """Hold an attack of one voice, before it has a pitch."""

    tick: int
    length: int
    velocity: int
    turn: int
    """Which note of the voice it belongs to, counted from 0; the strokes of a tremolo are one note."""


def measures(score: Score, phrase: Span) -> list[Span]:
    """Return the measures of four eighths in `phrase`, counted from each bar line; a bar's last one may be shorter."""
    found, bar = [], phrase.start
    while bar < phrase.end:
        start = score.bar_start(bar)
        following = [start + score.meter_at(bar).bar, phrase.end, *(m.tick for m in score.meters if m.tick > bar)]
        end = min(following)
        found += [Span(tick, min(tick + SLOT * SLOTS, end)) for tick in range(bar, end, MEASURE)]
        bar = end
    return found


def heard(line: Sequence[Note], measure: Span) -> int:
    """Return what was played in `measure` as a code: the first eighth is the highest bit."""
    code = 0
    for note in line:
        slot = round((note.onset - measure.start) / SLOT)
        if note.onset in measure and slot < SLOTS:
            code |= 1 << (SLOTS - 1 - slot)
    return code


def strokes(spans: Sequence[Span], voices: int, seed: int, loudness: int, rhythms: Sequence[int]) -> list[list[Stroke]]:
    """Return the attacks of each voice in a phrase of measures.

    For every group of measures chance throws four binary digits for each of: the voices that share one rhythm (vertical
    redundancy), the rhythms, the dynamics, the ways of playing; and how many measures the group lasts (horizontal
    redundancy). `rhythms` holds the code that the player had before each measure, 0 for none; the voices that share one
    rhythm take it over. A rhythm's 1 is an attack, its 0 goes on with what sounds.
    """
    attacks: list[list[tuple[int, int, Manner]]] = [[] for _ in range(voices)]
    codes: NDArray[np.int_] = np.zeros((4, voices), dtype=int)
    remaining = 0
    for index, measure in enumerate(spans):
        if not remaining:
            rng = np.random.default_rng([seed, measure.start, 3])
            remaining, codes = int(rng.integers(1, 4)), _thrown(rng, voices)
        remaining -= 1
        taken = rhythms[index]
        for voice in range(voices):
            together, rhythm, dynamic, manner = codes[:, voice]
            code = taken if together and taken else int(rhythm)
            velocity = loudness + 4 * (int(dynamic) - 8)
            attacks[voice] += [(tick, velocity, MANNERS[manner]) for tick in _ticks(code, measure)]
    end = spans[-1].end if spans else 0
    return [list(_lengths(voice, end)) for voice in attacks]


def _thrown(rng: np.random.Generator, voices: int) -> NDArray[np.int_]:
    shared = int(rng.integers(16))
    codes = rng.integers(16, size=(4, voices))
    codes[0] = [shared >> voice & 1 for voice in range(voices)]
    together = codes[0] == 1
    codes[1, together] = rng.integers(16)
    return codes


def _ticks(code: int, measure: Span) -> list[int]:
    slots = (measure.start + slot * SLOT for slot in range(SLOTS) if code >> (SLOTS - 1 - slot) & 1)
    return [tick for tick in slots if tick in measure]


def _lengths(attacks: list[tuple[int, int, Manner]], end: int) -> Iterator[Stroke]:
    for i, (tick, velocity, manner) in enumerate(attacks):
        until = attacks[i + 1][0] if i + 1 < len(attacks) else end
        whole = min(until - tick, MEASURE)
        for stroke in range(manner.strokes):
            part = max(1, whole // manner.strokes)
            loud = min(127, max(1, velocity + manner.accent))
            yield Stroke(tick + stroke * part, max(1, round(part * manner.share)), loud, i)


def tone_row(line: Sequence[Note], seed: int) -> tuple[int, ...]:
    """Return a row of all twelve pitch classes: in the order in which the player last played them, the rest by chance.

    The player's pitch classes are those of the last notes of `line`, each counted where it came first.
    """
    mine = list(dict.fromkeys(note.pitch % 12 for note in line[-24:]))
    rest = [int(p) for p in np.random.default_rng([seed, 12]).permutation(12) if p not in mine]
    return tuple(mine + rest)


def row_form(row: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
    """Return the row, its inversion, retrograde or retrograde inversion by chance, on any degree."""
    form, move = int(rng.integers(4)), int(rng.integers(12))
    turned = [-p for p in row] if form & 1 else list(row)
    if form & 2:
        turned.reverse()
    return tuple((p + move) % 12 for p in turned)
