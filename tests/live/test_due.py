"""What is asked when: a block once it has been heard and a little before, anything else after news."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.live.due import HEAD_START, Due, block_due, news_due, next_due
from composer.live.plan import Plan
from composer.live.seat import Seat
from composer.live.steps import Pace
from composer.music import Span

BLOCKS = Pace(240, 40, lookahead=480)


def seat(pace=BLOCKS, boundary=None):
    found = Seat(1, lambda post: None, lambda *_: None, pace, 0)
    found.boundary = boundary
    return found


def test_a_block_is_asked_for_early_and_when_it_has_been_heard():
    asked = seat(boundary=240)

    assert None is block_due(asked, 379)
    assert Due(Span(480, 960), 440, 480, True) == block_due(asked, 380)
    assert None is block_due(asked, 439)
    assert Due(Span(480, 960), 440, 480) == block_due(asked, 440)
    assert None is block_due(asked, 441)


def test_both_ask_for_the_same():
    asked = seat(Pace(240, 40, lead=3, lookahead=480), boundary=240)
    early, late = block_due(asked, 380), block_due(asked, 440)

    assert (early.span, early.heard, early.known_until) == (late.span, late.heard, late.known_until)
    assert (Span(960, 1200), 440, 480) == late[:3]


def test_who_comes_late_asks_once():
    asked = seat(boundary=240)

    assert not block_due(asked, 445).is_early
    assert None is block_due(asked, 446)


def test_a_new_seat_asks_at_once_unless_the_block_is_nearly_over():
    assert Due(Span(240, 720), 200, 240) == block_due(seat(), 290)
    assert None is block_due(seat(), 320)
    assert Due(Span(480, 960), 440, 480, True) == block_due(seat(), 400)


@given(st.integers(0, 20_000), st.sampled_from([BLOCKS, Pace(480, 0), Pace(480, 40), Pace(1, 0)]))
def test_the_next_moment_is_when_something_is_due(quarters, pace):
    """From any moment on, nothing is due before the next one, and something is due at it."""
    at = quarters / 4
    then = next_due(pace, at)
    asked = seat(pace, boundary=int((at + pace.margin) // pace.step) * pace.step)
    asked.expected = int((at + pace.margin + HEAD_START) // pace.step) * pace.step
    due = block_due if pace.grid > 1 else lambda seat, at: news_due(seat, at, Plan(), False)

    assert at < then <= at + pace.step
    assert None is due(asked, (at + then) / 2) or then - at < 1e-6
    assert None is not due(asked, then)


@pytest.mark.parametrize(("is_news", "expected"), [(True, Due(Span(515, 960), 500, 500)), (False, None)])
def test_a_generator_without_blocks_is_asked_after_news(is_news, expected):
    asked = seat(Pace(lookahead=480), boundary=480)

    assert expected == news_due(asked, 500, Plan(), is_news)
