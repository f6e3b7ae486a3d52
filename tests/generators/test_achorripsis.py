"""The laws are the published ones, as scipy judges them, and the cloud is where the player is."""

from bisect import bisect_right
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, expon, kstest, norm, poisson, truncexpon

from composer.generators import make
from composer.generators.achorripsis import ENSEMBLE, SILENT, glissando
from composer.generators.base import Context
from composer.generators.clouds import COLUMNS, cells, follow, matrix, screen, screens, sections
from composer.generators.stochastic import TIMBRES, arrivals, exponential, gaussian, linear
from composer.music import DRUM_CHANNEL, Meter, Note, Part, Score, Span

BAR = 1920
PARTS = tuple(timbre.name for timbre in ENSEMBLE)
EIGHT_BARS = Span(0, 8 * BAR)
TUNE = [Note(i * 240, pitch, 220, 90) for i, pitch in enumerate((60, 62, 64, 67) * 16)]
MODES = ("achorripsis", "st", "screens")


def context(notes, known_until=10**6, meters=(), parts=PARTS, channel=9):
    machine = tuple(Part(name, channel=i) for i, name in enumerate(parts))
    player = Part("Player", tuple(sorted(notes)), 8 if channel != DRUM_CHANNEL else channel)
    return Context(Score((player, *machine), meters=meters), parts, known_until)


def play(notes, span=EIGHT_BARS, seed=1, known=None, **params):
    generator = make("achorripsis", {k: str(v) for k, v in params.items()}, seed)
    return list(generator.propose(known or context(notes, channel=8), span))


# Laws


def test_the_events_of_cells_are_poisson_distributed():
    found = Counter(np.concatenate([matrix(5, n, 0.6).ravel() for n in range(20)]).tolist())
    counts = [found[0], found[1], found[2], found.total() - found[0] - found[1] - found[2]]
    expected = np.array([*poisson(0.6).pmf([0, 1, 2]), poisson(0.6).sf(2)]) * found.total()

    assert (TIMBRES, COLUMNS) == matrix(5, 0, 0.6).shape
    assert chisquare(counts, expected).pvalue > 0.01


def test_a_matrix_has_as_many_cells_of_each_kind_as_xenakis_lists():
    """Of 196 cells 107 empty, 65 with one event, 19 with two, 4 with three, 1 with four, in the mean of many."""
    matrices = np.array([matrix(5, number, 0.6) for number in range(400)])

    assert [107, 65, 19, 4, 1] == pytest.approx([(matrices == n).sum() / 400 for n in range(5)], abs=1)


