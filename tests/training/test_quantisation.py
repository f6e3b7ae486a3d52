"""What our model would lose by four bits: which matrices change, and that fitting changes what is said least."""

import pytest

torch = pytest.importorskip("torch")

from composer.neural.blockwise import BLOCK  # noqa: E402
from composer.neural.model import Anticipator, Config, rotary  # noqa: E402
from composer.training.quantisation import in_four_bits  # noqa: E402


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    model = Anticipator(Config(2, BLOCK, 2, 50, 20, 9, 5, 13, 256, 7)).eval()
    for layer in model.layers:
        torch.nn.init.normal_(layer.out.weight, std=0.1)
        torch.nn.init.normal_(layer.down.weight, std=0.1)
    return model


def heard(seed, length=200):
    """Return a sequence that is about nothing: half of it blocks with a chord, half of it machine notes."""
    g = torch.Generator().manual_seed(seed)

    def drawn(stop):
        return torch.randint(0, stop, (1, length), generator=g)

    of = torch.arange(length)[None] % 2 * 2
    asked = {"pitch": drawn(128), "dur": drawn(7), "vel": drawn(16), "machine": drawn(9)}
    return {
        "rows": torch.randint(1, 50, (1, length, 3), generator=g),
        "steps": torch.arange(length)[None],
        "times": torch.arange(length)[None] * 3,
        "places": drawn(20),
        "root": drawn(12),
        "of": of,
        "player": torch.full((1, length), -1),
        "chord": drawn(13).where(of == 0, -1),
        **{name: values.where(of == 2, -1) for name, values in asked.items()},
    }


def test_the_matrices_of_the_layers_and_nothing_else_have_few_steps(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for _, few in in_four_bits(model, [heard(0)]):
        for name, value in few.state_dict().items():
            is_matrix = name.startswith("layers.") and value.ndim == 2
            assert is_matrix != torch.equal(before[name], value), name
            assert not is_matrix or 16 >= value[0, :BLOCK].unique().numel()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_fitting_changes_what_the_layers_say_less_than_rounding(model):
    new = heard(1)
    turns = rotary(new["steps"], new["times"], BLOCK // 2)
    with torch.no_grad():
        expected = model.last(model.trunk(new["rows"], *turns), new["places"], *turns)
        spoiled = {
            name: float((few.last(few.trunk(new["rows"], *turns), new["places"], *turns) - expected).square().sum())
            for name, few in in_four_bits(model, [heard(2), heard(3)])
        }

    assert spoiled["fitted"] < 0.9 * spoiled["rounded"]
