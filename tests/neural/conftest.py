"""A model small enough to make in a moment."""

import pytest


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """Keep a model of random weights on disk, float and int8; return it with its folder."""
    torch = pytest.importorskip("torch")
    from composer.neural.checkpoint import save_model
    from composer.neural.export import export
    from composer.neural.model import Anticipator, Config

    torch.manual_seed(0)
    config = Config(3, 32, 2, input_rows=50, next_rows=20, slots_machine=9, slots_player=5, chords=13, durations=7)
    model = Anticipator(config).eval()
    for layer in model.layers:
        torch.nn.init.normal_(layer.out.weight, std=0.1)
        torch.nn.init.normal_(layer.down.weight, std=0.1)
    folder = tmp_path_factory.mktemp("small")
    save_model(folder, model)
    export(folder)
    export(folder, int8=False)
    return model, folder
