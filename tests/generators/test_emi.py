"""EMI: every junction is one of the works', no work is quoted for long, and phrases end in cadences."""

from collections import defaultdict
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from music21.chord import Chord
from music21.key import Key
from music21.roman import romanNumeralFromChord

from composer.errors import FileError
from composer.folders import model_folder
from composer.generators import info, make, speac
from composer.generators.base import Context
from composer.generators.controls import EmiParams
from composer.generators.emi import ALONE, BELOW, Emi
from composer.generators.groupings import STEPS, Database, Work, learn
from composer.generators.works import chorales
from composer.live.offline import accompany
from composer.midi import files
from composer.music import DRUM_CHANNEL, Meter, Note, Part, Score, Span

QUARTER, BAR = 480, 1920
PHRASE = 2 * BAR
"""Eight groupings."""
FIRST = Span(0, PHRASE)
TUNE = tuple(Note(i * 480, p, 470) for i, p in enumerate((72, 74, 76, 77, 79, 76, 74, 72) * 2))
OTHER = tuple(Note(i * 480, p, 470) for i, p in enumerate((72, 69, 67, 69, 70, 69, 67, 65) * 2))


def generator(seed=1, **params):
    return make("emi", {name: str(value) for name, value in params.items()}, seed)


def context(notes=(), *, role="accompany", known_until=10**7, meters=(), channel=5, band="choir"):
    parts = Emi.parts(EmiParams(band=band))
    player = Part("Player", tuple(sorted(notes)), channel)
    return Context(Score((player, *parts), meters=meters), tuple(p.name for p in parts), known_until, role)


def play(known=None, span=FIRST, seed=1, **params):
    return list(generator(seed, **params).propose(known or context(), span))


