"""Evaluation: baselines that are what they say, a silence that is silent, and figures that can be checked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from composer.errors import UsageError
from composer.folders import model_folder
from composer.generators.base import PartNote
from composer.music import Note, Part, Score, Span
from composer.music.chords import Chord, Key
from composer.tokenizers import blocks as B
from composer.training import evaluate as E
from composer.training.evaluation import asked, baselines, habits, harmony, recovery, takes
from composer.training.evaluation.copying import copying
from composer.training.evaluation.statistics import paired, standard_error
from composer.training.evaluation.takes import BLOCKS, Played, Stage, Take, accompany, jumped, span_of
from composer.training.song import Song

BROKEN = [60, 64, 67, 72]


def song(number, tonic, pitches, melody_at=0, velocity=80):
    piano = Part("PIANO", tuple(Note(480 * i, p, 480, velocity) for i, p in enumerate(pitches)), 2)
    melody = Part("MELODY", tuple(Note(melody_at + 480 * i, 72 + tonic, 480) for i in range(8)), 0)
    chords = ((0, 480 * len(pitches), Chord(tonic, "maj")),)
    key = Key(tonic, "major")
    return Song(number, Score((melody, Part("BRIDGE"), piano)), chords, key, "test", 4, ((0, 9999, key),))


def sung(number, tonic):
    """Return a whole song of broken chords, melody and piano alike."""
    pitches = [p + tonic for p in BROKEN] * 20
    one = song(number, tonic, pitches)
    melody = Part("MELODY", tuple(Note(480 * i, 12 + p, 480) for i, p in enumerate(pitches)), 0)
    return replace(one, score=one.score.with_part(melody))


C = song(10, 0, BROKEN * 4)
D = song(20, 2, [62, 66, 69, 74] * 4)
SONGS = [sung(10, 0), sung(20, 2)]


# --- baselines ------------------------------------------------------------------------------------------------------


def test_the_other_song_is_moved_to_this_key():
    assert BROKEN * 4 == [n.pitch for n in baselines.other(C, [C, D])]


def test_a_song_alone_has_no_other():
    assert [] == baselines.other(C, [C])


def test_random_notes_keep_the_rhythm_and_the_key():
    notes = baselines.random_in_key(D, 0)

    assert [480 * i for i in range(16)] == [n.onset for n in notes]
    assert {n.pitch % 12 for n in notes} <= {2, 4, 6, 7, 9, 11, 1}


def test_the_counted_model_hears_a_plain_chord():
    """A player of broken C major triads is heard as C major: nearly all its tones are right."""
    assert harmony.chord_share(baselines.counted(SONGS[0], 0), SONGS[0].chords) > 0.9


# --- songs and takes ------------------------------------------------------------------------------------------------


def test_a_song_begins_with_the_bar_of_its_melody():
    late = E.from_melody(song(10, 0, [60] * 16, melody_at=1920 + 480))

    assert 480 == late.score.part("MELODY").notes[0].onset
    assert (0, 480 * 16 - 1920) == late.chords[0][:2]


def test_a_generator_accompanies_block_by_block():
    assert accompany(C, Take("markov")).notes(Span(0, BLOCKS * 240))


def test_a_primed_machine_begins_where_the_pianist_ends():
    played = accompany(SONGS[0], Take("markov", primed=True))

    assert 8 * 1920 == span_of(SONGS[0], primed=True).start
    assert SONGS[0].score.part("PIANO").within(Span(0, 8 * 1920)) == tuple(played.notes(Span(0, 8 * 1920)))
    assert played.notes(span_of(SONGS[0], primed=True))


@pytest.fixture
def short(monkeypatch):
    """Play six bars, and jump after three."""
    monkeypatch.setattr(takes, "BLOCKS", 48)
    monkeypatch.setattr(takes, "JUMP", 24)


def test_a_late_machine_does_not_know_the_last_blocks(short):
    """What the melody does from a bar line on changes nothing before the lead has passed."""
    a, b = SONGS[0], jumped(SONGS[0], 6)
    changed = 3 * 1920
    for lead in (2, 4):
        same = Span(0, changed + (lead - 1) * 240)
        one, other = (accompany(s, Take("anticipation", lead, params=(("key", "C"),))) for s in (a, b))

        assert one.notes(same) == other.notes(same)
        assert one.notes(Span(changed, 48 * 240)) != other.notes(Span(changed, 48 * 240))


def test_a_silent_player_is_not_heard(short):
    one, other = (accompany(s, Take("anticipation", silent=True)) for s in (SONGS[0], jumped(SONGS[0], 6)))

    assert one == other


def test_a_jump_moves_melody_and_chords_from_the_middle_bar_on():
    moved = jumped(SONGS[0], 2)

    assert [0] * 40 + [2] * 40 == [
        b.pitch - a.pitch
        for a, b in zip(SONGS[0].score.part("MELODY").notes, moved.score.part("MELODY").notes, strict=True)
    ]
    assert ((0, 19200, Chord(0, "maj")), (19200, 38400, Chord(2, "maj"))) == moved.chords


def test_a_take_is_played_once(monkeypatch):
    calls = []
    monkeypatch.setattr("composer.training.evaluation.takes.accompany", lambda s, t: calls.append(t) or Played((), ()))
    with Stage(SONGS) as stage:
        stage.play([Take("markov"), Take("markov", 2), Take("markov")])
        stage.play([Take("markov", 2)])

    assert [Take("markov")] * 2 + [Take("markov", 2)] * 2 == calls


def test_two_processes_play_the_same():
    few = [replace(s, score=s.score.slice(Span(0, 1920))) for s in SONGS]
    with Stage(few) as one, Stage(few, 2) as two:
        assert one.play([Take("markov")]) == two.play([Take("markov")])


# --- suites ---------------------------------------------------------------------------------------------------------


class Pianist(Stage):
    """A stage on which every generator plays what a function says."""

    def __init__(self, songs, plays):
        super().__init__(songs)
        self.plays = plays

    def of(self, songs):
        return Pianist(songs, self.plays)

    def play(self, takes):
        return [[Played((Part("Piano", tuple(self.plays(s, t))),), ()) for s in self.songs] for t in takes]


def human(played, take):
    return baselines.human(played)


def test_a_machine_that_plays_the_human_part_has_the_human_figures():
    ours, beside = harmony.harmony(Pianist(SONGS, human), Take("anticipation"), (0, 1))

    for condition in ("lead0", "lead1", "lead2_primed", "lead4_primed"):
        assert 1.0 == ours[f"chord_share_{condition}"] == beside["human piano"][f"chord_share_{condition}"]
        assert 0.0 == ours[f"chord_share_{condition}_se"] == ours[f"chord_share_{condition}_seed_spread"]
        assert 1.0 == beside["human piano"][f"p_chord_share_{condition}"]
    assert {"markov", "counted harmony", "melody", "other song, same key", "random in key"} <= beside.keys()
    assert beside["random in key"]["chord_share_lead1"] < 0.7


def test_primed_what_comes_after_the_primer_is_measured():
    wrong_at_first = [
        replace(s, score=s.score.with_part(Part("PIANO", tuple(
            replace(n, pitch=61 + s.key.tonic) if n.onset < 8 * 1920 else n for n in s.score.part("PIANO").notes
        ))))
        for s in SONGS
    ]  # fmt: skip
    _, beside = harmony.harmony(Pianist(wrong_at_first, human), Take("anticipation"), (0,))

    assert 1.0 == beside["human piano"]["chord_share_lead1_primed"]
    assert 0.6 == beside["human piano"]["chord_share_lead1"]


def late_by(quarters):
    """Play the melody's chord, the old one for some quarters after the jump."""

    def plays(played, take):
        notes = jumped(played, take.jump).score.part("MELODY").notes
        return [replace(n, pitch=n.pitch - take.jump) if 40 <= n.onset // 480 < 40 + quarters else n for n in notes]

    return plays


@pytest.mark.parametrize("quarters", [0, 4, 12])
def test_recovery_is_counted_from_the_jump_on(quarters):
    """One wrong quarter in two bars is too much: recovered is who has just begun the last one."""
    ours, _ = recovery.recovery(Pianist(SONGS, late_by(quarters)), Take("anticipation"), (0,))

    assert max(0, quarters - 0.5) == ours["recovery_quarters_jump+6"]
    assert 1.0 == ours["chord_share_before_jump+6"]
    assert max(ours[f"recovery_quarters_jump{j:+d}"] for j in (2, 6, -3)) == ours["recovery_quarters"]


def test_who_never_recovers_needs_what_is_left():
    assert 2.5 == recovery.quarters(1.0, [0.5] * 5)
    assert 1.0 == recovery.quarters(1.0, [0.5, 0.89, 0.9, 0.5])


def test_habits_of_the_human_part_are_human():
    ours, beside = habits.habits(Pianist(SONGS, human), Take("anticipation"), (0,))

    assert {0.0} == {ours[name] for name in habits.DISTANCES}
    assert beside["human piano"]["eighth_grid_share"] == ours["eighth_grid_share"] == 1.0
    assert 0.0 < beside["another human"]["register_distance"]


def test_the_other_human_need_not_play_in_the_same_mode():
    """Nobody in its place would be far from everybody."""
    minor = replace(SONGS[1], key=Key(2, "minor"))
    _, beside = habits.habits(Pianist([SONGS[0], minor], human), Take("anticipation"), (0,))

    assert 0.0 == beside["another human"]["density_distance"]


def test_a_song_alone_is_compared_with_no_other_human():
    assert "another human" not in habits.habits(Pianist(SONGS[:1], human), Take("anticipation"), (0,))[1]


def test_velocities_of_another_player_are_far():
    def loud(played, take):
        return [replace(n, velocity=120) for n in human(played, take)]

    ours, _ = habits.habits(Pianist(SONGS, loud), Take("anticipation"), (0,))

    assert 1.0 == ours["velocity_distance"]
    assert 0.0 == ours["register_distance"]


def test_who_plays_a_training_song_copies_all_of_it():
    ours, beside = copying(Pianist(SONGS[:1], human), Take("anticipation"), (0,), [C])

    assert 16.0 == ours["quotation_notes_longest"] == beside["human piano"]["quotation_notes_longest"]


def test_a_control_that_does_nothing_does_not_obey():
    def dense(played, take):
        wish = float(dict(take.params).get("density", "0"))
        return [n for n in human(played, take) if n.onset % 3840 < 480 * (wish + 3)]

    figures = asked.controls(Pianist(SONGS, dense), Take("anticipation"), (0,))

    assert (1.0, 0.0) == (figures["obeys[density]"], figures["obeys[velocity]"])
    assert [0.125, 0.25, 0.375, 0.5] == [figures[f"notes_per_quarter[density={d}]"] for d in ("-2", "-1", "0", "1")]


def test_freedom_is_by_how_much_answers_to_one_question_differ():
    """As many notes as the temperature says in tenths differ between any two seeds: in pitch, or in place."""

    def free(played, take):
        wishes = dict(take.params)
        pitches = round(10 * float(wishes.get("pitch_temperature", "0")))
        places = round(10 * float(wishes.get("rhythm_temperature", "0")))
        assert take.led or not (pitches or places)
        notes = human(played, take)
        return [
            replace(n, pitch=n.pitch + (i % 20 < pitches) * take.seed, onset=n.onset + (i % 20 < places) * take.seed)
            for i, n in enumerate(notes)
        ]

    figures = asked.controls(Pianist(SONGS, free), Take("anticipation"), (0, 1, 2))

    # Of 20 notes 5 differ: they are 10 of the 25 that either has.
    assert 0.4 == figures["pitches_differ[pitch_temperature=0.5]"]
    assert 0.4 == figures["onsets_differ[rhythm_temperature=0.5]"]
    assert (1.0, 1.0) == (figures["obeys[pitch_temperature]"], figures["obeys[rhythm_temperature]"])
    assert 0.0 == figures["obeys[temperature]"] == figures["pitches_differ[temperature=1.5]"]


def test_one_seed_is_compared_with_the_next():
    played = []

    class Noting(Pianist):
        def of(self, songs):
            return Noting(songs, self.plays)

        def play(self, takes):
            played.extend(takes := list(takes))
            return super().play(takes)

    asked.controls(Noting(SONGS[:1], human), Take("anticipation"), (7,))

    assert {7, 8} == {take.seed for take in played}


def test_a_machine_that_is_led_always_has_the_pianists_past(monkeypatch):
    heard = {}

    class Asks:
        params = None

        def parts(self, params):
            return (Part("Piano"),)

        def propose(self, context, span):
            heard[span.start] = [n.onset for n in context.machines[0].notes]
            return [PartNote("Piano", Note(span.start, 40, 240))]

    monkeypatch.setattr(takes, "make", lambda *_: Asks())
    monkeypatch.setattr(takes, "BLOCKS", 8)
    played = accompany(SONGS[0], Take("double", led=True))

    assert {0: [], 720: [0, 480], 1440: [0, 480, 960]} == heard
    assert [0, 720, 1440] == [n.onset for n in played.notes(Span(0, 8 * 240))]


def test_an_unknown_suite_is_named(tmp_path):
    with pytest.raises(UsageError, match="there is no suite 'beauty'; there are harmony, loss"):
        E.evaluate("markov", tmp_path, suite="beauty")


def test_a_suite_for_our_model_is_not_for_another(tmp_path):
    with pytest.raises(UsageError, match="loss is measured of anticipation only"):
        E.evaluate("markov", tmp_path, suite="loss")


# --- statistics -----------------------------------------------------------------------------------------------------


def test_music21_hears_the_scale():
    c_major = [Note(480 * i, p, 480) for i, p in enumerate((60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60))]

    assert [True, True, False] == [
        harmony.same_scale(c_major, key) for key in (Key(0, "major"), Key(9, "minor"), Key(6, "major"))
    ]


def test_what_is_always_better_by_a_little_is_no_chance():
    ours = [0.50 + i / 100 for i in range(12)]

    assert paired(ours, [share - 0.01 - i / 1000 for i, share in enumerate(ours)]) < 0.01
    assert 1.0 == paired(ours, ours)


def test_the_standard_error_is_the_spread_over_the_root_of_the_number():
    assert 0.5 == standard_error([1.0, 2.0])
    assert 0.0 == standard_error([1.0])


# --- loss (torch) ---------------------------------------------------------------------------------------------------


def unprimed_of(lead, players=("MELODY",)):
    from composer.training.arrays import arrays
    from composer.training.evaluation.loss import asked as sequence
    from composer.training.sequences import arrange

    events = arrange(arrays(SONGS[0]), players, {"PIANO": "piano"}, lead, 0, 2048, 0)
    return sequence(events, 64, 80)


def test_unprimed_only_the_blocks_after_the_quiet_are_asked():
    sequence = unprimed_of(1)
    notes = (sequence["of"] == B.MACHINE) & (sequence["pitch"] >= 0)

    assert 16 == (sequence["chord"] >= 0).sum()
    assert 8 == notes.sum()
    assert 8 == (sequence["machine"] > 0).sum()
    assert 16 == (sequence["machine"] == 0).sum()


def test_unprimed_the_quiet_tells_neither_notes_nor_chords():
    told = unprimed_of(1)
    first = int(np.flatnonzero(told["chord"] >= 0)[0])
    no_chord = int(B.input_rows(np.array([[B.BLOCK, 0, 8, 0, 0, 0, 0, 0]]))[0, 2])
    some = set(told["rows"][: first + 1, 2].tolist())

    assert no_chord in some
    assert not (told["of"][:first] == B.MACHINE).any()
    assert 1 == len({row for row, kind in zip(told["rows"][1 : first + 1, 2], told["of"], strict=False) if kind == 0})


def test_by_ear_no_chord_is_told_and_the_same_blocks_are_asked():
    from composer.training.arrays import arrays
    from composer.training.evaluation.loss import heard
    from composer.training.sequences import arrange

    sequence = heard(arrange(arrays(SONGS[0]), ("MELODY",), {}, 1, 0, 2048, 0), 64, 80)
    of_chords = sequence["chord"] >= 0
    read = set(sequence["rows"][sequence["of"] == B.BLOCK, 2].tolist())

    assert (64, 79) == tuple((sequence["times"][of_chords] // B.POSITIONS + 1)[[0, -1]].tolist())
    assert 16 == of_chords.sum()
    assert not (sequence["machine"] >= 0).any()
    assert 1 == len(
        read & {int(B.input_rows(np.array([[B.BLOCK, 0, 8, 0, 0, 0, c, 0]]))[0, 2]) for c in range(B.CHORDS)}
    )


@pytest.mark.parametrize("lead", [0, 1, 4])
def test_the_silent_and_the_heard_are_asked_for_the_same_notes(lead):
    """The sequence ends where 512 steps with the player end, so without him it must not go further."""
    from composer.training.arrays import arrays
    from composer.training.evaluation import loss

    busy = [replace(s, score=s.score.with_part(Part("PIANO", tuple(
        Note(120 * i, 50 + i % 20, 100) for i in range(320))))) for s in SONGS[:1]]  # fmt: skip
    counts = set()
    for who in ("", "_silent"):
        (sequence,) = loss._primed(busy[0], arrays(busy[0]), lead, who)
        notes = (sequence["of"] == B.MACHINE) & (sequence["pitch"] >= 0)
        counts.add((int(notes.sum()), int((sequence["chord"] >= 0).sum()), int((sequence["machine"] >= 0).sum())))

    assert 1 == len(counts)


def test_silence_leaves_no_player():
    assert B.PLAYER not in unprimed_of(1, ())["of"]


def test_losses_of_the_shipped_model_are_told_by_lead_and_silence(monkeypatch):
    pytest.importorskip("torch")
    from composer.training.evaluation import loss

    folder = model_folder("anticipation")
    monkeypatch.setattr(loss, "LEADS", (1,))
    ours, beside = loss.losses(SONGS[:1], folder, folder)

    assert ours["nats_note_lead1"] > 0
    assert ours["nats_note_and_chord_lead1"] > ours["nats_note_lead1"]
    assert {f"silence_costs_note_lead{lead}{past}{key}" for lead in (1,) for past in ("", "_unprimed")
            for key in ("", "_key_untold", "_key_untold_followed")} <= ours.keys()  # fmt: skip
    assert (
        pytest.approx(ours["nats_note_lead1_silent"] - ours["nats_note_lead1"], abs=0.002)
        == ours["silence_costs_note_lead1"]
    )
    assert 1.0 == beside[str(folder)]["p_nats_note_lead1"]


# --- all together ---------------------------------------------------------------------------------------------------


def test_all_suites_make_one_table(monkeypatch, tmp_path):
    def suite(name):
        return lambda stage, task: ({name: 1.0}, {"human piano": {name: len(task.seeds)}})

    monkeypatch.setattr(E, "test_songs", lambda data, count: SONGS[:count])
    monkeypatch.setattr(E, "SUITES", {name: suite(name) for name in E.SUITES})
    told = E.evaluate("anticipation", tmp_path, songs=1, seeds=(0, 1))
    other = E.evaluate("markov", tmp_path)

    assert ["generator", "suite", "split", "metrics", "baselines", "seconds"] == list(told)
    assert ("POP909 test, 1 songs", "all") == (told["split"], told["suite"])
    assert dict.fromkeys(E.SUITES, 1.0) == told["metrics"]
    assert {"human piano": dict.fromkeys(E.SUITES, 2)} == told["baselines"]
    assert {"harmony", "recovery", "rhythm", "copying"} == other["metrics"].keys()
