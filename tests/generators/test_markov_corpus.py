"""The Markov player learns from a folder of MIDI: once, whatever is in it, and says so."""

import os

import numpy as np
import pytest

from composer.cli import main
from composer.errors import UsageError
from composer.generators import make
from composer.generators.base import Context
from composer.generators.viewpoints import seen, top_line, tune
from composer.live.worker import InlineWorker
from composer.midi import files
from composer.music import DRUM_CHANNEL, Note, Part, Score, Span
from composer.music.chords import Chord, Key

OCTAVES = tuple(Note(i * 480, 60 + 12 * (i % 2), 400, 40 + 40 * (i % 2)) for i in range(32))
BARS = Span(0, 8 * 1920)
ALONE = Context(Score((Part("Bass"), Part("Piano"), Part("Lead"))), ("Bass", "Piano", "Lead"), 0)


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "corpus" / "deeper").mkdir(parents=True)
    return tmp_path / "corpus"


def write(path, notes=OCTAVES, channel=0):
    files.write(Score((Part("Tune", tuple(notes), channel),)), path)


def lead(corpus, **params):
    params = {"corpus": str(corpus)} | {k: str(v) for k, v in params.items()}
    return [entry.note for entry in make("markov", params).propose(ALONE, BARS) if entry.part == "Lead"]


def test_it_sings_what_it_learned_when_nobody_plays(folder):
    write(folder / "deeper" / "octaves.MID")
    steps = seen(tune(top_line(lead(folder, harmony=0.0, ending="open")), 0), "interval")

    assert len(steps) > 16
    assert {(12, 480), (-12, 480)} >= set(steps[:3])


def test_it_learns_loudness_with_the_notes(folder):
    write(folder / "octaves.mid")

    assert 30 < np.ptp([note.velocity for note in lead(folder)])


def test_a_folder_is_read_once(folder, monkeypatch):
    write(folder / "octaves.mid")
    first = lead(folder)
    monkeypatch.setattr(files, "read", lambda path: pytest.fail(f"{path} was read again"))

    assert first == lead(folder)


def test_every_viewpoint_and_order_shares_what_was_read(folder, monkeypatch):
    write(folder / "octaves.mid")
    lead(folder)
    monkeypatch.setattr(files, "read", lambda path: pytest.fail(f"{path} was read again"))

    assert lead(folder, viewpoint="degree", order=8)


def test_a_changed_file_is_learned_anew(folder):
    write(folder / "tune.mid")
    before = lead(folder)
    (folder / "tune.mid").unlink()
    write(folder / "tune.mid", [Note(i * 240, 60 + i % 5, 200) for i in range(64)])
    os.utime(folder / "tune.mid", (1, 1))

    assert before != lead(folder)


def test_a_damaged_cache_is_learned_anew(folder, cache):
    write(folder / "octaves.mid")
    before = lead(folder)
    for kept in cache.rglob("*.npz"):
        kept.write_bytes(b"no zip")

    assert before == lead(folder)


def test_nothing_in_the_cache_is_run(folder, cache):
    write(folder / "octaves.mid")
    lead(folder)
    (kept,) = cache.rglob("*.npz")
    with np.load(kept, allow_pickle=False) as arrays:
        assert {"notes", "lengths", "tonics", "read"} == set(arrays)
        assert not any(arrays[name].dtype.hasobject for name in arrays)


def test_damaged_files_are_left_out_and_counted(folder):
    write(folder / "octaves.mid")
    write(folder / "drums.mid", channel=DRUM_CHANNEL)
    write(folder / "one note.mid", OCTAVES[:1])
    (folder / "damaged.mid").write_bytes(b"MThd?")
    (folder / "notes.txt").write_text("no MIDI")

    assert f"markov learned from 1 of 4 MIDI files in {folder}" == make("markov", {"corpus": str(folder)}).notice()


def test_without_a_corpus_there_is_nothing_to_say():
    assert "" == make("markov").notice()


BAD = {
    "nowhere": (None, "there is no folder"),
    "empty": ([], "holds no MIDI files"),
    "damaged": ([b"MThd?"], "none of the 1 MIDI files"),
    "one note": ([OCTAVES[:1]], "two notes"),
}


@pytest.fixture(params=BAD)
def bad(request, folder):
    content, said = BAD[request.param]
    for number, item in enumerate(content or ()):
        path = folder / f"{number}.mid"
        path.write_bytes(item) if isinstance(item, bytes) else write(path, item)
    return (folder if content is not None else folder / "nowhere"), said


def test_a_folder_without_music_is_said_in_one_sentence(bad, capsys, tmp_path):
    folder, said = bad
    status = main(["generate", "markov", "--set", f"corpus={folder}", "-o", str(tmp_path / "out.mid")])
    err = capsys.readouterr().err

    assert 1 == status
    assert said in err
    assert 1 == err.count("\n")
    assert not (tmp_path / "out.mid").exists()


def test_a_worker_says_it_and_lives_on(bad):
    folder, said = bad
    messages = []
    worker = InlineWorker(messages.append)
    for corpus in (str(folder), ""):
        worker.send({"op": "open", "name": "markov", "params": {"corpus": corpus}, "seed": 1, "folder": None})
    told = [message for message in messages if message["op"] != "learning"]

    assert ["failed", "opened"] == [message["op"] for message in told]
    assert said in told[0]["message"]


# Key and chords that were asked for


def test_chords_that_were_asked_for_are_played():
    generator = make("markov", {"chords": "Dm G7 Cmaj7"})
    list(generator.propose(ALONE, Span(0, 4 * 1920)))

    assert [(0, "Dm"), (1920, "G7"), (3840, "Cmaj7"), (5760, "Dm")] == generator.chords


def test_no_chord_is_refused():
    with pytest.raises(UsageError, match="C Am F G7"):
        make("markov", {"chords": "C H"})


@pytest.mark.parametrize("key", ["D", "F#"])
def test_a_key_that_was_asked_for_is_dreamt_in(key):
    generator = make("markov", {"key": key})
    list(generator.propose(ALONE, BARS))

    assert Key.parse(key).name == generator.key
    assert Key.parse(key).tonic == Chord.parse_symbol(generator.chords[0][1]).root


def test_who_knows_tunes_sings_for_as_long_as_the_player_rests(folder):
    write(folder / "octaves.mid")
    tune = Part("Player", tuple(Note(i * 480, 60 + i % 5, 400) for i in range(16)), 5)
    known = Context(Score((tune, *ALONE.score.parts)), ALONE.machine, 10**6)
    notes = make("markov", {"corpus": str(folder)}).propose(known, Span(7680, 16 * 1920))
    sung = [entry.note.onset for entry in notes if entry.part == "Lead"]

    assert 7680 + 960 <= sung[0] < 7680 + 1920
    assert 15 * 1920 <= sung[-1]
