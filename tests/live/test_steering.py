"""What the session does to the machine's notes: each rule alone, and that no note ever hangs."""

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Echo, Stage

from composer.errors import UsageError
from composer.generators.base import PartNote, parse_params
from composer.live.plan import Cover, Plan
from composer.live.steering import FOLLOW, NEUTRAL, REACH, TONES, Steering
from composer.music import Meter, Note, Span
from composer.music.chords import Chord
from composer.tui.controls import declared

FOUR = Meter(0)
NOTE = Note(720, 61, 240, 80)
NOTES = st.builds(Note, st.integers(0, 20_000), st.integers(0, 127), st.integers(1, 4000), st.integers(1, 127))
CHORDS = st.none() | st.builds(Chord, st.integers(0, 11), st.sampled_from(["maj", "min7", "dim"]))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        control.name: st.sampled_from([control.moved(control.default, n) for n in range(-120, 121, 3)])
        for control in declared(Steering, "steering")
    },
)


def steered(note=NOTE, chord=None, is_drums=False, id=1, **values):
    return replace(NEUTRAL, **values).steered(note, id, FOUR, chord, is_drums)


def test_without_steering_a_note_is_what_was_written():
    assert NOTE == steered()


@pytest.mark.parametrize(
    ("values", "pitch"),
    [
        ({"transpose": -12}, 49),
        ({"lock": "C"}, 60),
        ({"lock": "C", "tones": "blues"}, 60),
        ({"lock": "E", "tones": "major"}, 61),
        ({"lowest": 72}, 73),
        ({"highest": 59}, 49),
        ({"transpose": 1, "lock": "F"}, 62),
    ],
)
def test_pitches_go_where_they_are_steered(values, pitch):
    assert pitch == steered(**values).pitch


def test_a_named_chord_is_above_the_lock():
    assert 63 == steered(replace(NOTE, pitch=62), Chord(8, "maj"), lock="C").pitch


def test_drums_keep_their_pitches():
    assert 61 == steered(chord=Chord(0), is_drums=True, lock="C", transpose=5, lowest=72).pitch


@pytest.mark.parametrize(
    ("values", "velocity"), [({"balance": -0.5}, 40), ({"balance": 1.0}, 127), ({"curve": -1.0}, 20)]
)
def test_balance_and_curve_change_velocities(values, velocity):
    assert velocity == pytest.approx(steered(**values).velocity, abs=1)


@pytest.mark.parametrize("curve", [-1.0, 0.5, 1.0])
@pytest.mark.parametrize("velocity", [1, 127])
def test_the_curve_leaves_the_softest_and_the_loudest(curve, velocity):
    assert velocity == steered(replace(NOTE, velocity=velocity), curve=curve).velocity


def test_at_the_lowest_balance_it_is_silent():
    assert steered(balance=-1.0) is None


@pytest.mark.parametrize(("onset", "late"), [(480, 0), (720, 80), (600, 40), (840, 40)])
def test_full_swing_is_triplets(onset, late):
    assert onset + late == steered(replace(NOTE, onset=onset), swing=1.0).onset


def test_eighths_that_are_beats_do_not_swing():
    assert 720 == replace(NEUTRAL, swing=1.0).swung(720, Meter(0, 6, 8))


def test_a_human_is_uneven_in_the_same_way_each_time():
    ways = [steered(id=n, humanise=1.0) for n in range(50)]

    assert ways == [steered(id=n, humanise=1.0) for n in range(50)]
    assert len({note.onset for note in ways}) > 10
    assert len({note.velocity for note in ways}) > 10


@given(NOTES, CHORDS, VALUES, st.integers(1, 10**6), st.booleans())
def test_a_steered_note_is_a_note_and_at_most_a_little_late(note, chord, values, id, is_drums):
    sounding = parse_params(Steering, values).steered(note, id, FOUR, chord, is_drums)

    assert sounding is None or 0 <= sounding.onset - note.onset <= REACH
    assert sounding is None or sounding.duration >= 1


@given(NOTES, st.sampled_from(["C", "F#", "B"]), st.sampled_from(list(TONES)), st.integers(-24, 24))
def test_a_lock_lets_no_other_pitch_out(note, tonic, tones, transpose):
    locked = replace(NEUTRAL, lock=tonic, tones=tones, transpose=transpose, lowest=36, highest=96)
    allowed = {(["C", "F#", "B"].index(tonic) and {"F#": 6, "B": 11}[tonic]) + tone for tone in TONES[tones]}
    pitch = locked.steered(note, 1, FOUR, None, False).pitch

    assert pitch % 12 in {tone % 12 for tone in allowed}
    assert 36 <= pitch <= 96


def test_two_notes_that_steering_makes_one_key_begin_once():
    plan = Plan()
    notes = [PartNote("Machine", Note(480, pitch, 100)) for pitch in (60, 61)]
    plan.put(Span(480, 720), notes, Cover(1, 1, 0, 0.0, 720), 0, 0)
    locked = replace(NEUTRAL, lock="C")
    op = plan.take_op(0, {"Machine": 1}, lambda p: locked.steered(p.entry.note, p.id, FOUR, None, False))

    assert [[480, 100, 60, 80, 1, 1]] == op["notes"]


# In the session


def playing(seconds=2.0, **settings):
    stage = Stage(**settings)
    stage.session.start()
    stage.run_to(seconds)
    return stage


def test_a_transposition_is_heard_at_once_and_seen():
    stage = playing(1.0)
    stage.session.set_steering({"transpose": "12"})
    stage.run_to(2.0)
    plain = playing(2.0).machine_notes()
    shown = stage.session.snapshot()

    assert [(onset, pitch + 12 * (onset > 960)) for onset, pitch in plain] == stage.machine_notes()
    assert [pitch for _, pitch in stage.machine_notes()] == [
        entry.note.pitch for entry in shown.committed if entry.note.onset <= 1920
    ]


