"""A folder of MIDI files is read once, kept once, and what was in it is said to the player."""

import pytest

from composer.cli import main
from composer.generators import make
from composer.live.worker import InlineWorker
from composer.midi import files
from composer.music import Note, Part, Score

LEARNERS = ("markov", "emi")


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "corpus").mkdir()
    return tmp_path / "corpus"


def write(path, late=0):
    notes = [Note(i * 480 + late, 60 + (0, 2, 4, 5, 7, 5, 4, 2)[i % 8], 400) for i in range(96)]
    files.write(
        Score((Part("Tune", tuple(notes)), Part("Low", tuple(Note(n.onset, n.pitch - 12, 400) for n in notes), 1))),
        path,
    )


def learn(name, folder):
    return make(name, {"corpus": str(folder)})


@pytest.mark.parametrize("name", LEARNERS)
def test_what_was_kept_of_a_changed_folder_is_forgotten(name, folder, cache):
    write(folder / "one.mid")
    learn(name, folder)
    (before,) = cache.rglob("*.npz")
    write(folder / "two.mid")
    learn(name, folder)
    (after,) = cache.rglob("*.npz")

    assert before != after


@pytest.mark.parametrize("name", LEARNERS)
def test_other_folders_and_other_learners_are_kept(name, folder, cache, tmp_path):
    (tmp_path / "other").mkdir()
    for place in (folder, tmp_path / "other"):
        write(place / "one.mid")
        for learner in LEARNERS:
            learn(learner, place)
    write(folder / "two.mid")
    learn(name, folder)

    assert 4 == len(list(cache.rglob("*.npz")))


@pytest.mark.parametrize("name", LEARNERS)
def test_the_worker_says_how_many_files_were_of_use(name, folder, caplog):
    write(folder / "one.mid")
    (folder / "two.mid").write_bytes(b"MThd nonsense")
    messages = []
    for _ in ("from the files", "from the cache"):
        message = {"op": "open", "name": name, "params": {"corpus": str(folder)}, "seed": 0, "folder": None}
        InlineWorker(messages.append).send(message)
        assert f"{name} learned from 1 of 2 MIDI files in {folder}" == messages[-1]["notice"]
    assert "" == caplog.text


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize(("late", "is_told"), [(0, False), (90, True)])
def test_files_whose_beats_are_not_the_musics_are_told_of(name, folder, late, is_told):
    write(folder / "one.mid", late)

    assert is_told == ("a corpus needs beats and bar lines where the music has them" in learn(name, folder).notice())


def test_offline_it_is_said_as_well(folder, tmp_path, capsys, caplog):
    write(folder / "one.mid", 90)
    status = main(["generate", "emi", "--set", f"corpus={folder}", "--bars", "2", "-o", str(tmp_path / "out.mid")])

    assert 0 == status
    assert "in 1 of them notes keep off the beats" in caplog.text
