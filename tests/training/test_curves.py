"""Loss curves: a page and a figure from the logs of runs."""

import json

import pytest

pytest.importorskip("matplotlib")

from composer.training import curves, runlog


def validation(note):
    return {"note": note, "m_pitch": 0.5, "chord": 0.25}


def log(folder, *notes):
    """Two training rows and a validation for each of the notes' losses."""
    folder.mkdir()
    for i, note in enumerate(notes):
        runlog.append(folder, {"step": 100 * i + 50, "seconds": 60 * i, "train": 4.0})
        row = {"step": 100 * i + 100, "seconds": 60 * i + 60, "train": 2.0}
        runlog.append(folder, row | {"lead1": validation(note), "lead1_silent": validation(note + 1)})
    return folder


def test_a_line_is_a_validation_with_the_mean_training_loss_before_it(tmp_path):
    lines = curves.table(runlog.rows(log(tmp_path / "run", 5.0))).splitlines()

    assert "| 100 | 1 | 3.000 | 5.000 | 0.500 | 0.250 | - | - | - | 6.000 | 0.250 |" == lines[2]


def test_a_long_run_is_thinned_to_its_last_line(tmp_path):
    rows = runlog.rows(log(tmp_path / "run", *[5.0] * 50))

    assert [200, 500, 800] == [row["step"] for row in curves.thinned(curves.measured(rows))][:3]
    assert 5000 == curves.thinned(curves.measured(rows))[-1]["step"]


def test_a_line_broken_off_by_a_kill_is_left_out(tmp_path):
    with (log(tmp_path / "run", 5.0) / "log.jsonl").open("a") as file:
        file.write('{"step": 12')

    assert [50, 100] == [row["step"] for row in runlog.rows(tmp_path / "run")]


def test_the_page_keeps_what_stands_around_the_tables(tmp_path):
    run = log(tmp_path / "run", 5.0, 4.0)
    curves.main([f"first={run}", "--out", str(tmp_path)])
    page = tmp_path / "training.md"
    page.write_text("# How it went\n\n" + page.read_text() + "\nAnd so on.\n")
    status = curves.main([f"second={run}", "--out", str(tmp_path)])

    assert 0 == status
    assert page.read_text().startswith("# How it went\n\n# Training\n")
    assert page.read_text().endswith("\nAnd so on.\n")
    assert "### second" in page.read_text()
    assert "### first" not in page.read_text()


def test_the_same_runs_give_the_same_figure(tmp_path):
    run = log(tmp_path / "run", 5.0, 4.0)
    figures = []
    for _ in range(2):
        curves.main([str(run), "--out", str(tmp_path)])
        figures.append((tmp_path / "training.svg").read_bytes())

    assert figures[0] == figures[1]
    assert b"<svg" in figures[0]


def test_a_folder_without_validations_is_one_sentence(tmp_path, capsys):
    assert 1 == curves.main([str(tmp_path), "--out", str(tmp_path)])
    assert f"composer.training.curves: no validation is logged in {tmp_path}" in capsys.readouterr().err


def test_a_log_is_json_lines(tmp_path):
    runlog.append(tmp_path, {"step": 1})

    assert {"step": 1} == json.loads((tmp_path / "log.jsonl").read_text())
