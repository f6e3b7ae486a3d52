"""The figures of a run."""

import json
from dataclasses import fields

import pytest

from composer.errors import FileError
from composer.live.stats import Figures, Stats

EMPTY = Figures().settled(0.0, 0, {"source": "internal", "tempo": 120.0}, {})


def test_the_fields_are_those_of_the_contract():
    names = (
        "duration_s notes_in notes_out sounding_at_exit late_ms reaction_ms dropped deadlines misses plans plan_ms "
        "worker_restarts clock"
    )

    assert names.split() == [field.name for field in fields(Stats)]
    assert {"n", "p50", "p95", "p99", "max"} == set(EMPTY.late_ms) == set(EMPTY.reaction_ms)
    assert {"source", "tempo", "jitter_ms_p99"} == set(EMPTY.clock)


def test_reaction_counts_the_first_note_that_knew_and_no_other():
    figures = Figures()
    figures.played(1, 10.0)
    figures.began(0, 10.1, 0.0)
    figures.began(1, 10.25, 0.0)
    figures.began(1, 10.5, 0.0)

    assert [250.0] == figures.reaction_ms


def test_figures_are_one_json_object(tmp_path):
    EMPTY.write(tmp_path / "stats.json")

    assert 120.0 == json.loads((tmp_path / "stats.json").read_text())["clock"]["tempo"]


def test_figures_that_cannot_be_written_are_one_sentence(tmp_path):
    with pytest.raises(FileError, match="cannot be written"):
        EMPTY.write(tmp_path / "nowhere" / "stats.json")
