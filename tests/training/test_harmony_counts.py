"""Counting harmony: a song small enough to count by hand, and the same in another key."""

import json

import numpy as np
import pytest

from composer.generators.counts import tables_from
from composer.music import Note, Part, Score
from composer.music.chords import Chord, Key
from composer.training import harmony
from composer.training.pop909 import Song

DOWNBEATS = (0, 1920, 3840)


def song(semitones=0):
    """C, G7, C, a bar each; the melody holds the third of each chord; the piano plays root and fifth in the bass."""
    melody = tuple(Note(t, p + semitones, 1920) for t, p in zip(DOWNBEATS, (64, 71, 64), strict=True))
    piano = tuple(Note(t, p + semitones, 960) for t, p in zip(DOWNBEATS, (36, 43, 36), strict=True))
    chords = ((0, 1920, Chord(0)), (1920, 3840, Chord(7, "7")), (3840, 5760, Chord(0)))
    key = Key(0).transpose(semitones)
    parts = (Part("MELODY", melody), Part("BRIDGE"), Part("PIANO", piano))
    moved = tuple((a, b, c.transpose(semitones)) for a, b, c in chords)
    return Song(1, Score(parts), moved, key, "train", 4, ((0, 5760, key),))


def test_chord_moves_are_counted_from_the_tonic():
    move = np.array(harmony.count([song()])["move"])

    assert 2 == move.sum()
    assert 1 == move[0, Chord(0).index, Chord(7, "7").index]
    assert 1 == move[0, Chord(7, "7").index, Chord(0).index]


def test_every_key_teaches_the_same():
    assert harmony.count([song()]) == harmony.count([song(5)])


def test_changes_are_counted_at_their_place_in_the_bar():
    rows = harmony.count([song()])["change"]["8"]

    assert [[2, 2]] + [[0, 3]] * 7 == rows


def test_the_melody_over_a_chord_is_counted_as_melody():
    emission = np.array(harmony.count([song()])["emission"])

    # Two listeners, two bars of C, four quarters each and a little for the onset.
    assert pytest.approx(2 * 2 * (4 + 0.15), abs=0.1) == emission[0, Chord(0).index, 0, 4]


def test_a_pianist_strikes_the_bar_lines():
    comping = np.array(harmony.count([song()])["comping"]["8"])

    assert 3 == comping[0, 0, 0, 1]
    assert 0 == comping[1].sum()


def test_training_writes_what_the_model_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(harmony, "songs", lambda data, split: [song()])
    harmony.train(tmp_path / "data", tmp_path / "out")
    tables = tables_from(json.loads((tmp_path / "out" / "counts.json").read_text()))

    assert Chord(7, "7").index == tables.move[0, Chord(0).index].argmax()
    assert (tmp_path / "out" / "config.json").is_file()
