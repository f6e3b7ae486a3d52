"""Signatures: short patterns that recur across the works of a composer, found where phrases end.

Cope, Computers and Musical Style (1991) and Signatures and Earmarks (1998): patterns of a few beats whose intervals are
the same, or nearly, in several works. Nearly is controlled: intervals of one class count as alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.generators.groupings import REST, Database, Ints, masks

LONGEST, SHORTEST = 4, 2
"""Groupings of a signature."""
RECURS = 3
"""Works in which a pattern must be found to be a signature."""
OPEN, FULL = 1, 2
"""Kinds of cadence: on the dominant, and to the tonic from the dominant or subdominant."""

# Unison; seconds; thirds; fourths to fifths; wider.
_CLASSES = np.array([0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 4])
_N_CLASSES = 9
_TRIAD = 1 << 0 | 1 << 3 | 1 << 4 | 1 << 7
_DOMINANT = 1 << 7 | 1 << 11 | 1 << 2 | 1 << 5


class Endings(NamedTuple):
    """Hold, for each grouping, which kind of cadence ends there, 0 for none, and how long the signature is."""

    kind: NDArray[np.int8]
    length: NDArray[np.int8]
    """The groupings of the longest signature that ends here, or of the cadence alone."""
    works: Ints
    """In how many works its pattern is found, 0 for a cadence alone."""


def endings(database: Database) -> Endings:
    """Return the cadences of the works and the signatures they are made with."""
    kind = cadences(database)
    # The two chords of a cadence stay together in any case.
    length = np.where(kind > 0, SHORTEST, 0).astype(np.int8)
    works: Ints = np.zeros(database.size, dtype=np.int64)
    for size in range(SHORTEST + 1, LONGEST + 1):
        found = np.where(kind > 0, _recurrence(database, size), 0)
        recurs = found >= RECURS
        length[recurs], works[recurs] = size, found[recurs]
    return Endings(kind, length, works)


def cadences(database: Database) -> NDArray[np.int8]:
    """Return OPEN or FULL where a phrase ends in a cadence: both chords in root position, the last one a triad."""
    pitches = database.entering()
    bass = np.where(pitches[:, -1] == REST, REST, pitches[:, -1] % 12)
    chord, sounding = masks(database, 0, 1), masks(database)
    has_third = chord & (1 << 3 | 1 << 4) > 0
    is_tonic = (bass == 0) & (chord & ~_TRIAD == 0) & has_third
    is_open = (bass == 7) & (chord & ~_DOMINANT == 0) & (chord & 1 << 11 > 0)
    from_dominant = (bass == 7) & (sounding & 1 << 11 > 0) & (sounding & 1 << 7 > 0)
    from_subdominant = (bass == 5) & (chord & ~(1 << 5 | 1 << 8 | 1 << 9 | 1 << 0) == 0)
    follows = np.append(False, database.is_followed()[:-1])
    before = np.append(False, (from_dominant | from_subdominant)[:-1])
    ends = database.closes & follows
    found: NDArray[np.int8] = np.where(ends & is_tonic & before, FULL, np.where(ends & is_open, OPEN, 0)).astype(
        np.int8
    )
    return found


def _recurrence(database: Database, size: int) -> Ints:
    """Return in how many works the intervals of the `size` groupings that end at each one are found, about alike."""
    found: Ints = np.zeros(database.size, dtype=np.int64)
    if database.size < size:
        return found
    outer = database.entering()[:, [0, -1]]
    code = database.mode.astype(np.int64)
    is_whole = np.ones(database.size, dtype=bool)
    followed = database.is_followed()
    for back in range(size - 1):
        later, earlier = np.roll(outer, back, axis=0), np.roll(outer, back + 1, axis=0)
        for voice in range(2):
            code = code * _N_CLASSES + _class_of(later[:, voice] - earlier[:, voice])
        is_whole &= np.roll(followed, back + 1) & (np.roll(outer, back + 1, axis=0) != REST).all(1)
    is_whole &= (outer != REST).all(1)
    is_whole[: size - 1] = False
    pairs = np.unique(np.stack([code[is_whole], database.work[is_whole]]), axis=1)
    codes, works = np.unique(pairs[0], return_counts=True)
    if len(codes):
        found[is_whole] = works[np.searchsorted(codes, code[is_whole])]
    return found


def _class_of(interval: Ints) -> Ints:
    size = _CLASSES[np.minimum(np.abs(interval), 12)]
    found: Ints = np.where(interval < 0, -size, size) + _N_CLASSES // 2
    return found
