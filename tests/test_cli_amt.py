"""The published checkpoints on the command line, from music that no window holds to none at all."""

from __future__ import annotations

import random

import pytest

from composer.cli import main
from composer.midi import files
from composer.music import Note, Part, Score, Tempo


@pytest.fixture(autouse=True)
def found(checkpoint, monkeypatch):
    monkeypatch.setenv("COMPOSER_MODELS", str(checkpoint.parent))


def melody(quarters=32, pitch=60):
    return tuple(Note(i * 480, pitch + i * 5 % 12, 400) for i in range(quarters))


def compose(tmp_path, verb, score, *words, generator="amt-small"):
    files.write(score, tmp_path / "in.mid", force=True)
    out = tmp_path / "out.mid"
    status = main([verb, str(tmp_path / "in.mid"), "-o", str(out), "--generator", generator, "--force", *words])
    return status, files.read(out) if out.is_file() else None


def notes(score, *names):
    return sorted(note for part in score.parts if not names or part.name in names for note in part.notes)


def test_it_accompanies_what_it_knows_ahead(tmp_path):
    status, score = compose(tmp_path, "accompany", Score((Part("Tune", melody()),)))

    assert 0 == status
    assert melody() == score.part("Tune").notes
    assert 10 < len(notes(score, "Piano", "Bass"))


def test_it_accompanies_what_it_has_heard(tmp_path):
    status, score = compose(tmp_path, "accompany", Score((Part("Tune", melody()),)), "--lead", "2")

    assert 0 == status
    assert [] != notes(score, "Piano", "Bass")


def test_it_continues(tmp_path):
    status, score = compose(tmp_path, "continue", Score((Part("Tune", melody(16)),)), "--bars", "2")

    assert 0 == status
    assert {4, 5} >= {note.onset // 1920 for note in notes(score, "Piano", "Bass")} != set()


def test_it_fills_bars(tmp_path):
    status, score = compose(tmp_path, "infill", Score((Part("Tune", melody()),)), "--bars", "3:5")
    kept = [note for note in melody() if not 3840 <= note.onset < 7680]

    assert 0 == status
    assert kept == [note for note in notes(score, "Tune") if not 3840 <= note.onset < 7680]
    assert set(melody()) - set(kept) != {note for note in notes(score, "Tune") if 3840 <= note.onset < 7680} != set()


@pytest.mark.parametrize("band", ["drums", "strings", "bass+drums"])
def test_it_plays_the_instruments_asked_for(tmp_path, band):
    _, score = compose(tmp_path, "accompany", Score((Part("Tune", melody(16)),)), "--set", f"band={band}")
    names = {"drums": {"Drums"}, "strings": {"Strings"}, "bass+drums": {"Bass", "Drums"}}[band]

    assert names | {"Tune"} == {part.name for part in score.parts if part.notes}


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    written = []
    for _ in range(2):
        compose(tmp_path, "continue", Score((Part("Tune", melody(16)),)), "--bars", "2", "--seed", "7")
        written.append((tmp_path / "out.mid").read_bytes())

    assert written[0] == written[1]


@pytest.mark.parametrize("generator", ["amt-small", "anticipation"])
class TestAnyPrompt:
    """Our own model takes what the published ones take."""

    def test_longer_than_any_window(self, generator, tmp_path):
        chance = random.Random(0)
        crowd = tuple(Note(i * 60, chance.randrange(128), chance.choice([1, 60, 40_000])) for i in range(4000))
        status, score = compose(
            tmp_path, "continue", Score((Part("Crowd", crowd),)), "--bars", "1", generator=generator
        )

        assert 0 == status
        assert [] != notes(score, "Piano", "Bass")

    @pytest.mark.parametrize("verb", [("accompany",), ("continue", "--bars", "2"), ("accompany", "--lead", "1")])
    def test_empty(self, generator, tmp_path, verb):
        status, _ = compose(tmp_path, verb[0], Score(), *verb[1:], generator=generator)

        assert 0 == status

    def test_nothing_to_fill_is_one_sentence(self, generator, tmp_path, capsys):
        status, _ = compose(tmp_path, "infill", Score(), "--bars", "1:2", generator=generator)

        assert 2 == status
        assert 1 == capsys.readouterr().err.count("\n")

    def test_a_hundred_instruments(self, generator, tmp_path):
        parts = tuple(Part(f"p{i}", (Note(i * 20, i, 480), Note(3000, i, 90)), i % 16, i) for i in range(100))
        for verb in (("continue", "--bars", "1"), ("accompany",), ("infill", "--bars", "2:3", "--part", "p7")):
            status, score = compose(tmp_path, verb[0], Score(parts), *verb[1:], generator=generator)

            assert 0 == status
            assert 100 <= len(score.parts)
            if generator == "amt-small":
                assert [] != notes(score, *(["p7"] if verb[0] == "infill" else ["Piano", "Bass"]))

    def test_the_outermost_notes(self, generator, tmp_path):
        edge = tuple(Note(i * 240, 127 * (i % 2), 200, 1 + 126 * (i % 3 // 2)) for i in range(16))
        status, score = compose(
            tmp_path, "accompany", Score((Part("Edge", edge), Part("Kit", edge, 9))), generator=generator
        )

        assert 0 == status
        assert all(0 <= note.pitch <= 127 for note in notes(score))

    @pytest.mark.parametrize("tempo", [5, 400])
    def test_slow_and_fast(self, generator, tmp_path, tempo):
        score = Score((Part("Tune", melody(12)),), (Tempo(0, tempo),))
        for verb in (("continue", "--bars", "1"), ("accompany", "--lead", "2")):
            status, heard = compose(tmp_path, verb[0], score, *verb[1:], generator=generator)

            assert 0 == status
            assert [] != notes(heard, "Piano", "Bass")


@pytest.mark.parametrize("name", ["config.json", "tables.safetensors", "trunk.int8.onnx"])
def test_a_damaged_checkpoint_is_one_sentence(checkpoint, tmp_path, monkeypatch, capsys, name):
    (tmp_path / "amt-small").mkdir()
    for file in checkpoint.iterdir():
        (tmp_path / "amt-small" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "amt-small" / name).write_bytes((checkpoint / name).read_bytes()[:100])
    monkeypatch.setenv("COMPOSER_MODELS", str(tmp_path))
    status, _ = compose(tmp_path, "continue", Score((Part("Tune", melody(4)),)))

    assert 1 == status
    assert 1 == capsys.readouterr().err.count("\n")