def waits(mode, seed, bars):
    """Return the times between onsets, in units of their mean, of everything that one law made."""
    span = Span(0, bars * BAR)
    notes = play([], span, seed, mode=mode, glissando=0, cell=2.0)
    fields = {
        "achorripsis": lambda: cells(seed, 0, 2 * BAR, 0.6, span),
        "st": lambda: sections(seed, 0, 2 * BAR, span),
        "screens": lambda: screens(seed, 0, BAR // 2, span),
    }[mode]()
    fields = sorted(fields, key=lambda field: field.span)
    for names in [[name] for name in PARTS] if mode == "achorripsis" else [PARTS]:
        mine = [f for f in fields if mode != "achorripsis" or f.timbres[PARTS.index(names[0])]]
        passed = [0.0]
        for f in mine:
            passed.append(passed[-1] + f.span.length * f.density * SILENT.density / 480)
        starts = [f.span.start for f in mine]
        at = 0.0
        for onset in sorted(n.note.onset for n in notes if n.part in names):
            i = bisect_right(starts, onset) - 1
            now = passed[i] + (onset - starts[i]) * mine[i].density * SILENT.density / 480
            yield now - at
            at = now


@pytest.mark.parametrize("mode", MODES)
def test_times_between_onsets_are_exponential(mode):
    """Time runs as fast as the density of each field says, so that one law holds for all of them."""
    found = [wait for seed in range(4) for wait in waits(mode, seed, 60)]

    assert len(found) > 500
    assert kstest(found, expon.cdf).pvalue > 0.01


def test_onsets_follow_a_density_that_changes():
    rng = np.random.default_rng(1)
    onsets = [t for t, _ in arrivals(Span(0, 960 * 480), lambda tick: 1.0 if tick < 480 * 480 else 4.0, rng)]

    assert 0.2 < sum(t < 480 * 480 for t in onsets) / sum(t >= 480 * 480 for t in onsets) < 0.3


EVEN = np.random.default_rng(2).random(2000).tolist()


def test_intervals_have_a_linear_density():
    assert kstest([linear(u, 24) for u in EVEN], lambda x: 2 * x / 24 - (x / 24) ** 2).pvalue > 0.01


def test_speeds_of_glissandi_are_gaussian_with_the_mean_size_asked_for():
    speeds = np.array([gaussian(u, 6.0) for u in EVEN])

    assert kstest(speeds, norm(0, 6 * np.sqrt(np.pi / 2)).cdf).pvalue > 0.01
    assert pytest.approx(6.0, rel=0.05) == np.abs(speeds).mean()


def test_waits_are_exponential():
    assert kstest([exponential(u) for u in EVEN], expon.cdf).pvalue > 0.01


def held(seeds=12, **params):
    """Return the notes of the held timbres in cells of one event, where the density is one, with nobody to hear."""
    for seed in range(seeds):
        span = Span(0, 56 * BAR)
        single = {
            (PARTS[field.timbres.index(1.0)], field.span.start // (2 * BAR))
            for field in cells(seed, 0, 2 * BAR, 0.6, span)
            if field.density == 1 / (TIMBRES * 0.6)
        }
        kinds = {timbre.name for timbre in ENSEMBLE if timbre.kind == "held"}
        for name, note in play([], span, seed, **params):
            if name in kinds and (name, note.onset // (2 * BAR)) in single:
                yield note


def test_durations_are_exponential():
    """Half as long again, in the mean, as notes are apart; neither very short nor longer than a bar."""
    mean = 1.5 * 480 / (3 * SILENT.density / (TIMBRES * 0.6))
    found = [note.duration for note in held(density=3.0) if 96 < note.duration < BAR]

    assert len(found) > 1000
    assert kstest(found, truncexpon((BAR - 96) / mean, 96, mean).cdf).pvalue > 0.01


def test_loudness_is_gaussian_around_the_players():
    found = np.array([note.velocity for note in held(density=3.0)]) + 0.5

    assert kstest(found + np.random.default_rng(1).uniform(-0.5, 0.5, len(found)), norm(76, 10).cdf).pvalue > 0.01


def test_sections_have_four_degrees_of_loudness_and_screens_two_bands():
    degrees = Counter(n.note.velocity for n in play([], Span(0, 200 * BAR), mode="st", glissando=0))
    bands = {n.note.velocity for n in play([], Span(0, 200 * BAR), mode="screens")}

    assert {76 - 36, 76 - 12, 76 + 12, 76 + 30} == set(degrees)
    assert chisquare(list(degrees.values())).pvalue > 0.01
    assert {76 - 28, 76 - 16, 76 + 8, 76 + 20} == bands


def test_sections_have_exponential_lengths():
    found = [
        field.span.length / BAR
        for seed in range(30)
        for field in list(sections(seed, 0, BAR, Span(0, COLUMNS * BAR)))[:-1]
    ]

    assert len(found) > 600
    # The last section of a row is cut, so long ones are a little rarer.
    assert pytest.approx(1.0, abs=0.1) == np.mean(found)
    assert kstest(found, expon.cdf).pvalue > 0.01


def test_sections_and_cells_follow_each_other_without_a_gap():
    whole = list(sections(3, 0, BAR, Span(0, 2 * COLUMNS * BAR)))

    assert [] == [(a, b) for a, b in pairwise(whole) if a.span.end != b.span.start]
    assert (0, 2 * COLUMNS * BAR) == (whole[0].span.start, whole[-1].span.end)


def test_dense_sections_have_other_timbres_than_sparse_ones():
    fields = sorted((f for s in range(5) for f in sections(s, 0, BAR, Span(0, 50 * BAR))), key=lambda f: f.density)
    percussion = PARTS.index("Percussion")

    assert fields[0].timbres[percussion] < fields[-1].timbres[percussion]
    assert all(pytest.approx(1.0) == sum(f.timbres) for f in fields)


# Screens


@pytest.mark.parametrize(
    ("variable", "coupled"), [(0, 2), (1, 0), (2, 1)], ids=["frequency by density", "intensity by frequency", "density"]
)
def test_the_chain_of_a_variable_depends_on_the_variable_it_is_coupled_to(variable, coupled):
    """From state 0 the restless matrix stays there with 0.2 and the calm one with 0.85; from 1, with 0.2 and 0.6."""
    stays = {}
    for state in (0, 1):
        for other in (0, 1):
            states = [0, 0, 0]
            states[variable], states[coupled] = state, other
            found = [follow(tuple(states), np.random.default_rng(i).random(3).tolist())[variable] for i in range(2000)]
            stays[state, other] = found.count(state) / len(found)

    expected = {(0, 0): 0.2, (1, 0): 0.2, (0, 1): 0.85, (1, 1): 0.6}
    assert expected == pytest.approx(stays, abs=0.03)


def test_all_eight_screens_come():
    assert 8 == len({screen(1, 0, number) for number in range(200)})


def test_screens_near_the_player_and_far_away_alternate():
    notes = [n.note.pitch for n in play(TUNE, Span(4 * BAR, 16 * BAR), mode="screens", density=4.0)]
    near = [p for p in notes if abs(p - 63) <= 9]

    assert 0.1 < len(near) / len(notes) < 0.9
    assert 1 > len([p for p in notes if 9 < abs(p - 63) < 11])


# Glissandi


def test_a_glissando_runs_evenly_from_pitch_to_pitch():
    assert [(0, 160, 0), (160, 320, 1), (320, 480, 2)] == glissando(480, 2.0)
    assert [0, -1, -2, -3, -4] == [step for *_, step in glissando(960, -2.0)]
    assert [(0, 480, 0)] == glissando(480, 0.2)


def test_a_fast_glissando_leaves_out_semitones():
    run = glissando(480, 40.0)

    assert 12 == len(run)
    assert (0, 40) == (run[0][2], run[-1][2])


# The player


@pytest.mark.parametrize("mode", MODES)
def test_another_melody_has_another_answer(mode):
    """A higher melody is answered higher, a faster one denser, a louder one louder."""
    span = Span(2 * BAR, 8 * BAR)
    high = [Note(n.onset, n.pitch + 12, n.duration, n.velocity) for n in TUNE]
    fast = [Note(n.onset // 2, n.pitch, n.duration // 2, n.velocity) for n in TUNE * 2]
    fast = [*fast[:64], *(n.shift(64 * 120) for n in fast[:64])]
    soft = [Note(n.onset, n.pitch, n.duration, 40) for n in TUNE]
    base, higher, denser, softer = (
        [n.note for seed in range(4) for n in play(notes, span, seed, mode=mode)] for notes in (TUNE, high, fast, soft)
    )

    assert len({(n.onset, n.pitch) for n in base} & {(n.onset, n.pitch) for n in higher}) < 0.5 * len(base)
    assert 8 < np.mean([n.pitch for n in higher]) - np.mean([n.pitch for n in base]) < 16
    assert len(denser) > 1.5 * len(base)
    assert 40 < np.mean([n.velocity for n in base]) - np.mean([n.velocity for n in softer]) < 60


@pytest.mark.parametrize("mode", MODES)
def test_all_timbres_together_are_about_as_dense_as_the_player(mode):
    counts = [
        len(play(TUNE, Span(BAR, 8 * BAR), seed, mode=mode, glissando=0, cell=1.0)) / (7 * 8) for seed in range(20)
    ]

    assert 0.7 < np.mean(counts) < 1.5


def test_the_density_of_the_last_playing_stays_while_the_player_rests():
    resting = play(TUNE[:16], Span(8 * BAR, 16 * BAR))

    assert len(resting) > 8 * 4


def test_density_can_be_set():
    assert len(play(TUNE, density=3.0)) > 1.8 * len(play(TUNE))


def test_onsets_can_be_kept_to_sixteenths():
    assert {0} == {n.note.onset % 120 for n in play(TUNE, snap="1/16", glissando=0)}
    assert len({n.note.onset % 120 for n in play(TUNE)}) > 20


def test_each_timbre_keeps_to_its_compass():
    pitches = defaultdict(list)
    for name, note in play([Note(n.onset, n.pitch + 40, 90) for n in TUNE], Span(0, 60 * BAR)):
        pitches[name].append(note.pitch)

    assert [] == [t.name for t in ENSEMBLE if not t.low <= min(pitches[t.name]) <= max(pitches[t.name]) <= t.high]


def test_what_is_heard_later_changes_nothing_before():
    early = play(TUNE[:9], Span(0, 2160))

    assert early == play(TUNE, Span(0, 2160))
    assert early


def test_a_note_that_begins_at_the_moment_of_the_question_is_heard():
    high = [Note(480, 100, 1, 90)]
    asked = Span(500, 8 * BAR)

    assert play(high, asked, known=context(high, 480, channel=8)) != play([], asked)


def test_a_gap_is_filled_as_high_as_what_stands_behind_it():
    after = tuple(Note(8 * BAR + i * 240, pitch, 220) for i, pitch in enumerate((90, 93) * 8))
    known = Context(Score((Part("Piano", after),)), ("Piano",), 10**6)

    assert np.mean([n.note.pitch for n in play([], Span(0, 4 * BAR), known=known, compass=6)]) > 75


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 127), st.integers(1, 900)), max_size=12),
    st.lists(st.integers(0, 9600), min_size=1, max_size=3),
    st.sampled_from([(4, 4), (7, 8), (5, 16)]),
    st.sampled_from(MODES),
)
def test_any_cut_gives_the_same_notes(rows, cuts, meter, mode):
    known = context([Note(*row) for row in rows], meters=(Meter(0, *meter), Meter(5000, 3, 4)), channel=8)
    whole = play([], Span(0, 9600), known=known, mode=mode)
    pieces = []
    for a, b in pairwise([0, *sorted(cuts), 9600]):
        pieces += play([], Span(a, b), known=known.extended(pieces), mode=mode)

    assert whole == pieces


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "notes",
    [[], [Note(0, 60, 57600)], [Note(100, 40 + i, 480) for i in range(40)], [Note(0, 0, 9), Note(0, 127, 9)]],
    ids=["nothing", "one note for a minute", "forty at once", "both ends of the keyboard"],
)
def test_odd_playing_is_answered(notes, mode):
    assert [] != play(notes, mode=mode)


def test_drums_set_the_pace_but_not_the_register():
    drums = [Note(i * 120, 36, 60, 120) for i in range(128)]
    heard = play([], Span(BAR, 8 * BAR), known=context(drums, channel=DRUM_CHANNEL))

    assert len(heard) > 1.5 * len(play([], Span(BAR, 8 * BAR)))
    assert np.mean([n.note.pitch for n in heard]) > 45
