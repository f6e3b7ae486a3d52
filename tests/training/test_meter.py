"""The measures of drums: a human beat is human, an early or late one is not, and chance is chance."""

from dataclasses import replace

import numpy as np
import pytest

from composer.errors import FileError
from composer.music import DRUM_CHANNEL, Meter, Note, Part, Score, Span
from composer.music.chords import Key
from composer.training.arrays import arrays
from composer.training.evaluation import meter as M
from composer.training.evaluation.takes import Played, Stage, Take
from composer.training.song import Song

KICK, SNARE, HAT, CRASH = 36, 38, 42, 49
BARS = 20
SPAN = Span(0, BARS * 1920)
TOLD = M.MEASURES.keys()


def drums(*bar, bars=BARS):
    """Return strokes (sixteenth, pitch) in every bar."""
    return sorted(Note(1920 * b + 120 * at, pitch, 20, 90) for b in range(bars) for at, pitch in bar)


ROCK = drums((0, CRASH), (0, KICK), (4, SNARE), (8, KICK), (12, SNARE), *((at, HAT) for at in range(0, 16, 2)))


def performance(notes, style="rock"):
    part = Part("DRUMS", tuple(notes), DRUM_CHANNEL)
    return arrays(Song(1, Score((part,)), (), Key(0), "test", 4, (), "groove", style=style))


@pytest.fixture(scope="module")
def habit():
    return M.habit_of([performance(ROCK)])


def test_a_habit_is_where_each_limb_strikes(habit):
    assert [0.5, 0.5] == [habit[0, 0], habit[0, 8]]
    assert [0.5, 0.5] == [habit[1, 4], habit[1, 12]]
    assert 1.0 == habit[2, 0]
    assert 1.0 == pytest.approx(habit[3].sum())


def test_a_long_performance_counts_as_much_as_a_short_one():
    both = M.habit_of([performance(drums((0, KICK), bars=30)), performance(drums((4, KICK), bars=2))])

    assert [0.5, 0.5] == [both[0, 0], both[0, 4]]


def test_who_has_no_kick_says_nothing_of_kicks():
    assert 1.0 == M.habit_of([performance(drums((0, KICK))), performance(drums((0, SNARE)))])[0, 0]


def test_places_that_drummers_use_are_likelier_than_others(habit):
    assert np.log(16 * 0.51) == pytest.approx(M.place_nats(ROCK, SPAN, habit[0], 0))
    assert np.log(16 * 0.01) == pytest.approx(M.place_nats(drums((3, KICK)), SPAN, habit[0], 0))
    assert 0.0 == M.place_nats(drums((4, SNARE)), SPAN, habit[0], 0)


def test_a_beat_that_comes_again_each_bar_is_like_itself_a_bar_later_and_at_no_shorter_lag():
    same = M.correlations(drums((0, KICK), (3, SNARE), (10, KICK)), SPAN)

    assert 1.0 == pytest.approx(same[15], abs=0.01)
    assert 15 == int(np.argmax(same[:31]))


def test_without_strokes_nothing_is_like_anything():
    assert not M.correlations([], SPAN).any()


@pytest.mark.parametrize(
    ("late", "downbeat", "half"), [(0, 1.0, 1.0), (480, 0.0, 0.0), (960, 0.0, 1.0), (1440, 0.0, 0.0)]
)
def test_the_bar_begins_where_the_drummers_begin_it(habit, late, downbeat, half):
    moved = [n.shift(late) for n in ROCK]

    assert downbeat == pytest.approx(M.downbeats(moved, SPAN, habit, (0,)), abs=0.01)
    assert half == pytest.approx(M.downbeats(moved, SPAN, habit, (0, 2)), abs=0.01)


def test_silent_windows_do_not_count(habit):
    assert 1.0 == M.downbeats(ROCK[: len(ROCK) // 2], SPAN, habit, (0,))
    assert 0.0 == M.downbeats([], SPAN, habit, (0,))


def test_scattered_strokes_stay_in_their_bars_and_leave_the_grid():
    found = M.scattered(ROCK, 0)

    assert [(n.onset // 1920, n.pitch) for n in sorted(ROCK, key=lambda n: (n.onset // 1920, n.pitch))] == sorted(
        (n.onset // 1920, n.pitch) for n in found
    )
    assert all(n.onset % 20 == 0 for n in found)
    assert 1 / 6 == pytest.approx(M.MEASURES["sixteenth_grid_share"](found, SPAN, None), abs=0.08)


def test_a_drummer_is_rounded_to_the_machines_grid():
    song = Song(10, Score((Part("MELODY", (Note(0, 60, 38400),)),)), (), Key(0), "test", 4, ())
    late = [replace(n, onset=n.onset + 9) for n in ROCK]

    assert [(n.onset, n.pitch) for n in ROCK] == [(n.onset, n.pitch) for n in M.laid(song, performance(late))]


def test_a_bar_of_six_quarters_is_not_measured():
    song = Song(10, Score((), meters=(Meter(0), Meter(1920, 6, 4), Meter(4800))), (), Key(0), "test", 4, ())

    assert not M.in_four(song)
    assert M.in_four(replace(song, score=Score((), meters=(Meter(0), Meter(38400, 6, 4)))))


class Drummer(Stage):
    """A stage on which every band's drums play what they are given."""

    def __init__(self, songs, notes):
        super().__init__(songs)
        self.notes = notes

    def of(self, songs):
        return Drummer(songs, self.notes)

    def play(self, takes):
        part = Part("Drums", tuple(self.notes), DRUM_CHANNEL)
        piano = Part("Piano", (Note(0, 60, 480),))
        return [[Played((piano, part), ()) for _ in self.songs] for _ in takes]


@pytest.fixture
def figures(monkeypatch, tmp_path):
    """Return what is told of drums that play ROCK, the drummers of the set doing the same."""
    monkeypatch.setattr(M, "_drummers", lambda data: [performance(ROCK), performance(ROCK)])
    song = Song(10, Score((Part("MELODY", (Note(0, 60, 38400),)),)), (), Key(0), "test", 4, ())
    waltz = replace(song, score=replace(song.score, meters=(Meter(0, 3, 4),)))
    return M.meter(Drummer([song, waltz, song], ROCK), Take("anticipation"), (0, 1), tmp_path)


def test_who_plays_as_the_drummers_do_has_their_figures(figures):
    ours, beside = figures

    assert {name: beside["human drummer"][name] for name in TOLD} == {name: ours[name] for name in TOLD}
    assert 1.0 == ours["downbeat_share"] == ours["sixteenth_grid_share"]
    assert {"human drummer", "random places", "piano+drums"} == beside.keys()
    assert beside["random places"]["bar_correlation"] < 0.1 < 0.9 < ours["bar_correlation"]


def test_without_groove_it_says_how_to_get_it(tmp_path):
    with pytest.raises(FileError, match=r"no Groove set in .*info\.csv"):
        M._drummers(tmp_path)
