"""Where drummers strike: what the place in a bar of four quarters says for each limb, beside what a model says.

A model that reads its own drumming loops it well, and may hold the third beat for the first from the start: half of a
bar later most strokes are the same.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from composer.tokenizers import blocks as B

LIMBS = {"kick": (35, 36), "snare": (37, 38, 39, 40), "crash": (49, 52, 55, 57)}
"""General MIDI's drums that are told apart; every other one is a fourth limb, which mostly keeps time."""
PLACES = 16
"""Sixteenths of a bar of four quarters."""
BAR_BLOCKS = 8
STRICT = np.array([[3.0], [3.0], [1.25], [3.0]])
"""How much the place says beside the model, of each limb: it has read where in the bar a block is, and believes its own
loop more. Crashes, most of which begin a bar, would begin every bar."""
HABIT = np.array(
    [
        [226, 13, 51, 63, 68, 21, 65, 42, 120, 27, 78, 45, 71, 22, 57, 31],
        [37, 39, 40, 39, 160, 42, 44, 61, 55, 65, 48, 54, 152, 49, 52, 62],
        [596, 18, 32, 6, 59, 2, 21, 15, 57, 11, 16, 4, 73, 8, 40, 43],
        [106, 20, 82, 31, 110, 24, 86, 35, 105, 27, 85, 30, 115, 26, 85, 33],
    ]
)
"""Of 1,000 strokes of each limb, how many begin at each sixteenth of a bar of four quarters.

Kick, snare, crash and the others, each of 302 recordings counting as much as another: Groove's training split (Gillick
et al., Learning to Groove with Inverse Sequence Transformations, 2019, CC BY 4.0), counted as
composer.training.evaluation.meter counts.
"""


def placed(block: int, blocks: int, position: int) -> NDArray[np.float32]:
    """Return nats for each of the drums 0..127 at a grid position of a block of the bar; 0 says nothing.

    `block` counts from the bar line in a bar of `blocks`. Bars of another length than four quarters say nothing.
    """
    if blocks != BAR_BLOCKS:
        return np.zeros(128, np.float32)
    place = round((block * B.POSITIONS + position) * PLACES / (BAR_BLOCKS * B.POSITIONS))
    return np.asarray(_nats()[place % PLACES])


@lru_cache(maxsize=1)
def _nats() -> NDArray[np.float32]:
    """Return the nats by (PLACES, drums)."""
    limb = np.full(128, len(LIMBS))
    for i, pitches in enumerate(LIMBS.values()):
        limb[list(pitches)] = i
    odds = STRICT * np.log(HABIT * PLACES / 1000)
    return np.asarray(odds[limb].T, np.float32)
