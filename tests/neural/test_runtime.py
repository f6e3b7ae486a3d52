"""What plays (ONNX Runtime) is what was trained (torch), forward, back and sliding."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from composer.errors import ModelError  # noqa: E402
from composer.neural.checkpoint import save_model  # noqa: E402
from composer.neural.model import Anticipator, rotary  # noqa: E402
from composer.neural.runtime import Decoder, Layers, session  # noqa: E402

N = 24


@pytest.fixture(scope="module")
def tiny(small_model):
    """Return a model, its folder, and events to feed it."""
    model, folder = small_model
    rng = np.random.default_rng(1)
    rows, places = rng.integers(0, 50, (N, 8)), rng.integers(0, 20, N + 1)
    return model, folder, rows, places, np.sort(rng.integers(0, 300, N))


def expected(model, rows, places, times, place):
    """Return hidden slots and the last layer's answer by torch, without any cache."""
    cos, sin = rotary(torch.arange(len(rows))[None], torch.tensor(times)[None], 16)
    with torch.no_grad():
        h = model.trunk(torch.tensor(rows)[None], cos, sin)
        z = model.last(h, torch.tensor([*places[1:], place])[None], cos, sin)[0, -1]
        return model.machine(model.norm_trunk(h))[0, -1].numpy(), z.numpy()


def assert_agrees(decoder, model, rows, places, times, place, tolerance=2e-5):
    slots, z = expected(model, rows, places, times, place)

    np.testing.assert_allclose(slots, decoder.slots()[0], atol=tolerance)
    np.testing.assert_allclose(z, decoder.look(place), atol=tolerance)


class TestFloat:
    def test_all_at_once(self, tiny):
        model, folder, rows, places, times = tiny
        decoder = Decoder(folder, context=64, precision="float")
        decoder.append(rows, places[:N], times)

        assert_agrees(decoder, model, rows, places[:N], times, int(places[N]))

    def test_one_by_one_with_looks_between(self, tiny):
        model, folder, rows, places, times = tiny
        decoder = Decoder(folder, context=64, precision="float")
        for i in range(N):
            if i:
                decoder.look(int(places[N - i]))  # a question that is not followed
            decoder.append(rows[i : i + 1], places[i : i + 1], times[i : i + 1])

        assert_agrees(decoder, model, rows, places[:N], times, int(places[N]))

    def test_going_back_forgets_what_came_after(self, tiny):
        model, folder, rows, places, times = tiny
        decoder = Decoder(folder, context=64, precision="float")
        decoder.append(rows[:10], places[:10], times[:10])
        decoder.append(rows[::-1][:8].copy(), places[:8], times[:8])
        decoder.rollback(10)
        decoder.append(rows[10:], places[10:N], times[10:])

        assert_agrees(decoder, model, rows, places[:N], times, int(places[N]))

    def test_going_back_to_the_beginning(self, tiny):
        model, folder, rows, places, times = tiny
        decoder = Decoder(folder, context=64, precision="float")
        decoder.append(rows[::-1].copy(), places[:N], times)
        decoder.rollback(0)
        decoder.append(rows, places[:N], times)

        assert_agrees(decoder, model, rows, places[:N], times, int(places[N]))

    def test_forgetting_the_oldest_keeps_the_rest(self, tiny):
        """A decoder that slid agrees with one of a larger buffer whose later steps saw the same past."""
        _, folder, rows, places, times = tiny
        small, large = (Decoder(folder, context=c, precision="float") for c in (16, 64))
        for decoder in (small, large):
            decoder.append(rows[:12], places[:12], times[:12])
        small.forget(4)

        assert small.length == 8
        np.testing.assert_allclose(large.slots()[0], small.slots()[0], atol=1e-6)

    def test_a_full_buffer_says_so(self, tiny):
        _, folder, rows, places, times = tiny
        decoder = Decoder(folder, context=16, precision="float")

        with pytest.raises(ValueError, match="do not fit"):
            decoder.append(rows, places[:N], times)

    def test_heads(self, tiny):
        model, folder, rows, places, times = tiny
        decoder = Decoder(folder, context=64, precision="float")
        decoder.append(rows, places[:N], times)
        z = decoder.look(3)
        t = torch.tensor(z)
        with torch.no_grad():
            pitch = model.pitch_logits(t, torch.tensor(7)), model.pitch_logits(t, torch.tensor(12))
            dur = model.dur_logits(t, torch.tensor(200))
            vel = model.vel_logits(t, torch.tensor(200), torch.tensor(4))

        np.testing.assert_allclose(pitch[0].numpy(), decoder.pitch(z, 7), atol=1e-5)
        np.testing.assert_allclose(pitch[1].numpy(), decoder.pitch(z, 12), atol=1e-5)
        np.testing.assert_allclose(dur.numpy(), decoder.duration(z, 200), atol=1e-5)
        np.testing.assert_allclose(vel.numpy(), decoder.velocity(z, 200, 4), atol=1e-5)


