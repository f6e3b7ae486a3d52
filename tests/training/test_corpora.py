"""The registry of data sets: what is there is read once, and what is missing is named."""

import logging

import numpy as np
import pytest

from composer.errors import FileError
from composer.music import Note, Part, Score
from composer.music.chords import Chord, Key
from composer.training import corpora
from composer.training.arrays import UNKNOWN
from composer.training.corpora import Corpus, load, present, read, write
from composer.training.song import Song

TUNE = tuple(Note(480 * i, 60 + i, 480) for i in range(8))


def song(corpus, number, *parts):
    score = Score(tuple(Part(name, TUNE) for name in parts))
    return Song(number, score, ((0, 960, Chord(0)),), Key(9, "minor"), "train", 4, (), corpus, corpus == "tunes")


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """Give two sets, tunes and waltzes, and a list of what was read of them."""
    read = []

    def reader(name):
        def songs(root, split):
            for number, parts in enumerate((("MELODY", "PIANO"), ("MELODY",)), start=1):
                read.append((name, split, number))
                yield song(name, number, *parts)

        return songs

    known = tuple(Corpus(n, (n,), f"{n}.txt", reader(n), "CC0", "Anon, 1900") for n in ("tunes", "waltzes"))
    monkeypatch.setattr(corpora, "CORPORA", known)
    for corpus in known:
        (tmp_path / corpus.name).mkdir()
        (tmp_path / corpus.name / corpus.mark).touch()
    return read


def test_every_set_that_is_there_is_loaded(sets, tmp_path):
    assert ["tunes", "tunes", "waltzes", "waltzes"] == [s.corpus for s in load(tmp_path, "train")]


def test_a_set_is_read_once_and_then_kept(sets, tmp_path):
    first = load(tmp_path, "train", tmp_path / "cache")
    again = load(tmp_path, "train", tmp_path / "cache")

    assert 4 == len(sets)
    for a, b in zip(first, again, strict=True):
        assert (a.shift, a.tempo, a.corpus, a.performed) == (b.shift, b.tempo, b.corpus, b.performed)
        assert a.parts.keys() == b.parts.keys()
        assert all((a.parts[name] == b.parts[name]).all() for name in a.parts)
        assert all((getattr(a, name) == getattr(b, name)).all() for name in ("bar_pos", "bar_length", "chords"))
    assert [1] * 4 + [UNKNOWN] * 12 == first[0].chords[:16].tolist()


def test_splits_are_kept_apart(sets, tmp_path):
    for split in ("train", "test"):
        load(tmp_path, split, tmp_path / "cache")

    assert {"train", "test"} == {split for _, split, _ in sets}


def test_an_interrupted_preparation_goes_on_with_the_set_it_had_not_finished(sets, tmp_path, monkeypatch):
    def broken(path, songs):
        if songs[0].corpus == "waltzes":
            raise KeyboardInterrupt
        write(path, songs)

    monkeypatch.setattr(corpora, "write", broken)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, "train", tmp_path / "cache")
    monkeypatch.setattr(corpora, "write", write)
    load(tmp_path, "train", tmp_path / "cache")

    assert ["tunes"] * 2 + ["waltzes"] * 4 == [name for name, *_ in sets]


def test_what_another_version_kept_is_made_again(sets, tmp_path, monkeypatch):
    load(tmp_path, "train", tmp_path / "cache")
    monkeypatch.setattr(corpora, "VERSION", corpora.VERSION + 1)
    load(tmp_path, "train", tmp_path / "cache")

    assert 8 == len(sets)


@pytest.mark.parametrize("junk", [b"", b"PK\x03\x04 cut off", b"no archive"])
def test_a_damaged_file_is_made_again(junk, tmp_path):
    (tmp_path / "x.npz").write_bytes(junk)

    assert read(tmp_path / "x.npz") is None


def test_a_part_without_notes_is_kept_and_a_missing_one_stays_missing(tmp_path):
    from dataclasses import replace

    from composer.training.arrays import arrays

    bare = arrays(song("tunes", 1, "MELODY"))
    empty = replace(bare, parts=bare.parts | {"BASS": np.zeros((0, 4), np.int64)})
    write(tmp_path / "x.npz", [bare, empty, bare])

    assert [["MELODY"], ["BASS", "MELODY"], ["MELODY"]] == [sorted(s.parts) for s in read(tmp_path / "x.npz")]


def test_missing_sets_are_named(sets, tmp_path, caplog):
    (tmp_path / "waltzes" / "waltzes.txt").unlink()
    with caplog.at_level(logging.INFO):
        found = present(tmp_path)

    assert ["tunes"] == list(found)
    assert "left out: waltzes" in caplog.text


def test_a_set_may_be_named_itself(sets, tmp_path):
    assert {"tunes": tmp_path / "tunes"} == present(tmp_path / "tunes")


def test_no_set_at_all_is_refused(sets, tmp_path):
    (tmp_path / "nothing").mkdir()

    with pytest.raises(FileError, match=r"no data set in .*nothing; unpack one of tunes, waltzes there"):
        load(tmp_path / "nothing", "train")


def test_a_set_without_songs_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(corpora, "CORPORA", (Corpus("none", ("none",), "x", lambda *_: iter(()), "CC0", "Anon"),))
    (tmp_path / "x").touch()

    assert [] == load(tmp_path, "train", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
