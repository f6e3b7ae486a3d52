"""The Markov accompanist listens, leaves room, obeys the harmony, and answers in the player's manner."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.generators import make
from composer.generators.base import Context
from composer.generators.comping import bass_pitch, voicing
from composer.generators.counts import Place, load_tables
from composer.generators.markov import Markov
from composer.generators.style import TRADITION
from composer.generators.viewpoints import seen, top_line, tune
from composer.music import Note, Part, Score, Span
from composer.music.chords import Chord
from composer.training.measures import chord_share

C, F, G = (60, 64, 67), (65, 69, 72), (55, 59, 62)
CADENCE = [Note(bar * 1920, p, 1900) for bar, chord in enumerate((C, F, G, C) * 2) for p in chord]
CHORDS = [(bar * 1920, (bar + 1) * 1920, Chord(root)) for bar, root in enumerate((0, 5, 7, 0) * 2)]
BARS = Span(1920, 8 * 1920)
PARTS = ("Bass", "Piano", "Lead")


def context(notes, known_until=10**6, role="accompany", parts=("Bass", "Piano")):
    machine = tuple(Part(name, channel=i) for i, name in enumerate(parts))
    return Context(Score((Part("Player", tuple(sorted(notes)), 5), *machine)), parts, known_until, role)


def play(known, span=BARS, seed=1, **params):
    return list(make("markov", {k: str(v) for k, v in params.items()}, seed).propose(known, span))


def test_the_bass_plays_the_root_where_the_chord_changes():
    bass = {n.note.onset: n.note.pitch % 12 for n in play(context(CADENCE)) if n.part == "Bass"}

    assert [5, 7, 0, 0, 5, 7, 0] == [bass[bar * 1920] for bar in range(1, 8)]


def test_it_plays_the_chords_it_hears():
    assert chord_share([n.note for n in play(context(CADENCE))], CHORDS) > 0.9


def test_the_chords_it_followed_can_be_read():
    generator = make("markov")
    list(generator.propose(context(CADENCE), Span(0, 4 * 1920)))

    assert [(0, "C"), (1920, "F"), (3840, "G"), (5760, "C")] == generator.chords


@pytest.mark.parametrize(("semitones", "name"), [(0, "C major"), (2, "D major"), (-3, "A major")])
def test_the_key_it_hears_can_be_read(semitones, name):
    generator = make("markov")
    list(generator.propose(context([replace(note, pitch=note.pitch + semitones) for note in CADENCE]), BARS))

    assert name == generator.key


def test_what_comes_next_changes_as_soon_as_the_player_plays():
    in_c = play(context(CADENCE[:3], 1920), Span(1920, 2400))
    in_f_sharp = play(context([Note(0, p + 6, 1900) for p in C], 1920), Span(1920, 2400))

    assert {n.note.pitch % 12 for n in in_c} != {n.note.pitch % 12 for n in in_f_sharp}


def test_a_busy_player_is_left_room():
    quiet = [Note(i * 1920, 72, 1900) for i in range(8)]
    busy = [Note(i * 120, 72, 110) for i in range(128)]

    assert len(play(context(busy))) < 0.8 * len(play(context(quiet)))


def test_density_nought_is_silence():
    assert [] == play(context(CADENCE), density=0.0)


@pytest.mark.parametrize(("pitch", "below"), [(67, True), (64, True), (60, False), (55, False)])
def test_chords_keep_away_from_the_players_register(pitch, below):
    line = [Note(i * 480, pitch, 470) for i in range(32)]
    chords = [n.note.pitch for n in play(context(line)) if n.part == "Piano"]

    assert chords
    assert all((p < pitch) == below for p in chords)


def test_chords_stay_in_their_place_while_the_player_rests_and_comes_back():
    """As high and about as loud as before: a rest of two bars changes neither."""
    tune = [Note(i * 240, pitch, 230, 110) for i, pitch in enumerate((66, 63, 65, 61, 68, 66, 63, 65) * 4)]
    chords = [
        n.note for n in play(context([*tune, *(n.shift(6 * 1920) for n in tune)]), answers=False) if n.part == "Piano"
    ]

    assert 14 > max(n.pitch for n in chords) - min(n.pitch for n in chords)
    assert 90 < min(n.velocity for n in chords)


def test_one_part_plays_with_both_hands():
    pitches = [n.note.pitch for n in play(context(CADENCE, parts=("Piano",)))]

    assert min(pitches) < 48 < 52 <= max(pitches)


def test_no_pitch_is_struck_again_while_it_sounds():
    notes = play(context(CADENCE), density=1.0)
    sounding = {}
    for part, note in notes:
        assert sounding.get((part, note.pitch), 0) <= note.onset
        sounding[part, note.pitch] = note.end


def test_it_answers_only_while_the_player_rests():
    tune = [Note(i * 240, p, 230) for i, p in enumerate((60, 62, 64, 65, 67, 65, 64, 62) * 2)]
    resting, muted = (
        {n.note.onset for n in play(context(tune), Span(3840, 7680), answers=answers)} for answers in (True, False)
    )
    playing = [play(context(tune), Span(0, 3840), answers=answers) for answers in (True, False)]

    assert muted < resting
    assert playing[0] == playing[1]


def test_who_is_known_not_to_come_back_is_continued_for_as_long_as_it_takes():
    tune = [Note(i * 240, pitch, 230) for i, pitch in enumerate((60, 62, 64, 65, 67, 65, 64, 62) * 2)]
    back = Note(15 * 1920, 60, 230)
    onward, answer = (
        [n.note.onset for n in play(context(line, parts=PARTS), Span(3840, 15 * 1920)) if n.part == "Lead"]
        for line in (tune, [*tune, back])
    )

    assert max(b - a for a, b in pairwise(onward)) <= 1920
    assert 14 * 1920 <= onward[-1]
    assert answer[-1] < 3840 + 960 + 3840


def test_a_continuation_uses_the_players_steps():
    thirds = [Note(i * 240, p, 230) for i, p in enumerate((60, 63, 66, 69, 66, 63) * 5)]
    known = context(thirds, 30 * 240, "continue", ("Piano",))
    answer = [n.note for n in play(known, Span(7680, 3 * 1920 + 7680), harmony=0.0)]
    steps = seen(tune(answer, 0), "interval")

    assert {(3, 240), (-3, 240)} >= set(steps)
    assert steps


def test_a_strict_continuation_has_chord_tones_on_the_quarters():
    generator = make("markov", {"harmony": "1.0"}, 3)
    known = context(CADENCE[:12], 7680, "continue", ("Piano",))
    notes = [n.note for n in generator.propose(known, Span(7680, 4 * 1920 + 7680))]
    spans = [(a, 10**6, Chord.parse_symbol(symbol)) for a, symbol in generator.chords]
    on_quarters = [n for n in notes if n.onset % 480 == 0]
    right = [n for n in on_quarters if n.pitch % 12 in [c for a, _, c in spans if a <= n.onset][-1].pitch_classes]

    assert len(right) >= 0.9 * len(on_quarters) > 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6000), st.integers(48, 84), st.integers(1, 900)), max_size=12),
    st.lists(st.integers(0, 9600), min_size=1, max_size=3),
    st.integers(0, 9600),
    st.sampled_from(["accompany", "continue"]),
)
def test_any_cut_gives_the_same_notes(rows, cuts, known_until, role):
    notes = [Note(*row) for row in rows if row[0] < known_until]
    known = context(notes, known_until, role)
    whole = list(Markov(Markov.Params(), 4).propose(known, Span(0, 9600)))
    generator = Markov(Markov.Params(), 4)
    pieces = []
    edges = [0, *sorted(cuts), 9600]
    for a, b in pairwise(edges):
        piece = list(generator.propose(known, Span(a, b)))
        known = known.extended(piece)
        pieces += piece

    assert whole == pieces


def test_nobody_playing_is_no_reason_to_stay_on_one_chord():
    generator = make("markov")
    list(generator.propose(context([]), Span(0, 8 * 1920)))

    assert len(generator.chords) > 3


def test_the_tradition_keeps_its_balance():
    assert abs(sum(step for step, _ in TRADITION)) <= 12


def test_chords_are_voiced_around_a_pitch():
    assert (55, 60, 64) == voicing(Chord(0, "maj"), 60, 3)
    assert () == voicing(Chord(), 60, 3)
    assert 36 == bass_pitch(Chord(0, "maj"), 0.0)
    assert 43 == bass_pitch(Chord(0, "maj"), 0.9)
    assert bass_pitch(Chord(), 0.0) is None


def test_the_top_line_is_the_highest_note_of_each_onset():
    assert [67, 65] == [n.pitch for n in top_line([*(Note(0, p, 9) for p in C), Note(480, 65, 9)])]


def test_pianists_strike_the_bar_line_most():
    bass = load_tables().comping[8][0, :, 0, 1]

    assert 0 == bass.argmax()
    assert Place(0) == Place(7).next


def test_a_shadow_joins_each_note_at_once_with_tones_of_the_chord_below_it():
    melody = [Note(i * 480, pitch, 400, 90) for i, pitch in enumerate((72, 76, 79, 76) * 4)]
    known = Context(Score((Part("Player", tuple(melody)), Part("Piano"))), ("Piano",), 7200 + 1)
    generator = make("markov", {"shadow": "2", "density": "0"}, 0)
    notes = [n.note for n in generator.propose(known, Span(7200 + 15, 7440))]

    assert [(7225, 72), (7225, 67)] == [(n.onset, n.pitch) for n in sorted(notes, key=lambda n: -n.pitch)]
