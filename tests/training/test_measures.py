"""Measures of accompaniment on examples small enough to sing."""

import pytest

from composer.music import Note, Span
from composer.music.chords import Chord
from composer.training.measures import (
    chord_share,
    consonance,
    density,
    longest_quotation,
    onset_interval_distance,
    onset_intervals,
    pitch_class_distance,
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


def test_the_longest_quotation_is_found_in_another_key():
    song = [Note(i * 480, pitch, 480) for i, pitch in enumerate((60, 62, 64, 65, 67, 60))]
    quote = [Note(i * 480, pitch, 480) for i, pitch in enumerate((50, 67, 69, 71, 72, 50))]

    assert 4 == longest_quotation(quote, [song])
    assert 0 == longest_quotation(quote, [])
