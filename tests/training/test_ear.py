"""Chords and keys by ear: whole textures, longer than one page, with what sounds like no chord left out."""

from itertools import pairwise

import pytest

from composer.generators.counts import BLOCK
from composer.music import Note, Score
from composer.music.chords import Chord, Key
from composer.training.ear import OVERLAP, PAGE, chords_heard, inside, key_heard, longest, runs, signed

CADENCE = ((48, 64, 67), (41, 65, 69), (43, 62, 71), (48, 64, 67))


def cadences(count):
    bars = [chord for _ in range(count) for chord in CADENCE]
    return [Note(1920 * bar, pitch, 1920) for bar, chord in enumerate(bars) for pitch in chord]


def test_a_cadence_is_written_down():
    chords = chords_heard(Score(), cadences(1))

    assert [(0, 1920, Chord(0)), (1920, 3840, Chord(5)), (3840, 5760, Chord(7)), (5760, 7680, Chord(0))] == chords


@pytest.mark.parametrize(("up", "third", "key"), [(0, 64, Key(0)), (3, 64, Key(3)), (0, 63, Key(0, "minor"))])
def test_a_key_is_heard_by_how_common_its_notes_are(up, third, key):
    triads = ((60, third, 67), (65, third + 5, 72), (67, 71, 74), (60, third, 67))

    assert key == key_heard([Note(480 * i, pitch + up, 480) for i, triad in enumerate(triads) for pitch in triad])


def test_the_last_chord_says_whether_a_signature_is_major_or_minor():
    assert Key(9, "minor") == signed(0, [(0, 960, Chord(0)), (960, 1440, Chord(9, "maj"))])
    assert Key(5) == signed(-1, [(0, 960, Chord(2, "min")), (960, 1440, Chord(5))])


def test_else_the_tonic_that_sounds_longer_does():
    assert Key(4, "minor") == signed(
        1, [(0, 960, Chord(4, "min")), (960, 1440, Chord(7)), (1440, 1920, Chord(11, "7"))]
    )
    assert Key(7) == signed(1, [])


def test_pages_join_without_a_gap():
    chords = chords_heard(Score(), cadences(1 + (PAGE + OVERLAP) // 16))

    assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(chords))
    assert len(inside(cadences(1 + (PAGE + OVERLAP) // 16))) * BLOCK == chords[-1][1]


def test_what_sounds_like_no_chord_is_unknown():
    cluster = [Note(0, pitch, 1920) for pitch in range(48, 60)]

    assert [] == chords_heard(Score(), cluster)


def test_nothing_heard_is_nothing_known():
    assert [] == chords_heard(Score(), [])
    assert Key(0) == key_heard([])


def test_runs_are_in_ticks():
    assert [(0, 480, "a"), (480, 720, "b")] == runs(["a", "a", "b"])


def test_the_longest_key_may_come_back():
    assert Key(2) == longest([(0, 3, Key(2)), (3, 8, Key(0)), (8, 12, Key(2))])


def test_a_drone_does_not_decide_the_key():
    assert Key(0) == key_heard([*cadences(4), Note(0, 42, 30720)])
