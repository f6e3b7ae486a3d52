"""POP909 in musical time: annotated beats are quarters, the first downbeat is a bar line."""

import pretty_midi
import pytest

from composer.errors import FileError
from composer.music import Meter, Note
from composer.music.chords import Chord, Key
from composer.training.pop909 import read_song, songs, split_of


@pytest.fixture
def folder(tmp_path):
    """One pickup beat, then two bars of four at 120 quarters a minute."""
    song = tmp_path / "POP909" / "007"
    song.mkdir(parents=True)
    flags = [(0, 0)] + [(1, 1), (0, 0), (1, 0), (0, 0)] * 2
    (song / "beat_midi.txt").write_text("\n".join(f"{0.25 + 0.5 * i} {a} {b}" for i, (a, b) in enumerate(flags)))
    (song / "chord_midi.txt").write_text("0.25 0.75 N\n0.75 1.75 C:maj\n1.75 2.75 C:maj\n2.75 4.75 G:7/3\n")
    (song / "key_audio.txt").write_text("0.2 1.0 G:maj\n1.0 4.0 C:maj\n")
    midi = pretty_midi.PrettyMIDI()
    melody = pretty_midi.Instrument(0, name="MELODY")
    melody.notes = [pretty_midi.Note(90, 67, 0.25, 0.75), pretty_midi.Note(80, 72, 0.75, 1.0)]
    midi.instruments = [melody]
    midi.write(str(song / "007.mid"))
    return song


def test_the_pickup_leads_into_a_bar_line(folder):
    assert (Note(1440, 67, 480, 90), Note(1920, 72, 240, 80)) == read_song(folder).score.part("MELODY").notes


def test_equal_chords_are_joined(folder):
    expected = ((1440, 1920, Chord()), (1920, 3840, Chord(0, "maj")), (3840, 5760, Chord(7, "7")))

    assert expected == read_song(folder).chords


def test_the_key_is_the_one_that_holds_longest(folder):
    assert Key(0, "major") == read_song(folder).key


def test_the_meter_comes_from_the_downbeats(folder):
    assert (Meter(0, 4, 4),) == read_song(folder).score.meters


def test_a_split_is_asked_for_by_name(folder):
    assert [7] == [song.number for song in songs(folder.parent.parent, "train")]
    assert [] == list(songs(folder.parent.parent, "test"))


def test_the_last_digit_decides_the_split():
    assert ["test", "validation", "train"] == [split_of(910), split_of(5), split_of(1)]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FileError, match="no POP909 songs"):
        next(songs(tmp_path))


def test_a_damaged_song_is_named(folder):
    (folder / "chord_midi.txt").unlink()

    with pytest.raises(FileError, match="007"):
        read_song(folder)
