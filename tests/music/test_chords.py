"""Chords and keys: numbers, names, and the pitch classes they stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.music.chords import N_CHORDS, QUALITIES, Chord, Key

chords = st.integers(0, N_CHORDS - 1).map(Chord.from_index)


def test_the_order_of_qualities_is_what_trained_models_rely_on():
    assert ("maj", "min", "7", "maj7", "min7", "sus2", "sus4", "dim", "aug") == QUALITIES


def test_indices_are_no_chord_then_nine_qualities_on_each_root():
    assert [0, 1, 2, 10, 108] == [
        Chord().index,
        Chord(0, "maj").index,
        Chord(0, "min").index,
        Chord(1, "maj").index,
        Chord(11, "aug").index,
    ]


@given(st.integers(0, N_CHORDS - 1))
def test_an_index_names_one_chord(index):
    assert index == Chord.from_index(index).index


@given(chords)
def test_a_symbol_reads_back_as_its_chord(chord):
    assert chord == Chord.parse_symbol(chord.symbol)


@given(chords, st.integers(-24, 24))
def test_transposing_moves_every_pitch_class(chord, semitones):
    assert tuple((p + semitones) % 12 for p in chord.pitch_classes) == chord.transpose(semitones).pitch_classes


@pytest.mark.parametrize(
    ("label", "symbol"),
    [
        ("Gb:maj/3", "F#"),
        ("N", "N.C."),
        ("X", "N.C."),
        ("C", "C"),
        ("C/5", "C"),
        ("D:min7/b7", "Dm7"),
        ("A#:maj6", "Bb"),
        ("E:min6", "Em"),
        ("G:sus4(b7)", "Gsus4"),
        ("B:hdim7", "Bdim"),
        ("B:dim7", "Bdim"),
        ("C:minmaj7", "Cm"),
        ("C:9", "C7"),
        ("C:13", "C7"),
        ("C:maj9", "Cmaj7"),
        ("C:min11", "Cm7"),
        ("C:(1,b3,5)", "Cm"),
        ("C:(1,3,5)", "C"),
    ],
)
def test_mirex_labels(label, symbol):
    assert symbol == Chord.parse(label).symbol


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("Cm7", "Cm7"),
        ("C-7", "Cm7"),
        ("Cj7", "Cmaj7"),
        ("CM7", "Cmaj7"),
        ("F#m7b5", "F#dim"),
        ("Bb7/D", "Bb7"),
        ("C6/9", "C"),
        ("Dsus", "Dsus4"),
        ("G7sus4", "Gsus4"),
        ("C+", "Caug"),
        ("Ebo7", "Ebdim"),
        ("Em(maj7)", "Em"),
        ("NC", "N.C."),
    ],
)
def test_lead_sheet_symbols(text, symbol):
    assert symbol == Chord.parse_symbol(text).symbol


@pytest.mark.parametrize("parse", [Chord.parse, Chord.parse_symbol, Key.parse])
def test_what_has_no_root_is_refused(parse):
    with pytest.raises(ValueError, match="H7"):
        parse("H7")


@pytest.mark.parametrize(
    ("label", "name"),
    [("Gb:maj", "F# major"), ("A:min", "A minor"), ("C", "C major"), ("F#m", "F# minor"), ("B minor", "B minor")],
)
def test_keys_are_read(label, name):
    assert name == Key.parse(label).name


def test_a_minor_key_is_the_natural_scale():
    assert (9, 11, 0, 2, 4, 5, 7) == Key.parse("A:min").scale


@given(st.integers(0, 23))
def test_a_key_index_names_one_key(index):
    assert index == Key.from_index(index).index
