"""Groove: General MIDI's drums, the official split, and whole bars under a song's bar lines."""

import numpy as np
import pytest

from composer.errors import FileError
from composer.midi import files
from composer.music import Meter, Note, Part, Score, Tempo
from composer.training.groove import general_midi, lay, on_beat, performances, whole_bars

TABLE = """drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split
d1,d1/s,d1/s/1,rock/slow,90,beat,4-4,d1/1.mid,,8,train
d1,d1/s,d1/s/2,rock,90,fill,4-4,d1/2.mid,,8,train
d1,d1/s,d1/s/3,jazz-swing,150,beat,3-4,d1/3.mid,,8,test
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "info.csv").write_text(TABLE)
    (tmp_path / "d1").mkdir()
    drums = Part("Kit", (Note(0, 36, 60, 100), Note(480, 40, 60, 50)), 9)
    for name in ("1", "3"):
        files.write(Score((drums,), (Tempo(0, 100.0),)), tmp_path / "d1" / f"{name}.mid")
    return tmp_path


def test_a_performance_is_read_with_what_the_table_says(folder):
    song = next(performances(folder, "train"))

    assert (Note(0, 36, 60, 100), Note(480, 38, 60, 50)) == song.score.part("DRUMS").notes
    assert (90, "rock", "groove", 4) == (song.score.tempos[0].qpm, song.style, song.corpus, song.beats_per_bar)


def test_fills_are_left_out_and_the_split_is_the_official_one(folder):
    assert [1, 3] == [song.number for song in performances(folder)]
    assert [3] == [song.number for song in performances(folder, "test")]
    assert (Meter(0, 3),) == next(performances(folder, "test")).score.meters


def test_styles_are_named_by_their_first_word(folder):
    assert ["rock", "jazz"] == [song.style for song in performances(folder)]


def test_a_folder_without_the_table_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"no Groove set .* name the folder with info\.csv in it"):
        next(performances(tmp_path))


@pytest.mark.parametrize(
    ("roland", "general"),
    [
        (36, 36),
        (40, 38),
        (37, 37),
        (48, 50),
        (45, 47),
        (58, 43),
        (22, 42),
        (26, 46),
        (44, 44),
        (55, 49),
        (59, 51),
        (53, 53),
    ],
)
def test_the_kit_becomes_general_midi(roland, general):
    assert (Note(0, general, 60, 90),) == general_midi([Note(0, roland, 60, 90)])


def test_head_and_rim_at_once_are_one_stroke_the_louder():
    assert (Note(0, 38, 60, 90),) == general_midi([Note(0, 38, 60, 90), Note(0, 40, 60, 20)])


@pytest.mark.parametrize(
    ("played", "moved"),
    [((0, 470, 700, 950, 1430), [10, 480, 710, 960, 1440]), ((5, 490, 970), [0, 480, 960]), ((240,), [240])],
)
def test_a_recording_that_is_early_or_late_throughout_is_moved_onto_the_beat(played, moved):
    """A stroke off the beat keeps its distance, and nothing moves before the beginning."""
    assert moved == [note.onset for note in on_beat(tuple(Note(onset, 36, 60) for onset in played))]


TWO_BARS = np.array([[0, 36, 60, 100], [960, 38, 60, 90], [1920, 36, 60, 80], [3360, 49, 60, 120]])


def test_a_performance_is_looped_by_whole_bars():
    rows = lay(TWO_BARS, np.array([0, 1920, 3840, 5760]), 0)

    assert [(0, 36), (960, 38), (1920, 36), (3360, 49), (3840, 36), (4800, 38)] == [
        (t, p) for t, p, *_ in rows.tolist()
    ]


def test_it_may_begin_with_another_bar():
    assert [(9600, 36), (11040, 49)] == [(t, p) for t, p, *_ in lay(TWO_BARS, np.array([9600, 11520]), 3).tolist()]


def test_a_short_bar_cuts_it():
    assert [(0, 36), (960, 36)] == [(t, p) for t, p, *_ in lay(TWO_BARS, np.array([0, 960, 1920]), 0).tolist()]


@pytest.mark.parametrize(("last", "bars"), [(0, 1), (1919, 1), (1920, 1), (2880, 2), (3840, 2), (3839, 2)])
def test_a_bar_that_breaks_off_is_not_played(last, bars):
    assert bars == whole_bars(np.array([[0, 36, 60, 100], [last, 36, 60, 100]]))
