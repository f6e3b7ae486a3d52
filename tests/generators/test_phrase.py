"""Phrases are made of what was learned, seen as the player wishes, and end where they should."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.generators.melodies import kept, scale_tonic, tunes_of
from composer.generators.phrase import Frame, Improviser
from composer.generators.style import Corpus, Style
from composer.generators.viewpoints import Stroke, Tune, reached, seen, tune
from composer.music import DRUM_CHANNEL, Note, Part, Score, Span
from composer.music.chords import Chord, Key

SCALE = (60, 62, 64, 65, 67, 65, 64, 62)
LINE = [Note(i * 240, pitch, 220, 80) for i, pitch in enumerate(SCALE * 4)]
BAR = Span(7680, 9600)
FRAME = Frame(BAR, (Chord(0),), Key(0), (55, 79))


def play(line=LINE, frame=FRAME, viewpoint="interval+rhythm", seed=1, obedience=0.9, corpus=None, yours=0.5):
    improviser = Improviser(Style(viewpoint, 3, corpus, yours), obedience)
    return improviser.play(line, line, frame, np.random.default_rng(seed))


def perform(line, gaps=(240,) * 8, level=80.0, corpus=None, seed=1):
    style = Style("interval+rhythm", 3, corpus)
    style.learn(line, 0)
    onsets = np.cumsum((0, *gaps)).tolist()
    places = [(60, onset) for onset in onsets[:-1]]
    return Improviser(style, 0.9).perform(places, onsets[-1], level, np.random.default_rng(seed))


# What a step is


@pytest.mark.parametrize(
    ("viewpoint", "moves"), [("interval", [2, 2, -9]), ("pitch", [64, 66, 57]), ("degree", [2, 4, 7])]
)
def test_a_viewpoint_sees_intervals_pitches_or_degrees_of_the_key(viewpoint, moves):
    line = [Note(i * 240, pitch, 200) for i, pitch in enumerate((62, 64, 66, 57))]

    assert [(move, 240) for move in moves] == seen(tune(line, 2), viewpoint)


@pytest.mark.parametrize("viewpoint", ["interval", "pitch", "degree"])
def test_a_step_leads_where_it_led_when_it_was_learned(viewpoint):
    pitches = [62]
    for move, _ in seen(tune([Note(i, pitch, 1) for i, pitch in enumerate((62, 64, 66, 61))], 2), viewpoint):
        pitches.append(reached(move, viewpoint, pitches[-1], 2))

    assert [62, 64, 66, 61] == pitches


@pytest.mark.parametrize("viewpoint", ["interval+rhythm", "interval"])
def test_intervals_carry_a_motif_to_another_pitch(viewpoint):
    thirds = [Note(i * 240, 60 + 3 * (i % 2), 220) for i in range(32)]
    moved = [(pitch + 7, onset) for pitch, onset in play(thirds, obedience=0.0, viewpoint=viewpoint)]
    higher = [replace(note, pitch=note.pitch + 7) for note in thirds]

    assert moved == play(higher, replace(FRAME, register=(62, 86)), obedience=0.0, viewpoint=viewpoint)


def test_pitches_stay_pitches():
    line = [Note(i * 240, pitch, 220) for i, pitch in enumerate((61, 66, 68, 66) * 8)]

    assert {61, 66, 68} >= {pitch for pitch, _ in play(line, viewpoint="pitch+rhythm", obedience=0.0)}


def test_degrees_follow_the_key():
    in_d = replace(FRAME, key=Key(2), chords=(Chord(2),))
    line = [replace(note, pitch=note.pitch + 2) for note in LINE]
    degrees = {(pitch - 2) % 12 for pitch, _ in play(line, in_d, viewpoint="degree+rhythm", obedience=0.0)}

    assert {0, 2, 4, 5, 7} >= degrees > {0}


@pytest.mark.parametrize(
    ("viewpoint", "steps"),
    [("interval+rhythm", {(4, 240), (-4, 480)}), ("interval", {(4, 240), (4, 480), (-4, 240), (-4, 480)})],
)
def test_apart_pitches_and_rhythms_meet_that_never_met(viewpoint, steps):
    """Up went with eighths, down with quarters."""
    onsets = np.cumsum([0, *([240, 480] * 12)]).tolist()
    style = Style(viewpoint, 3)
    style.learn([Note(onset, 60 + 4 * (i % 2), 200) for i, onset in enumerate(onsets)], 0)

    assert steps == {step for step, _ in style.following((), 1.0)}


def test_a_breath_is_no_note_value():
    line = [Note(onset, 60, 200) for onset in (0, 240, 2400, 2640)]

    assert [(0, 240), None, (0, 240)] == seen(tune(line, 0), "interval")


MOTIF = (60, 64, 62, 67, 65, 60, 64, 69, 62, 65, 67, 60, 62, 64, 60, 67)


@pytest.mark.parametrize("viewpoint", ["interval+rhythm", "pitch+rhythm", "degree+rhythm"])
@pytest.mark.parametrize("seed", range(5))
def test_without_constraints_every_run_of_steps_as_long_as_the_order_was_learned(viewpoint, seed):
    """Also across the join with what the player played last."""
    values = (240, 240, 480, 240, 120, 120, 480, 240)
    onsets = np.cumsum([0, *values * 8]).tolist()
    line = [Note(onset, pitch, 100) for onset, pitch in zip(onsets, MOTIF * 4, strict=False)]
    begin = onsets[len(line) - 1]
    frame = replace(FRAME, span=Span(begin + 1, begin + 7680), register=(0, 127))
    onward = [Note(onset, pitch, 100) for pitch, onset in play(line, frame, viewpoint, seed, obedience=0.0)]
    kind = viewpoint.partition("+")[0]
    learned, sung = (seen(tune(notes, 0), kind) for notes in (line, [*line[-4:], *onward]))

    assert len(sung) > 20
    assert {tuple(learned[i : i + 3]) for i in range(len(learned) - 2)} >= {
        tuple(sung[i : i + 3]) for i in range(len(sung) - 2)
    }


# Endings


@pytest.mark.parametrize(("ending", "expected"), [("chord", {7, 11, 2}), ("tonic", {0})])
@pytest.mark.parametrize("seed", range(8))
def test_a_phrase_ends_as_it_should(ending, expected, seed):
    frame = replace(FRAME, chords=(Chord(7),), ending=ending)

    assert play(frame=frame, seed=seed)[-1][0] % 12 in expected


@pytest.mark.parametrize("seed", range(8))
def test_a_cadence_reaches_the_tonic_by_step(seed):
    """Where this tune comes home, it leaps as often as it steps."""
    line = [Note(i * 240, pitch, 220) for i, pitch in enumerate((60, 64, 67, 60, 62, 67, 59, 60) * 4)]
    (before, _), (last, _) = play(line, replace(FRAME, ending="cadence"), seed=seed)[-2:]

    assert 0 == last % 12
    assert abs(last - before) in (1, 2)


def test_an_ending_that_nothing_leads_to_stops_nobody():
    line = [Note(i * 240, 61, 220) for i in range(16)]

    assert play(line, replace(FRAME, ending="cadence"))


def test_an_ending_changes_only_which_of_the_learned_steps_are_taken():
    frame = replace(FRAME, ending="tonic")
    answer = [LINE[-1], *(Note(onset, pitch, 9) for pitch, onset in play(frame=frame, obedience=0.0))]

    assert set(seen(tune(LINE, 0), "interval")) >= set(seen(tune(answer, 0), "interval"))


@pytest.mark.parametrize(("keeps_key", "expected"), [(False, True), (True, False)])
def test_a_key_that_was_asked_for_is_kept_even_against_the_chord(keeps_key, expected):
    frame = replace(FRAME, chords=(Chord(9),), keeps_key=keeps_key)
    pitches = [pitch for seed in range(8) for pitch, _ in play(frame=frame, seed=seed, obedience=1.0)]

    assert expected == any(pitch % 12 == 1 for pitch in pitches)


# How notes are played


def test_loudness_follows_the_players_accents():
    line = [Note(i * 240, 60, 220, 110 if i % 2 == 0 else 50) for i in range(32)]
    velocities = {note.velocity for note in perform(line)}

    assert 2 == len(velocities)
    assert max(velocities) - min(velocities) > 40


@pytest.mark.parametrize(("duration", "longest"), [(60, 60), (230, 216)])
def test_short_notes_are_answered_with_short_ones(duration, longest):
    line = [Note(i * 240, 60, duration) for i in range(32)]

    assert {longest} == {note.duration for note in perform(line)}


def test_a_stroke_has_the_value_of_its_note():
    """Quarters were loud, eighths soft; nothing else was ever played."""
    onsets = np.cumsum([0, *([240, 240, 480] * 8)]).tolist()
    line = [Note(o, 60, 100, 110 if o % 960 == 480 else 50) for o in onsets]
    notes = perform(line, (480, 240, 240, 480, 480))

    assert [True, False, False, True, True] == [note.velocity > 85 for note in notes]


def test_nothing_heard_is_played_evenly():
    assert {(80, 216)} == {(note.velocity, note.duration) for note in perform([])}


# A corpus

OCTAVES = Tune([60, 72] * 12, [Stroke(480, 0, 3)] * 23, 0)


def test_a_corpus_is_the_tradition_before_anybody_has_played():
    answer = [Note(onset, pitch, 9) for pitch, onset in play([], corpus=Corpus([OCTAVES], "interval+rhythm", 3))]

    assert {(12, 480), (-12, 480)} >= set(seen(tune(answer, 0), "interval"))


@pytest.mark.parametrize(("yours", "corpus_speaks"), [(0.0, True), (1.0, False)])
def test_the_player_may_speak_for_all_or_nothing(yours, corpus_speaks):
    frame = replace(FRAME, span=Span(7680, 7680 + 4 * 1920))
    learned = Corpus([OCTAVES], "interval+rhythm", 3)
    answer = [Note(o, p, 9) for p, o in play(frame=frame, obedience=0.0, corpus=learned, yours=yours)]

    assert corpus_speaks == any(abs(move) == 12 for move, _ in seen(tune(answer, 0), "interval"))


@given(st.lists(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 127)), max_size=8), max_size=4))
def test_what_is_kept_of_a_corpus_is_what_was_learned(rows):
    lines = [[Note(onset, pitch, 100) for onset, pitch in sorted(row)] for row in rows]
    scores = [Score((Part("Any", tuple(line)),)) for line in lines]
    learned = tunes_of(kept(scores))

    assert all(len(one.pitches) == len(one.strokes) + 1 > 1 for one in learned)
    assert learned == tunes_of(kept(scores))


def test_the_melody_of_a_score_is_what_is_called_so_else_its_top_line():
    low, high = (tuple(Note(i * 480, pitch, 400) for i in range(4)) for pitch in (50, 80))
    drums = Part("Drums", tuple(Note(i * 240, 100, 60) for i in range(8)), DRUM_CHANNEL)

    def learned(name):
        return tunes_of(kept([Score((Part(name, low), Part("Piano", high), drums))]))[0].pitches

    assert ([50] * 4, [80] * 4) == (learned("Melody"), learned("Cello"))


@pytest.mark.parametrize("tonic", range(12))
def test_the_scale_of_a_melody_is_found(tonic):
    line = [Note(i * 480, 60 + (pitch + tonic) % 12, 400) for i, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 60))]

    assert tonic == scale_tonic(line)
