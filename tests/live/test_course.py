"""Tempos and meters as they came, in the ticks of the session."""

import pytest

from composer.live.course import Course
from composer.music import Meter, Part, Tempo


def test_a_tempo_is_kept_where_it_began():
    course = Course(120.0, (4, 4))
    course.set_tempo(960.4, 121.0, "internal")

    assert (Tempo(0, 120.0), Tempo(960, 121.0)) == course.score().tempos


def test_before_the_beginning_the_last_tempo_counts():
    course = Course(120.0, (4, 4))
    course.set_tempo(-1920.0, 90.0, "internal")
    course.set_tempo(-96.0, 100.0, "internal")

    assert (Tempo(0, 100.0),) == course.score().tempos


@pytest.mark.parametrize(("told", "kept"), [(120.9, 1), (119.1, 1), (121.5, 2), (118.7, 2)])
def test_a_midi_clock_may_tremble_by_one_percent(told, kept):
    course = Course(120.0, (4, 4))
    course.set_tempo(960, told, "clock")

    assert kept == len(course.score().tempos)


def test_a_midi_clock_that_creeps_is_noticed():
    course = Course(120.0, (4, 4))
    for beat in range(1, 12):
        course.set_tempo(480 * beat, 120 + 0.35 * beat, "clock")

    assert (Tempo(0, 120.0), Tempo(480 * 4, 121.4), Tempo(480 * 8, 122.8)) == course.score().tempos


def test_a_meter_begins_at_the_next_bar_line():
    course = Course(120.0, (4, 4))
    course.set_meter(100, 3, 4)
    course.set_meter(1920 + 1440, 5, 8)

    assert (Meter(0), Meter(1920, 3, 4), Meter(3360, 5, 8)) == course.meters


def test_a_meter_taken_back_before_its_bar_line_leaves_no_trace():
    course = Course(120.0, (4, 4))
    course.set_meter(100, 3, 4)
    course.set_meter(200, 4, 4)

    assert (Meter(0),) == course.meters


@pytest.mark.parametrize(("tick", "line"), [(-5.0, 0), (0.0, 0), (0.5, 1920), (1920.0, 1920), (1921.0, 3360)])
def test_the_next_bar_line(tick, line):
    course = Course(120.0, (4, 4))
    course.set_meter(1, 3, 4)

    assert line == course.next_line(tick)


@pytest.mark.parametrize(
    ("ticks", "tempos", "meters"),
    [
        (1920, (Tempo(0, 120.0), Tempo(2400, 90.0)), (Meter(0), Meter(3840, 3, 4))),
        (-480, (Tempo(0, 90.0),), (Meter(0), Meter(1440, 3, 4))),
        (-9600, (Tempo(0, 90.0),), (Meter(0, 3, 4),)),
    ],
)
def test_changes_move_with_the_music(ticks, tempos, meters):
    course = Course(120.0, (4, 4))
    course.set_tempo(480, 90.0, "internal")
    course.set_meter(480, 3, 4)
    course.shift(ticks)

    assert (tempos, meters) == (course.score().tempos, course.meters)


def test_a_score_has_the_parts_it_is_given():
    assert (Part("Player"),) == Course(120.0, (4, 4)).score([Part("Player")]).parts
