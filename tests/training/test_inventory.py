"""The inventory: songs, notes and chords of a set, small enough to count by hand."""

import pytest

from composer.music import Meter, Note, Part, Score, Tempo
from composer.music.chords import Chord, Key
from composer.training import inventory
from composer.training.corpora import Corpus
from composer.training.inventory import count, main, usual_meter
from composer.training.song import Song

WALTZ = (Meter(0, 3),)


def song(split="train", tempo=100.0, corpus="lieder", meters=WALTZ, mode="minor"):
    """Eight quarters of C, the first four labelled C major, the last two known to have no chord."""
    tune = Part("MELODY", tuple(Note(480 * i, 60, 480) for i in range(8)))
    chords = ((0, 1920, Chord(0)), (2880, 3840, Chord()))
    return Song(1, Score((tune,), (Tempo(0, tempo),), meters), chords, Key(0, mode), split, 3, (), corpus)


def test_songs_notes_and_chords_are_counted():
    found = count([song(), song("test")])

    assert {"train": 1, "test": 1} == found.splits
    assert {"MELODY": 16} == found.notes
    assert (16.0, 34, 24, 16) == (found.quarters, found.blocks, found.labelled, found.chords)
    assert {"MELODY": [1.0, 1.0]} == found.in_chord


def test_the_usual_meter_holds_longest():
    assert "2/4" == usual_meter(song(meters=(Meter(0, 3), Meter(1440, 2))))


def test_tables_tell_what_was_counted():
    text = inventory.tables({"lieder": count([song(tempo=90.0), song(tempo=110.0, mode="major")])})

    assert "| lieder | 2 | 0 | 0 | 16 | 71 % | 47 % | 50 % | 3/4 (2) | 95, 100, 105 |\n" in text
    assert "| lieder | MELODY | 16 | 1.00 | 1.000 |\n" in text
    assert "| lieder | 0.20 | CC0 |" in text


def test_the_command_prints_the_tables(tmp_path, monkeypatch, capsys):
    tunes = Corpus("lieder", ("tunes",), "x", lambda root, split: iter([song()]), "CC0", "Anon, 1900")
    monkeypatch.setattr(inventory, "CORPORA", (tunes,))
    monkeypatch.setattr(inventory, "present", lambda data: {"lieder": data})

    assert 0 == main(["--data", str(tmp_path)])
    assert "| lieder | MELODY | 8 |" in capsys.readouterr().out


def test_a_folder_without_sets_is_refused(tmp_path, capsys):
    assert 1 == main(["--data", str(tmp_path)])
    assert "there is no data set in" in capsys.readouterr().err


@pytest.mark.parametrize("corpus", ["groove"])
def test_drums_have_no_mode(corpus):
    bare = Song(1, song().score, (), Key(0), "train", 4, (), corpus)

    assert "| 0 % | 0 % |  |" in inventory.tables({corpus: count([bare])})