def test_int8_is_close_to_float(tiny):
    model, folder, rows, places, times = tiny
    decoder = Decoder(folder, context=64)
    decoder.append(rows, places[:N], times)

    assert_agrees(decoder, model, rows, places[:N], times, int(places[N]), tolerance=0.2)


class TestDamage:
    def test_a_model_of_another_kind_says_so(self, tmp_path):
        (tmp_path / "config.json").write_text('{"kind": "emi"}')

        with pytest.raises(ModelError, match="none of the block vocabulary"):
            Decoder(tmp_path)

    @pytest.mark.parametrize("name", ["config.json", "model.safetensors", "trunk.int8.onnx", "last.int8.onnx"])
    @pytest.mark.parametrize("harm", ["missing", "cut"])
    def test_a_damaged_folder_is_one_sentence(self, tiny, tmp_path, name, harm):
        for file in tiny[1].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        if harm == "missing":
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])

        with pytest.raises(ModelError, match=r"cannot be loaded.*fetch"):
            Decoder(tmp_path)

    def test_weights_that_are_not_numbers_are_refused(self, tiny, tmp_path):
        for file in tiny[1].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        broken = Anticipator(tiny[0].config)
        with torch.no_grad():
            broken.pitch.bias[0] = float("nan")
        save_model(tmp_path, broken)

        with pytest.raises(ModelError, match="not numbers"):
            Decoder(tmp_path)

    @pytest.mark.parametrize("change", [{"n_embd": 16}, {"n_head": 1}, {"input_rows": 3}, {"chords": 5}])
    def test_a_model_of_another_shape_than_it_says_is_refused(self, tiny, tmp_path, change):
        for file in tiny[1].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps(config | change))

        with pytest.raises(ModelError, match=r"config.json asks for"):
            Decoder(tmp_path)

    def test_a_graph_that_takes_other_rotary_positions_is_refused_before_it_plays(self, tiny):
        turns = (np.zeros((1, 4, 1, 8), np.float32),) * 2

        with pytest.raises(ValueError, match="another version"):
            Layers(tiny[1] / "trunk.onnx", 4, 2, 32, 1, turns)


def product(folder, op):
    """Return what eight bits make of 64 ones times 64 ones, which is 64: the largest products there are."""
    from onnx import TensorProto, helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from composer.neural.export import Graph

    g = Graph()
    g.inputs.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64]))
    g.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16]))
    if op == "MatMul":
        g.node("Identity", [g.node("MatMul", ["x", g.weight("w", np.ones((64, 16), np.float32))])], ["y"])
        g.save(folder / "float.onnx")
        quantize_dynamic(folder / "float.onnx", folder / "g.onnx", weight_type=QuantType.QInt8, per_channel=True)
    else:
        weights = g.weight("w", np.full((64, 16), 127, np.int8)), g.weight("s", np.full(16, 1 / 127, np.float32))
        g.node("Identity", [g.node(op, ["x", *weights, ""], domain="com.microsoft")], ["y"])
        g.save(folder / "g.onnx")
    (y,) = session(folder / "g.onnx", 1).run(None, {"x": np.ones((1, 64), np.float32)})
    return y


@pytest.mark.parametrize("op", ["MatMul", "DynamicQuantizeMatMul"])
def test_eight_bits_do_not_overflow_on_any_processor(tmp_path, op):
    """With AVX2 and without VNNI two products share sixteen bits, unless they are asked to be exact."""
    np.testing.assert_allclose(64.0, product(tmp_path, op), rtol=0.01)
