"""Figures on a page: one section a suite, renewed in its place."""

import pytest

from composer.errors import FileError
from composer.training.evaluation import page

RHYTHM = {
    "generator": "anticipation",
    "suite": "rhythm",
    "split": "POP909 test, 2 songs",
    "metrics": {"density_distance": 0.5, "density_distance_se": 0.125},
    "baselines": {"markov": {"density_distance": 0.75, "p_density_distance": 0.031}, "human piano": {"steady": 1.0}},
}
CONTROLS = RHYTHM | {
    "suite": "controls",
    "metrics": {"notes[density=-1]": 2.0, "notes[density=1]": 5.0, "obeys[density]": 1.0}
    | {"mean_velocity[velocity=0]": 70.0, "obeys[velocity]": 0.0},
    "baselines": {},
}


def test_figures_stand_beside_those_of_the_baselines():
    assert [
        "| figure | anticipation | markov | human piano |",
        "|---|---|---|---|",
        "| density_distance | 0.5 ±0.12 | 0.75 (p 0.031) | - |",
        "| steady | - | - | 1.0 |",
    ] == page.table(RHYTHM).splitlines()


def test_what_was_asked_of_a_control_stands_beside_what_was_given():
    assert [
        "| control | figure | asked: given | each above the one before |",
        "|---|---|---|---|",
        "| density | notes | -1: 2.0, 1: 5.0 | yes |",
        "| velocity | mean_velocity | 0: 70.0 | **no** |",
    ] == page.table(CONTROLS).splitlines()


def test_measuring_again_replaces_the_section_of_its_suite_alone(tmp_path):
    path = tmp_path / "docs" / "figures.md"
    for result in (RHYTHM, CONTROLS, RHYTHM | {"split": "POP909 test, 9 songs"}):
        page.write(path, result, f"composer evaluate {result['suite']}")
    text = path.read_text()

    assert text.startswith(
        "# Figures\n\n<!-- figures of rhythm -->\n    composer evaluate rhythm\n\nPOP909 test, 9 songs"
    )
    assert 1 == text.count("2 songs")
    assert text.index("<!-- end of rhythm -->") < text.index("<!-- figures of controls -->")
    assert text.endswith("<!-- end of controls -->\n")


def test_what_is_written_around_the_sections_stays(tmp_path):
    path = tmp_path / "figures.md"
    page.write(path, RHYTHM, "first")
    path.write_text(path.read_text().replace("# Figures", "# Ours") + "Words.\n")
    page.write(path, RHYTHM, "second")

    assert path.read_text().startswith("# Ours\n")
    assert path.read_text().endswith("<!-- end of rhythm -->\nWords.\n")


def test_a_page_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FileError, match="--page"):
        page.write(tmp_path, RHYTHM, "")
