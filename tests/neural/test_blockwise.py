"""Matrices in few bits: what the codes stand for, and that compensated rounding spoils less than the nearest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.neural.blockwise import BLOCK, Coded, compensated, nearest


def weights(seed, inputs=2 * BLOCK, outputs=5):
    return np.random.default_rng(seed).standard_normal((inputs, outputs)).astype(np.float32)


def products(inputs):
    return inputs.T @ inputs


def test_codes_count_from_the_middle():
    coded = Coded(np.array([[0], [8], [15], [9]], np.uint8), np.array([[0.5], [-2.0]], np.float32), 4)

    assert [[-4.0], [0.0], [-14.0], [-2.0]] == coded.matrix().tolist()


def test_two_codes_of_four_bits_share_a_byte_the_earlier_one_below():
    coded = Coded(np.array([[1], [2], [3], [15]], np.uint8), np.ones((2, 1), np.float32), 4)

    assert [[[0x21], [0xF3]]] == coded.packed().tolist()


@pytest.mark.parametrize(("bits", "largest"), [(4, -8), (4, 7), (8, -128), (8, 127)])
def test_steps_of_one_scale_are_kept_as_they_are(bits, largest):
    weight = np.full((BLOCK, 1), 0.25, np.float32) * np.arange(BLOCK)[:, None] % 2
    weight[0] = 0.25 * largest

    np.testing.assert_allclose(weight, nearest(weight, bits).matrix(), atol=1e-6)


def test_nothing_stays_nothing():
    zero = np.zeros((BLOCK, 3), np.float32)

    assert not nearest(zero).matrix().any()
    assert not compensated(zero, np.zeros((BLOCK, BLOCK))).matrix().any()


@given(st.integers(0, 10_000), st.sampled_from([4, 8]), st.sampled_from([32, 64, BLOCK]))
def test_no_weight_is_farther_away_than_its_block_demands(seed, bits, block):
    """The largest may be cut off by a quarter, the others are off by half a step at most."""
    weight = weights(seed)
    coded = nearest(weight, bits, block)
    largest = np.abs(weight).reshape(-1, block, weight.shape[1]).max(1)
    error = np.abs(coded.matrix() - weight).reshape(-1, block, weight.shape[1]).max(1)

    assert (block, 2 * BLOCK // block) == (coded.block, len(coded.scales))
    assert (error <= 0.25 * largest + 1e-6).all()
    assert (np.abs(coded.scales) <= largest / (2 ** (bits - 1) - 1) + 1e-9).all()


@given(st.integers(0, 10_000))
def test_compensated_rounding_spoils_outputs_less_than_the_nearest(seed):
    """Inputs that move together let one weight make up for another."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((400, 20)) @ rng.standard_normal((20, 2 * BLOCK)) + 0.1 * rng.standard_normal(
        (400, 2 * BLOCK)
    )
    weight = weights(seed)

    def spoiled(coded):
        return np.square(inputs @ (coded.matrix() - weight)).sum()

    assert spoiled(compensated(weight, products(inputs))) < 0.5 * spoiled(nearest(weight))


def test_inputs_that_tell_nothing_of_one_another_leave_the_nearest():
    weight = weights(3)

    np.testing.assert_array_equal(
        nearest(weight).codes, compensated(weight, np.diag(np.ones(len(weight), np.float32))).codes
    )


def test_inputs_that_were_never_heard_are_rounded_all_the_same():
    weight, heard = weights(4), np.diag(np.r_[np.ones(BLOCK), np.zeros(BLOCK)])
    np.testing.assert_array_equal(nearest(weight).codes, compensated(weight, heard).codes)


@pytest.mark.parametrize("bits", [4, 8])
def test_the_runtime_multiplies_by_what_the_codes_stand_for(tmp_path, bits):
    """Its inputs it rounds to eight bits in blocks: within a hundredth."""
    onnx, ort = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    from composer.neural.export import Graph

    coded, x = nearest(weights(5), bits), np.random.default_rng(6).standard_normal((3, 2 * BLOCK)).astype(np.float32)
    g = Graph()
    g.inputs.append(onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [3, 2 * BLOCK]))
    g.outputs.append(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [3, 5]))
    told = ["x", g.weight("codes", coded.packed()), g.weight("scales", coded.scales.T)]
    g.node("MatMulNBits", told, ["y"], domain="com.microsoft", **coded.sizes())
    g.save(tmp_path / "g.onnx")
    found = ort.InferenceSession(str(tmp_path / "g.onnx"), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]

    np.testing.assert_allclose(x @ coded.matrix(), found, atol=0.01 * np.abs(found).max())
