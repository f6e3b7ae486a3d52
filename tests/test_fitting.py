"""The music that a published checkpoint is fitted by, and the other music by which that is judged."""

import numpy as np
import pytest

from composer.commands import fitting
from composer.generators.groupings import BEGAN, GOES_ON, Database
from composer.tokenizers import amt


@pytest.fixture(scope="module")
def both():
    return fitting.pieces(), fitting.held_out()


def triples(piece):
    return amt.triples(piece[4:])


def test_every_piece_fills_the_context_with_music_that_is_possible(both):
    pieces, held_out = both

    assert (12, 6) == (len(pieces), len(held_out))
    for piece in pieces + held_out:
        assert amt.CONTEXT == len(piece)
        assert all(t.time % amt.CONTROL_OFFSET < amt.MAX_TIME for t in triples(piece))


def test_half_of_them_are_told_a_voice_ahead_and_half_have_a_drummer(both):
    for pieces in both:
        told = [any(t.is_control for t in triples(piece)) for piece in pieces]
        drummed = [amt.DRUMS in amt.instruments(triples(piece)) for piece in pieces]

        assert len(pieces) // 2 == sum(told)
        assert [amt.ANTICIPATE if ahead else amt.AUTOREGRESS for ahead in told] == [piece[0] for piece in pieces]
        assert 0 < sum(drummed) < len(pieces)


def test_no_piece_comes_twice_and_all_are_the_same_every_time(both):
    pieces, held_out = both

    assert both == (fitting.pieces(), fitting.held_out())
    assert 18 == len({tuple(piece) for piece in pieces + held_out})


def test_a_note_over_the_beat_is_one_note():
    notes = np.array([[0, 24, 60, 0, GOES_ON], [0, 12, 60, 0, BEGAN], [12, 12, 62, 0, 0]], np.uint8)
    zeros = np.zeros(2, np.uint8)
    database = Database(
        notes, np.array([0, 1, 3]), np.array([7, 7]), np.array([2, 3]), zeros, zeros, zeros.astype(bool)
    )

    assert [(0, 36, 60), (36, 12, 62)] == [note[:3] for note in fitting._notes(database, 7)]
