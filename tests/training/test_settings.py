"""Settings of a run: from the command line, from a run that goes on, from the words of a comparison."""

import json
from dataclasses import asdict

import pytest

torch = pytest.importorskip("torch")

from composer import cli  # noqa: E402
from composer.errors import FileError, UsageError  # noqa: E402
from composer.training import compare, settings  # noqa: E402
from composer.training.loop import Run  # noqa: E402


def test_what_is_given_takes_the_place_of_the_defaults():
    assert Run(dropout=0.1, n_layer=6, bf16=False) == settings.read(
        None, {"dropout": "0.1", "n_layer": "6", "bf16": "false"}
    )


def test_a_run_that_goes_on_keeps_its_settings(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(asdict(Run(n_embd=384, minutes=10, seed=3)) | {"unknown": 1}))

    assert Run(n_embd=384, minutes=20, seed=3) == settings.read(tmp_path, {"minutes": "20"})


def test_a_damaged_run_is_refused(tmp_path):
    (tmp_path / "run.json").write_text('{"minutes": ')
    with pytest.raises(FileError, match=r"run\.json is damaged"):
        settings.read(tmp_path, {})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layers": "4"}, "there is no parameter 'layers'"),
        ({"batch": "many"}, "batch cannot be 'many'"),
        ({"batch": "0"}, "batch cannot be 0; it is at least 1"),
        ({"n_embd": "100"}, "n_embd cannot be 100; it is a multiple"),
        ({"lead": "late"}, "lead cannot be 'late'; it is a number of blocks from -16 to 4"),
        ({"lead": "5"}, "lead cannot be '5'"),
        ({"dropout": "1"}, "dropout lies between"),
        ({"adam": "nan"}, "the rates muon and adam are positive"),
    ],
)
def test_nonsense_is_refused(given, message):
    with pytest.raises(UsageError, match=message):
        settings.read(None, given)


def test_the_flags_ask_for_the_same_run():
    run = Run(minutes=30, seed=2, n_layer=6, dropout=0.1, start="models/anticipation")

    assert "--minutes 30 --seed 2 --from anticipation --set n_layer=6 --set dropout=0.1" == settings.flags(run)


def test_a_comparison_says_a_shape_in_a_word():
    assert {"n_layer": "6", "n_embd": "384", "batch": "4"} == compare.variant("shape=6x384,batch=4")


@pytest.mark.parametrize("word", ["shape=6", "shape=axb", "fast"])
def test_another_word_is_refused(word):
    with pytest.raises(UsageError, match="shape"):
        compare.variant(word)


def test_the_table_tells_the_last_validation(tmp_path, monkeypatch):
    from composer.neural.checkpoint import save_model
    from composer.training import runlog
    from composer.training.loop import Anticipator, config

    save_model(tmp_path, Anticipator(config(Run(n_layer=2, n_embd=32, n_head=2))))
    for step in (1, 2):
        heard = {"whole": 5.5 - step, "note": 5.0 - step, "m_pitch": 0.5, "chord": 0.25}
        row = {"step": step, "machine_notes": 10_000.0 * step, "lead1": heard}
        runlog.append(tmp_path, row | {"lead1_silent": {"whole": 6.0}})

    assert "| small | 0.1 | 2 | 0.02 | 3.500 | 3.000 | 0.500 | 0.250 | 2.500 |\n" == compare.row("small", tmp_path)


class TestCommandLine:
    """What `composer train` refuses before any work is done."""

    def refused(self, capsys, *argv):
        status = cli.main(["train", "anticipation", *map(str, argv)])
        return status, capsys.readouterr().err

    def test_a_model_that_is_not_there(self, tmp_path, capsys):
        status, err = self.refused(capsys, "--data", tmp_path, "--out", tmp_path / "x", "--from", "nobody")

        assert 1 == status
        assert "there is no model nobody" in err

    def test_a_beginning_for_a_run_that_goes_on(self, tmp_path, capsys):
        status, err = self.refused(capsys, "--data", tmp_path, "--out", tmp_path, "--resume", "--from", "anticipation")

        assert 2 == status
        assert "leave out --from" in err

    def test_a_folder_that_holds_another_run_but_not_one_that_holds_songs(self, tmp_path, capsys):
        (tmp_path / "out" / "cache").mkdir(parents=True)
        songs = self.refused(capsys, "--data", tmp_path, "--out", tmp_path / "out")
        (tmp_path / "out" / "state.pt").touch()
        run = self.refused(capsys, "--data", tmp_path, "--out", tmp_path / "out")

        assert "there is no data set" in songs[1]
        assert "is not empty; go on with its run (--resume)" in run[1]
