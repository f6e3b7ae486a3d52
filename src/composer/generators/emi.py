"""Experiments in Musical Intelligence: new music from beats of real works, joined where their voices lead."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from operator import is_

import numpy as np

from composer.generators import speac
from composer.generators.base import Context, PartNote
from composer.generators.cantus import beats, phrase_at
from composer.generators.choir import Choir
from composer.generators.controls import EMI_BANDS, EmiParams
from composer.generators.counts import BLOCK
from composer.generators.gap import TOGETHER, following
from composer.generators.groupings import MAJOR, MINOR
from composer.generators.harmony import Listener
from composer.generators.quartet import DEEP, seat
from composer.generators.recombination import Lexicon, Phrase
from composer.generators.scene import Scene
from composer.generators.signatures import FULL, OPEN, SHORTEST, Endings
from composer.generators.sounded import Sounded
from composer.generators.texture import Question
from composer.generators.wishes import Facts, Slot, Taste, chord_classes, classes, opening, sounding
from composer.generators.works import chorales, learned
from composer.music import TICKS_PER_QUARTER, Note, Part, Span
from composer.music.chords import Key

LOUDNESS = 72
"""The velocity of voices that have heard nobody."""
ALONE: dict[int, tuple[int, ...]] = {1: (0,), 2: (0, 3), 3: (0, 1, 3), 4: (0, 1, 2, 3)}
"""Which voices are sung by the machine alone, 0 the highest."""
BELOW: dict[int, tuple[int, ...]] = {1: (3,), 2: (1, 3), 3: (1, 2, 3)}
"""The same under the player's line."""
ABOVE: dict[int, tuple[int, ...]] = {1: (0,), 2: (0, 1), 3: (0, 1, 2)}
"""The same over it."""


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
        self._database, self._labels, self._endings, self._account = (
            learned(params.corpus) if params.corpus else chorales()
        )
        if not params.signatures:
            kind, length, works = self._endings
            self._endings = Endings(kind, np.minimum(length, SHORTEST), np.zeros_like(works))
        self._facts: dict[tuple[int, tuple[int, ...]], Facts] = {}
        self._latest: tuple[Hashable, tuple[Part, ...], list[Slot]] = (None, (), [])
        """What was asked for last, the players it was heard from, and the slots of it."""
        self._plans: dict[Hashable, Phrase] = {}
        """The latest plans, by all that they depend on."""
        # What the first question most likely needs is made ready while the generator opens.
        for mode in np.unique(self._database.mode).tolist():
            self._indexed(mode, BELOW[max(1, params.voices - 1)])

    @classmethod
    def parts(cls, params: EmiParams) -> tuple[Part, ...]:
        """Return the parts that it plays where nobody asks for others."""
        return tuple(Part(name, channel=i, program=program) for i, (name, program) in enumerate(EMI_BANDS[params.band]))

    def notice(self) -> str:
        """Return what the player should know about the corpus, "" without one."""
        return self._account

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts in `span`; a phrase takes some tens of milliseconds."""
        question = Question(context, span)
        if not question.names:
            return
        stood = [n for name in question.names for n in question.score.part(name).notes if n.onset < span.start]
        tick = span.start
        while tick < span.end:
            phrase = question.phrase(tick, self.params.phrase)
            notes = sorted(self._phrase(question, phrase, stood), key=lambda entry: (entry.note, entry.part))
            yield from (entry for entry in notes if entry.note.onset in span)
            tick = phrase.end

    def _phrase(self, question: Question, phrase: Span, stood: list[Note]) -> Iterator[PartNote]:
        """Yield the notes of a phrase from the span's beginning on, and add them to what stood before."""
        facts, tonic, is_bass = self._voices(question, phrase)
        is_answer = question.is_answer(phrase)
        names = seat(question.names, len(facts.lexicon.sung), is_bass or not is_answer)
        up = (tonic + 6) % 12 - 6
        choir = Choir(facts.lexicon, dict(zip(facts.lexicon.sung[::-1], names, strict=True)), self._unit, up)
        goal = following(question.context, question.span.start, phrase.start)
        end = min([phrase.end, *(entry.note.onset for entry in goal)])
        slots = self._slots(question, Span(phrase.start, end), tonic)
        if not slots:
            return
        pitches = tuple(sorted({entry.note.pitch - up for entry in goal if entry.note.onset <= end + TOGETHER}))
        plan = self._plan(phrase, question, slots, facts, pitches)
        sounded = Sounded(stood, question.span.start, self._unit, up)
        free = bisect_left(slots, question.span.start, key=lambda slot: slot.tick)
        begin = free
        while begin and sounded.content(slots[begin - 1]):
            begin -= 1
        while begin < len(slots):
            found = self._found(question, plan, facts, slots, begin, sounded)
            # What sounds already and is none of ours stands, and ours begins after it.
            if begin + len(found) < free:
                begin += 1
                continue
            heard = zip(slots[begin:], found, strict=False)
            for entry in choir.sing((slot, place, self._loudness(question, slot)) for slot, place in heard):
                if entry.note.onset >= question.span.start:
                    insort(sounded.notes, entry.note)
                    stood.append(entry.note)
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
        is_open = question.context.known_until < phrase.end
        if is_open and before and before[0].onset + question.score.meter_at(phrase.start).bar <= phrase.start:
            # A phrase that is not known to its end stays in the key in which it began.
            until = min(until, phrase.start)
        return self._listener.follow(heard, until).key if until else Key(0)

    # What is asked for

    def _slots(self, question: Question, phrase: Span, tonic: int) -> list[Slot]:
        """Return the slots of a phrase; a phrase is asked for step by step, and heard once."""
        context = question.context
        asked = (phrase, tonic, context.known_until, context.role, question.score.meters)
        before, players, slots = self._latest
        is_same = len(players) == len(context.players) and all(map(is_, players, context.players))
        if before != asked or not is_same:
            slots = self._listened(question, phrase, tonic)
            self._latest = asked, context.players, slots
        return slots

    def _listened(self, question: Question, phrase: Span, tonic: int) -> list[Slot]:
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

    def _plan(
        self, phrase: Span, question: Question, slots: Sequence[Slot], facts: Facts, goal: tuple[int, ...]
    ) -> Phrase:
        """Return what can become of a phrase: led to the pitches `goal`, closed by a signature, a cadence or anyhow."""
        grid = phrase_at(question.score, phrase.start, self.params.phrase)
        number = (grid.start - question.score.meter_at(grid.start).tick) // grid.length
        asked = (phrase, number, tuple(slots), facts.lexicon.sung, facts.lexicon.mode, goal)
        if asked not in self._plans:
            plan = self._planned(phrase.start, speac.FORM[number % len(speac.FORM)], slots, facts, goal)
            self._plans = {**dict(list(self._plans.items())[-3:]), asked: plan}
        return self._plans[asked]

    def _planned(self, start: int, label: int, slots: Sequence[Slot], facts: Facts, goal: Sequence[int]) -> Phrase:
        labels = speac.walk(len(slots), label, np.random.default_rng([self._seed, start, 0]))
        rngs = [np.random.default_rng([self._seed, slot.tick, 1]) for slot in slots]
        wishes = [
            facts.wish(slot, label, self._taste, rng) for slot, label, rng in zip(slots, labels, rngs, strict=True)
        ]
        lexicon, closing = facts.lexicon, facts.closing
        kind = OPEN if label == speac.A and (lexicon.kind == OPEN).any() else FULL
        ends = (lexicon.kind == kind) & (lexicon.works > 0), lexicon.kind == kind, lexicon.closes, lexicon.kind >= 0
        plans = (Phrase(lexicon, wishes, np.where(end, closing, -np.inf)) for end in (*lexicon.leading_to(goal), *ends))
        last = next(plans)
        for plan in plans:
            if last.is_possible:
                break
            last = plan
        return last

    # What is found

    def _found(
        self, question: Question, plan: Phrase, facts: Facts, slots: Sequence[Slot], begin: int, sounded: Sounded
    ) -> list[int]:
        """Return groupings for the slots from `begin` on; the first ones sound what was heard there."""
        tick, lexicon = slots[begin].tick, facts.lexicon
        sung = question.before(tick)[-1:] if 0 in lexicon.sung else []
        since = Span(max(0, tick - (self.params.quotation + 1) * self._unit), tick)
        prints = sounded.prints(beats(question.score, since, self._unit), tick)
        heard = [sounded.matches(slot, lexicon) for slot in slots[begin:] if slot.tick < question.span.start]
        entry = opening(self._database, lexicon, sounded.last(tick, sung), begin == 0, heard[0] if heard else None)
        return plan.find(begin, entry, prints[-self.params.quotation :], heard)

    def _loudness(self, question: Question, slot: Slot) -> int:
        recent = question.before(slot.tick)[-8:]
        mean = sum(note.velocity for note in recent) / len(recent) - 8 if recent else LOUDNESS
        return min(127, max(1, round(mean) + (4, 2, 0)[slot.place]))


def _place(question: Question, tick: int) -> int:
    bar, meter = question.score.bar_start(tick), question.score.meter_at(tick)
    if tick == bar:
        return 0
    return 1 if meter.numerator % 2 == 0 and tick - bar == meter.bar // 2 else 2
