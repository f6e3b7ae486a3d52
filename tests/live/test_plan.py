"""The plan: what it keeps, what it replaces, what io is told."""

from composer.generators.base import PartNote
from composer.live.plan import Cover, Plan
from composer.music import Note, Span

CHANNELS = {"Machine": 1}


def notes(*pairs):
    return [PartNote("Machine", Note(onset, pitch, 100)) for onset, pitch in pairs]


def cover(seat=1, question=1, end=240):
    return Cover(seat, question, 0, 0.0, end)


def put(plan, step, found, cut=0, knew=0):
    plan.put(step, found, cover(end=step.end), knew, cut)


def rows(plan, cut=0):
    op = plan.take_op(cut, CHANNELS)
    return op and [(row[0], row[2], row[5]) for row in op["notes"]]


def test_io_is_told_only_when_something_changed():
    plan = Plan()
    put(plan, Span(0, 240), notes((0, 60), (120, 62)))
    assert [(0, 60, 1), (120, 62, 2)] == rows(plan)
    put(plan, Span(0, 240), notes((0, 60), (120, 62)))

    assert rows(plan) is None


def test_a_note_that_stays_keeps_its_number():
    plan = Plan()
    put(plan, Span(0, 240), notes((0, 60), (120, 62)))
    put(plan, Span(0, 240), notes((0, 60), (120, 64)))

    assert [(0, 60, 1), (120, 64, 3)] == rows(plan)


def test_what_begins_before_the_cut_is_not_revised():
    plan = Plan()
    put(plan, Span(0, 240), notes((0, 60), (120, 62)))
    put(plan, Span(0, 240), notes((0, 70), (120, 72)), cut=100)

    assert [(0, 60, 1), (120, 72, 3)] == rows(plan)


def test_a_note_replaced_too_late_sounds_and_is_remembered():
    plan = Plan()
    put(plan, Span(0, 240), notes((0, 60)))
    put(plan, Span(0, 240), notes((0, 64)))
    plan.sent(1)

    assert [60, 64] == [note.pitch for _, note in plan.between(0, 240)]


def test_a_dropped_note_is_not_remembered():
    plan = Plan()
    put(plan, Span(0, 240), notes((0, 60), (120, 62)))
    plan.dropped(1)

    assert (PartNote("Machine", Note(120, 62, 100)),) == plan.between(0, 240)


def test_a_longer_step_covers_the_shorter_ones_in_it():
    plan = Plan()
    plan.put(Span(240, 480), [], cover(0, 1, 480), 0, 0)
    plan.put(Span(0, 480), [], cover(1, 2, 480), 0, 0)

    assert 1 == plan.cover(300).seat
    assert 480 == plan.covered_until(0, 1)


def test_after_clearing_nothing_that_began_is_sent_again():
    plan = Plan()
    put(plan, Span(0, 240), notes((0, 60), (120, 62)))
    plan.take_op(0, CHANNELS)
    plan.clear(60)
    put(plan, Span(0, 240), notes((0, 60), (120, 64)), cut=60)

    assert [(120, 64, 3)] == rows(plan, cut=0)


def test_clipping_silences_what_lies_outside_the_turn():
    plan = Plan()
    put(plan, Span(0, 480), notes((0, 60), (240, 62), (360, 64)))
    plan.clip(120, [Span(300, 480)])

    assert [0, 360] == [note.onset for _, note in plan.between(0, 480)]


def test_moving_by_bars_forgets_what_falls_before_the_beginning():
    plan = Plan()
    put(plan, Span(0, 480), notes((0, 60), (240, 62)))
    plan.shift(-100)

    assert [140] == [note.onset for _, note in plan.between(0, 480)]
