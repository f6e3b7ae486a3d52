"""Chords and keys by ear: whole textures, longer than one page, with what sounds like no chord left out."""

from itertools import pairwise

from composer.generators.counts import BLOCK
from composer.music import Note, Score
from composer.music.chords import Chord, Key
from composer.training.ear import OVERLAP, PAGE, by_ear, inside, longest, runs

CADENCE = ((48, 64, 67), (41, 65, 69), (43, 62, 71), (48, 64, 67))


def cadences(count):
    bars = [chord for _ in range(count) for chord in CADENCE]
    return [Note(1920 * bar, pitch, 1920) for bar, chord in enumerate(bars) for pitch in chord]


def test_a_cadence_is_written_down():
    chords, _ = by_ear(Score(), cadences(1))

    assert [(0, 1920, Chord(0)), (1920, 3840, Chord(5)), (3840, 5760, Chord(7)), (5760, 7680, Chord(0))] == chords


def test_the_key_is_heard_with_the_chords():
    _, keys = by_ear(Score(), cadences(4))

    assert Key(0) == longest(keys)


def test_pages_join_without_a_gap():
    chords, keys = by_ear(Score(), cadences(1 + (PAGE + OVERLAP) // 16))

    assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(chords))
    assert len(inside(cadences(1 + (PAGE + OVERLAP) // 16))) * BLOCK == chords[-1][1] == keys[-1][1]


def test_what_sounds_like_no_chord_is_unknown():
    cluster = [Note(0, pitch, 1920) for pitch in range(48, 60)]

    assert [] == by_ear(Score(), cluster)[0]


def test_nothing_heard_is_nothing_known():
    assert ([], []) == by_ear(Score(), [])
    assert Key(0) == longest([])


def test_runs_are_in_ticks():
    assert [(0, 480, "a"), (480, 720, "b")] == runs(["a", "a", "b"])


def test_the_longest_key_may_come_back():
    assert Key(2) == longest([(0, 3, Key(2)), (3, 8, Key(0)), (8, 12, Key(2))])
