"""Markov chains learn what follows what; constraints change the odds, never the vocabulary."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.generators.constrained import Chain, blend, follow, sample

ODDS = {"a": {"a": 0.5, "b": 0.3, "c": 0.2}, "b": {"a": 0.1, "c": 0.9}, "c": {"a": 0.6, "b": 0.4}}


def steps(state):
    return [(p, following) for following, p in ODDS[state].items()]


def ends_on_b_and_seldom_passes_c(place, state):
    return float(state == "b") if place == 3 else 0.25 if state == "c" else 1.0


def conditioned():
    """Every sequence of four with its conditioned probability, by enumeration."""
    odds = {}
    for path in product("abc", repeat=4):
        p = 1.0
        for i, (before, state) in enumerate(pairwise(("a", *path))):
            p *= ODDS[before].get(state, 0.0) * ends_on_b_and_seldom_passes_c(i, state)
        odds["".join(path)] = p
    total = sum(odds.values())
    return {path: p / total for path, p in odds.items() if p}


def test_sampled_sequences_have_the_probabilities_of_the_conditioned_chain():
    rng = np.random.default_rng(1)
    n = 20_000
    drawn = Counter("".join(sample("a", steps, ends_on_b_and_seldom_passes_c, 4, rng)) for _ in range(n))
    expected = conditioned()

    assert set(drawn) <= set(expected)
    for path, p in expected.items():
        assert p == pytest.approx(drawn[path] / n, abs=4 * (p * (1 - p) / n) ** 0.5)


def test_what_cannot_be_satisfied_gives_nothing():
    assert [] == sample("b", steps, lambda place, state: float(state == "b"), 1, np.random.default_rng(1))


def test_the_longest_suffix_decides():
    chain = Chain(2)
    chain.learn("abcxbd")

    assert [("c", 1.0)] == follow(chain, "ab")
    assert [("d", 1.0)] == follow(chain, "xb")
    assert [("c", 0.5), ("d", 0.5)] == follow(chain, "zb")


def test_nothing_learned_says_nothing():
    assert [] == follow(Chain(3), "abc")


@given(st.text("abcd", min_size=3, max_size=30), st.integers(1, 4), st.integers(0, 9))
def test_without_constraints_every_generated_n_gram_was_learned(text, order, seed):
    chain = Chain(order)
    chain.learn(text)

    def onward(state):
        return [(p, (*state, symbol)[-order:]) for symbol, p in follow(chain, state)]

    path = sample(tuple(text[:order]), onward, lambda place, state: 1.0, 8, np.random.default_rng(seed))
    learned = {text[i : i + 2] for i in range(len(text))}
    # Where the last symbol was heard at the very end only, the chain may begin anew.
    symbols = [state[-1] for state in path]
    assert all(a + b in learned or a == text[-1] for a, b in pairwise(symbols))


@given(st.text("abc", max_size=20), st.integers(0, 20))
def test_learning_in_two_steps_equals_learning_at_once(text, cut):
    once, twice = Chain(3), Chain(3)
    once.learn(text)
    twice.learn(text[:cut])
    twice.learn(text)

    assert follow(once, text) == follow(twice, text)
    assert follow(once, text[:-1]) == follow(twice, text[:-1])


def test_another_beginning_is_learned_afresh():
    chain = Chain(1)
    chain.learn("abab")
    chain.learn("ac")

    assert [("c", 1.0)] == follow(chain, "a")


def test_blending_lets_shorter_memories_speak():
    chain = Chain(2)
    chain.learn("abcxbd")

    assert follow(chain, "ab") == blend(chain, "ab", 0.0)
    expected = {"c": 0.5 + 0.25 / 2 + 0.25 / 6, "d": 0.25 / 2 + 0.25 / 6, "a": 0.25 / 6, "b": 0.25 / 3, "x": 0.25 / 6}
    assert expected == pytest.approx(dict(blend(chain, "ab", 0.5)))