def test_swing_moves_what_leaves():
    stage = playing(1.9, steering={"swing": "1"})

    assert {0, 160, 320, 400} == {onset % 480 for onset, _ in stage.machine_notes()}


def test_turning_swing_on_and_off_repeats_and_loses_no_note():
    stage = playing(0.26)
    for n in range(40):
        stage.session.set_steering({"swing": "1" if n % 2 else "0", "humanise": "1" if n % 3 else "0"})
        stage.run_to(0.26 + n * 0.037)
    stage.run_to(1.99)
    onsets = [onset for onset, _ in stage.machine_notes()]

    assert len(onsets) == len(range(0, 1910, 120))
    assert all(0 <= onset - written <= REACH + 40 for onset, written in zip(onsets, range(0, 1910, 120), strict=True))


def test_the_chord_zone_is_shown_and_obeyed():
    stage = playing(1.0, steering={"split": "54"})
    for pitch in (45, 48, 52):
        stage.play(0x95, pitch, 80)
    stage.run_to(3.0)

    assert "Am" == stage.session.snapshot().zone
    assert {9, 0, 4} >= {pitch % 12 for onset, pitch in stage.machine_notes() if onset > 1080}


def test_keys_above_the_split_name_nothing():
    stage = playing(0.5, steering={"split": "40"})
    for pitch in (45, 48, 52):
        stage.play(0x95, pitch, 80)
    stage.run_to(1.0)

    assert "" == stage.session.snapshot().zone


def test_a_machine_that_ignores_you_is_told_nothing_of_you():
    echo = Echo()
    stage = playing(0.1, generator=echo, steering={"follow": "ignore"})
    stage.play(0x95, 60, 80)
    stage.run_to(1.5)

    assert [()] == [part.notes for part in echo.asked.players]


def test_a_machine_that_leads_goes_on_from_what_you_played():
    echo = Echo()
    stage = playing(0.1, generator=echo)
    stage.play(0x95, 60, 80)
    stage.run_to(0.2)
    stage.play(0x85, 60, 0)
    stage.session.set_steering({"follow": "lead"})
    stage.run_to(0.3)
    stage.play(0x95, 67, 80)
    stage.run_to(1.5)
    assert [[60]] == [[note.pitch for note in part.notes] for part in echo.asked.players]
    stage.session.set_steering({"follow": "follow"})
    stage.run_to(2.5)

    assert [[60, 67]] == [[note.pitch for note in part.notes] for part in echo.asked.players]


def test_a_part_plays_on_the_channel_and_with_the_program_it_is_given():
    stage = playing(1.0)
    stage.session.set_part("Machine", 7, 33)
    stage.run_to(2.0)

    assert bytes((0xC7, 33)) in [message for _, message in stage.io.output]
    assert {1, 7} == {message[0] & 0x0F for _, message in stage.io.output if message[0] & 0xF0 == 0x90}
    assert (7, 33) == (stage.session.snapshot().parts[0].channel, stage.session.snapshot().parts[0].program)


@pytest.mark.parametrize("values", [{"swing": "2"}, {"lock": "H"}, {"nothing": "1"}])
def test_what_cannot_be_steered_is_refused_at_once(values):
    with pytest.raises(UsageError):
        Stage().session.set_steering(values)


def test_every_field_has_a_help_and_a_control():
    assert [field.name for field in fields(Steering)] == [control.name for control in declared(Steering, "steering")]
    assert all(control.help for control in declared(Steering, "steering"))


STEERS = st.tuples(st.just("steer"), VALUES)
KEYS = st.tuples(st.just("key"), st.tuples(st.sampled_from([0x85, 0x95]), st.integers(40, 70)))
WAYS = st.tuples(st.sampled_from(["start", "stop", "panic"]), st.just(None))
PARTS = st.tuples(st.just("part"), st.integers(0, 15))
FOLLOWS = st.tuples(st.just("steer"), st.fixed_dictionaries({"follow": st.sampled_from(FOLLOW)}))
WAITS = st.tuples(st.just("wait"), st.floats(0, 0.8))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(STEERS, STEERS, FOLLOWS, KEYS, WAYS, PARTS, WAITS), max_size=25), st.sampled_from([1, 240]))
def test_however_it_is_steered_every_note_ends(happenings, grid):
    stage = Stage(Echo(grid, 0 if grid == 1 else 40), steering={"split": "50"})
    stage.session.start()
    seconds = 0.0
    for name, value in happenings:
        if name == "wait":
            seconds += value
            stage.run_to(seconds)
        elif name == "steer":
            stage.session.set_steering(value)
        elif name == "key":
            stage.play(*value, 80)
        elif name == "part":
            stage.session.set_part("Machine", value, value)
        else:
            getattr(stage.session, name)()
        stage.step()
    stage.run_to(seconds + 1)
    begun = [message for _, message in stage.io.output if message[0] & 0xF0 == 0x90 and message[2]]
    stage.session.close()
    stats = stage.session.finish()

    assert set() == stage.sounding()
    assert 0 == stats.sounding_at_exit
    assert len(begun) >= stats.dropped


def test_what_is_steered_is_told_as_text_and_can_be_taken_back():
    steered = replace(NEUTRAL, swing=0.5, lock="D")

    assert {"swing": "0.5", "lock": "D"} == steered.set
    assert NEUTRAL == parse_params(Steering, {**steered.set, **Steering.neutral()})
