"""Muon moves weights as torch's own does, and in float32 where that is quicker."""

import pytest

torch = pytest.importorskip("torch")

from composer.training.muon import Muon, orthogonal  # noqa: E402

SHAPES = ((8, 24), (24, 8), (8, 24), (8, 8))


def moved(make):
    draw = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(shape, generator=draw)) for shape in SHAPES]
    optimizer = make(weights)
    for _ in range(3):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=draw)
        optimizer.step()
    return [weight.detach() for weight in weights]


def test_it_moves_as_torch_does():
    theirs = moved(lambda weights: torch.optim.Muon(weights, lr=0.02, momentum=0.95, weight_decay=0.01))
    ours = moved(lambda weights: Muon(weights, lr=0.02, weight_decay=0.01))

    assert all(torch.equal(a, b) for a, b in zip(theirs, ours, strict=True))


def test_float32_goes_the_same_way():
    coarse, fine = (
        moved(lambda weights, t=t: Muon(weights, lr=0.02, weight_decay=0.01, precision=t))
        for t in (torch.bfloat16, torch.float32)
    )

    assert all(0 < float((a - b).abs().max()) < 0.002 for a, b in zip(coarse, fine, strict=True))


def test_every_direction_gets_about_the_same():
    made = torch.diag_embed(torch.tensor([[3.0, 1.0, 0.1]]))

    sizes = torch.linalg.svdvals(orthogonal(made))

    assert 0.5 < float(sizes.min())
    assert float(sizes.max()) < 1.5


def test_a_weight_without_a_gradient_stays():
    weight = torch.nn.Parameter(torch.ones(2, 2))
    Muon([weight], lr=1.0).step()

    assert torch.equal(torch.ones(2, 2), weight)
