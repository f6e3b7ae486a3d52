"""Evaluation: baselines that are what they say, and a silent player that is silent."""

from dataclasses import replace

import pytest

from composer.errors import UsageError
from composer.music import Note, Part, Score
from composer.music.chords import Chord, Key
from composer.training import evaluate as E
from composer.training.pop909 import Song


def song(number, tonic, pitches, melody_at=0):
    piano = Part("PIANO", tuple(Note(480 * i, p, 480) for i, p in enumerate(pitches)), 2)
    melody = Part("MELODY", tuple(Note(melody_at + 480 * i, 72 + tonic, 480) for i in range(8)), 0)
    chords = ((0, 480 * len(pitches), Chord(tonic, "maj")),)
    key = Key(tonic, "major")
    return Song(number, Score((melody, Part("BRIDGE"), piano)), chords, key, "test", 4, ((0, 9999, key),))


C = song(10, 0, [60, 64, 67, 72] * 4)
D = song(20, 2, [62, 66, 69, 74] * 4)


def test_the_other_song_is_moved_to_this_key():
    assert [60, 64, 67, 72] * 4 == [n.pitch for n in E._other(C, [C, D])]


def test_a_song_alone_has_no_other():
    assert [] == E._other(C, [C])


def test_random_notes_keep_the_rhythm_and_the_key():
    notes = E._random(D, 0)

    assert [480 * i for i in range(16)] == [n.onset for n in notes]
    assert {n.pitch % 12 for n in notes} <= {2, 4, 6, 7, 9, 11, 1}


def test_a_song_begins_with_the_bar_of_its_melody():
    late = E.from_melody(song(10, 0, [60] * 16, melody_at=1920 + 480))

    assert 480 == late.score.part("MELODY").notes[0].onset
    assert (0, 480 * 16 - 1920) == late.chords[0][:2]


def test_the_counted_model_hears_a_plain_chord():
    """A player of broken C major triads is heard as C major: nearly all its tones are right."""
    player = replace(C, score=C.score.with_part(Part("MELODY", C.score.part("PIANO").notes)))

    assert E._counted([player], 0)[0] > 0.9


def test_a_generator_accompanies_block_by_block():
    assert E.accompany(C, "markov", 1, 0, {})


def test_an_unknown_suite_is_named(tmp_path):
    with pytest.raises(UsageError, match="there is no suite 'beauty'; there are harmony, loss and all"):
        E.evaluate("markov", tmp_path, suite="beauty")


def test_music21_hears_the_scale():
    c_major = [Note(480 * i, p, 480) for i, p in enumerate((60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60))]

    assert [True, True, False] == [
        E.same_scale(c_major, key) for key in (Key(0, "major"), Key(9, "minor"), Key(6, "major"))
    ]


def test_what_is_always_better_by_a_little_is_no_chance():
    ours = [0.50 + i / 100 for i in range(12)]

    assert E.paired(ours, [share - 0.01 - i / 1000 for i, share in enumerate(ours)]) < 0.01
    assert 1.0 == E.paired(ours, ours)
