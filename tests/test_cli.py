"""The command line from outside: exit statuses, one sentence an error, files that stay, the same bytes again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from composer.cli import main
from composer.generators import GENERATORS
from composer.midi import files
from composer.music import Note, Part, Score, Tempo

TUNE = Score(
    (Part("Tune", tuple(Note(480 * i, pitch, 440) for i, pitch in enumerate((60, 62, 64, 65, 67, 65, 64, 62)))),),
    (Tempo(0, 100.0),),
)


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    path = tmp_path / "tune.mid"
    files.write(TUNE, path)
    return path


def run(capsys, *argv: object) -> tuple[int, str, str]:
    status = main([str(word) for word in argv])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, *argv: object) -> tuple[int, str]:
    """Run a command that must fail; return its status and its one sentence."""
    status, out, err = run(capsys, *argv)

    assert out == ""
    assert err.startswith("composer")
    assert err.count("\n") == 1
    return status, err


class TestWrongUsage:
    """Status 2 and one sentence."""

    @pytest.mark.parametrize(
        ("argv", "said"),
        [
            (["sing"], "invalid choice: 'sing'"),
            (["jam", "--tempo", "5"], "5 is not between 10 and 600"),
            (["jam", "--tempo", "nan"], "nan is not between 10 and 600"),
            (["jam", "--meter", "4/5"], "'4/5' is not a meter"),
            (["jam", "--generator", "xenakis", "--demo"], "there is no generator 'xenakis'"),
            (["generate", "markov", "-o", "x.mid", "--set", "order=99"], "order cannot be 99; it lies between 1 and 8"),
            (["generate", "markov", "-o", "x.mid", "--set", "orderly=1"], "there is no parameter 'orderly'"),
            (["generate", "markov", "-o", "x.mid", "--set", "order"], "'order' is not KEY=VALUE"),
            (["generate", "markov", "-o", "x.mid", "--key", "H"], "there is no key 'H'"),
            (["infill", "x.mid", "-o", "y.mid", "--bars", "9:9"], "'9:9' is not FIRST:END"),
            (["train", "cage", "--data", ".", "--out", "x"], "there is nothing to train called 'cage'"),
        ],
    )
    def test_it_says_what_is_possible(self, capsys, monkeypatch, tmp_path, argv, said):
        monkeypatch.chdir(tmp_path)

        status, err = refused(capsys, *argv)

        assert status == 2
        assert said in err

    def test_a_part_that_is_not_there_names_those_that_are(self, capsys, tune, tmp_path):
        status, err = refused(
            capsys, "accompany", tune, "-o", tmp_path / "x.mid", "--generator", "markov", "--part", "Alto"
        )

        assert status == 2
        assert "has no part 'Alto'; its parts are Tune" in err


class TestBadFiles:
    """Status 1 and one sentence."""

    @pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"MThd\0\0\0\6\0\1\0\1\1", b"MThd\0\0\0\6\0\2\0\1\1\0"])
    def test_a_broken_midi_file_is_named(self, capsys, tmp_path, content):
        broken = tmp_path / "broken.mid"
        broken.write_bytes(content)

        status, err = refused(capsys, "accompany", broken, "-o", tmp_path / "x.mid", "--generator", "markov")

        assert status == 1
        assert str(broken) in err

    def test_a_missing_midi_file_is_named(self, capsys, tmp_path):
        status, err = refused(capsys, "tokenize", tmp_path / "none.mid", "--tokenizer", "blocks")

        assert status == 1
        assert "none.mid cannot be read: No such file" in err

    def test_words_are_no_token_ids(self, capsys, tmp_path):
        text = tmp_path / "ids.txt"
        text.write_text("12 la 3")

        status, err = refused(capsys, "detokenize", text, "--tokenizer", "blocks", "-o", tmp_path / "x.mid")

        assert status == 1
        assert "holds 'la', which is no token id" in err

    def test_a_folder_that_is_not_there_is_named_before_any_work(self, capsys, tmp_path):
        status, err = refused(capsys, "generate", "markov", "-o", tmp_path / "deep" / "x.mid")

        assert status == 1
        assert "there is no folder" in err


class TestExistingFiles:
    """A file that exists is replaced only with --force."""

    def test_without_force_it_stays(self, capsys, tune):
        before = tune.read_bytes()

        status, err = refused(capsys, "generate", "markov", "-o", tune)

        assert status == 1
        assert "--force" in err
        assert before == tune.read_bytes()

    def test_of_several_one_is_enough_to_write_none(self, capsys, tmp_path):
        (tmp_path / "x-2.mid").write_text("mine")

        status, _ = refused(capsys, "generate", "markov", "-o", tmp_path / "x.mid", "--count", 3)

        assert status == 1
        assert ["x-2.mid"] == [path.name for path in tmp_path.iterdir()]

    def test_with_force_it_is_replaced(self, capsys, tune):
        before = tune.read_bytes()

        status, _, _ = run(capsys, "generate", "markov", "-o", tune, "--bars", 1, "--force")

        assert status == 0
        assert before != tune.read_bytes()

    def test_a_recording_that_exists_stays(self, capsys, tune):
        status, err = refused(capsys, "jam", "--demo", "--generator", "markov", "--record", tune)

        assert status == 1
        assert "--force" in err


class TestComposing:
    """The four verbs that write a MIDI file."""

    @pytest.mark.parametrize(
        "verb", [["continue", "--bars", 2], ["accompany"], ["accompany", "--lead", 1], ["infill", "--bars", "1:2"]]
    )
    def test_a_file_becomes_another(self, capsys, tune, tmp_path, verb):
        out = tmp_path / "out.mid"

        status, stdout, _ = run(capsys, verb[0], tune, "-o", out, "--generator", "markov", *verb[1:])

        assert status == 0
        assert stdout == ""
        assert files.read(out).end > 0

    def test_the_comment_is_enough_for_the_same_bytes(self, capsys, tune, tmp_path):
        first, second = tmp_path / "1.mid", tmp_path / "2.mid"
        run(capsys, "accompany", tune, "-o", first, "--generator", "markov", "--seed", 5, "--set", "density=0.8")
        facts = json.loads(files.comment(first) or "")

        flags = [word for key, value in facts["params"].items() for word in ("--set", f"{key}={value}")]
        run(
            capsys,
            *(facts["verb"], tune, "-o", second, "--generator", facts["generator"], "--seed", facts["seed"], *flags),
        )

        assert first.read_bytes() == second.read_bytes()

    def test_versions_are_numbered_and_differ_by_their_seed(self, capsys, tmp_path):
        run(capsys, "generate", "markov", "-o", tmp_path / "x.mid", "--bars", 2, "--seed", 4, "--count", 10)

        seeds = [json.loads(files.comment(path) or "")["seed"] for path in sorted(tmp_path.iterdir())]
        assert list(range(4, 14)) == seeds

    def test_the_key_is_followed(self, capsys, tmp_path):
        run(capsys, "generate", "markov", "-o", tmp_path / "x.mid", "--bars", 4, "--tempo", 90, "--meter", "3/4")

        score = files.read(tmp_path / "x.mid")
        assert (90.0, 3) == (score.tempos[0].qpm, score.meters[0].numerator)


class TestTokens:
    """tokenize and detokenize."""

    @pytest.mark.parametrize("name", ["blocks", "REMI", "TSD"])
    def test_a_tune_survives(self, capsys, tune, tmp_path, name):
        _, ids, _ = run(capsys, "tokenize", tune, "--tokenizer", name)
        (tmp_path / "ids.txt").write_text(ids)

        run(capsys, "detokenize", tmp_path / "ids.txt", "--tokenizer", name, "-o", tmp_path / "again.mid")

        notes = files.read(tmp_path / "again.mid").parts[0].notes
        assert ids.count("\n") == 1
        assert [(n.onset, n.pitch) for n in TUNE.parts[0].notes] == [(n.onset, n.pitch) for n in notes]

    def test_without_miditok_the_extra_is_named(self, capsys, monkeypatch, tune):
        monkeypatch.setitem(__import__("sys").modules, "miditok", None)

        status, err = refused(capsys, "tokenize", tune, "--tokenizer", "REMI")

        assert status == 1
        assert "pip install 'composer[train]'" in err


class TestLists:
    """Data for scripts."""

    def test_list_has_the_fields_that_scripts_rely_on(self, capsys):
        status, out, _ = run(capsys, "list", "--json")

        entries = {entry["name"]: entry for entry in json.loads(out)}
        assert status == 0
        assert {"name", "title", "authors", "year", "roles", "params", "weights"} <= set(entries["markov"])
        assert {"name", "type", "default", "range", "help"} == set(entries["markov"]["params"][0])
        assert entries["markov"]["weights"] == "none needed"
        assert entries["anticipation"]["weights"] in ("present", "missing")

    def test_list_says_which_roles_a_generator_never_has(self, capsys, monkeypatch):
        deaf = replace(GENERATORS["achorripsis"], roles=("continue", "fill"))
        monkeypatch.setitem(GENERATORS, "achorripsis", deaf)
        _, out, _ = run(capsys, "list")

        told = dict(re.findall(r"^([\w-]+): .*?^  (roles: .*?); weights", out, re.M | re.S))
        assert "roles: accompany, continue, trade, fill" == told["illiac"]
        assert "roles: accompany, continue, trade, fill" == told["amt-small"]
        assert "roles: continue, fill; never: accompany, trade" == told["achorripsis"]

    def test_doctor_says_what_to_do_next(self, capsys):
        status, out, _ = run(capsys, "doctor", "--json")

        report = json.loads(out)
        assert status == 0
        assert {"state", "what", "do"} == set(report["findings"][0])
        assert report["next"]

    def test_doctor_says_how_a_checkpoint_that_is_not_here_is_had(self, capsys, monkeypatch):
        monkeypatch.setattr("composer.folders.model_folder", lambda name: None)
        _, out, _ = run(capsys, "doctor")

        assert "generator amt-medium: no weights - composer models download amt-medium, or use markov" in out
        assert "generator anticipation: no weights - composer train anticipation, or use markov" in out

    @pytest.mark.parametrize(("possible", "said"), [(True, "compiled for this processor"), (False, "ONNX Runtime")])
    def test_doctor_says_what_plays_published_checkpoints(self, capsys, monkeypatch, possible, said):
        monkeypatch.setattr("composer.neural.gpt2_compiled.is_possible", lambda: possible)
        _, out, _ = run(capsys, "doctor")

        assert said in next(line for line in out.splitlines() if "published checkpoints" in line)


def test_an_unknown_port_is_refused_with_those_there_are(capsys, jack_server):
    status, err = refused(capsys, "jam", "--generator", "markov", "--in", "nowhere", "--duration", "9")

    assert status == 1
    assert "there is no jack input port 'nowhere'" in err


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_go_to_stdout(capsys, flag):
    status, out, err = run(capsys, flag)

    assert (0, "") == (status, err)
    assert "composer" in out


def test_without_a_terminal_the_interface_says_so(capsys):
    status, err = refused(capsys)

    assert status == 2
    assert "needs a terminal" in err
