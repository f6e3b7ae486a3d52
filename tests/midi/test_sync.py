"""MIDI clock, followed and made."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.midi.sync import ClockFollower, ClockSource
from composer.music import Timeline

CLOCK, START, CONTINUE, STOP = [0xF8], [0xFA], [0xFB], [0xFC]


def pulses(follower, qpm, count, begin=0.0, jitter=0.0, seed=1):
    """Feed `count` pulses and return the moment at which the next one would fall."""
    chance = random.Random(seed)
    for n in range(count):
        follower.feed(CLOCK, begin + n * 60 / (qpm * 24) + chance.uniform(-jitter, jitter))
    return begin + count * 60 / (qpm * 24)


def started(tempo=120.0):
    follower = ClockFollower(tempo)
    follower.feed(START, 0.0)
    return follower


@pytest.mark.parametrize("qpm", [30, 60, 97.3, 120, 240])
def test_48_pulses_give_the_tempo(qpm):
    follower = ClockFollower()
    pulses(follower, qpm, 48)

    assert qpm == pytest.approx(follower.tempo)


def test_the_first_pulse_after_start_is_tick_0():
    follower = started()

    assert not follower.running
    assert follower.feed(CLOCK, 5.0) == "start"
    assert follower.running
    assert follower.timeline.ticks(5.0) == 0


def test_pulse_n_falls_on_tick_20_n_in_the_long_run():
    follower = started()
    after = pulses(follower, 97.3, 24 * 400, jitter=0.005)

    assert 24 * 400 * 20 == pytest.approx(follower.timeline.ticks(after), abs=480 * 0.004)


def test_pulses_that_come_while_stopped_keep_the_tempo_known():
    follower = ClockFollower()
    after = pulses(follower, 90, 48)
    follower.feed(START, after)
    follower.feed(CLOCK, after)

    assert pytest.approx(90) == follower.tempo
    assert pytest.approx(480) == follower.timeline.ticks(after + 60 / 90)


@pytest.mark.parametrize("seed", range(5))
def test_jitter_of_5_ms_keeps_the_tempo_within_1_percent_and_the_phase_within_4_ms(seed):
    follower = started()
    after = pulses(follower, 120, 48, jitter=0.005, seed=seed)
    for n in range(200):
        after = pulses(follower, 120, 1, begin=after, jitter=0.005, seed=seed * 1000 + n)

        assert follower.tempo == pytest.approx(120, rel=0.01)
        assert follower.timeline.ticks(after) == pytest.approx((49 + n) * 20, abs=960 * 0.004)
    assert follower.jitter_ms == pytest.approx(5 / 3**0.5, rel=0.5)


@pytest.mark.parametrize("qpm", [60, 100, 122, 180])
def test_a_new_tempo_is_found_within_three_quarters(qpm):
    follower = started()
    after = pulses(follower, 120, 96)
    after = pulses(follower, qpm, 72, begin=after)

    assert qpm == pytest.approx(follower.tempo, rel=0.001)
    assert 168 * 20 == pytest.approx(follower.timeline.ticks(after), abs=480 * 0.01)


def test_a_clear_change_of_tempo_is_found_within_half_a_quarter():
    follower = started()
    after = pulses(follower, 120, 96)
    pulses(follower, 160, 12, begin=after)

    assert follower.tempo == pytest.approx(160, rel=0.03)


def test_jacks_periods_are_not_mistaken_for_changes_of_tempo():
    """Pulses of 20.8 ms handed over every 21.3 ms slip by a whole period once in a while."""
    follower = started()
    for n in range(1000):
        follower.feed(CLOCK, -(-(n / 48) // (1024 / 48000)) * (1024 / 48000))
        if n > 72:
            assert 120 == pytest.approx(follower.tempo, rel=0.02)


def test_stop_stands_still_and_continue_goes_on_where_it_stood():
    follower = started()
    after = pulses(follower, 120, 10)

    assert follower.feed(STOP, after) == "stop"
    assert not follower.running
    assert follower.position == 200
    assert follower.feed(STOP, after) is None

    follower.feed(CONTINUE, 9.0)

    assert follower.feed(CLOCK, 9.1) == "start"
    assert follower.timeline.ticks(9.1) == 200


def test_a_song_position_counts_sixteenths_and_continue_starts_there():
    follower = ClockFollower()

    assert follower.feed([0xF2, 1, 1], 0.0) == "locate"
    assert follower.position == 129 * 120

    follower.feed(CONTINUE, 0.0)
    follower.feed(CLOCK, 1.0)

    assert follower.timeline.ticks(1.0) == 129 * 120


@pytest.mark.parametrize(("then", "change"), [([], "locate"), ([CONTINUE], "start")])
def test_a_song_position_while_running_moves_the_next_pulse(then, change):
    follower = started()
    after = pulses(follower, 120, 50)
    follower.feed([0xF2, 4, 0], after)
    for message in then:
        follower.feed(message, after)

    assert follower.feed(CLOCK, after) == change
    assert follower.timeline.ticks(after) == 480


def test_a_quarter_longer_than_four_seconds_means_stopped():
    follower = started()

    assert not follower.alive(0.0)
    follower.feed(CLOCK, 10.0)
    assert follower.alive(10.16)
    assert not follower.alive(10.17)


def test_pulses_that_come_back_go_on_counting():
    follower = started()
    pulses(follower, 120, 10)

    assert follower.feed(CLOCK, 20.0) == "start"
    assert follower.timeline.ticks(20.0) == 200
    assert pytest.approx(120) == follower.tempo


def test_pulses_at_one_moment_have_the_largest_tempo():
    follower = started()
    for _ in range(48):
        follower.feed(CLOCK, 1.0)

    assert pytest.approx(1000) == follower.tempo


def test_a_song_position_cut_short_and_foreign_messages_do_nothing():
    follower = started()
    changes = [follower.feed(data, 0.0) for data in ([0xF2], [0xF3, 1], [0x90, 60, 1], [0xFE], [0xFF])]

    assert [None] * 5 == changes
    assert follower.position == 0


GAPS = st.lists(st.floats(0, 0.15), min_size=1, max_size=120)


@given(GAPS)
def test_no_tick_goes_back_while_running(gaps):
    follower, time = started(), 0.0
    follower.feed(CLOCK, time)
    for gap in gaps:
        time += gap
        before = follower.timeline.ticks(time)
        follower.feed(CLOCK, time)

        assert follower.timeline.ticks(time) >= before - 1e-6
        assert follower.timeline.tempo > 0


@given(st.lists(st.tuples(st.lists(st.integers(0, 255), min_size=1, max_size=3), st.floats(0, 10)), max_size=60))
def test_no_order_of_messages_breaks_the_follower(events):
    follower, time = ClockFollower(), 0.0
    for data, gap in events:
        time += gap
        follower.feed(data, time)

        assert 0 < follower.tempo <= 1001
        assert follower.position >= 0


def test_the_source_sends_24_pulses_a_quarter():
    source, line = ClockSource(), Timeline(120)

    assert [(0xFA,)] == source.start(0)
    assert [0.0] == source.due(line, 0.0)
    assert 23 == len(source.due(line, 0.499))
    assert [] == source.due(line, 0.499)
    assert [(0xFC,)] == source.stop()
    assert [] == source.stop()
    assert [] == source.due(line, 9.0)


def test_the_source_starts_in_the_middle_with_a_song_position():
    source = ClockSource()

    assert [(0xF2, 1, 1), (0xFB,)] == source.start(128 * 120 + 1)
    assert [Timeline(120).seconds(129 * 120)] == source.due(Timeline(120), 129 * 0.125)


def test_a_follower_finds_the_sources_tempo_and_place():
    source, line, follower = ClockSource(), Timeline(133, time_origin=2.0), ClockFollower()
    for message in source.start(960):
        follower.feed(message, 2.0)
    for moment in source.due(line, 12.0):
        follower.feed([0xF8], moment)

    assert 133 == pytest.approx(follower.tempo)
    assert line.ticks(12.0) == pytest.approx(follower.timeline.ticks(12.0), abs=0.1)
