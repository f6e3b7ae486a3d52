"""The losses of the graphs that play are those of the model that was trained."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from composer.neural.played import Played  # noqa: E402

B, T = 2, 21


@pytest.fixture(scope="module")
def kept(small_model):
    """Return a model's folder, a batch to ask it for, and the losses of the trained model."""
    model, folder = small_model
    rng = np.random.default_rng(1)
    tops = {
        "places": 20,
        "machine": 9,
        "player": 5,
        "chord": 13,
        "pitch": 256,
        "dur": 7,
        "vel": 16,
        "root": 13,
        "of": 3,
    }
    batch = {name: torch.from_numpy(rng.integers(0, top, (B, T))) for name, top in tops.items()}
    batch["rows"] = torch.from_numpy(rng.integers(0, 50, (B, T, 8)))
    batch["steps"] = torch.arange(T).expand(B, T)
    batch["times"] = torch.from_numpy(np.sort(rng.integers(0, 300, (B, T))))
    with torch.no_grad():
        return folder, batch, {name: float(value) for name, value in model.losses(batch).items()}


def losses(folder, batch, suffix):
    with torch.no_grad():
        return {name: float(value) for name, value in Played(folder, T, 1, suffix).losses(batch).items()}


def test_in_float_nothing_is_lost(kept):
    folder, batch, expected = kept

    assert losses(folder, batch, ".onnx") == pytest.approx(expected, rel=1e-5)


def test_in_int8_little_is_lost(kept):
    folder, batch, expected = kept
    found = losses(folder, batch, ".int8.onnx")

    assert found != pytest.approx(expected, rel=1e-5)
    assert found == pytest.approx(expected, rel=0.01)
