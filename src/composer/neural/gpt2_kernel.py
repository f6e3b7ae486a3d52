"""The layers of a model of GPT-2's layout in one pass, compiled for the processor at hand.

A token reads every weight once, and nothing else should take time: no copies, no call for each operation. The work of
each phase is cut into pieces that whichever thread is free claims, so one that the system lets wait holds up the others
only if it waits in the midst of a piece.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from composer.neural.blockwise import BLOCK
from composer.neural.gpt2_vectors import (
    CHANNELS,
    RUN,
    TILE,
    claim,
    dot_4,
    dot_8,
    dots_4,
    dots_8,
    finish,
    float_of_bits,
    look,
    mix,
    score,
    scores,
)

VECTORS = "e516fbd930f1"
"""The beginning of the SHA-256 of gpt2_vectors.py. Numba keeps what it compiled for as long as this file is unchanged,
so this file has to change with that one."""
PIECES = 16
"""Pieces into which a product is cut."""
PHASES = 5
"""Of a layer: queries, keys and values; attention; its output; up; down."""
_ATTENTION, _UP = 1, 3
F = np.float32
_in_any_order = njit(nogil=True, fastmath=True, error_model="numpy", cache=True)
_in_this_order = njit(nogil=True, error_model="numpy", cache=True)
"""What a token becomes must not depend on how many are multiplied together."""


class Weights(NamedTuple):
    """Hold the weights of all layers, every kind in one piece."""

    matrices: NDArray[np.int64]
    """(layers, 4, 6): outputs, inputs, bits, and where codes, scales and bias begin."""
    codes: NDArray[np.uint8]
    scales: NDArray[np.float32]
    biases: NDArray[np.float32]
    norms: NDArray[np.float32]
    """(layers, 4, C): gain and bias of the first norm, gain and bias of the second."""
    epsilon: np.float32


class Space(NamedTuple):
    """Hold what is computed on the way, for so many tokens at once; the last five for each thread."""

    begun: NDArray[np.int64]
    """(layers x PHASES,): counters of pieces that were claimed."""
    done: NDArray[np.int64]
    x: NDArray[np.float32]
    qkv: NDArray[np.float32]
    attended: NDArray[np.float32]
    up: NDArray[np.float32]
    product: NDArray[np.float32]
    normed: NDArray[np.float32]
    inputs: NDArray[np.int8]
    input_scales: NDArray[np.float32]
    shifts: NDArray[np.int32]
    shares: NDArray[np.float32]


def beginning(number: int) -> int:
    """Return where the counters of a run stand before it."""
    return number << RUN


@njit(inline="always", error_model="numpy")
def _exp(x):
    """Return e to the power of x up to 0, or a little above, within 1e-6 of it."""
    halvings = max(x, F(-87)) * F(1.442695041)
    whole = np.floor(halvings)
    r = halvings - whole
    p = F(0.00961812911) + r * F(0.00133335581)
    p = F(1) + r * (F(0.693147180) + r * (F(0.240226507) + r * (F(0.0555041087) + r * p)))
    return p * float_of_bits((np.int32(whole) + np.int32(127)) << np.int32(23))


@_in_any_order
def norm(x, gain, bias, epsilon, out):
    """Bring x (C,) to a mean of 0 and a spread of 1, then to a gain and a bias."""
    mean = F(0)
    for i in range(len(x)):
        mean += x[i]
    mean /= F(len(x))
    squares = F(0)
    for i in range(len(x)):
        squares += (x[i] - mean) * (x[i] - mean)
    rate = F(1) / np.sqrt(squares / F(len(x)) + epsilon)
    for i in range(len(x)):
        out[i] = (x[i] - mean) * rate * gain[i] + bias[i]


@_in_any_order
def _round(x, codes, scales, shifts):
    """Round x to eight bits, a scale for each block; a shift is what codes from 0 up add too much in four bits."""
    for block in range(len(x) // BLOCK):
        first = block * BLOCK
        largest = F(1e-9)
        for i in range(first, first + BLOCK):
            largest = max(largest, abs(x[i]))
        scales[block] = largest / F(127)
        total = np.int32(0)
        for i in range(first, first + BLOCK):
            code = np.int32(np.rint(x[i] * (F(127) / largest)))
            codes[i] = code
            total += code
        shifts[block, 0] = -8 * total


@_in_any_order
def _gelu(x):
    for i in range(len(x)):
        z = x[i]
        u = F(1.5957691216) * (z + F(0.044715) * z * z * z)
        x[i] = z * (F(1) - F(1) / (F(1) + _exp(min(u, F(80)))))


@_in_any_order
def _shares(scores):
    """Turn scores into their powers; return what makes them sum up to 1."""
    largest = scores[0]
    for i in range(len(scores)):
        largest = max(largest, scores[i])
    total = F(0)
    for i in range(len(scores)):
        scores[i] = _exp(scores[i] - largest)
        total += scores[i]
    return F(1) / total


@_in_this_order
def _multiply(matrix, weights, first, stop, steps, inputs, input_scales, shifts, out):
    """Multiply outputs `first` to `stop` of a matrix by the inputs of `steps` tokens."""
    _, size, bits, codes_at, scales_at, bias_at = matrix
    codes, scales = weights.codes.ctypes.data + codes_at, weights.scales.ctypes.data + 4 * scales_at
    blocks = size // BLOCK
    for row in range(first, stop):
        w, s, bias = codes + row * (size * bits // 8), scales + row * blocks * 4, weights.biases[bias_at + row]
        t = 0
        while t < steps:
            x, x_step = inputs.ctypes.data + t * inputs.strides[0], inputs.strides[0]
            xs, xs_step = input_scales.ctypes.data + t * input_scales.strides[0], input_scales.strides[0]
            sh, sh_step = shifts.ctypes.data + t * shifts.strides[0], shifts.strides[0]
            o, o_step = out.ctypes.data + t * out.strides[0] + 4 * row, out.strides[0]
            if t + TILE <= steps:
                if bits == 4:
                    dots_4(w, s, blocks, x, x_step, xs, xs_step, sh, sh_step, o, o_step, bias)
                else:
                    dots_8(w, s, blocks, x, x_step, xs, xs_step, sh, sh_step, o, o_step, bias)
                t += TILE
            else:
                if bits == 4:
                    dot_4(w, s, blocks, x, x_step, xs, xs_step, sh, sh_step, o, o_step, bias)
                else:
                    dot_8(w, s, blocks, x, x_step, xs, xs_step, sh, sh_step, o, o_step, bias)
                t += 1


@_in_this_order
def _kept(x):
    return np.int8(min(max(np.rint(x), F(-127)), F(127)))


@_in_this_order
def _attend(head, steps, past, qkv, keys, values, shares, out):
    """Keep the keys and values of a head (context, CHANNELS) of `steps` tokens, and let each hear those up to it."""
    C, at = qkv.shape[1] // 3, head * CHANNELS
    for t in range(steps):
        for d in range(CHANNELS):
            keys[past + t, d] = _kept(qkv[t, C + at + d])
            values[past + t, d] = _kept(qkv[t, 2 * C + at + d])
    t = 0
    while t < steps:
        tile = TILE if t + TILE <= steps else 1
        queries = qkv.ctypes.data + t * qkv.strides[0] + 4 * at
        heard, into = past + t + tile, shares.ctypes.data
        if tile == TILE:
            scores(queries, qkv.strides[0], keys.ctypes.data, heard, into, shares.strides[0])
        else:
            score(queries, qkv.strides[0], keys.ctypes.data, heard, into, shares.strides[0])
        for i in range(tile):
            heard = past + t + i + 1
            scale = _shares(shares[i, :heard])
            to = out.ctypes.data + (t + i) * out.strides[0] + 4 * at
            mix(into + i * shares.strides[0], values.ctypes.data, heard, scale, to)
        t += tile


@_in_this_order
def _prepare(phase, layer, steps, weights, space, rank):
    """Round what a product of this phase is given, each thread for itself."""
    norms = weights.norms[layer]
    for t in range(steps):
        if phase == 0:
            norm(space.x[t], norms[0], norms[1], weights.epsilon, space.normed[rank])
            given = space.normed[rank]
        elif phase == _UP:
            norm(space.x[t], norms[2], norms[3], weights.epsilon, space.normed[rank])
            given = space.normed[rank]
        elif phase == 2:
            given = space.attended[t]
        else:
            given = space.up[t]
        _round(given, space.inputs[rank, t], space.input_scales[rank, t], space.shifts[rank, t])


@_in_this_order
def _product(phase, layer, piece, steps, weights, space, rank):
    """Compute one of the PIECES of a phase's product, and what follows from it place by place."""
    matrix = weights.matrices[layer, phase - 1 if phase else 0]
    first, stop = matrix[0] * piece // PIECES, matrix[0] * (piece + 1) // PIECES
    out = space.qkv if phase == 0 else space.up if phase == _UP else space.product
    given = space.inputs[rank], space.input_scales[rank], space.shifts[rank]
    _multiply(matrix, weights, first, stop, steps, *given, out)
    for t in range(steps):
        if phase == _UP:
            _gelu(out[t, first:stop])
        elif phase > 0:
            for i in range(first, stop):
                space.x[t, i] += out[t, i]


