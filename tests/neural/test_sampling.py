"""Drawing from logits."""

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


@pytest.mark.parametrize("bad", [np.full(3, -np.inf), np.full(3, np.nan), np.full(2_000, -np.inf)])
def test_nothing_to_draw_is_an_error(bad):
    with pytest.raises(ValueError, match="nothing may be drawn"):
        sample(bad.astype(np.float32), np.random.default_rng(0))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.floats(0, 1, exclude_max=True))
def test_the_nucleus_is_the_beginning_of_the_falling_order(weights, top_p):
    """Of equal entries at its edge the first ones stay."""
    p = np.exp(np.array(weights, np.float64) - max(weights))
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    inside = order[np.cumsum(p[order]) - p[order] <= top_p]

    assert sorted(inside) == np.flatnonzero(probabilities(np.array(weights, np.float32), top_p=top_p)).tolist()


MANY = np.repeat(np.log(np.arange(1, 12, dtype=np.float32)), 100)
"""1,100 entries, of which always a hundred are equally likely."""


@pytest.mark.parametrize("top_p", [0.25, 0.9, 1.0])
@pytest.mark.parametrize("tries", [0, 1, 4])
def test_of_many_entries_is_drawn_what_is_told(monkeypatch, top_p, tries):
    """Entries of each size are counted; 0.25 and 0.9 cut through some of equal ones."""
    monkeypatch.setattr(sampling, "_TRIES", tries)
    rng, n = np.random.default_rng(0), 4_000
    expected = probabilities(MANY, top_p=top_p).reshape(11, 100).sum(1)
    drawn = np.bincount([sample(MANY, rng, top_p=top_p) // 100 for _ in range(n)], minlength=11)

    assert ((expected == 0) == (drawn == 0)).all()
    np.testing.assert_allclose(expected, drawn / n, atol=4 * np.sqrt(0.25 / n))


@given(st.integers(0, 10_000), st.floats(0.1, 5), st.floats(0, 1), st.floats(0, 2))
def test_of_many_entries_none_is_drawn_outside_of_the_nucleus(seed, spread, top_p, temperature):
    rng = np.random.default_rng(seed)
    logits = spread * rng.standard_normal(1_500).astype(np.float32)
    logits[rng.random(1_500) < 0.3] = -np.inf
    # What lies on the line to a millionth may be on either side of it.
    allowed = probabilities(logits, temperature, min(top_p + 1e-6, 1.0))

    assert all(allowed[sample(logits, rng, temperature, top_p)] > 0 for _ in range(5))
