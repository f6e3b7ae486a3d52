"""The decode benchmark: which shapes there are, which fields it prints, and what it times."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from composer.errors import UsageError
from composer.generators import amt_sampling
from composer.generators.controls import AMT_BANDS
from composer.neural import bench, gpt2, gpt2_compiled, shapes, variants
from composer.tokenizers import amt

WIDTH = 64
FIELDS = [
    "model",
    "bits",
    "layers",
    "context",
    "threads",
    "tokens_per_second",
    "notes_per_second",
    "times_real_time",
    "others",
    "ms_per_token",
    "prefill_ms",
    "rollback_ms",
    "replan_ms",
    "startup_ms",
    "baselines",
    "times_baseline",
    "n",
]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Keep a tiny checkpoint of the published vocabulary."""
    folder = tmp_path_factory.mktemp("published")
    shapes.make_published(folder, 2, 2, 32)
    return folder


@pytest.fixture
def brief(monkeypatch):
    """Take few turns, and leave out what only a full-sized run can tell."""
    monkeypatch.setattr(bench, "ROUNDS", 2)
    monkeypatch.setattr(bench, "TOKENS", 5)
    monkeypatch.setattr(bench, "STARTS", 1)


@pytest.fixture
def small(monkeypatch):
    """Make amt-small a tiny shape."""
    monkeypatch.setitem(shapes.PUBLISHED, "amt-small", (2, 2, WIDTH))


class TestShapes:
    @pytest.mark.parametrize(
        "name", ["shape:", "shape:5", "shape:1x32", "shape:5x250", "shape:99x256", "shape:amt-huge", "amt-small"]
    )
    def test_an_unknown_shape_names_those_there_are(self, tmp_path, name):
        with pytest.raises(UsageError, match=r"shape:amt-small, shape:amt-medium, shape:amt-large.*shape:5x256"):
            shapes.make(name, tmp_path)

    def test_a_published_name_is_its_shape(self, tmp_path, monkeypatch):
        made = []
        monkeypatch.setattr(shapes, "make_published", lambda folder, *shape, bits: made.append(shape))
        shapes.make("shape:amt-medium", tmp_path)

        assert [(24, 16, 1024)] == made

    @pytest.mark.parametrize("bits", [4, 8])
    def test_its_layers_are_in_so_many_bits(self, tmp_path, small, brief, bits):
        assert bits == bench.decode("shape:amt-small", None, 60, 1, bits)["bits"]

    def test_layers_times_width_is_a_shape_of_ours(self, tmp_path, monkeypatch):
        made = []
        monkeypatch.setattr(shapes, "make_random", lambda folder, *shape: made.append(shape))
        shapes.make("shape:5x256", tmp_path)

        assert [(5, 256)] == made

    def test_the_published_vocabulary_is_the_samplers(self):
        assert (amt_sampling.TIMES, amt_sampling.DURATIONS, amt_sampling.NOTES) == shapes.PUBLISHED_ROWS
        assert (amt.VOCABULARY, amt.CONTEXT) == (shapes.PUBLISHED_VOCABULARY, shapes.PUBLISHED_CONTEXT)

    def test_the_band_that_is_measured_is_the_largest_and_a_player(self):
        largest = 1 + max(map(len, AMT_BANDS.values()))

        assert amt_sampling.note_rows(frozenset(range(largest))).tolist() == shapes.PUBLISHED_BAND.tolist()

    def test_a_published_shape_plays(self, published):
        decoder = gpt2.Decoder(published)
        decoder.append([5, 10_100, 11_060])

        assert np.isfinite(decoder.logits(shapes.PUBLISHED_ROWS[0])).all()


class TestFigures:
    def test_of_our_own_model(self, brief):
        found = bench.decode("shape:2x32", None, 40, 1)

        assert FIELDS == list(found)
        assert {"p50", "p95"} == found["ms_per_token"].keys()
        assert {"tokens": 10, bench.WITH_CACHE: 2, bench.WITHOUT_CACHE: 2} == found["n"]
        assert found["tokens_per_second"] == found["notes_per_second"]
        assert {} == found["others"]

    def test_of_a_published_checkpoint(self, brief, published):
        found = bench.decode("amt-tiny", published, 60, 1)

        assert FIELDS == list(found)
        assert found["notes_per_second"] == pytest.approx(found["tokens_per_second"] / 3, abs=0.1)
        assert 68 * found["times_real_time"] == pytest.approx(found["tokens_per_second"], rel=0.02)
        assert ["notes of any instrument"] == list(found["others"])

    @pytest.mark.parametrize("context", [10, 1024])
    def test_a_context_that_cannot_be_measured_says_which_can(self, published, context):
        with pytest.raises(UsageError, match="32 to 1021"):
            bench.decode("amt-tiny", published, context, 1)


