"""Keep a matrix in few bits, in blocks of inputs with a scale each; what rounding spoils is made up for.

Rounding every weight to the nearest step spoils most where inputs are large or move together. `compensated` takes the
error of each input's weights into account in those that are still to be rounded (Frantar et al., GPTQ, 2023). Arrays
only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from composer.neural.runtime import Floats

BLOCK = 128
"""Inputs that share a scale: 4.25 bits a weight with it; 64 is a quarter of a bit more to read."""
_SHRUNK = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75)
"""Shares of the largest weight of a block that are tried as what the scale reaches to."""
_DAMPING = 0.01
"""How much of the mean square of the inputs is added to each: what was never heard may be heard later."""


class Coded(NamedTuple):
    """Hold a matrix: codes (inputs, outputs) from 0 up, the middle standing for 0, and scales (blocks, outputs)."""

    codes: NDArray[np.uint8]
    scales: Floats
    bits: int

    @property
    def block(self) -> int:
        """Return how many inputs share a scale."""
        return len(self.codes) // len(self.scales)

    def sizes(self) -> dict[str, int]:
        """Return the attributes of the MatMulNBits that multiplies by it, its inputs rounded to eight bits."""
        inputs, outputs = self.codes.shape
        return {"K": inputs, "N": outputs, "bits": self.bits, "block_size": self.block, "accuracy_level": 4}

    def matrix(self) -> Floats:
        """Return the weights that the codes stand for."""
        return _decoded(self.codes, np.repeat(self.scales, self.block, axis=0), self.bits)

    def packed(self) -> NDArray[np.uint8]:
        """Return the codes as MatMulNBits reads them: (outputs, blocks, bytes), two of four bits in a byte."""
        by_output = self.codes.T.reshape(self.codes.shape[1], -1, self.block)
        return np.ascontiguousarray(
            by_output if self.bits == 8 else by_output[..., 0::2] | (by_output[..., 1::2] << 4), np.uint8
        )


def nearest(weight: Floats, bits: int = 4, block: int = BLOCK) -> Coded:
    """Return weight (inputs, outputs) with every entry rounded to its nearest step; `block` divides the inputs."""
    blocks = weight.reshape(-1, block, weight.shape[1])
    scales = np.stack([_scale(each, bits) for each in blocks])
    return Coded(_codes(blocks, scales[:, None], bits).reshape(weight.shape), scales, bits)


def compensated(weight: Floats, products: NDArray[np.floating], bits: int = 4, block: int = BLOCK) -> Coded:
    """Return weight (inputs, outputs), rounded so that its outputs change least for inputs of these sums of products.

    `products` (inputs, inputs) is what inputs multiplied by one another sum up to over many steps.
    """
    upper = _inverse_root(products)
    left = weight.astype(np.float32)
    codes, scales = np.empty(weight.shape, np.uint8), []
    for first in range(0, len(weight), block):
        now, rows = slice(first, first + block), upper[first : first + block]
        scales.append(_scale(left[now], bits))
        errors = np.empty_like(left[now])
        for i in range(block):
            at = first + i
            codes[at] = _codes(left[at], scales[-1], bits)
            errors[i] = (left[at] - _decoded(codes[at], scales[-1], bits)) / upper[at, at]
            left[at + 1 : first + block] -= np.outer(upper[at, at + 1 : first + block], errors[i])
        left[first + block :] -= rows[:, first + block :].T @ errors
    return Coded(codes, np.stack(scales), bits)


def _inverse_root(products: NDArray[np.floating]) -> Floats:
    """Return the upper triangle U for which U'U is the inverse of the damped products."""
    damped = products.astype(np.float64)
    silent = np.diag(damped) == 0
    damped[silent, silent] = 1.0
    damped[np.diag_indices_from(damped)] += _DAMPING * np.diag(damped).mean()
    inverse = np.linalg.inv(damped)
    root: Floats = np.linalg.cholesky((inverse + inverse.T) / 2).T.astype(np.float32)
    return root


def _scale(weights: Floats, bits: int) -> Floats:
    """Return for each output the scale that fits a block (inputs, outputs) best, which may be negative.

    Codes reach one step farther down than up, so the largest weight stands at the lower end, or both ends are short.
    """
    middle = 2 ** (bits - 1)
    outputs = np.arange(weights.shape[1])
    largest = weights[np.abs(weights).argmax(0), outputs]
    ends = np.array([-largest / middle, np.abs(largest) / (middle - 1)])
    tried = np.concatenate([ends * share for share in _SHRUNK]).astype(np.float32)
    tried[tried == 0] = np.float32(1e-9)
    lost = [((_decoded(_codes(weights, scale, bits), scale, bits) - weights) ** 2).sum(0) for scale in tried]
    found: Floats = tried[np.argmin(lost, axis=0), outputs]
    return found


def _codes(weights: Floats, scale: Floats, bits: int) -> NDArray[np.uint8]:
    middle = 2 ** (bits - 1)
    codes: NDArray[np.uint8] = (np.clip(np.round(weights / scale), -middle, middle - 1) + middle).astype(np.uint8)
    return codes


def _decoded(codes: NDArray[np.uint8], scale: Floats, bits: int) -> Floats:
    weights: Floats = (codes.astype(np.float32) - 2 ** (bits - 1)) * scale
    return weights
