"""SPEAC orders what happens in a phrase, and signatures are what several works have in common where phrases end."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.generators import speac
from composer.generators.groupings import Database, Work, learn
from composer.generators.signatures import FULL, OPEN, endings
from composer.music import Note, Part, Score

QUARTER = 480
# Soprano, alto, tenor and bass of one chord each, in C.
TONIC, OTHER, SUBDOMINANT, DOMINANT = (72, 67, 64, 48), (69, 64, 60, 57), (72, 65, 60, 53), (74, 67, 59, 43)


def work(*chords, ends=None, tonic=0):
    """Return a work of a chord a quarter that ends in C major or `tonic`, its last beat a phrase's end."""
    parts = (
        Part(f"Voice {v}", tuple(Note(i * QUARTER, c[v] + tonic, QUARTER) for i, c in enumerate(chords)), v)
        for v in range(4)
    )
    return Work(Score(tuple(parts)), frozenset({(len(chords) - 1) * QUARTER} if ends is None else ends))


def names(labels):
    return "".join(speac.LABELS[label] for label in labels)


@given(st.integers(1, 32), st.integers(0, 4), st.integers(0, 999))
def test_a_walk_goes_where_cope_allows(length, phrase, seed):
    walk = speac.walk(length, phrase, np.random.default_rng(seed))

    assert length == len(walk)
    assert [] == [(a, b) for a, b in pairwise(walk) if b not in speac.FOLLOWS[a]]


@pytest.mark.parametrize("phrase", range(5))
def test_a_phrase_begins_with_a_statement_and_only_an_antecedent_stays_open(phrase):
    walk = names(speac.walk(8, phrase, np.random.default_rng(1)))

    assert "S" == walk[0]
    assert walk.endswith("A" if phrase == speac.A else "AC")


def test_beats_are_labelled_by_tonic_dominant_and_what_came_before():
    """The tonic states, is extended, and is the consequence of the dominant; what is neither prepares."""
    database = learn([work(TONIC, TONIC, SUBDOMINANT, DOMINANT, TONIC, OTHER, TONIC)])

    assert "SEPACPS" == names(speac.labels(database))


def test_a_work_does_not_go_on_into_the_next_one():
    database = learn([work(TONIC, SUBDOMINANT, TONIC, SUBDOMINANT, TONIC, DOMINANT), work(TONIC, OTHER, TONIC)])

    assert "SPSPSA" + "SPS" == names(speac.labels(database))


def test_a_dissonant_chord_is_tenser_than_a_consonant_one():
    consonant, dissonant = speac.tensions(learn([work((72, 67, 64, 48), (71, 66, 61, 48))]))

    assert consonant < dissonant


# Signatures


def kinds(works):
    """Return kind and length of the ending at the last beat of each work, and in how many works it is found."""
    database: Database = learn(works)
    found = endings(database)
    last = np.flatnonzero(database.closes)
    return [(int(found.kind[i]), int(found.length[i]), int(found.works[i])) for i in last]


CLOSE = (OTHER, SUBDOMINANT, DOMINANT, TONIC)


def test_a_pattern_of_three_works_is_a_signature():
    assert [(FULL, 4, 3)] * 3 == kinds([work(TONIC, *CLOSE)] * 3)


def test_a_pattern_of_two_works_is_a_cadence_only():
    assert [(FULL, 2, 0)] * 2 == kinds([work(TONIC, *CLOSE)] * 2)


def test_a_pattern_is_the_same_in_another_key():
    assert [(FULL, 4, 3)] * 3 == kinds([work(TONIC, *CLOSE, tonic=up) for up in (0, 5, -3)])


def test_matching_is_controlled():
    """A third for a third, minor or major, is nearly the same; a step for a third is not."""
    plain, near, far = ((top, *SUBDOMINANT[1:]) for top in (72, 73, 71))
    alike, other = ([work(OTHER, chord, DOMINANT, TONIC) for chord in (plain, plain, one)] for one in (near, far))

    assert (FULL, 4, 3) == kinds(alike)[2]
    assert [0, 0, 0] == [works for *_, works in kinds(other)]


def test_a_phrase_on_the_dominant_is_left_open_and_no_cadence_is_none():
    assert [(OPEN, 2, 0)] == kinds([work(TONIC, SUBDOMINANT, TONIC, SUBDOMINANT, TONIC, DOMINANT)])
    assert [(0, 0, 0)] == kinds([work(TONIC, SUBDOMINANT, DOMINANT, TONIC, OTHER)])


def test_nothing_closes_inside_a_phrase():
    database = learn([work(TONIC, *CLOSE, OTHER, SUBDOMINANT, ends=())])

    assert not endings(database).kind.any()
