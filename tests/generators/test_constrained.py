"""Markov chains learn what follows what; constraints change the odds, never the vocabulary."""

from collections import Counter
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.generators.constrained import Chain, Library, blend, follow, sample

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


def test_nothing_is_learned_across_a_break():
    chain = Chain(2)
    chain.learn(["a", "b", None, "c", "d"])

    assert [("b", 1.0)] == follow(chain, "a")
    assert {"b", "c", "d", "a"} == {symbol for symbol, _ in follow(chain, "ab")}


def test_blending_lets_shorter_memories_speak():
    chain = Chain(2)
    chain.learn("abcxbd")

    assert follow(chain, "ab") == blend(chain, "ab", 0.0)
    expected = {"c": 0.5 + 0.25 / 2 + 0.25 / 6, "d": 0.25 / 2 + 0.25 / 6, "a": 0.25 / 6, "b": 0.25 / 3, "x": 0.25 / 6}
    assert expected == pytest.approx(dict(blend(chain, "ab", 0.5)))


# A corpus

TEXTS = st.lists(st.text("abc", max_size=12), max_size=5)


@given(TEXTS, st.text("abcd", max_size=6), st.integers(0, 4))
def test_a_library_says_what_followed_each_suffix_in_any_of_its_sequences(texts, history, order):
    levels = Library(texts, order).levels(history)
    expected = []
    for length in range(min(order, len(history)), -1, -1):
        suffix = history[len(history) - length :]
        ends = [
            (text, i + length) for text in texts for i in range(len(text) - length) if text[i : i + length] == suffix
        ]
        followed = Counter(text[end] for text, end in ends)
        if followed:
            expected.append({symbol: n / followed.total() for symbol, n in followed.items()})

    assert expected == [dict(level) for level in levels]


@given(st.text("abc", max_size=20), st.text("abc", max_size=5), st.integers(1, 4))
def test_a_library_of_one_sequence_says_what_a_chain_says(text, history, order):
    chain = Chain(order)
    chain.learn(text)

    expected = [dict(level) for level in chain.levels(history)]
    assert expected == [dict(level) for level in Library([text], order).levels(history)]


def test_a_suffix_never_reaches_into_another_sequence():
    assert [("c", 1.0)] == follow(Library(["ab", "bc"], 2), "ab")


def test_a_library_tells_of_the_most_frequent_continuations_only():
    assert [("b", 1.0)] == follow(Library(["ab", "ab", "ac"], 1, breadth=1), "a")


# A variable-order chain under a constraint

SUNG = "abacabcbaab"


def onward(memory, order):
    return lambda state: [(p, (*state, symbol)[-order:]) for symbol, p in follow(memory, state)]


@pytest.mark.parametrize("memory", ["chain", "library"])
def test_a_constrained_line_of_a_learned_chain_has_the_probability_of_the_conditioned_chain(memory):
    """The line must end on a and have no a in second place; every line is enumerated, none is rejected."""
    order, length, n = 2, 5, 20_000
    chain = Chain(order)
    chain.learn(SUNG)
    steps = onward(chain if memory == "chain" else Library([SUNG], order), order)
    allowed = lambda place, state: float(state[-1] == "a" if place == length - 1 else place != 1 or state[-1] != "a")  # noqa: E731
    expected, total = {}, 0.0
    for line in product("abc", repeat=length):
        p, state = 1.0, ("a",)
        for place, symbol in enumerate(line):
            following = (*state, symbol)[-order:]
            p *= next((q for q, to in steps(state) if to == following), 0.0) * allowed(place, following)
            state = following
        expected["".join(line)] = p
        total += p
    rng = np.random.default_rng(3)
    drawn = Counter("".join(s[-1] for s in sample(("a",), steps, allowed, length, rng)) for _ in range(n))

    assert {line for line, p in expected.items() if p} >= set(drawn)
    for line, p in expected.items():
        share = p / total
        assert share == pytest.approx(drawn[line] / n, abs=4 * (share * (1 - share) / n) ** 0.5 + 1e-9)


@given(st.lists(st.text("abcd", min_size=2, max_size=12), min_size=1, max_size=3), st.integers(1, 3), st.integers(0, 9))
def test_without_constraints_every_n_gram_from_a_library_was_learned(texts, order, seed):
    """As long as the chain has not come to the end of everything it knows, which makes it begin anew."""
    library = Library(texts, order)
    path = sample((), onward(library, order), lambda place, state: 1.0, 8, np.random.default_rng(seed))
    line = "".join(state[-1] for state in path)
    ends = {text[-1] for text in texts}

    assert all(any(pair in text for text in texts) or pair[0] in ends for pair in map("".join, pairwise(line)))
