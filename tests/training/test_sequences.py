"""Training sequences: each corpus asks for what it knows, and a drummer keeps to the bar lines."""

from dataclasses import replace

import numpy as np
import pytest

from composer.music import Meter, Note, Part, Score
from composer.music.chords import Chord, Key
from composer.tokenizers import blocks as B
from composer.training import bands
from composer.training.arrays import UNKNOWN, SongArrays, arrays
from composer.training.bands import (
    ARRANGEMENTS,
    WEIGHTS,
    accompany,
    arrangement,
    by_corpus,
    nearest,
    pick,
    with_drummer,
)
from composer.training.sequences import Asked, arrange, draw, example
from composer.training.song import Song

TUNE = tuple(Note(480 * i, 60 + p, 480, 80) for i, p in enumerate((0, 4, 7, 4) * 8))
LOW = tuple(Note(480 * i, 36, 480, 80) for i in range(32))
TWO_BARS_OF_C = ((0, 3840, Chord(0)),)
NAMES = {
    "pop909": ("MELODY", "BRIDGE", "PIANO"),
    "lieder": ("MELODY", "PIANO"),
    "quartets": ("MELODY", "PIANO", "LEFT"),
    "openewld": ("MELODY",),
    "wjazzd": ("MELODY", "BASS"),
}
KICK = np.array([[1920 * bar + 480 * beat, 36 + beat, 60, 100] for bar in range(2) for beat in range(4)])
DRUMMER = SongArrays({"DRUMS": KICK}, np.arange(16) % 8, np.full(16, 8), np.full(16, UNKNOWN), 0, 9, "groove", True)


def song(corpus="pop909", chords=TWO_BARS_OF_C, meter=4, performed=True):
    parts = tuple(Part(name, LOW if name in ("LEFT", "BASS") else TUNE) for name in NAMES[corpus])
    score = Score(parts, meters=(Meter(0, meter),))
    return arrays(Song(1, score, chords, Key(0), "train", meter, (), corpus, performed))


def whole(one, players, machines, lead=0, length=400, **asked):
    events = arrange(one, players, machines, lead, 0, length, one.shift)
    return events, example(events, events, length, Asked(**asked))


def test_a_chord_that_is_unknown_is_read_as_none_and_not_asked():
    events, drawn = whole(song("lieder"), ("MELODY",), {"PIANO": "piano"})
    asked = drawn["chord"][: len(events) - 1][events[1:, B.KIND] == B.BLOCK]

    assert {1} == set(asked[:15].tolist())
    assert {B.IGNORE} == set(asked[16:].tolist())
    assert drawn["rows"].min() >= 0
    assert {12} == set(drawn["root"][: len(events) - 1][events[1:, B.CHORD] == UNKNOWN].tolist())


def test_a_key_moves_no_unknown_chord():
    one = replace(song("lieder"), shift=3)

    assert UNKNOWN == whole(one, ("MELODY",), {"PIANO": "piano"})[0][-1, B.CHORD]


def test_where_the_annotation_of_pop909_ends_there_is_no_chord():
    assert [1, 0] == song().chords[[0, 16]].tolist()
    assert [1, UNKNOWN] == song("lieder").chords[[0, 16]].tolist()


def test_velocities_of_a_score_are_read_and_not_asked():
    one = song("lieder", performed=False)
    _, meant = whole(one, ("MELODY",), {"PIANO": "piano"})
    _, written = whole(one, ("MELODY",), {"PIANO": "piano"}, velocities=one.performed)

    assert (meant["rows"] == written["rows"]).all()
    assert {B.IGNORE, 10} == set(meant["vel"].tolist())
    assert {B.IGNORE} == set(written["vel"].tolist())


def test_velocities_of_a_bass_that_was_written_down_are_not_asked(monkeypatch):
    monkeypatch.setitem(ARRANGEMENTS, "wjazzd", ((1.0, ("MELODY",), {"BASS": "bass"}),))
    drawn = draw(song("wjazzd"), 96, np.random.default_rng(0), augment=False)

    assert {B.IGNORE} == set(drawn["vel"].tolist())


def test_a_drummer_is_performed_whoever_wrote_the_song():
    one = replace(song("openewld"), parts={"MELODY": song("openewld").parts["MELODY"], "DRUMS": KICK})
    events, drawn = whole(one, ("MELODY",), {"DRUMS": "drums"}, velocities=False)
    drums = np.flatnonzero(events[1:, B.KIND] == B.MACHINE)

    assert {12} == set(drawn["vel"][drums].tolist())
    assert {B.IGNORE} == set(np.delete(drawn["vel"], drums).tolist())


