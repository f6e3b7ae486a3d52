"""What learning costs is measured from nothing, for more and more files of a folder."""

from __future__ import annotations

import json
from pathlib import Path

from composer.cli import main
from composer.midi import files
from composer.music import Note, Part, Score


def test_learning_is_measured_for_ten_files_and_for_all(tmp_path: Path, capsys) -> None:
    tune = Score((Part("Tune", tuple(Note(i * 240, 60 + i % 5, 200) for i in range(32))),))
    for number in range(11):
        files.write(tune, tmp_path / f"{number}.mid")
    status = main(["bench", "learning", "--generator", "markov", "--set", f"corpus={tmp_path}", "--json"])
    measured = json.loads(capsys.readouterr().out)

    assert 0 == status
    assert ["generator", "10 files", "11 files"] == list(measured)
    assert all(
        measured[name][figure] > 0
        for name in list(measured)[1:]
        for figure in ("cpu_seconds", "cached_cpu_seconds", "cache_megabytes")
    )


def test_without_a_corpus_there_is_nothing_to_measure(capsys) -> None:
    assert 2 == main(["bench", "learning", "--generator", "markov"])
    assert "name a folder of MIDI files with --set corpus=DIR" in capsys.readouterr().err
