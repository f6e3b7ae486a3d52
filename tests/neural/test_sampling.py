"""Drawing from logits."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.neural import sampling
from composer.neural.sampling import probabilities, sample

LOGITS = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))


def test_temperature_one_is_the_softmax():
    np.testing.assert_allclose([0.5, 0.3, 0.15, 0.05], probabilities(LOGITS), rtol=1e-5)


def test_temperature_zero_takes_the_best():
    assert [1, 0, 0, 0] == probabilities(LOGITS, temperature=0).tolist()


def test_the_entry_that_crosses_the_line_stays():
    np.testing.assert_allclose([0.625, 0.375, 0, 0], probabilities(LOGITS, top_p=0.6), rtol=1e-5)


def test_a_masked_entry_is_never_drawn():
    rng = np.random.default_rng(0)
    masked = np.array([-np.inf, 0, -np.inf, 0], np.float32)

    assert {1, 3} == {sample(masked, rng) for _ in range(200)}


@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=30), st.floats(0, 3), st.floats(0.01, 1))
def test_probabilities_sum_to_one(logits, temperature, top_p):
    assert probabilities(np.array(logits, np.float32), temperature, top_p).sum() == pytest.approx(1)


@pytest.mark.parametrize("bad", [np.full(3, -np.inf), np.full(3, np.nan)])
def test_nothing_to_draw_is_an_error(bad):
    with pytest.raises(ValueError, match="nothing may be drawn"):
        sample(bad.astype(np.float32), np.random.default_rng(0))


@pytest.mark.parametrize("few", [0, 1_000])
@given(weights=st.lists(st.integers(0, 4), min_size=1, max_size=30), top_p=st.floats(0, 1, exclude_max=True))
def test_the_nucleus_is_the_beginning_of_the_falling_order(few, weights, top_p):
    """Of equal entries at its edge the first ones stay, however the edge is found."""
    p = np.exp(np.array(weights, np.float64) - max(weights))
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    inside = order[np.cumsum(p[order]) - p[order] <= top_p]
    with mock.patch.object(sampling, "_FEW", few):
        found = probabilities(np.array(weights, np.float32), top_p=top_p)

    assert sorted(inside) == np.flatnonzero(found).tolist()


@given(st.integers(0, 10_000), st.floats(0.1, 5), st.floats(0, 1, exclude_max=True))
def test_the_nucleus_of_many_entries_is_the_smallest_that_holds_its_mass(seed, spread, top_p):
    logits = spread * np.random.default_rng(seed).standard_normal(3_000).astype(np.float32)
    whole, kept = probabilities(logits), probabilities(logits, top_p=top_p) > 0

    assert whole[kept].min() >= whole[~kept].max(initial=0)
    assert whole[kept].sum() - whole[kept].min() <= top_p + 1e-9
    assert top_p - 1e-9 <= whole[kept].sum()