def test_silence_is_not_learned_where_the_machine_has_no_part():
    events, drawn = whole(song("openewld"), ("MELODY",), {}, notes=False)

    assert {B.IGNORE} == set(drawn["machine"].tolist())
    assert 1 in drawn["chord"]
    assert {1 << B.INSTRUMENTS.index("piano")} == set(events[events[:, B.KIND] == B.BLOCK, B.VEL].tolist())


def test_two_parts_on_one_instrument_are_one_in_the_mask():
    events, _ = whole(song("quartets"), ("MELODY",), {"PIANO": "piano", "LEFT": "piano"})

    assert {1} == set(events[events[:, B.KIND] == B.BLOCK, B.VEL].tolist())


@pytest.mark.parametrize("corpus", NAMES)
def test_each_corpus_can_be_drawn_from(corpus):
    one = song(corpus, performed=False)
    for seed in range(40):
        drawn = draw(one, 96, np.random.default_rng(seed), drummers=[DRUMMER])

        assert {(96,)} == {value.shape for name, value in drawn.items() if name != "rows"}
        assert (0, B.INPUT_ROWS) >= (-drawn["rows"].min(), drawn["rows"].max() + 1)


def test_a_part_that_is_missing_is_not_arranged():
    alone = replace(song("wjazzd"), parts={"MELODY": song("wjazzd").parts["MELODY"], "BASS": np.zeros((0, 4), int)})

    assert (("MELODY", "BASS"), {}) == arrangement(alone, np.random.default_rng(0))


def test_shares_of_arrangements_are_whole():
    assert dict.fromkeys(NAMES, 1.0) == {n: round(sum(a[0] for a in ARRANGEMENTS[n]), 9) for n in NAMES}
    assert round(sum(WEIGHTS.values()), 9) == 1.0


def test_corpora_are_picked_by_weight_not_by_size():
    songs = [song()] + [song("lieder")] * 9
    corpora, rng = by_corpus(songs), np.random.default_rng(0)
    drawn = [pick(corpora, rng).corpus for _ in range(400)]

    assert 0.75 == pytest.approx(drawn.count("pop909") / 400, abs=0.07)


def test_the_drummer_is_the_nearest_in_tempo_and_plays_jazz_with_jazz():
    drummers = [replace(DRUMMER, tempo=tempo, style=style) for tempo, style in ((9, "rock"), (12, "jazz"), (5, "rock"))]
    rng = np.random.default_rng(0)

    assert (9, "rock") == ((d := nearest(replace(song(), tempo=8), drummers, rng)).tempo, d.style)
    assert (12, "jazz") == ((d := nearest(replace(song("wjazzd"), tempo=8), drummers, rng)).tempo, d.style)


def test_bar_lines_of_drummer_and_song_agree():
    """The kick (36) is played on the first beat of every bar, also from a block in the middle of one on."""
    rows = accompany(song(), DRUMMER, range(11, 60))

    assert list(range(1920, 15360, 1920)) == rows[rows[:, 1] == 36, 0].tolist()


@pytest.mark.parametrize(("draws", "machines"), [(0.01, {"DRUMS"}), (0.1, {"PIANO", "DRUMS"}), (0.5, {"PIANO"})])
def test_drums_join_or_play_alone_or_not_at_all(draws, machines):
    class Fixed(np.random.Generator):
        def random(self):
            return draws

    band = (("MELODY",), {"PIANO": "piano"})
    one, (players, found) = with_drummer(song(), band, [DRUMMER], range(64), Fixed(np.random.PCG64(0)))

    assert machines == set(found)
    assert "MELODY" in players
    assert ("DRUMS" in one.parts) == ("DRUMS" in machines)


@pytest.mark.parametrize("other", [song(meter=3), song("lieder")])
def test_no_drummer_joins_a_waltz_or_a_lied(other, monkeypatch):
    monkeypatch.setattr(bands, "DRUMS_JOIN", 1.0)
    band = (("MELODY",), {"PIANO": "piano"})

    assert (other, band) == with_drummer(other, band, [DRUMMER], range(64), np.random.default_rng(0))
