"""Compiled layers play what transformers' GPT-2 does, the same bit for bit however their work is cut up."""

import errno
import hashlib
import json
import os
import sys
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from checkpoints import ROWS, converted, divergence, expected, reference, whole, with_a_large_channel
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from composer.errors import ModelError
from composer.neural import gpt2_compiled
from composer.neural.blockwise import Coded
from composer.neural.gpt2 import Decoder
from composer.neural.gpt2_compiled import FILE, CompiledLayers
from composer.neural.gpt2_export import convert

pytestmark = pytest.mark.skipif(not gpt2_compiled.is_possible(), reason="needs numba and a processor with AVX2")
CONTEXT = 48
TOKENS = np.random.default_rng(3).integers(0, 100, CONTEXT).tolist()
X = np.random.default_rng(4).standard_normal((CONTEXT, 128), dtype=np.float32)


def wide():
    return reference(n_embd=128, spread=0.08, n_positions=CONTEXT)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Keep a model of random weights, itself and converted."""
    root = tmp_path_factory.mktemp("compiled")
    model = wide()
    return model, converted(model, root)


@pytest.fixture
def copied(played, tmp_path):
    """Return a folder of the same model that a test may spoil."""
    for path in played[1].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def layers(folder, threads=2):
    return CompiledLayers(folder / FILE, json.loads((folder / "config.json").read_text()), CONTEXT, threads)


class TestWhatIsPlayed:
    @pytest.mark.parametrize("length", [1, 5, CONTEXT])
    def test_it_is_close_to_transformers_in_distribution(self, played, length):
        model, folder = played
        decoder = Decoder(folder)
        decoder.append(TOKENS[:length])

        assert decoder.is_compiled
        assert divergence(expected(model, TOKENS[:length]), whole(decoder)) < 0.0005

    def test_the_number_of_the_layer_matters(self, played, tmp_path):
        plain = wide()
        plain.config.scale_attn_by_inverse_layer_idx = False
        for block in plain.transformer.h:
            block.attn.scale_attn_by_inverse_layer_idx = False
            block.attn.scaling = block.attn.head_dim**-0.5
        decoder = Decoder(converted(plain, tmp_path))
        decoder.append(TOKENS)

        assert divergence(expected(plain, TOKENS), whole(decoder)) < 0.0005
        assert 0.0005 < divergence(expected(played[0], TOKENS), whole(decoder))

    def test_a_channel_that_is_always_large_drowns_no_other(self, tmp_path):
        model = with_a_large_channel(wide())
        decoder = Decoder(converted(model, tmp_path))
        decoder.append(TOKENS)

        assert divergence(expected(model, TOKENS), whole(decoder)) < 0.0005

    def test_keys_and_values_larger_than_in_the_sample_are_cut_off(self, copied):
        """They must not begin again at the other end."""
        tensors = load_file(copied / FILE)
        for part in ("scales", "bias"):
            tensors[f"h.0.attn.c_attn.{part}"][128:] *= 10
        save_file(tensors, copied / FILE)
        found = layers(copied)
        found.run(X, 0)

        assert (-127, 127) == (found.buffers.min(), found.buffers.max())
        assert 0.1 < (np.abs(found.buffers[:, 0]) == 127).mean()


class TestProducts:
    """Sums of bytes are exact up to the largest there are, which overflow sixteen bits with signs the wrong way."""

    INPUTS = st.sampled_from([[127], [-127], [-127, 127], [-127, -126, -1, 0, 1, 126, 127]])

    @given(codes=st.sampled_from([[0], [15], [0, 15], list(range(16))]), inputs=INPUTS, seed=st.integers(0, 99))
    @settings(deadline=None)
    def test_of_four_bits(self, codes, inputs, seed):
        self.check(codes, inputs, seed, 4)

    @given(codes=st.sampled_from([[0], [255], [0, 255], list(range(256))]), inputs=INPUTS, seed=st.integers(0, 99))
    @settings(deadline=None)
    def test_of_eight_bits(self, codes, inputs, seed):
        self.check(codes, inputs, seed, 8)

    @staticmethod
    def check(codes, inputs, seed, bits):
        """Multiply codes by the inputs of five tokens: four together, and one."""
        from composer.neural import gpt2_kernel

        rng = np.random.default_rng(seed)
        few = Coded(rng.choice(codes, (256, 3)).astype(np.uint8), np.ones((2, 3), np.float32), bits)
        x = rng.choice(inputs, (5, 256)).astype(np.float32)
        x[:, ::128] = 127
        given = np.zeros((5, 256), np.int8), np.zeros((5, 2), np.float32), np.zeros((5, 2, 8), np.int32)
        for token in zip(x, *given, strict=True):
            gpt2_kernel._round(*token)
        weights = gpt2_kernel.Weights(
            matrices=np.array([[[3, 256, bits, 0, 0, 0]]]),
            codes=gpt2_compiled._packed(few).ravel(),
            scales=few.scales.ravel(),
            biases=np.zeros(3, np.float32),
            norms=np.zeros((1, 4, 256), np.float32),
            epsilon=np.float32(0),
        )
        out = np.zeros((5, 3), np.float32)
        gpt2_kernel._multiply(weights.matrices[0, 0], weights, 0, 3, 5, *given, out)

        assert x.tolist() == given[0].tolist()
        assert (x.astype(int) @ (few.codes.astype(int) - 2 ** (bits - 1))).tolist() == out.tolist()


class TestPieces:
    """What a token becomes depends on those before it alone."""

    @given(cuts=st.sets(st.integers(1, CONTEXT - 1)), threads=st.sampled_from([1, 2, 3]))
    @settings(max_examples=40, deadline=None)
    def test_nothing_depends_on_which_tokens_are_read_together(self, played, cuts, threads):
        edges = [0, *sorted(cuts), CONTEXT]
        found = layers(played[1], threads)
        pieces = [found.run(X[a:b], a) for a, b in pairwise(edges)]

        assert layers(played[1], 1).run(X, 0).tobytes() == np.concatenate(pieces).tobytes()

    def test_going_back_forgets_what_came_after(self, played):
        found = layers(played[1])
        expected = found.run(X, 0)
        found.run(X[::-1].copy(), 0)
        found.run(X[:20], 0)

        assert expected[20:].tobytes() == found.run(X[20:], 20).tobytes()

    def test_a_twin_has_buffers_of_its_own(self, played):
        found = layers(played[1])
        twin = found.twin()
        expected = found.run(X, 0)
        found.run(X[:20], 0)
        twin.run(X[::-1].copy(), 0)

        assert expected[20:].tobytes() == found.run(X[20:], 20).tobytes()

    def test_more_than_there_is_room_for_is_refused(self, played):
        with pytest.raises(ValueError, match="2 more steps do not fit after 47 of 48"):
            layers(played[1]).run(X[:2], CONTEXT - 1)

    def test_half_a_piece_need_not_be_forgotten(self, played):
        decoder = Decoder(played[1])
        first = decoder(TOKENS[:30], ROWS[0])
        decoder.settle()

        assert 30 == decoder.length
        assert first.tobytes() == Decoder(played[1])(TOKENS[:30], ROWS[0]).tobytes()


class TestThreads:
    def test_one_that_never_comes_is_not_waited_for(self, played, monkeypatch):
        found = layers(played[1])
        monkeypatch.setattr(found._others, "submit", lambda *_: Future())

        assert layers(played[1], 1).run(X, 0).tobytes() == found.run(X, 0).tobytes()

    def test_one_that_comes_after_the_run_touches_nothing(self, played, monkeypatch):
        found, late = layers(played[1]), []
        with monkeypatch.context() as patch:
            patch.setattr(found._others, "submit", lambda run, *told: late.append((run, told)))
            expected = found.run(X[:20], 0)
        found.run(X[:20], 0)
        kept = found.buffers.copy()
        for run, told in late:
            run(*told)

        np.testing.assert_array_equal(kept, found.buffers)
        assert expected.tobytes() == found.run(X[:20], 0).tobytes()


class TestWhereTheGraphPlays:
    """A missing or broken compiler costs speed, not music."""

    def test_it_does_where_nothing_can_be_compiled(self, played, monkeypatch):
        monkeypatch.setattr(gpt2_compiled, "is_possible", lambda: False)
        decoder = Decoder(played[1])
        decoder.append(TOKENS)

        assert not decoder.is_compiled
        assert divergence(expected(played[0], TOKENS), whole(decoder)) < 0.0005

    def test_it_does_where_a_full_disk_has_no_room_for_what_was_compiled(self, played, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(CompiledLayers, "run", full)

        assert not Decoder(played[1]).is_compiled

    def test_it_does_for_a_folder_of_an_earlier_version(self, copied):
        (copied / FILE).unlink()

        assert not Decoder(copied).is_compiled

    def test_layers_of_an_earlier_checkpoint_are_not_left_in_its_folder(self, played, tmp_path, monkeypatch):
        (tmp_path / FILE).write_bytes(b"another")
        monkeypatch.setattr(gpt2_compiled, "is_possible", lambda: False)
        convert(played[1].parent / "source", tmp_path, ROWS)

        assert not (tmp_path / FILE).exists()

    def test_it_does_for_a_shape_that_is_not_compiled(self, tmp_path):
        assert not (converted(reference(), tmp_path) / FILE).exists()

    @pytest.mark.parametrize("feature", ["avx2", "fma"])
    def test_it_does_on_a_processor_without(self, monkeypatch, feature):
        from llvmlite import binding

        features = dict(binding.get_host_cpu_features()) | {feature: False}
        monkeypatch.setattr(binding, "get_host_cpu_features", lambda: features)

        assert not gpt2_compiled.is_possible.__wrapped__()

    def test_it_does_where_the_compiler_is_missing_or_broken(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "llvmlite", None)

        assert not gpt2_compiled.is_possible.__wrapped__()


class TestDamage:
    def spoil(self, folder, name, change):
        tensors = load_file(folder / FILE)
        tensors[name] = change(tensors[name])
        save_file(tensors, folder / FILE)

    def test_a_file_that_is_cut_off(self, copied):
        (copied / FILE).write_bytes((copied / FILE).read_bytes()[:-100])

        with pytest.raises(ModelError, match="convert or download it again"):
            Decoder(copied)

    @pytest.mark.parametrize(
        ("name", "change", "message"),
        [
            ("h.1.mlp.c_fc.codes", lambda codes: codes[:-1], r"h\.1\.mlp\.c_fc has a shape"),
            ("h.1.mlp.c_fc.scales", lambda scales: scales[:, :0], r"h\.1\.mlp\.c_fc has a shape"),
            ("h.2.attn.c_attn.bias", lambda bias: bias * np.nan, "not numbers"),
            ("h.2.ln_1.weight", lambda weight: weight + np.inf, "norms of h.2 are not numbers"),
            ("h.0.mlp.c_fc.codes", lambda codes: codes.astype(np.int8), r"h\.0\.mlp\.c_fc has a shape"),
            ("h.0.mlp.c_fc.scales", lambda scales: scales.astype(np.float64), "not numbers"),
            ("ln_f.bias", lambda bias: bias * np.nan, "norms of ln_f are not numbers"),
            ("ln_f.bias", lambda bias: bias[:-1], "same shape"),
            ("h.1.ln_2.bias", lambda bias: bias.astype(np.float64), "norms of h.1 are not numbers"),
        ],
    )
    def test_what_is_no_number_or_has_another_shape(self, copied, name, change, message):
        self.spoil(copied, name, lambda value: np.ascontiguousarray(change(value)))

        with pytest.raises(ModelError, match=message):
            Decoder(copied)

    def test_heads_of_another_width(self, copied):
        config = json.loads((copied / "config.json").read_text())
        (copied / "config.json").write_text(json.dumps(config | {"n_head": 4}))

        with pytest.raises(ModelError, match="4 heads in a width of 128"):
            Decoder(copied)

    def test_a_tensor_that_is_missing(self, copied):
        tensors = load_file(copied / FILE)
        del tensors["h.0.ln_2.bias"]
        save_file(tensors, copied / FILE)

        with pytest.raises(ModelError, match=r"h\.0\.ln_2\.bias"):
            Decoder(copied)


def test_what_is_kept_compiled_changes_with_what_it_is_made_of():
    """Numba compiles anew when gpt2_kernel.py changes, and does not look at gpt2_vectors.py."""
    from composer.neural import gpt2_kernel, gpt2_vectors

    found = hashlib.sha256(Path(gpt2_vectors.__file__).read_bytes()).hexdigest()[:12]

    assert found == gpt2_kernel.VECTORS
