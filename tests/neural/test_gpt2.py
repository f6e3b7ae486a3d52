"""Published checkpoints play as transformers' own GPT-2 does with the layer's number in the scale of attention."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from checkpoints import ROWS, converted, divergence, expected, reference, save, whole, with_a_large_channel  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

from composer.errors import ModelError  # noqa: E402
from composer.neural import gpt2, gpt2_cache, gpt2_export  # noqa: E402
from composer.neural.blockwise import nearest  # noqa: E402
from composer.neural.gpt2 import PIECE, Decoder  # noqa: E402
from composer.neural.gpt2_cache import ranges, shrink  # noqa: E402
from composer.neural.gpt2_export import convert, unpickle  # noqa: E402
from composer.neural.gpt2_fit import fit, most, read  # noqa: E402
from composer.neural.gpt2_graph import head_name  # noqa: E402
from composer.neural.runtime import Layers  # noqa: E402
from composer.neural.shapes import make_published  # noqa: E402

PIECES = [[int(t) for t in np.random.default_rng(n).integers(0, 100, 24)] for n in range(12)]
TOKENS = [7, 99, 3, 3, 50, 12, 88, 0, 41, 5, 77, 30]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Keep a model of random weights: itself, and converted in float and int8."""
    root = tmp_path_factory.mktemp("gpt2")
    model = reference()
    source = save(model, root / "source")
    convert(source, root / "played", ROWS, int8=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpt2_cache, "_is_faster", lambda *_: True)
        convert(source, root / "played", ROWS)
    return model, source, root / "played"


class TestFloat:
    def test_all_at_once(self, tiny):
        model, _, folder = tiny
        decoder = Decoder(folder, precision="float")
        decoder.append(TOKENS)

        np.testing.assert_allclose(expected(model, TOKENS), whole(decoder), atol=1e-4)

    def test_the_number_of_the_layer_matters(self, tiny):
        """The tolerance is far below what leaving it out would cost."""
        model, _, folder = tiny
        plain = reference()
        plain.load_state_dict(model.state_dict())
        for block in plain.transformer.h:
            block.attn.scale_attn_by_inverse_layer_idx = False
            block.attn.scaling = block.attn.head_dim**-0.5
        decoder = Decoder(folder, precision="float")
        decoder.append(TOKENS)

        assert 0.01 < np.abs(expected(plain, TOKENS) - whole(decoder)).max()

    def test_one_by_one_up_to_the_last_position(self, tiny):
        model, _, folder = tiny
        decoder = Decoder(folder, precision="float")
        tokens = TOKENS * 2
        for i, token in enumerate(tokens):
            decoder.append([token])
            np.testing.assert_allclose(expected(model, tokens[: i + 1]), whole(decoder), atol=1e-4)

    def test_going_back_forgets_what_came_after(self, tiny):
        model, _, folder = tiny
        decoder = Decoder(folder, precision="float")
        decoder.append([*TOKENS[:5], 1, 2, 3])
        decoder.rollback(5)
        decoder.append(TOKENS[5:])

        np.testing.assert_allclose(expected(model, TOKENS), whole(decoder), atol=1e-4)

    def test_as_a_function_of_tokens(self, tiny):
        model, _, folder = tiny
        decoder = Decoder(folder, precision="float")
        for tokens in (TOKENS[:4], TOKENS, TOKENS[:6], [1, 2], TOKENS[:6], TOKENS[:6]):
            np.testing.assert_allclose(expected(model, tokens)[ROWS[1]], decoder(tokens, ROWS[1]), atol=1e-4)

    def test_what_is_shared_is_not_computed_again(self, tiny, monkeypatch):
        decoder = Decoder(tiny[2], precision="float")
        decoder(TOKENS[:8], ROWS[0])
        appended = []
        append = decoder.append
        monkeypatch.setattr(decoder, "append", lambda tokens: (appended.append(list(tokens)), append(tokens)))
        decoder([*TOKENS[:6], 1], ROWS[0])

        assert [[1]] == appended

    def test_rows_without_a_head_of_their_own(self, tiny):
        model, _, folder = tiny
        decoder = Decoder(folder, precision="float")

        np.testing.assert_allclose(expected(model, TOKENS)[10:60], decoder(TOKENS, slice(10, 60)), atol=1e-4)

    @pytest.mark.parametrize("chosen", [[40, 41, 99], [7], []])
    @pytest.mark.parametrize("precision", ["float", "int8"])
    def test_chosen_rows_are_multiplied_in_float(self, tiny, precision, chosen):
        model, _, folder = tiny
        decoder = Decoder(folder, precision=precision)
        decoder.append(TOKENS)
        hidden = decoder.read(TOKENS)[-1]

        table = model.transformer.wte.weight.detach().numpy()[chosen]

        np.testing.assert_allclose(table @ hidden, decoder.logits(np.array(chosen, int)), atol=1e-5)

    def test_of_too_many_chosen_rows_those_of_a_head_are_taken(self, tiny, monkeypatch):
        monkeypatch.setattr(gpt2, "_FLOAT_ROWS", 2)
        decoder = Decoder(tiny[2])
        decoder.append(TOKENS)

        assert decoder.logits(ROWS[1])[[1, 3, 59]].tolist() == decoder.logits(np.array([41, 43, 99])).tolist()
        # Rows of two heads are nobody's.
        assert decoder.logits(np.array([1, 2, 41]))[:2].tolist() == decoder.logits(np.array([1, 2])).tolist()

    def test_only_the_latest_choices_are_kept(self, tiny):
        decoder = Decoder(tiny[2])
        decoder.append(TOKENS)
        for n in range(20):
            decoder.logits(np.array([n]))

        assert gpt2._KEPT_TABLES == len(decoder._tables)
        assert decoder.logits(np.array([19])) == decoder.logits(np.array([19, 20]))[:1]

    def test_a_full_buffer_and_an_unknown_token_say_so(self, tiny):
        decoder = Decoder(tiny[2], precision="float")

        with pytest.raises(ValueError, match="do not fit"):
            decoder.append([0] * 25)
        with pytest.raises(ValueError, match=r"outside of 0\.\.99"):
            decoder.append([100])
        with pytest.raises(ValueError, match=r"outside of 0\.\.99"):
            decoder.append([-1])


