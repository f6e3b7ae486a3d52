"""What the place in the bar says of a drummer's limbs."""

import numpy as np
import pytest

from composer.generators.drumming import HABIT, placed

KICK, SNARE, CRASH, HAT = 36, 38, 49, 42
SIXTEENTH = 6
"""Positions of the grid."""


def likeliest(block, position=0, drums=(KICK, SNARE, HAT)):
    nats = placed(block, 8, position)
    return max(drums, key=lambda drum: nats[drum])


def test_each_limb_has_its_thousand_strokes():
    np.testing.assert_allclose(HABIT.sum(axis=1), 1000, atol=8)


def test_the_kick_has_the_first_beat_and_the_snare_the_second_and_fourth():
    assert [KICK, SNARE, SNARE] == [likeliest(block) for block in (0, 2, 6)]


def test_kick_and_crash_tell_the_first_beat_from_the_third():
    first, third = placed(0, 8, 0), placed(4, 8, 0)

    assert [True, True] == [bool(first[drum] - third[drum] > 0.5) for drum in (KICK, CRASH)]


def test_crashes_that_begin_most_bars_do_not_begin_every_bar():
    """A place says less of them than of a kick, however much rarer they are elsewhere."""
    kick, crash = (
        (HABIT[limb, 0] / HABIT[limb].mean(), placed(0, 8, 0)[drum]) for limb, drum in ((0, KICK), (2, CRASH))
    )

    assert crash[0] > kick[0]
    assert crash[1] / np.log(crash[0]) < kick[1] / np.log(kick[0])


def test_between_two_sixteenths_the_nearer_one_counts():
    assert placed(0, 8, SIXTEENTH).tolist() == placed(0, 8, SIXTEENTH - 2).tolist()
    assert placed(0, 8, 0).tolist() == placed(7, 8, 2 * SIXTEENTH - 1).tolist()


@pytest.mark.parametrize("blocks", [6, 7, 10])
def test_bars_of_another_length_say_nothing(blocks):
    assert not placed(0, blocks, 0).any()
