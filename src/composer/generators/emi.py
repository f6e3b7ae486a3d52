"""Experiments in Musical Intelligence: new music from beats of real works, joined where their voices lead."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import Any
from zipfile import BadZipFile

import numpy as np

from composer.errors import FileError, ModelError
from composer.folders import model_folder
from composer.generators import corpus, speac
from composer.generators.base import Context, PartNote
from composer.generators.cantus import beats, phrase_at
from composer.generators.controls import EMI_BANDS, EmiParams
from composer.generators.counts import BLOCK
from composer.generators.groupings import BEGAN, GOES_ON, MAJOR, MINOR, STEPS, Database, Work, learn
from composer.generators.harmony import Listener
from composer.generators.quartet import DEEP, seat
from composer.generators.recombination import Content, Lexicon, Phrase, fingerprint
from composer.generators.scene import Scene
from composer.generators.signatures import FULL, OPEN, SHORTEST, Endings, endings
from composer.generators.texture import Question
from composer.generators.wishes import Facts, Slot, Taste, chord_classes, classes, opening, sounding
from composer.music import TICKS_PER_QUARTER, Note, Part, Score, Span
from composer.music.chords import Key

LEARNER = "emi-2"
"""Names what is kept of a corpus; a new number when groupings are cut in another way."""
LOUDNESS = 72
"""The velocity of voices that have heard nobody."""
RECENT = 16 * TICKS_PER_QUARTER
"""Ticks before a beginning in which what sounded last is taken up."""
GAP = 10
"""Ticks between a note and the next one of its voice."""
ALONE: dict[int, tuple[int, ...]] = {1: (0,), 2: (0, 3), 3: (0, 1, 3), 4: (0, 1, 2, 3)}
"""Which voices are sung by the machine alone, 0 the highest."""
BELOW: dict[int, tuple[int, ...]] = {1: (3,), 2: (1, 3), 3: (1, 2, 3)}
"""The same under the player's line."""
ABOVE: dict[int, tuple[int, ...]] = {1: (0,), 2: (0, 1), 3: (0, 1, 2)}
"""The same over it."""

_onset = attrgetter("onset")


