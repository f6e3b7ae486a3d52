"""A training run: it learns, it is the same every time, and it goes on where it was killed."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from composer.errors import ComposerError, FileError, ModelError  # noqa: E402
from composer.neural import checkpoint  # noqa: E402
from composer.neural.checkpoint import load_facts, load_model  # noqa: E402
from composer.tokenizers import blocks as B  # noqa: E402
from composer.training import anticipation, loop  # noqa: E402
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


@pytest.fixture(scope="module")
def valid(song):
    """Two fixed batches under two names; the first decides."""
    rng = np.random.default_rng(0)
    drawn = [draw(song, 48, rng, augment=False) for _ in range(4)]
    batch = {k: torch.from_numpy(np.stack([d[k] for d in drawn])) for k in drawn[0]}
    return {"lead1": [batch], "lead0": [batch]}


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


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


def test_it_learns(song, valid, tmp_path):
    loop.train([song], valid, replace(TINY, steps=40, validate_every=20), tmp_path)
    losses = [row["lead1"]["note"] for row in rows(tmp_path) if "lead1" in row]

    assert losses[-1] < losses[0]


def test_what_is_dropped_depends_on_the_step_alone(song, tmp_path):
    run = replace(TINY, dropout=0.3)
    loop.train([song], {}, run, tmp_path / "whole")
    loop.train([song], {}, run, tmp_path / "cut", stop_at=3)
    loop.train([song], {}, run, tmp_path / "cut")
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")

    assert all(np.array_equal(whole[k], cut[k]) for k in whole)


def test_minutes_of_a_processor_are_not_the_clocks(song, tmp_path, monkeypatch):
    # Ten seconds of processor time pass at every look; none, or hours, on the wall.
    ticking = iter(range(0, 10_000, 10))
    monkeypatch.setattr(loop.time, "process_time", lambda: float(next(ticking)))
    loop.train([song], {}, replace(TINY, steps=0, minutes=1, processor=True), tmp_path)

    assert 6 == torch.load(tmp_path / "state.pt", weights_only=True)["progress"][0]


@pytest.mark.parametrize(("known", "capability"), [(False, "AVX2"), (True, "AVX512")])
def test_bfloat16_is_left_to_processors_that_know_it(monkeypatch, known, capability):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)

    assert known == loop.knows_bf16(torch.device("cpu"))


def test_a_run_may_learn_one_lead(song):
    only = loop.batch([song], replace(TINY, lead="0", batch=8), 0)
    every = loop.batch([song], replace(TINY, batch=8), 0)

    assert 1 == len(leads(only))
    assert 1 < len(leads(every))


def leads(batch):
    """Return the rows that tell a lead."""
    first = B._START["lead"]
    rows = batch["rows"].numpy()
    return set(rows[(rows >= first) & (rows < first + len(B.LEADS))].tolist())


class TestTheBestIsKept:
    """Overfitting at the end is never shipped."""

    def test_the_weights_are_those_of_the_best_validation(self, song, valid, tmp_path):
        # The rate never falls, and is far too high to stay where it is good.
        run = replace(TINY, steps=24, validate_every=4, adam=0.3, muon=1.0)
        loop.train([song], valid, run, tmp_path)
        best = min((row[name]["whole"], row["step"]) for row in rows(tmp_path) for name in ("lead1", "lead1_average"))

        assert best == (float(load_facts(tmp_path)["whole"]), int(load_facts(tmp_path)["step"]))
        assert best[0] == pytest.approx(loop.validate(load_model(tmp_path), valid["lead1"])["whole"])

    def test_the_average_lags_behind(self, song, tmp_path):
        loop.train([song], {}, replace(TINY, steps=30), tmp_path)
        state = torch.load(tmp_path / "state.pt", weights_only=True)
        last, average = (weights["pitch.weight"] for weights in state["models"])

        assert 0 < float((last - average).abs().mean()) < float(last.abs().mean())

    def test_a_resumed_run_replaces_the_best_by_a_better_one_only(self, song, valid, tmp_path):
        loop.train([song], valid, TINY, tmp_path)
        best = load_model(tmp_path)
        checkpoint.save_model(tmp_path, best, {"whole": "0.0", "step": "1"})
        loop.train([song], valid, replace(TINY, steps=9), tmp_path)

        assert {"whole": "0.0", "step": "1"} == load_facts(tmp_path)


class TestWarmStart:
    """A run begins with the weights of another model, and with nothing else of it."""

    def test_the_weights_are_taken(self, song, tmp_path):
        loop.train([song], {}, TINY, tmp_path / "a")
        loop.train([song], {}, replace(TINY, start=str(tmp_path / "a"), dropout=0.1), tmp_path / "b", stop_at=0)
        a, b = weights(tmp_path / "a"), weights(tmp_path / "b")

        assert all(np.array_equal(a[k], b[k]) for k in a)
        assert 0 == torch.load(tmp_path / "b" / "state.pt", weights_only=True)["progress"][0]
        assert str(tmp_path / "a") == json.loads((tmp_path / "b" / "run.json").read_text())["start"]

    def test_a_resumed_run_needs_that_model_no_more(self, song, tmp_path):
        loop.train([song], {}, TINY, tmp_path, stop_at=1)
        loop.train([song], {}, replace(TINY, start=str(tmp_path / "gone")), tmp_path)

        assert 6 == torch.load(tmp_path / "state.pt", weights_only=True)["progress"][0]

    @pytest.mark.parametrize("change", [{"n_embd": 64}, {"n_layer": 3}])
    def test_another_shape_is_refused(self, song, tmp_path, change):
        loop.train([song], {}, TINY, tmp_path / "a", stop_at=0)
        run = replace(TINY, start=str(tmp_path / "a"), **change)
        with pytest.raises(ModelError, match="another shape or vocabulary \\(n_"):
            loop.train([song], {}, run, tmp_path / "b")

    def test_a_folder_without_a_model_is_refused(self, song, tmp_path):
        with pytest.raises(ModelError, match="cannot be read"):
            loop.train([song], {}, replace(TINY, start=str(tmp_path)), tmp_path / "b")


class TestBadMoments:
    """Whatever happens, the last checkpoint is whole and one sentence says what to do."""

    def test_a_kill_in_the_middle_of_a_write_loses_the_unfinished_file_only(self, song, tmp_path):
        loop.train([song], {}, TINY, tmp_path / "whole")
        loop.train([song], {}, TINY, tmp_path / "cut", stop_at=3)
        (tmp_path / "cut" / "state.pt.part").write_bytes(b"half a state")
        (tmp_path / "cut" / "log.jsonl").write_text('{"step": 2, "seconds": 1}\n{"step": 5, "seconds": 2}\n{"st')
        loop.train([song], {}, TINY, tmp_path / "cut")
        whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")

        assert [2, 6] == [row["step"] for row in rows(tmp_path / "cut")]
        assert all(np.array_equal(whole[k], cut[k]) for k in whole)

    @pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_the_run_after_the_step_with_its_state_kept(self, song, tmp_path, monkeypatch, name):
        handlers = [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)]
        draw_batch = loop.batch

        def interrupt(songs, run, step, *world):
            if step == 3:
                signal.raise_signal(name)
            return draw_batch(songs, run, step, *world)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "batch", interrupt)
            with pytest.raises(ComposerError, match=r"interrupted after step 4;.*--resume"):
                loop.train([song], {}, TINY, tmp_path / "cut")
        loop.train([song], {}, TINY, tmp_path / "cut")
        loop.train([song], {}, TINY, tmp_path / "whole")
        whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")

        assert handlers == [signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)]
        assert all(np.array_equal(whole[k], cut[k]) for k in whole)

    @pytest.mark.parametrize("name", ["state.pt", "model.safetensors"])
    def test_a_full_disk_leaves_what_was_there(self, song, tmp_path, monkeypatch, name):
        loop.train([song], {}, TINY, tmp_path, stop_at=3)
        before = (tmp_path / name).read_bytes()

        def fill(*args, **kwargs):
            path = next(a for a in args if hasattr(a, "write_bytes"))
            path.write_bytes(before[:100])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(checkpoint.torch, "save", fill) if name == "state.pt" else monkeypatch.setattr(
            checkpoint, "save_file", fill
        )
        with pytest.raises(FileError, match=r"No space left on device.*make room and resume"):
            loop.train([song], {}, TINY, tmp_path)

        assert before == (tmp_path / name).read_bytes()
        assert not list(tmp_path.glob("*.part"))

    def test_a_loss_that_is_no_number_stops_before_the_state_is_overwritten(self, song, tmp_path, monkeypatch):
        loop.train([song], {}, TINY, tmp_path, stop_at=3)
        before = (tmp_path / "state.pt").read_bytes()
        total = loop.total
        monkeypatch.setattr(loop, "total", lambda losses: (total(losses)[0] * float("nan"), 1.0))
        with pytest.raises(ComposerError, match=r"the loss was nan .* at step 4"):
            loop.train([song], {}, TINY, tmp_path)

        assert before == (tmp_path / "state.pt").read_bytes()

    def test_a_state_of_another_shape_is_refused(self, song, tmp_path):
        loop.train([song], {}, TINY, tmp_path, stop_at=1)
        with pytest.raises(ModelError, match="n_embd 32 instead of 64"):
            loop.train([song], {}, replace(TINY, n_embd=64), tmp_path)

    def test_a_broken_state_is_refused(self, song, tmp_path):
        loop.train([song], {}, TINY, tmp_path, stop_at=1)
        (tmp_path / "state.pt").write_bytes((tmp_path / "state.pt").read_bytes()[:1000])
        with pytest.raises(FileError, match="damaged"):
            loop.train([song], {}, TINY, tmp_path)


def test_the_silenced_player_is_asked_for_the_same_notes(song):
    sets = anticipation.validation([song], 96)
    heard, silent = (sets[name][0] for name in ("lead1", "lead1_silent"))

    assert (silent["of"] == 1).sum() == 0 < (heard["of"] == 1).sum()
    assert (heard["of"] == 2).sum() == (silent["of"] == 2).sum()


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
    assert bool(torch.isfinite(loop.total(losses)[0]))
