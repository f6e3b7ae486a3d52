"""A model folder of a run: what plays, and a card that says what it is."""

import hashlib
import json
from dataclasses import asdict

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from composer.neural.checkpoint import save_model
from composer.training import runlog
from composer.training.loop import Anticipator, Run, config
from composer.training.publish import publish

RUN = Run(minutes=3, n_layer=2, n_embd=32, n_head=2, start="/somewhere/models/earlier")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Publish a run whose last validation, of three, was not its best."""
    run, out = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("models") / "mine"
    save_model(run, Anticipator(config(RUN)), {"step": "20", "weights": "average"})
    (run / "run.json").write_text(json.dumps(asdict(RUN)))
    for step, note in ((10, 5.0), (20, 4.0), (30, 4.5)):
        found = {"lead1": {"note": note, "m_pitch": 0.5, "chord": 0.25}, "drums": {}}
        row = {"step": step, "seconds": 6 * step, "corpora": {"pop909": 0.75, "lieder": 0.25}}
        runlog.append(run, row | {"machine_notes": 1e5 * step} | found)
    publish(run, out)
    return out


def test_the_card_tells_the_step_whose_weights_they_are(published):
    card = (published / "card.md").read_text()

    assert "Published: the running average of step 20" in card
    assert "| lead1 | 4.000 | 0.500 | 0.250 |" in card
    assert "Trained: 30 steps of 8 sequences" in card


def test_the_card_tells_where_the_run_began_but_not_where_that_lay(published):
    card = (published / "card.md").read_text()

    assert "it began with the weights of `earlier`" in card
    assert "--minutes 3 --seed 0 --from earlier --set n_layer=2 --set n_embd=32 --set n_head=2`" in card
    assert "somewhere" not in card


def test_the_card_names_the_corpora_with_share_and_licence(published):
    lines = (published / "card.md").read_text().splitlines()
    told = [line.split(":")[0] for line in lines if line.startswith("  - ")]

    assert ["  - pop909, 75%", "  - lieder, 25%", "  - groove, drummers under some of the others"] == told
    assert "(MIT)" in next(line for line in lines if "pop909, 75%" in line)


def test_the_checksums_are_those_of_the_files(published):
    sums = [line.split("  ") for line in (published / "SHA256SUMS").read_text().splitlines()]

    assert 5 == len(sums)
    for digest, name in sums:
        assert hashlib.sha256((published / name).read_bytes()).hexdigest() == digest