@_in_this_order
def run(rank, number, steps, past, weights, buffers, space):
    """Run the layers over space.x[:steps], in place, after `past` steps in the buffers (2, layers, heads, context, 64).

    Threads of different `rank` call it for the same run, and each runs the whole of it if the others do not come.
    Counters stand at the `beginning` of the run's number before it; a later run has a larger one, so that a thread that
    comes too late finds nothing to do. It releases the GIL.
    """
    heads = buffers.shape[2]
    for index in range(len(weights.matrices) * PHASES):
        layer, phase = index // PHASES, index % PHASES
        begun, done = space.begun.ctypes.data + 8 * index, space.done.ctypes.data + 8 * index
        pieces = heads if phase == _ATTENTION else PIECES
        prepared = False
        piece = claim(begun, number, pieces)
        while piece >= 0:
            if phase == _ATTENTION:
                keys, values = buffers[0, layer, piece], buffers[1, layer, piece]
                _attend(piece, steps, past, space.qkv, keys, values, space.shares[rank], space.attended)
            else:
                if not prepared:
                    _prepare(phase, layer, steps, weights, space, rank)
                    prepared = True
                _product(phase, layer, piece, steps, weights, space, rank)
            finish(done)
            piece = claim(begun, number, pieces)
        seen = number << RUN
        while seen < (number << RUN) + pieces:
            seen = look(done)