def test_contenders_take_turns_in_another_order_each_round(monkeypatch):
    """The first call of several is not counted, a single one is."""
    monkeypatch.setattr(bench, "ROUNDS", 2)
    calls = []
    times = bench._in_turns({name: (lambda name=name: calls.append(name), n) for name, n in (("a", 2), ("b", 1))})

    assert [*"aaabbaaa"] == calls
    assert [4, 2] == [len(times["a"]), len(times["b"])]


def test_a_slow_contender_stops_after_two_turns(monkeypatch):
    monkeypatch.setattr(bench, "_seconds", lambda run: 15.0)

    assert 2 == len(bench._in_turns({"slow": (lambda: None, 1)})["slow"])


def test_a_token_stands_at_the_end_of_the_context(published):
    """What is timed is the token that fills the context, whatever came before."""
    contender = bench._contender(published, 60, 1)
    contender.prefill()
    contender.token()
    contender.change()
    contender.note()
    contender.token()

    assert 60 == contender.decoder.length


def test_a_note_is_there_when_its_last_token_is_drawn(published):
    """To put it in is the beginning of the next one."""
    contender = bench._contender(published, 60, 1)
    contender.prefill()
    contender.change()
    contender.note()

    assert 62 == contender.decoder.length


class TestWays:
    @pytest.fixture
    def answers(self, small):
        """Keep what each way says of the last of twelve steps, read by four, gone back to six, and read on."""
        x = np.random.default_rng(0).standard_normal((12, WIDTH), dtype=np.float32)
        out = {}
        for way, layers in variants.runners("amt-small").items():
            for past in (0, 4, 8):
                layers.run(x[past : past + 4], past)
            whole = layers.run(x[11:], 11)[-1]
            again = layers.run(x[6:], 6)[-1]
            out[way] = whole, again
        return out

    def test_all_say_nearly_the_same(self, answers):
        expected = answers["float weights"][0]
        for way, (found, _) in answers.items():
            assert np.abs(expected - found).max() < (0.015 if "4-bit" in way else 0.002), way

    def test_none_is_another_under_a_new_name(self, answers):
        kept = {(way.weights, way.cache): title for title, way in variants.WAYS.items()}.values()

        assert len(kept) == len({answers[way][0].tobytes() for way in kept})

    def test_going_back_is_the_same_in_all(self, answers):
        for way, (whole, again) in answers.items():
            np.testing.assert_allclose(whole, again, atol=0.002, err_msg=way)

    def test_figures_of_each(self, brief, small):
        found = bench.compare("amt-small", 100)

        assert 3 * len(variants.WAYS) == len(found["ms"])
        assert {"p50", "fastest"} == found["ms"]["4-bit weights: prefill"].keys()

    @pytest.mark.skipif(not gpt2_compiled.is_possible(), reason="needs numba and a processor with AVX2")
    def test_compiled_layers_are_as_true_as_the_graph_of_their_bits(self, monkeypatch):
        monkeypatch.setitem(shapes.PUBLISHED, "amt-small", (2, 2, 128))
        x = np.random.default_rng(0).standard_normal((12, 128), dtype=np.float32)
        found = {way: layers.run(x, 0) for way, layers in variants.runners("amt-small").items()}

        def error(way):
            return np.abs(found[way] - found["float weights"]).mean()

        assert error("4-bit weights, compiled") < 1.1 * error("4-bit weights, 8-bit keys and values")
        assert error("8-bit weights, compiled") < 1.1 * error("8-bit weights, keys and values")

    def test_other_shapes_are_not_compared(self):
        with pytest.raises(UsageError, match="amt-small, amt-medium, amt-large"):
            bench.compare("5x256")