def slots(entries, start, end):
    """Return what sounds in each quarter: onset in steps and pitch of each note, by part."""
    found = []
    for tick in range(start, end, QUARTER):
        inside = [e for e in entries if e.note.onset < tick + QUARTER and e.note.end > tick]
        found.append(frozenset((max(0, e.note.onset - tick) * STEPS // QUARTER, e.note.pitch, e.part) for e in inside))
    return found


def sounds(slot):
    return frozenset((onset, pitch) for onset, pitch, _ in slot)


# The judge reads the shipped arrays as they are and works everything out by itself.


class Works:
    """Hold what sounds in each beat of each work, in C, by voice."""

    def __init__(self, arrays):
        first = np.concatenate([[0], np.cumsum(arrays["counts"], dtype=int)])
        self.beats = defaultdict(dict)
        for i, (work, beat) in enumerate(zip(arrays["work"].tolist(), arrays["beat"].tolist(), strict=True)):
            rows = arrays["notes"][first[i] : first[i + 1]].tolist()
            self.beats[work][beat] = frozenset((onset, pitch, voice) for onset, _, pitch, voice, _ in rows)

    def contents(self, voices):
        """Yield the beats of each work, in order, as the given voices sound them."""
        for beats in self.beats.values():
            yield {b: frozenset((o, p) for o, p, v in rows if v in voices) for b, rows in sorted(beats.items())}

    def junctions(self, voices):
        """Return for what sounds in a beat all the pitches with which its voices go on."""
        found = defaultdict(set)
        for beats in self.contents(voices):
            for beat, rows in beats.items():
                if beat + 1 in beats:
                    found[rows].add(entered(beats[beat + 1]))
        return found

    def runs(self, voices, length):
        """Return every run of `length` beats that follow each other in one work."""
        found = set()
        for beats in self.contents(voices):
            found |= {
                tuple(beats[b + i] for i in range(length)) for b in beats if all(b + i in beats for i in range(length))
            }
        return found


def entered(rows):
    return tuple(sorted({pitch for onset, pitch in rows if onset == 0}))


@cache
def bach():
    with np.load(model_folder("emi") / "chorales.npz") as arrays:
        return Works(dict(arrays))


def alone(count, **params):
    """Return the quarters of `count` phrases that the machine sings alone in C."""
    entries = play(span=Span(0, count * PHRASE), key="C", **params)
    return [sounds(slot) for slot in slots(entries, 0, count * PHRASE)]


def by_phrase(quarters):
    return [quarters[i : i + 8] for i in range(0, len(quarters), 8)]


@pytest.mark.parametrize("seed", range(2))
def test_every_junction_is_one_that_the_works_allow(seed):
    allowed = bach().junctions(ALONE[4])
    bad = [
        (a, b)
        for phrase in by_phrase(alone(24, seed=seed))
        for a, b in pairwise(phrase)
        if entered(b) not in allowed[a]
    ]

    assert [] == bad


def test_under_the_players_line_the_lower_voices_join_as_the_works_allow():
    allowed = bach().junctions(BELOW[3])
    entries = play(context(TUNE), span=Span(0, 2 * PHRASE), key="C")
    heard = [sounds(slot) for slot in slots(entries, 0, 2 * PHRASE)]
    bad = [(a, b) for phrase in by_phrase(heard) for a, b in pairwise(phrase) if entered(b) not in allowed[a]]

    assert [] == bad


@pytest.mark.parametrize("quotation", [2, 4, 6])
def test_no_work_is_quoted_for_more_beats_than_were_set(quotation):
    quoted = bach().runs(ALONE[4], quotation + 1)
    heard = alone(32, seed=4, quotation=quotation)

    assert [] == [i for i in range(len(heard) - quotation) if tuple(heard[i : i + quotation + 1]) in quoted]


def test_under_the_players_line_nothing_is_quoted_for_longer():
    quoted = bach().runs(BELOW[3], 3)
    for seed in range(4):
        entries = play(context(TUNE), span=Span(0, 2 * PHRASE), key="C", seed=seed, quotation=2)
        heard = [sounds(slot) for slot in slots(entries, 0, 2 * PHRASE)]
        assert [] == [i for i in range(len(heard) - 2) if tuple(heard[i : i + 3]) in quoted]


def figures(entries, end):
    """Return the roman figures of the last two beats before `end`, as music21 reads what sounds, and the last bass."""

    def figure(tick):
        pitches = [e.note.pitch for e in entries if e.note.onset <= tick < e.note.end]
        return romanNumeralFromChord(Chord(pitches), Key("C")).romanNumeralAlone, min(pitches) % 12

    last, bass = figure(end - QUARTER)
    return {figure(end - 2 * QUARTER + step)[0] for step in (0, 120, 240, 360)}, last, bass


@pytest.mark.parametrize("seed", range(3))
def test_phrases_end_in_cadences_and_the_third_of_four_stays_open(seed):
    entries = play(span=Span(0, 24 * PHRASE), key="C", seed=seed)
    for number in range(24):
        before, last, bass = figures(entries, (number + 1) * PHRASE)
        if number % 4 == 2:
            assert ("V", 7) == (last, bass)
        else:
            assert ("I", 0) == (last, bass)
            assert before & {"V", "IV", "vii"}, (number, before)


def test_signatures_are_kept_whole_at_the_end_of_phrases():
    """With them the last three beats of a phrase stand so in a work; without, only the two chords of the cadence do."""
    whole = bach().runs(ALONE[4], 3)
    kept = {
        signatures: sum(tuple(phrase[-3:]) in whole for phrase in by_phrase(alone(24, seed=2, signatures=signatures)))
        for signatures in (True, False)
    }

    assert kept[True] >= 22 > 18 > kept[False]


def test_another_melody_has_another_answer():
    assert play(context(TUNE), key="C") != play(context(OTHER), key="C")


def fitting(melody, answered):
    """Return how many notes of a melody are consonant with what sounds under them in the answer to another one."""
    played = accompany(Score((Part("Player", answered),)), "emi", seed=3, params={"key": "C"})
    heard = [e for part in played.parts[1:] for e in part.notes]
    under = [[n.pitch for n in heard if n.onset <= note.onset < n.end] for note in melody]
    return sum(Chord([note.pitch, *pitches]).isConsonant() for note, pitches in zip(melody, under, strict=True))


def test_the_players_notes_belong_to_the_chords_under_them():
    """More than to those under the same tune a step higher in the scale."""
    step = {72: 74, 74: 76, 76: 77, 77: 79, 79: 81}
    higher = tuple(replace(note, pitch=step[note.pitch]) for note in TUNE)

    assert fitting(TUNE, TUNE) >= 11 > 8 > fitting(TUNE, higher)


def test_it_goes_on_from_the_players_last_note():
    bar = [Note(i * 480, p, 470) for i, p in enumerate((67, 69, 71, 72))]
    known = context(bar, role="continue", known_until=PHRASE)
    first = slots(play(known, Span(BAR * 2, BAR * 4), key="C"), BAR * 2, BAR * 4)[0]

    assert 72 == max(pitch for onset, pitch, _ in first if onset == 0)


def test_it_plays_in_the_players_key():
    up = [replace(note, pitch=note.pitch + 6) for note in TUNE]
    low, high = play(context(TUNE), key="C"), play(context(up), key="F#")

    assert [(e.note.onset, (e.note.pitch + 6) % 12) for e in low] == [(e.note.onset, e.note.pitch % 12) for e in high]


def test_what_has_sounded_stands_when_more_is_known():
    """Notes before the span are taken for what they were, and the phrase goes on from them by the same rules."""
    machine = generator(seed=5, key="C")
    known = context(TUNE[:4], known_until=BAR)
    first = [e for e in machine.propose(known, Span(0, BAR)) if e.note.onset < BAR]
    later = replace(context(TUNE, known_until=2 * BAR).extended(first))
    heard = slots([*first, *machine.propose(later, Span(BAR, PHRASE))], 0, PHRASE)
    allowed = bach().junctions(BELOW[3])

    assert [] == [i for i, (a, b) in enumerate(pairwise(map(sounds, heard))) if entered(b) not in allowed[a]]


# A gap


@pytest.mark.parametrize("gap", [Span(4 * BAR, 6 * BAR), Span(4 * BAR, 5 * BAR), Span(5 * BAR, 6 * BAR)], ids=str)
def test_a_gap_is_filled_by_what_leads_to_what_stands_behind_it(gap):
    """In every voice, by a junction that the works allow, wherever the phrase is broken."""
    allowed = bach().junctions(ALONE[4])
    for seed in range(3):
        around = [e for e in play(span=Span(0, 8 * BAR), key="C", seed=seed) if e.note.onset not in gap]
        filling = play(context().extended(around), gap, seed + 10, key="C")
        last, behind = (sounds(slot) for slot in slots([*around, *filling], gap.end - QUARTER, gap.end + QUARTER))

        assert entered(behind) in allowed[last]


def test_a_turn_leads_to_the_players_next_note():
    """With the top voice, as far as the note is known."""
    for top in (62, 65, 69, 71, 74, 76):
        known = context([*TUNE[:4], Note(4 * BAR, top, 480)], role="fill")
        last = slots(play(known, Span(3 * BAR, 4 * BAR), key="C"), 4 * BAR - QUARTER, 4 * BAR)[0]
        tops = {max(pitches) for pitches in bach().junctions(ALONE[4])[sounds(last)]}

        assert top in tops


# Bad input


@pytest.mark.parametrize("role", info("emi").roles)
@pytest.mark.parametrize(
    "known",
    [
        {"notes": ()},
        {"notes": [Note(0, 60, 57600)]},
        {"notes": [Note(0, 40 + i, 480) for i in range(40)]},
        {"notes": [Note(i * 240, 36, 60) for i in range(16)], "channel": DRUM_CHANNEL},
        {"notes": [Note(i * 480, 127 * (i % 2), 400) for i in range(8)]},
        {"notes": TUNE, "meters": (Meter(0, 7, 8),)},
        {"notes": TUNE, "meters": (Meter(0, 5, 16),)},
    ],
    ids=("nobody", "a minute", "forty", "drums", "out of range", "seven eight", "five sixteen"),
)
def test_it_makes_music_of_anything(known, role):
    entries = play(context(**known, role=role), Span(0, 4 * BAR))

    assert len(entries) > 8
    assert [] == [e for e in entries if not 0 <= e.note.onset < 4 * BAR]


# Corpora


def piece(pitches, program=0):
    """Return two voices a tenth apart."""
    top = tuple(Note(i * 480, p, 480) for i, p in enumerate(pitches))
    low = tuple(Note(i * 480, p - 16, 480) for i, p in enumerate(pitches))
    return Score((Part("Top", top, 0, program), Part("Low", low, 1, program)))


@pytest.fixture
def folder(tmp_path, cache):
    (tmp_path / "corpus").mkdir()
    return tmp_path / "corpus"


def test_a_folder_is_learned_once(folder, monkeypatch):
    files.write(piece([60, 62, 64, 65, 67, 65, 64, 62, 60] * 4), folder / "one.mid")
    files.write(piece([60, 64, 62, 65, 64, 67, 65, 62, 60] * 4), folder / "two.mid")
    notes = play(corpus=folder)
    monkeypatch.setattr("composer.midi.files.read", lambda path: pytest.fail(f"{path} was read again"))

    assert notes
    assert notes == play(corpus=folder)


def test_one_usable_file_among_damaged_ones_is_enough(folder):
    files.write(piece([60, 62, 64, 65, 67, 65, 64, 62, 60] * 4), folder / "one.mid")
    (folder / "two.mid").write_bytes(b"MThd nonsense")
    (folder / "three.mid").write_bytes(b"")
    entries = play(corpus=folder, span=Span(0, 4 * PHRASE))

    assert entries


@pytest.mark.parametrize(
    ("made", "message"),
    [({}, "no MIDI files"), ({"a.mid": b"MThd nonsense"}, "none of the 1 MIDI files"), (None, "no folder")],
    ids=("empty", "unreadable", "missing"),
)
def test_a_folder_without_music_is_said_in_one_sentence(folder, made, message):
    for name, data in (made or {}).items():
        (folder / name).write_bytes(data)
    with pytest.raises(FileError, match=message):
        generator(corpus=folder if made is not None else folder / "nowhere")


def test_groupings_know_where_their_voices_come_from_and_go():
    """Two bars of two voices in D: everything is moved to C, and a long note goes on."""
    top = (Note(0, 74, 480), Note(480, 76, 960), Note(1440, 74, 480))
    low = (Note(0, 62, 960), Note(960, 57, 480), Note(1440, 62, 480))
    database = learn([Work(Score((Part("Low", low), Part("Top", top, 1))), frozenset({1440}))])

    assert [[72, -1, -1, 60], [74, -1, -1, 60], [74, -1, -1, 55], [72, -1, -1, 60]] == database.entering().tolist()
    assert [False, False, False, True] == database.closes.tolist()
    assert [(0, 24, 74, 0, 1), (0, 24, 60, 3, 2)] == sorted(database.rows(1))[::-1]
    again = Database.of(database.arrays())
    assert database.rows(1) == again.rows(1)


@pytest.mark.parametrize("asked", ["SPEPEPAC", "SEAESPAC"])
def test_labels_steer_which_beats_are_taken(asked, monkeypatch):
    """With `form` nearly every beat does in its work what SPEAC asks for; without, chance decides."""
    database, labels, *_ = chorales()
    roles = defaultdict(set)
    for i, label in enumerate(labels):
        roles[frozenset((onset, pitch) for onset, _, pitch, *_ in database.rows(i))].add(speac.LABELS[label])
    monkeypatch.setattr(speac, "walk", lambda *_: [speac.LABELS.index(label) for label in asked])
    obeyed = {
        form: sum(
            label in roles[beat]
            for phrase in by_phrase(alone(8, form=form))
            for label, beat in zip(asked, phrase, strict=True)
        )
        for form in (2, 0)
    }
    print(obeyed)
    assert obeyed[2] >= 48 > 40 > obeyed[0]