def same(first, second):
    """Assert that answers are equal bit for bit."""
    assert [a.tobytes() for a in first] == [b.tobytes() for b in second]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Keep a model that looks 200 tokens back, in int8."""
    root = tmp_path_factory.mktemp("long")
    return converted(reference(n_positions=200), root)


class TestReadAhead:
    """Eight bits: what is read depends on the pieces in which it is read, and so might an answer."""

    PAST = np.random.default_rng(5).integers(0, 100, 130).tolist()

    def answer(self, decoder):
        decoder.settle()
        found = [decoder(self.PAST, ROWS[0])]
        return [*found, decoder([*self.PAST, 4], ROWS[1]), decoder([*self.PAST, 4, 9], ROWS[0])]

    @pytest.mark.parametrize(
        "before",
        [
            [],
            [PAST[:50]],
            [PAST[:7], PAST[:8], PAST[:9]],
            [PAST],
            [[*PAST[:60], 1, 2, 3], [9, 9]],
            [PAST[:60] * 2],
            [PAST[1:], PAST],
        ],
    )
    def test_an_answer_is_the_same_bit_for_bit_whatever_was_asked_before(self, folder, before):
        decoder = Decoder(folder)
        expected = self.answer(Decoder(folder))
        for tokens in before:
            decoder(tokens, ROWS[0])

        same(expected, self.answer(decoder))

    @pytest.mark.parametrize("steps", [0, 1, 2, 99])
    def test_nor_does_it_depend_on_what_was_read_ahead(self, folder, steps):
        decoder = Decoder(folder)
        decoder(self.PAST[40:], ROWS[0])
        for _ in zip(range(steps), decoder.prepare([*self.PAST[:100], 5, 5]), strict=False):
            pass

        same(self.answer(Decoder(folder)), self.answer(decoder))

    def read(self, monkeypatch, decoder):
        """Return a list that will hold how many tokens the layers were given at each call."""
        given, run = [], type(decoder._now._layers).run
        monkeypatch.setattr(
            type(decoder._now._layers),
            "run",
            lambda layers, x, past: (given.append(len(x)), run(layers, x, past))[1],
        )
        return given

    def test_what_was_read_ahead_is_not_read_again_and_what_was_played_from_is_still_there(self, folder, monkeypatch):
        decoder = Decoder(folder)
        now = self.PAST[40:]
        decoder(now, ROWS[0])
        list(decoder.prepare(self.PAST))
        given = self.read(monkeypatch, decoder)
        decoder([*now, 1], ROWS[0])
        decoder(self.PAST, ROWS[0])

        assert [1, len(self.PAST) % PIECE] == given

    def test_a_question_between_two_steps_goes_first(self, folder):
        decoder = Decoder(folder)
        steps = decoder.prepare(self.PAST)
        next(steps)
        found = self.answer(decoder)
        list(steps)

        same(found, self.answer(decoder))
        same(found, self.answer(Decoder(folder)))

    def test_measuring_changes_no_answer(self, folder):
        decoder = Decoder(folder)
        decoder(self.PAST[:60], ROWS[0])

        assert decoder.tokens_per_second(ROWS[0]) > 0
        same(self.answer(Decoder(folder)), self.answer(decoder))


def test_weights_of_more_than_two_gigabytes_lie_beside_their_graph(tiny, tmp_path, monkeypatch):
    """As small a limit as these weights need shows what a limit of the format would."""
    model, source, _ = tiny
    monkeypatch.setattr("composer.neural.gpt2_graph.LARGEST_GRAPH", 1000)
    convert(source, tmp_path, ROWS, int8=False)
    decoder = Decoder(tmp_path, precision="float")

    assert (tmp_path / "trunk.onnx.data").stat().st_size > 10 * (tmp_path / "trunk.onnx").stat().st_size
    np.testing.assert_allclose(expected(model, TOKENS)[ROWS[0]], decoder(TOKENS, ROWS[0]), atol=1e-4)


def test_a_vocabulary_that_is_too_small_is_refused(tiny, tmp_path):
    with pytest.raises(ModelError, match="has 100 tokens where 101 are needed"):
        convert(tiny[1], tmp_path / "played", ROWS, vocabulary=101)
    assert not (tmp_path / "played").exists()


@pytest.mark.parametrize("prefix", [True, False])
def test_a_pickle_becomes_safetensors_that_transformers_reads(tiny, tmp_path, prefix):
    model, _, _ = tiny
    source = save(model, tmp_path / "source", pickled=True, prefix=prefix)
    unpickle(source / "pytorch_model.bin", source / "model.safetensors")
    (source / "pytorch_model.bin").unlink()
    again = transformers.GPT2LMHeadModel.from_pretrained(source, attn_implementation="eager").eval()

    np.testing.assert_allclose(expected(model, TOKENS), expected(again, TOKENS), atol=1e-6)


def test_int8_is_close_in_distribution(tiny):
    model, _, folder = tiny
    decoder = Decoder(folder)
    decoder.append(TOKENS)

    assert divergence(expected(model, TOKENS), whole(decoder)) < 0.0005


class TestCache:
    """Keys and values in eight bits, a step for each channel of keys."""

    @staticmethod
    def buffers(folder):
        return Decoder(folder)._now._layers.buffers.values()

    def test_it_is_kept_in_eight_bits(self, tiny):
        assert {np.dtype(np.int8)} == {buffer.dtype for buffer in self.buffers(tiny[2])}

    @pytest.mark.parametrize(("faster", "kind"), [(True, np.int8), (False, np.float32)])
    def test_it_is_so_where_that_is_faster(self, tiny, tmp_path, monkeypatch, faster, kind):
        monkeypatch.setattr(gpt2_cache, "_is_faster", lambda *_: faster)
        convert(tiny[1], tmp_path, ROWS)

        assert {np.dtype(kind)} == {buffer.dtype for buffer in self.buffers(tmp_path)}
        assert [] == list(tmp_path.glob(".*"))

    @pytest.mark.parametrize(("least", "faster"), [(1e9, True), (1e-9, False)])
    def test_a_little_faster_is_not_enough(self, tmp_path, monkeypatch, least, faster):
        monkeypatch.setattr(gpt2_cache, "_WORTH", least)
        make_published(tmp_path, 1, 2, 32, cache=False)
        x = np.ones((4, 32), np.float32)

        assert faster == shrink(tmp_path / "trunk.int8.onnx", ranges(tmp_path / "trunk.int8.onnx", [x], 2))

    def test_a_runtime_that_cannot_keeps_it_in_float(self, tiny, tmp_path, monkeypatch):
        run = Layers.run

        def old(layers, x, past):
            if layers.buffers["h.0.k"].dtype == np.int8:
                raise RuntimeError("Tensor type mismatch")
            return run(layers, x, past)

        monkeypatch.setattr(Layers, "run", old)
        convert(tiny[1], tmp_path, ROWS)
        decoder = Decoder(tmp_path)
        decoder.append(TOKENS)

        assert {np.dtype(np.float32)} == {buffer.dtype for buffer in self.buffers(tmp_path)}
        assert [] == list(tmp_path.glob(".*"))
        assert divergence(expected(tiny[0], TOKENS), whole(decoder)) < 0.0005

    def test_a_channel_that_is_always_large_drowns_no_other(self, tmp_path):
        """Keys have such channels; one step for all of a head would be thirty times as coarse for the rest."""
        model = with_a_large_channel(reference())
        decoder = Decoder(converted(model, tmp_path))
        decoder.append(TOKENS)

        assert divergence(expected(model, TOKENS), whole(decoder)) < 0.0005

    def test_what_is_larger_than_in_the_sample_is_cut_off(self, tmp_path):
        """It must not begin again at the other end."""
        make_published(tmp_path, 1, 2, 32, cache=False)
        path, x = tmp_path / "trunk.int8.onnx", np.random.default_rng(0).standard_normal((24, 32), dtype=np.float32)
        layers = Layers(path, 24, 2, 32, 1)
        layers.run(x, 0)
        largest = ranges(path, [x], 2)
        shrink(path, {name: size / 10 for name, size in largest.items()}, always=True)
        smaller = Layers(path, 24, 2, 32, 1)
        smaller.run(x, 0)

        for name, values in layers.buffers.items():
            far = np.abs(values) > (largest[name] if name.endswith(".k") else largest[name].max()) / 7
            assert far.any()
            np.testing.assert_array_equal(127 * np.sign(values[far]), np.clip(smaller.buffers[name][far], -127, 127))


class TestFourBits:
    """Matrices fitted to what they read."""

    @pytest.fixture
    def model(self):
        return reference(n_embd=128, spread=0.08)

    @pytest.fixture
    def source(self, model, tmp_path):
        return save(model, tmp_path / "source")

    def converted(self, source, folder):
        return convert(source, folder, ROWS, pieces=PIECES[:8], held_out=PIECES[8:])

    @pytest.mark.parametrize(("allowed", "share", "far"), [(0.05, 1.0, (1e-4, 1e-2)), (-1.0, 0.0, (0, 5e-4))])
    def test_they_are_kept_where_the_loss_allows_it(self, model, source, tmp_path, monkeypatch, allowed, share, far):
        monkeypatch.setattr(gpt2_export, "ALLOWED", allowed)
        kept = self.converted(source, tmp_path / "played")
        decoder = Decoder(tmp_path / "played")
        decoder.append(TOKENS)

        assert (share, 8 - 4 * share) == (kept.share, decoder.config["bits"])
        assert far[0] < divergence(expected(model, TOKENS), whole(decoder)) < far[1]

    def test_pieces_may_leave_a_head_unasked(self, source, tmp_path):
        low = [[n % 40 for n in piece] for piece in PIECES]
        kept = convert(source, tmp_path / "played", ROWS, pieces=low[:8], held_out=low[8:])

        assert kept.played == pytest.approx(kept.in_float, rel=0.05)

    def test_some_are_kept_where_all_would_lose_too_much(self, source, tmp_path, monkeypatch):
        monkeypatch.setattr(gpt2_export, "most", lambda coded, is_allowed: dict([*coded.items()][:7]))
        monkeypatch.setattr(gpt2_export, "ALLOWED", 0.05)
        kept = self.converted(source, tmp_path / "played")

        assert (0.5, 6.0) == (kept.share, Decoder(tmp_path / "played").config["bits"])

    @pytest.mark.parametrize(("allowed", "found"), [(8, 8), (7, 7), (5, 5), (2, 2), (0, 0)])
    def test_the_first_ones_are_tried_by_halves(self, allowed, found):
        tried = []

        def is_allowed(few):
            tried.append(len(few))
            return len(few) <= allowed

        assert [*"abcdefgh"[:found]] == [*most(dict.fromkeys("abcdefgh"), is_allowed)]
        assert len(tried) <= 4

    def test_what_spoils_least_comes_first(self, model, source):
        config, tensors = gpt2_export.read_checkpoint(source)
        coded = fit(config, tensors, [], PIECES[:8])
        before, after = (
            sum(
                np.square(read(config, tensors, piece, dict(few)) - read(config, tensors, piece)).sum()
                for piece in PIECES[8:]
            )
            for few in ([*coded.items()][:6], [*coded.items()][6:])
        )

        assert 12 == len(coded)
        assert before < after

    def test_a_matrix_of_nothing_is_spoiled_by_nothing(self, model, tmp_path):
        model.transformer.h[1].mlp.c_fc.weight.data.zero_()
        config, tensors = gpt2_export.read_checkpoint(save(model, tmp_path / "source"))

        assert "h.1.mlp.c_fc.weight" == next(iter(fit(config, tensors, ROWS, PIECES[:8])))

    def test_heads_are_fitted_to_what_the_layers_give_them(self, source):
        config, tensors = gpt2_export.read_checkpoint(source)
        coded = fit(config, tensors, ROWS, PIECES[:8])
        hidden = np.concatenate([read(config, tensors, piece, coded) for piece in PIECES[:8]])

        def spoiled(few, rows):
            return np.square(hidden @ (few.matrix() - tensors["wte.weight"][rows].T)).sum()

        assert 14 == len(coded)
        for rows in ROWS:
            rounded = nearest(tensors["wte.weight"][rows].T)
            assert spoiled(coded[head_name(rows)], rows) < 0.5 * spoiled(rounded, rows)

    def test_what_heads_lose_is_counted(self, source, tmp_path, monkeypatch):
        monkeypatch.setattr(gpt2_export, "ALLOWED", 1.0)
        kept = []
        for steps in (8, 1):  # of four bits, and of one
            monkeypatch.setattr(
                gpt2_export,
                "most",
                lambda coded, is_allowed, steps=steps: {
                    name: each._replace(codes=np.clip(each.codes, 8 - steps, 7 + steps))
                    for name, each in coded.items()
                    if name.startswith("head")
                },
            )
            kept.append(self.converted(source, tmp_path / str(steps)))

        changed = [abs(each.played / each.in_float - 1) for each in kept]
        assert changed[0] < 0.01 < 0.05 < changed[1]

    def test_eight_bits_where_they_cost_what_four_may(self, source, tmp_path, monkeypatch):
        """Four bits alone are within the limit, and with the rest in eight no more."""
        monkeypatch.setattr(gpt2_export, "most", lambda coded, is_allowed: coded)
        monkeypatch.setattr(gpt2_export, "ALLOWED", -1.0)

        assert 0.0 == self.converted(source, tmp_path / "played").share

    def test_the_loss_is_that_of_the_checkpoint_among_what_is_legal(self, model, source, tmp_path):
        kept = self.converted(source, tmp_path / "played")
        nats = []
        for piece in PIECES[8:]:
            with torch.no_grad():
                logits = model(torch.tensor([piece])).logits[0]
            for before, token in enumerate(piece[1:]):
                rows = next(rows for rows in ROWS if rows.start <= token < rows.stop)
                nats.append(-float(logits[before][rows].log_softmax(0)[token - rows.start]))

        assert np.mean(nats) == pytest.approx(kept.in_float, abs=1e-4)

    def test_a_width_that_holds_no_block_is_kept_in_eight(self, tiny, tmp_path):
        kept = convert(tiny[1], tmp_path / "played", ROWS, pieces=PIECES[:2], held_out=PIECES[8:])

        assert 0.0 == kept.share

    @pytest.mark.parametrize(
        ("share", "told"), [(1.0, "in 4 bits"), (0.0, "in 8 bits"), (0.75, "75% in 4 bits and the others in 8")]
    )
    def test_a_person_reads_what_it_costs(self, share, told):
        assert f"keeps its weights {told}, which changes its loss by +0.25%" == str(gpt2_export.Kept(share, 4.0, 4.01))

    def test_what_computes_no_numbers_is_one_sentence(self, tmp_path):
        source = save(reference(n_embd=128, spread=1e30), tmp_path / "source")

        with pytest.raises(ModelError, match=r"computes at h\.0\.\S+ are no numbers; download it again"):
            convert(source, tmp_path / "played", ROWS, pieces=PIECES[:2], held_out=PIECES[8:])
        assert not (tmp_path / "played" / "config.json").exists()

    def test_how_much_is_done_is_told(self, source, tmp_path):
        told = []
        convert(source, tmp_path / "played", ROWS, pieces=PIECES[:2], held_out=PIECES[8:9], told=told.append)

        assert [n / 14 for n in range(1, 15)] == told


@pytest.mark.parametrize("prefix", [True, False])
def test_pickled_weights_with_and_without_prefix(tiny, tmp_path, prefix):
    model, _, _ = tiny
    source = save(model, tmp_path / "source", pickled=True, prefix=prefix)
    convert(source, tmp_path / "played", ROWS, int8=False)
    decoder = Decoder(tmp_path / "played", precision="float")

    np.testing.assert_allclose(expected(model, TOKENS)[ROWS[0]], decoder(TOKENS, ROWS[0]), atol=1e-4)


def test_a_configuration_without_the_layers_number_is_plain_gpt2(tmp_path):
    model = reference()
    model.config.scale_attn_by_inverse_layer_idx = False
    plain = transformers.GPT2LMHeadModel(model.config).eval()
    plain.load_state_dict(model.state_dict())
    convert(save(plain, tmp_path / "source"), tmp_path / "played", ROWS, int8=False)

    np.testing.assert_allclose(
        expected(plain, TOKENS)[ROWS[0]], Decoder(tmp_path / "played", precision="float")(TOKENS, ROWS[0]), atol=1e-4
    )


class Trap:
    """Create a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class TestDamage:
    @pytest.fixture
    def source(self, tiny, tmp_path):
        return save(tiny[0], tmp_path / "source")

    def refused(self, source, match):
        with pytest.raises(ModelError, match=match) as said:
            convert(source, source.parent / "played", ROWS)
        assert "\n" not in str(said.value)
        assert ". " not in str(said.value)
        assert not (source.parent / "played" / "config.json").exists()

    def test_cut_weights(self, source):
        path = source / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        self.refused(source, "cut off")

    def test_cut_pickle(self, source, tiny):
        save(tiny[0], source, pickled=True)
        path = source / "pytorch_model.bin"
        path.write_bytes(path.read_bytes()[:5000])
        self.refused(source, "cut off")

    def test_a_pickle_that_holds_a_program_is_not_run(self, source, tmp_path):
        (source / "model.safetensors").unlink()
        torch.save({"wte.weight": Trap(tmp_path / "sprung")}, source / "pytorch_model.bin")
        self.refused(source, "cannot be read")

        assert not (tmp_path / "sprung").exists()

    @pytest.mark.parametrize(("content", "match"), [([1, 2], "cannot be read"), ({"wte.weight": 5}, "no tensor wte")])
    def test_a_pickle_of_something_else(self, source, content, match):
        (source / "model.safetensors").unlink()
        torch.save(content, source / "pytorch_model.bin")
        self.refused(source, match)

    def test_no_weights(self, source):
        (source / "model.safetensors").unlink()
        self.refused(source, "neither model.safetensors nor")

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"model_type": "llama"}, "'llama'"),
            ({"n_layer": 4}, r"no tensor h\.3\.ln_1\.weight"),
            ({"n_embd": 64}, "wte.weight .* contradicts"),
            ({"n_head": 5}, "possible shape"),
            ({"n_layer": None}, "n_layer"),
            ({"activation_function": "relu"}, "'relu'"),
        ],
    )
    def test_another_configuration(self, source, change, match):
        path = source / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        self.refused(source, match)

    def test_no_configuration(self, source):
        (source / "config.json").write_text("{")
        self.refused(source, "cannot be read as a configuration")

    def test_weights_that_are_not_numbers(self, source):
        broken = reference()
        with torch.no_grad():
            broken.transformer.h[1].mlp.c_fc.bias[3] = float("nan")
        self.refused(save(broken, source), r"h\.1\.mlp\.c_fc\.bias .* not numbers")

    def test_an_output_layer_of_its_own(self, source, tiny):
        names = dict(tiny[0].state_dict())
        names["lm_head.weight"] = names["lm_head.weight"] + 1
        (source / "model.safetensors").unlink()
        torch.save(names, source / "pytorch_model.bin")
        self.refused(source, "output layer of its own")

    def test_a_model_of_another_kind_says_so(self, tmp_path):
        (tmp_path / "config.json").write_text('{"n_layer": 5, "n_embd": 256, "input_rows": 817}')

        with pytest.raises(ModelError, match="none of GPT-2's layout"):
            Decoder(tmp_path)

    @pytest.mark.parametrize("name", ["config.json", "tables.safetensors", "trunk.int8.onnx", "head.0-40.int8.onnx"])
    def test_a_damaged_converted_folder_is_one_sentence(self, tiny, tmp_path, name):
        for file in tiny[2].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:50])

        with pytest.raises(ModelError, match="cannot be loaded"):
            Decoder(tmp_path)

    @pytest.mark.parametrize("table", ["wte", "wpe"])
    @pytest.mark.parametrize("precision", ["int8", "float"])
    def test_a_converted_folder_that_holds_no_numbers_says_so_when_it_reads_them(
        self, tiny, tmp_path, table, precision
    ):
        for file in tiny[2].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        tables = load_file(tmp_path / "tables.safetensors")
        tables[table][TOKENS[0] if table == "wte" else 0, 3] = np.nan
        save_file(tables, tmp_path / "tables.safetensors")
        decoder = Decoder(tmp_path, precision=precision)

        with pytest.raises(ModelError, match=r"not numbers; .*again"):
            decoder.append(TOKENS)

    def test_layers_that_give_no_numbers_say_so(self, tmp_path):
        """Weights of 10^30 are numbers, their products are none."""
        convert(save(reference(spread=1e30), tmp_path / "source"), tmp_path / "played", ROWS, int8=False)

        with pytest.raises(ModelError, match=r"not numbers; .*again"):
            Decoder(tmp_path / "played", precision="float").append(TOKENS)

    @pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
    def test_weights_in_sixteen_bits(self, source, tiny, kind):
        half = reference().to(kind)
        save(half, source)
        convert(source, source.parent / "played", ROWS, int8=False)
        decoder = Decoder(source.parent / "played", precision="float")

        np.testing.assert_allclose(expected(half.float(), TOKENS)[ROWS[0]], decoder(TOKENS, ROWS[0]), atol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_shape_of_the_small_checkpoint(tmp_path):
    """Twelve layers, 768 wide, 55,028 tokens, random weights: float within 1e-4, int8 close in distribution."""
    model = reference(n_layer=12, n_head=12, n_embd=768, vocab_size=55028, n_positions=1024, spread=0.02)
    rows = (slice(0, 10000), slice(10000, 11000), slice(11000, 27513))
    tokens = [55026, *np.random.default_rng(0).integers(0, 55000, 60).tolist()]
    found = expected(model, tokens)
    source = save(model, tmp_path / "source")
    del model
    convert(source, tmp_path / "float", rows, int8=False)
    decoder = Decoder(tmp_path / "float", precision="float")
    for part in rows:
        np.testing.assert_allclose(found[part], decoder(tokens, part), atol=1e-4)
    del decoder
    convert(source, tmp_path / "int8", rows)
    decoder = Decoder(tmp_path / "int8")
    for part in rows:
        assert divergence(found[part], decoder(tokens, part)) < 0.01
