"""The losses of the graphs that play are those of the model that was trained."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from composer.neural.checkpoint import save_model  # noqa: E402
from composer.neural.export import export  # noqa: E402
from composer.neural.model import Anticipator, Config  # noqa: E402
from composer.neural.played import Played  # noqa: E402

CONFIG = Config(3, 32, 2, input_rows=50, next_rows=20, slots_machine=9, slots_player=5, chords=13, durations=7)
B, T = 2, 21


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Keep a model of random weights in float and in int8, and a batch to ask it for."""
    torch.manual_seed(0)
    model = Anticipator(CONFIG).eval()
    for layer in model.layers:
        torch.nn.init.normal_(layer.out.weight, std=0.1)
        torch.nn.init.normal_(layer.down.weight, std=0.1)
    folder = tmp_path_factory.mktemp("played")
    save_model(folder, model)
    export(folder)
    export(folder, int8=False)
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