class Emi:
    """Recombine beats of real works into phrases that lead smoothly, harmonise the player, and end in cadences.

    Source: Cope, Computers and Musical Style (1991), Experiments in Musical Intelligence (1996) and Virtual Music
    (2001). A database holds beat-sized groupings of works in one key, each with the pitches at which its voices enter
    and those they go to; any grouping entered at those pitches may follow. SPEAC labels order phrases and what happens
    in them; signatures, patterns that recur in several works, are kept whole and close the phrases; texture is chosen;
    and what would quote one work for too long is refused.

    Changed: what a phrase may become is worked out backward from its cadence, because a live phrase must arrive in
    time. The player sings one of the voices: the hooks then hold for the voices of the machine, and groupings are
    preferred in which the player's notes belong. SPEAC is judged by tonic, dominant and the tension of intervals over
    the bass, not by hand. Signatures are looked for at cadences only, with intervals counted alike within their class.
    Chance depends on seed and place alone, and what has sounded is read back from the notes, so that a question asked
    again has the same answer.
    """

    Params = EmiParams
    grid = 1
    margin = 0

    def __init__(self, params: EmiParams, seed: int) -> None:
        """Make one; `seed` may be any integer. FileError when the corpus cannot be used, ModelError without Bach."""
        self.params = params
        self.key = ""
        """The key of the last phrase, "" while there was none."""
        self._seed = seed % 2**63
        self._listener = Listener()
        self._unit = round(params.pace * TICKS_PER_QUARTER)
        self._taste = Taste(params.agreement, params.harmony, params.form, params.texture, params.freedom)
        self._database, self._labels, self._endings = _learned(params.corpus) if params.corpus else _chorales()
        if not params.signatures:
            kind, length, works = self._endings
            self._endings = Endings(kind, np.minimum(length, SHORTEST), np.zeros_like(works))
        self._facts: dict[tuple[int, tuple[int, ...]], Facts] = {}
        # What the first question most likely needs is made ready while the generator opens.
        for mode in np.unique(self._database.mode).tolist():
            self._indexed(mode, BELOW[max(1, params.voices - 1)])

    @classmethod
    def parts(cls, params: EmiParams) -> tuple[Part, ...]:
        """Return the parts that it plays where nobody asks for others."""
        return tuple(Part(name, channel=i, program=program) for i, (name, program) in enumerate(EMI_BANDS[params.band]))

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts in `span`; a phrase takes some tens of milliseconds."""
        question = Question(context, span)
        if not question.names:
            return
        stood = sorted(
            note for name in question.names for note in question.score.part(name).notes if note.onset < span.start
        )
        tick = span.start
        while tick < span.end:
            phrase = phrase_at(context.score, tick, self.params.phrase)
            notes = sorted(self._phrase(question, phrase, stood), key=lambda entry: (entry.note, entry.part))
            yield from (entry for entry in notes if entry.note.onset in span)
            tick = phrase.end

    def _phrase(self, question: Question, phrase: Span, stood: list[Note]) -> Iterator[PartNote]:
        """Yield the notes of a phrase from the span's beginning on, and add them to what stood before."""
        facts, tonic, is_bass = self._voices(question, phrase)
        is_answer = question.is_answer(phrase)
        names = seat(question.names, len(facts.lexicon.sung), is_bass or not is_answer)
        singers = dict(zip(facts.lexicon.sung[::-1], names, strict=True))
        slots = self._slots(question, phrase, tonic)
        plan = self._plan(phrase, question, slots, facts)
        up = (tonic + 6) % 12 - 6
        free = bisect_left(slots, question.span.start, key=lambda slot: slot.tick)
        heard = [self._heard(stood, slot, up) for slot in slots[:free]]
        begin = free
        while begin and heard[begin - 1]:
            begin -= 1
        while begin < len(slots):
            found = self._found(question, plan, facts, slots, begin, heard, stood, up)
            # What sounds already and is none of ours stands, and ours begins after it.
            if begin + len(found) < free:
                begin += 1
                continue
            for entry in self._notes(question, facts.lexicon, slots[begin:], found, singers, up):
                if entry.note.onset >= question.span.start:
                    insort(stood, entry.note)
                    yield entry
            # Where no work goes on, the machine takes a breath.
            begin += len(found) + 1

    # Who sings, in which key

    def _voices(self, question: Question, phrase: Span) -> tuple[Facts, int, bool]:
        """Return the groupings for a phrase, the tonic, and whether the player has the bass."""
        key = self._key(question, phrase)
        self.key = key.name
        others = max(1, self.params.voices - 1)
        if question.is_answer(phrase):
            line = question.before(phrase.end)
            here = next((note for note in line if note.onset >= phrase.start), line[-1])
            is_bass = here.pitch < DEEP
            sung = (ABOVE if is_bass else BELOW)[others]
        else:
            is_bass, sung = False, ALONE[self.params.voices]
        mode, tonic = (MINOR if key.mode == "minor" else MAJOR), key.tonic
        if not (self._database.mode == mode).any():
            mode, tonic = (MAJOR, tonic + 3) if mode == MINOR else (MINOR, tonic + 9)
        known = self._indexed(mode, sung)
        if not len(known.lexicon.destination) or not (known.lexicon.destination >= 0).any():
            # Works of fewer voices: all of them are sung.
            known = self._indexed(mode, ALONE[4])
        return known, tonic % 12, is_bass

    def _indexed(self, mode: int, sung: tuple[int, ...]) -> Facts:
        if (mode, sung) not in self._facts:
            lexicon = Lexicon(self._database, self._endings, mode, sung, self.params.quotation)
            self._facts[mode, sung] = Facts(lexicon, self._labels, self._seed)
        return self._facts[mode, sung]

    def _key(self, question: Question, phrase: Span) -> Key:
        if self.params.key != "auto":
            return Key.parse(self.params.key)
        heard, until = question.listened_to(phrase)
        before = question.before(phrase.start)
        if before and before[0].onset + question.score.meter_at(phrase.start).bar <= phrase.start:
            # A phrase stays in the key in which it began.
            until = min(until, phrase.start)
        return self._listener.follow(heard, until).key if until else Key(0)

    # What is asked for

    def _slots(self, question: Question, phrase: Span, tonic: int) -> list[Slot]:
        score, known = question.score, question.context.known_until
        ticks = [*beats(score, phrase, self._unit), phrase.end]
        played = [n for p in question.context.players if not p.is_drums for n in p.notes if n.end > phrase.start]
        played = sounding(played, phrase.start, phrase.end)
        scene = Scene(question.context, self._listener, self._seed) if question.hears(phrase) else None
        slots = []
        for tick, end in pairwise(ticks):
            middle = tick + self._unit // 2
            first = sounding(played, tick, tick + self._unit // 4) if tick < known else []
            second = sounding(played, middle, end) if middle < min(end, known) else []
            top = (max(note.pitch for note in first) - tonic) % 12 if first else None
            chord = chord_classes(scene.chord(tick // BLOCK), tonic) if scene else ()
            place = _place(question, tick)
            slots.append(Slot(tick, end - tick, place, top, classes(first, tonic), classes(second, tonic), chord))
        return slots

    def _plan(self, phrase: Span, question: Question, slots: Sequence[Slot], facts: Facts) -> Phrase:
        """Return what can become of a phrase: closed by a signature, a cadence, a close or anyhow."""
        meter = question.score.meter_at(phrase.start)
        label = speac.FORM[(phrase.start - meter.tick) // phrase.length % len(speac.FORM)]
        labels = speac.walk(len(slots), label, np.random.default_rng([self._seed, phrase.start, 0]))
        rngs = [np.random.default_rng([self._seed, slot.tick, 1]) for slot in slots]
        wishes = [
            facts.wish(slot, label, self._taste, rng) for slot, label, rng in zip(slots, labels, rngs, strict=True)
        ]
        lexicon, closing = facts.lexicon, facts.closing
        kind = OPEN if label == speac.A and (lexicon.kind == OPEN).any() else FULL
        ends = (lexicon.kind == kind) & (lexicon.works > 0), lexicon.kind == kind, lexicon.closes, lexicon.kind >= 0
        plans = (Phrase(lexicon, wishes, np.where(end, closing, -np.inf)) for end in ends)
        last = next(plans)
        for plan in plans:
            if last.is_possible:
                break
            last = plan
        return last

    # What is found

    def _found(
        self,
        question: Question,
        plan: Phrase,
        facts: Facts,
        slots: Sequence[Slot],
        begin: int,
        heard: Sequence[Content],
        stood: Sequence[Note],
        up: int,
    ) -> list[int]:
        """Return groupings for the slots from `begin` on; the first ones sound what was heard there."""
        cut = question.span.start

        def accept(slot: int, content: Content) -> bool:
            if slot >= len(heard):
                return True
            tick = slots[slot].tick
            before = min(cut, tick + slots[slot].length)
            return heard[slot] == {(o, p) for o, p in content if tick + o * self._unit // STEPS < before}

        tick = slots[begin].tick
        entry = opening(
            self._database, facts.lexicon, self._before(question, facts.lexicon, stood, tick, up), begin == 0
        )
        if begin < len(heard):
            entry = np.where(_enters(facts.lexicon, heard[begin]), entry, -np.inf)
        since = Span(max(0, tick - (self.params.quotation + 1) * self._unit), tick)
        prints: list[int] = []
        for before in beats(question.score, since, self._unit):
            number = fingerprint(self._heard(stood, Slot(before, min(self._unit, tick - before), 0), up))
            prints = [*prints, number] if number else []
        return plan.find(begin, entry, prints[-self.params.quotation :], accept if begin < len(heard) else None)

    def _heard(self, stood: Sequence[Note], slot: Slot, up: int) -> Content:
        """Return what the machine has sounded in a slot, as a grouping would say it."""
        low = bisect_left(stood, slot.tick - 8 * self._unit, key=_onset)
        high = bisect_left(stood, slot.tick + slot.length, key=_onset)
        return frozenset(
            (max(0, note.onset - slot.tick) * STEPS // self._unit, min(127, max(0, note.pitch - up)))
            for note in stood[low:high]
            if note.end > slot.tick
        )

    def _before(self, question: Question, lexicon: Lexicon, stood: Sequence[Note], tick: int, up: int) -> list[int]:
        """Return the pitches that sounded last before `tick`, from low to high; the player's if the top is sung."""
        high = bisect_left(stood, tick, key=_onset)
        recent = [*stood[max(0, high - 8) : high], *(question.before(tick)[-1:] if 0 in lexicon.sung else ())]
        recent = [note for note in recent if note.end > tick - RECENT]
        last = max((note.onset for note in recent), default=0)
        return sorted({note.pitch - up for note in recent if note.end > last})

    def _notes(
        self,
        question: Question,
        lexicon: Lexicon,
        slots: Sequence[Slot],
        found: Sequence[int],
        singers: dict[int, str],
        up: int,
    ) -> Iterator[PartNote]:
        """Yield the notes of groupings; a note that goes on into the next grouping is struck once."""
        held: dict[tuple[int, int], PartNote] = {}
        taken: set[tuple[str, int, int]] = set()
        for slot, place in zip(slots, found, strict=False):
            going: dict[tuple[int, int], PartNote] = {}
            velocity = self._loudness(question, slot)
            for row in lexicon.database.rows(int(lexicon.ids[place])):
                onset, length, pitch, voice, tie = row
                start = slot.tick + onset * self._unit // STEPS
                end = min(slot.tick + (onset + length) * self._unit // STEPS, slot.tick + slot.length)
                if voice not in singers or start >= end:
                    continue
                entry = held.pop((voice, pitch), None) if tie & BEGAN else None
                since = entry.note.onset if entry else start
                note = Note(
                    since, _legal(pitch + up), max(GAP, end - since - GAP), entry.note.velocity if entry else velocity
                )
                entry = PartNote(singers[voice], note)
                if tie & GOES_ON and end == slot.tick + self._unit:
                    going[voice, pitch] = entry
                elif (entry.part, since, note.pitch) not in taken:
                    taken.add((entry.part, since, note.pitch))
                    yield entry
            yield from _ended(held, taken)
            held = going
        yield from _ended(held, taken)

    def _loudness(self, question: Question, slot: Slot) -> int:
        recent = question.before(slot.tick)[-8:]
        mean = sum(note.velocity for note in recent) / len(recent) - 8 if recent else LOUDNESS
        return min(127, max(1, round(mean) + (4, 2, 0)[slot.place]))


def _ended(held: dict[tuple[int, int], PartNote], taken: set[tuple[str, int, int]]) -> Iterator[PartNote]:
    """Yield the notes that were to go on and did not."""
    for entry in held.values():
        if (entry.part, entry.note.onset, entry.note.pitch) not in taken:
            taken.add((entry.part, entry.note.onset, entry.note.pitch))
            yield entry


def _enters(lexicon: Lexicon, heard: Content) -> Any:
    """Return whether the voices that are sung enter each grouping at the pitches that were heard, and at no other."""
    pitches = [pitch for onset, pitch in heard if onset == 0]
    own = lexicon.entering[:, list(lexicon.sung)]
    matches = np.isin(own, [*pitches, -1]).all(1)
    for pitch in pitches:
        # Inner notes of a polyphonic grouping enter, too, without being voices.
        matches &= (own == pitch).any(1) | (len(pitches) > own.shape[1])
    return matches


def _legal(pitch: int) -> int:
    return pitch % 12 + 12 * min(9, max(0, pitch // 12))


def _place(question: Question, tick: int) -> int:
    bar, meter = question.score.bar_start(tick), question.score.meter_at(tick)
    if tick == bar:
        return 0
    return 1 if meter.numerator % 2 == 0 and tick - bar == meter.bar // 2 else 2


@lru_cache(maxsize=1)
def _chorales() -> tuple[Database, Any, Endings]:
    """Return the shipped groupings of Bach's chorales; ModelError when they are missing or damaged."""
    folder = model_folder("emi")
    try:
        if folder is None:
            raise FileNotFoundError("models/emi is not there")
        with np.load(folder / "chorales.npz", allow_pickle=False) as arrays:
            database = Database.of(dict(arrays))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise ModelError(
            f"the chorales cannot be read ({error}); make them with `composer train emi --out models/emi`, or name "
            "a folder of MIDI files with --set corpus=DIR"
        ) from error
    return database, speac.labels(database), endings(database)


def _learned(folder: str) -> tuple[Database, Any, Endings]:
    """Return the groupings of a folder of MIDI files; FileError when it cannot be used."""
    arrays = corpus.learn_once(folder, LEARNER, _learn)
    database = Database.of(arrays)
    if not database.is_followed().any():
        raise FileError(f"the files in {folder} hold no two beats in a row; name a folder with longer pieces")
    return database, arrays["labels"], Endings(arrays["kind"], arrays["length"], arrays["works"])


def _learn(scores: Iterator[Score]) -> dict[str, Any]:
    database = learn(map(Work, scores))
    return {**database.arrays(), "labels": speac.labels(database), **endings(database)._asdict()}
