"""SPEAC: what groupings do in a phrase, and the order in which phrases ask for them.

Cope, Computers and Musical Style (1991), chapter 2, and Virtual Music (2001): statement, preparation, extension,
antecedent and consequent, by tension and by what came before; the same labels order larger sections.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from composer.generators.groupings import REST, Database, masks

LABELS = "SPEAC"
S, P, E, A, C = range(len(LABELS))
FOLLOWS: dict[int, tuple[int, ...]] = {S: (P, E, A), P: (S, A, C), E: (S, P, A, C), A: (E, C), C: (S, P, E, A)}
"""Which labels may follow each one."""
FORM = (S, P, A, C)
"""The labels of four phrases: the third is left open, the fourth closes."""
TENSIONS = np.array([0.0, 1.0, 0.8, 0.225, 0.2, 0.55, 0.65, 0.1, 0.275, 0.25, 0.7, 0.9])
"""How tense each interval above the bass is, 0 to 1, in the order of roots that Cope took from acoustics."""
TENSE = 0.6
"""The mean tension from which a chord that is not the tonic's leads on."""
_STRONG = np.array([0.0, 0.05, 0.1])
"""What the place in the bar adds: weak beats are tenser."""

_TONIC = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 7


def tensions(database: Database) -> NDArray[np.float64]:
    """Return the tension of each grouping, from 0 up: of its intervals above the bass, and of its place in the bar."""
    pitches = database.entering()
    bass = np.where(pitches == REST, 128, pitches).min(1, keepdims=True)
    above = np.where(pitches == REST, 0.0, TENSIONS[(pitches - bass) % 12])
    voices = np.maximum(1, (pitches != REST).sum(1) - 1)
    found: NDArray[np.float64] = above.sum(1) / voices + _STRONG[database.place]
    return found


def labels(database: Database) -> NDArray[np.int8]:
    """Return the label of each grouping, an index of LABELS, judged in its own work."""
    tension, sounding = tensions(database), masks(database, 0, 1)
    pitches = database.entering()
    bass = np.where(pitches == REST, 128, pitches).min(1) % 12
    is_tonic = (sounding & ~_TONIC == 0) & (sounding & 1 > 0)
    leads = (sounding & 1 << 11 > 0) | ((bass == 7) & (sounding & 1 == 0)) | (tension > TENSE)
    found = np.where(is_tonic, S, np.where(leads, A, P)).astype(np.int8)
    is_same = np.append(False, (sounding[1:] == sounding[:-1]) & database.is_followed()[:-1])
    # What has come before decides between statement and consequent, extensions left aside.
    last = P
    starts = ~np.append(False, database.is_followed()[:-1])
    for i, label in enumerate(found.tolist()):
        if starts[i]:
            last = P
        if is_same[i]:
            found[i] = E
        elif label == S and last == A:
            found[i] = C
        if not is_same[i]:
            last = label
    return found


def walk(length: int, phrase: int, rng: np.random.Generator) -> list[int]:
    """Return labels for the `length` groupings of a phrase that is itself labelled `phrase`.

    They begin with a statement and end as their phrase must: an antecedent open, the others closed.
    """
    end = [A] if phrase == A else [A, C]
    found = [S]
    free = length - len(end)
    while len(found) < free:
        options = [label for label in FOLLOWS[found[-1]] if label != C or len(found) > 1]
        if len(found) == free - 1:
            options = [label for label in options if end[0] in FOLLOWS[label]]
        odds = np.array([2.0 if label == phrase else 1.0 for label in options])
        found.append(options[int(rng.choice(len(options), p=odds / odds.sum()))])
    return [*found[: max(0, free)], *end[max(0, -free) :]]
