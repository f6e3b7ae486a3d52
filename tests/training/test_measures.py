"""Measures of accompaniment on examples small enough to sing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.music import Meter, Note, Score, Span
from composer.music.chords import Chord
from composer.training.measures import (
    Quotations,
    chord_share,
    consonance,
    density,
    off_grid,
    on_grid,
    onset_interval_distance,
    onset_intervals,
    pitch_class_distance,
    places_in_bar,
    value_distance,
)

C_THEN_G = ((0, 480, Chord(0, "maj")), (480, 960, Chord(7, "7")), (960, 1440, Chord()))


@pytest.mark.parametrize(
    ("note", "share"),
    [
        (Note(0, 64, 480), 1.0),
        (Note(0, 64, 960), 0.5),
        (Note(0, 64, 600), 0.8),
        (Note(240, 67, 720), 1.0),
        (Note(480, 65, 960), 1.0),
        (Note(0, 61, 960), 0.0),
        (Note(960, 60, 480), 0.0),
    ],
)
def test_chord_share_is_time_on_chord_tones(note, share):
    assert share == chord_share([note], C_THEN_G)


def test_chord_share_weighs_notes_by_duration():
    assert 0.75 == chord_share([Note(0, 60, 360), Note(360, 61, 120)], C_THEN_G)


@pytest.mark.parametrize(
    ("pitch", "share"),
    [(60, 1), (61, 0), (62, 0), (63, 1), (64, 1), (65, 1), (66, 0), (67, 1), (68, 1), (69, 1), (70, 0), (71, 0)],
)
def test_consonant_intervals_below_and_above(pitch, share):
    assert share == consonance([Note(0, pitch, 480)], [Note(0, 72, 480)])


def test_consonance_counts_only_time_together():
    assert 0.5 == consonance([Note(0, 60, 960)], [Note(240, 61, 120), Note(480, 64, 120), Note(2000, 61, 480)])


def test_consonance_of_silence_is_zero():
    assert 0.0 == consonance([], [Note(0, 60, 480)])


def test_pitch_class_distance_is_zero_an_octave_apart_and_one_without_common_tones():
    assert 0.0 == pitch_class_distance([Note(0, 60, 480)], [Note(0, 72, 240)])
    assert 1.0 == pitch_class_distance([Note(0, 60, 480)], [Note(0, 61, 480)])
    assert 0.5 == pitch_class_distance([Note(0, 60, 480)], [Note(0, 60, 480), Note(0, 61, 480)])


def test_density_is_notes_a_quarter():
    assert 1.5 == density([Note(0, 60, 1), Note(240, 60, 1), Note(480, 60, 1), Note(960, 60, 1)], Span(0, 960))


def test_onset_intervals_leave_chords_out():
    assert [480, 240] == onset_intervals([Note(0, 60, 9), Note(0, 64, 9), Note(480, 60, 9), Note(720, 60, 9)])


def test_onset_interval_distance():
    quarters, eighths = ([Note(i * step, 60, 9) for i in range(4)] for step in (480, 240))

    assert 0.0 == onset_interval_distance(quarters, quarters)
    assert 1.0 == onset_interval_distance(quarters, eighths)


def test_value_distance_is_in_bins():
    assert 0.0 == value_distance([80, 81], [82, 83])
    assert 1.0 == value_distance([80], [84])


def line(*pitches):
    return [Note(i * 480, pitch, 480) for i, pitch in enumerate(pitches)]


def test_the_longest_quotation_is_found_in_another_key():
    corpus = Quotations([line(60, 62, 64, 65, 67, 60)])

    assert 4 == corpus.longest(line(50, 67, 69, 71, 72, 50))
    assert 0 == corpus.longest(line(50, 53, 49))
    assert 0 == corpus.longest([])


def test_nothing_is_quoted_from_nothing():
    assert 0 == Quotations([]).longest(line(60, 62))


def test_a_quotation_does_not_go_on_in_the_next_piece():
    assert 3 == Quotations([line(60, 62, 64), line(64, 65, 67)]).longest(line(60, 62, 64, 65, 67))


@given(st.lists(st.lists(st.integers(60, 63), max_size=20), max_size=4), st.lists(st.integers(60, 63), max_size=20))
def test_quotations_are_as_long_as_looking_everywhere_finds(corpus, notes):
    def runs(pitches):
        steps = [b - a for a, b in pairwise(pitches)]
        return {tuple(steps[i:j]) for i in range(len(steps)) for j in range(i + 1, len(steps) + 1)}

    shared = runs(notes) & set().union(*map(runs, corpus))
    expected = 1 + max(map(len, shared)) if shared else 0

    assert expected == Quotations([line(*piece) for piece in corpus]).longest(line(*notes))


def test_places_in_the_bar_are_counted_in_twelfths_of_a_quarter():
    score = Score(meters=(Meter(0, 3, 4),))
    shares = places_in_bar([Note(0, 60, 9), Note(1440, 60, 9), Note(1440, 64, 9), Note(480 + 38, 60, 9)], score)

    assert [(0, 2 / 3), (13, 1 / 3)] == [(i, s) for i, s in enumerate(shares) if s]


def test_notes_near_the_grid_are_on_it():
    notes = [Note(tick, 60, 9) for tick in (0, 230, 251, 500)]

    assert 0.5 == on_grid(notes, 240, 10)
    assert (0 + 10 + 9 + 0) / 4 == off_grid(notes, 20)
