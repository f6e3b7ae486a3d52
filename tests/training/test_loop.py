"""A training run: it learns, it is the same every time, and it goes on where it was killed."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from composer.neural.checkpoint import load_model  # noqa: E402
from composer.training import loop  # noqa: E402
from composer.training.sequences import SongArrays, draw, lowest_line  # noqa: E402

TINY = loop.Run(steps=6, batch=2, length=48, n_layer=2, n_embd=32, n_head=2, validate_every=3, threads=1, warmup=2)


@pytest.fixture(scope="module")
def song():
    """Sixteen bars of a scale over broken triads."""
    n = np.arange(128)
    melody = np.stack([n * 240, 60 + n % 12, np.full(128, 200), np.full(128, 90)], axis=1)
    piano = np.stack([n * 240, 36 + 12 * (n % 3), np.full(128, 240), np.full(128, 70)], axis=1)
    left = lowest_line(piano)
    parts = {"MELODY": melody, "BRIDGE": melody[:5], "PIANO": piano, "LEFT": piano[left], "RIGHT": piano[~left]}
    return SongArrays(parts, n % 8, np.full(128, 8), np.ones(128, np.int64), 0, 9)


def weights(folder):
    return {k: v.numpy() for k, v in load_model(folder).state_dict().items()}


def test_the_same_seed_trains_the_same_model(song, tmp_path):
    for name in ("a", "b"):
        loop.train([song], {}, TINY, tmp_path / name)
    a, b = weights(tmp_path / "a"), weights(tmp_path / "b")

    assert all(np.array_equal(a[k], b[k]) for k in a)


def test_a_run_that_was_cut_goes_on_to_the_same_end(song, tmp_path):
    loop.train([song], {}, TINY, tmp_path / "whole")
    # With steps given, progress and so the rate depend on the step alone; the cut run must ask for the same end.
    loop.train([song], {}, TINY, tmp_path / "cut", stop_at=3)
    loop.train([song], {}, TINY, tmp_path / "cut")
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")

    assert all(np.array_equal(whole[k], cut[k]) for k in whole)


def test_another_seed_trains_another_model(song, tmp_path):
    loop.train([song], {}, TINY, tmp_path / "a")
    loop.train([song], {}, replace(TINY, seed=1), tmp_path / "b")
    a, b = weights(tmp_path / "a"), weights(tmp_path / "b")

    assert not all(np.array_equal(a[k], b[k]) for k in a)


def test_it_learns(song, tmp_path):
    rng = np.random.default_rng(0)
    drawn = [draw(song, 48, rng, augment=False) for _ in range(4)]
    valid = {"v": [{k: torch.from_numpy(np.stack([d[k] for d in drawn])) for k in drawn[0]}]}
    loop.train([song], valid, replace(TINY, steps=40, validate_every=20), tmp_path)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [row["v"]["note"] for row in log if "v" in row]

    assert losses[-1] < losses[0]


def test_drawn_sequences_are_whole(song):
    for seed in range(30):
        one = draw(song, 64, np.random.default_rng(seed))

        assert {(64,)} == {value.shape for name, value in one.items() if name != "rows"}


@pytest.fixture
def corpora(song):
    """Give one song each of two corpora, and a drummer."""
    strokes = np.array([[480 * i, 36 + i % 2, 60, 100] for i in range(8)])
    drummer = replace(song, parts={"DRUMS": strokes}, chords=np.full(128, -1), corpus="groove")
    return [song, replace(song, corpus="lieder", performed=False), drummer]


def test_a_batch_depends_on_seed_and_step_alone(corpora):
    """Also after other batches were drawn, as in a run that was resumed."""
    first = loop.batch(corpora, TINY, 5)
    loop.batch(corpora, TINY, 4)
    again = loop.batch(list(corpora), TINY, 5)

    assert first.keys() == again.keys()
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != value).any() for name, value in loop.batch(corpora, TINY, 6).items())


def test_drummers_are_drawn_under_songs_and_never_alone(corpora):
    batches = [loop.batch(corpora, replace(TINY, batch=8), step) for step in range(8)]

    assert {0, 1} == {place for data in batches for place in data["corpus"].tolist()}
    assert any((data["pitch"] >= 128).any() for data in batches)


def test_the_log_says_which_share_each_corpus_had(corpora, tmp_path):
    loop.train(corpora, {}, replace(TINY, batch=4), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    assert [3, 6] == [row["step"] for row in rows]
    assert {"pop909", "lieder"} >= set(rows[0]["corpora"])
    assert [1.0, 1.0] == [pytest.approx(sum(row["corpora"].values()), abs=0.01) for row in rows]


def test_velocities_and_chords_that_are_not_asked_cost_nothing(corpora):
    model = loop.Anticipator(loop.config(TINY))
    drawn = draw(replace(corpora[1], chords=np.full(128, -1)), 48, np.random.default_rng(0), augment=False)
    losses = model.losses({name: torch.from_numpy(value[None]) for name, value in drawn.items()})

    assert [0, 0, 0] == [float(losses[f"n_{name}"]) for name in ("chord", "m_vel", "p_vel")]
    assert losses["n_m_pitch"] > 0
    assert bool(torch.isfinite(loop.total(losses)))
