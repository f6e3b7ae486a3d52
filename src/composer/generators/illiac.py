"""The Illiac Suite: counterpoint by trial and rejection, binary codes, and chains of intervals."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from composer.generators import binary_codes as codes
from composer.generators.base import Context, PartNote
from composer.generators.cantus import Moment, Pace, alone, follow
from composer.generators.controls import IlliacParams
from composer.generators.counterpoint import RULES, Chord, Task
from composer.generators.gap import TOGETHER, around, following
from composer.generators.harmony import Listener
from composer.generators.interval_chain import wander
from composer.generators.quartet import ABOVE, BELOW, BY_ITSELF, CANTUS_RANGE, DEEP, aimed, folded, seat, strings
from composer.generators.setting import solve
from composer.generators.texture import LATE, Question, Struck, Texture, resumed
from composer.music import TICKS_PER_QUARTER, Note, Part, Score, Span
from composer.music.chords import Key

LOUDNESS = 72
"""The velocity of voices that have heard nobody."""
MELODIC = frozenset(("tritones", "repeats", "span", "recovery", "cadence"))
"""The rules that a cantus firmus obeys by itself."""


class Illiac:
    """Play the four experiments of the Illiac Suite, in counterpoint with the player's line.

    Source: Hiller and Isaacson, Illiac Suite for String Quartet (1957), and their Experimental Music: Composition with
    an Electronic Computer (1959). Notes are drawn at random and rejected by rules; the rules are switched in one after
    another (I, II); rhythm, dynamics and ways of playing are binary codes, pitches chromatic or rows (III); intervals
    follow Markov chains weighted by consonance and nearness (IV).

    Changed: the player's top line is the cantus firmus, answered note against note, and where it is not known yet the
    note that was heard last is answered. The search goes back a bounded number of steps and then gives up the last rule
    first, because a live answer may not fail. Voices prefer near notes as far as `steps` says. Notes depend on seed and
    tick alone, so that a question asked again has the same answer. In III the voices that share a rhythm take the
    player's last one, and rows begin with the player's pitch classes.
    """

    Params = IlliacParams
    grid = 1
    margin = 0

    def __init__(self, params: IlliacParams, seed: int) -> None:
        """Make one that has heard nothing; `seed` may be any integer."""
        self.params = params
        self.key = ""
        """The key of the last phrase, "" while there was none."""
        self.relaxed: tuple[str, ...] = ()
        """The rules that had to be given up in the last phrase."""
        self._seed = seed % 2**63
        self._listener = Listener()
        self._rules = frozenset(rule for rule in RULES[: params.rules] if getattr(params, rule))
        quarters = (params.pulse, params.patience, params.fastest)
        self._pace = Pace(*(round(length * TICKS_PER_QUARTER) for length in quarters))

    @classmethod
    def parts(cls, params: IlliacParams) -> tuple[Part, ...]:
        """Return the parts that it plays where nobody asks for others: those of a string quartet."""
        return strings(params.voices)

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts in `span`; a phrase takes some milliseconds."""
        question = Question(context, span)
        tick = max(0, span.start - LATE)
        while question.names and tick < span.end and span.length:
            phrase = question.phrase(tick, self.params.phrase)
            key = self._key(question, phrase)
            self.key, self.relaxed = key.name, ()
            play = self._coded if self.params.experiment == "codes" else self._sung
            notes = sorted(play(question, phrase, key), key=lambda entry: (entry.note, entry.part))
            yield from (entry for entry in notes if entry.note.onset in span)
            tick = phrase.end

    def _key(self, question: Question, phrase: Span) -> Key:
        if self.params.key != "auto":
            return Key.parse(self.params.key)
        heard, until = question.listened_to(phrase)
        return self._listener.follow(heard, until).key if until else Key(0)

    # Note against note: experiments I, II and IV

    def _sung(self, question: Question, phrase: Span, key: Key) -> Iterator[PartNote]:
        texture = self._texture(question, phrase, key, {})
        played = question.struck(phrase)
        if texture and played and not texture.agrees(played):
            # What sounded was answered knowing less: it stands, and the phrase goes on from there.
            texture = self._texture(question, phrase, key, texture.stood(played))
        if texture is None:
            return
        yield from self._late(question, texture, played)
        for index, moment in enumerate(texture.moments):
            yield from self._notes(question, texture, index, moment.tick)

    def _texture(self, question: Question, phrase: Span, key: Key, begun: Mapping[int, Chord]) -> Texture | None:
        """Return the phrase, None when it has no moment; `begun` holds chords that have sounded already."""
        is_answer, known = question.is_answer(phrase), question.context.known_until
        goal = following(question.context, question.span.start, phrase.start)
        goal_tick = min((entry.note.onset for entry in goal), default=phrase.end + TOGETHER)
        end = min(phrase.end, goal_tick)
        leads = (
            bool(goal) and goal[0].note.onset < end + TOGETHER and self.params.experiment in ("cantus", "counterpoint")
        )
        phrase = Span(phrase.start, end)
        if is_answer:
            moments = follow(question.score, question.line, known, phrase, self._pace)
        else:
            # A turn that is the machine's by the bar is so even if the player goes on.
            line = [] if question.context.role == "trade" else question.line
            moments = alone(question.score, line, phrase, self._pace.pulse)
        if begun:
            moments = resumed(moments, begun, question)
        if not moments:
            return None
        if leads:
            # One moment more: it stands already, and the others lead to it.
            moments = [*moments, Moment(end, question.latest(end), 1)]
        cantus = tuple(moment.pitch for moment in moments)
        is_bass = is_answer and next((pitch for pitch in cantus if pitch is not None), DEEP) < DEEP
        voices = max(1, self.params.voices - is_answer)
        names = seat(question.names, voices, is_bass or not is_answer)
        task = Task(
            tuple(moment.tick for moment in moments),
            cantus,
            (ABOVE if is_bass else BELOW if is_answer else BY_ITSELF)[voices],
            key,
            self._rules,
            self._seed,
            apart=tuple(int(v > 0 and names[v] == names[v - 1]) for v in range(voices)),
            begun=tuple(begun.values()),
            closes=not leads and (known >= phrase.end or moments[-1].tick + moments[-1].length >= phrase.end),
            steps=self.params.steps,
            ahead=aimed(goal, names, around(question.context, question.span) is not None) if leads else (),
        )
        chords = self._chords(question, phrase, task)
        last = len(chords) - leads
        return Texture(tuple(moments[:last]), chords[:last], names)

    def _chords(self, question: Question, phrase: Span, task: Task) -> tuple[Chord, ...]:
        if self.params.experiment == "chain":
            before = question.before(phrase.start)
            start = before[-1].pitch if before else None
            strong = [_is_strong(question.score, tick) for tick in task.ticks]
            return wander(task, strong, self.params.order, self.params.proximity, start)
        if question.is_answer(phrase):
            return self._solved(task)
        quoted = self._quoted(question, phrase, len(task.ticks))
        return self._set(task, quoted) if quoted or self.params.experiment == "cantus" else self._solved(task)

    def _set(self, task: Task, quoted: tuple[int, ...]) -> tuple[Chord, ...]:
        """Return a cantus firmus that begins with the pitches `quoted`, and the lower voices against it."""
        begun = tuple(chord[-1:] for chord in task.begun) or tuple((pitch,) for pitch in quoted)
        melody = replace(task, ranges=(CANTUS_RANGE,), rules=task.rules & MELODIC, apart=(), stream=1)
        sung = self._solved(replace(melody, begun=begun, ahead=task.ahead[-1:]))
        if len(task.ranges) == 1:
            return sung
        cantus = tuple(pitch for (pitch,) in sung)
        ranges, begun = BELOW[len(task.ranges) - 1], tuple(chord[:-1] for chord in task.begun)
        lower = self._solved(
            replace(task, cantus=cantus, ranges=ranges, apart=task.apart[:-1], begun=begun, ahead=task.ahead[:-1])
        )
        return tuple((*chord, pitch) for chord, pitch in zip(lower, cantus, strict=True))

    def _solved(self, task: Task) -> tuple[Chord, ...]:
        setting = solve(task)
        self.relaxed = tuple(dict.fromkeys((*self.relaxed, *setting.relaxed)))
        return setting.chords

    def _quoted(self, question: Question, phrase: Span, moments: int) -> tuple[int, ...]:
        """Return the player's last notes where they begin a cantus of the machine."""
        if not question.hears(phrase):
            return ()
        last = question.before(phrase.end)[-max(1, moments // 2) :]
        return tuple(folded(note.pitch, *CANTUS_RANGE) for note in last)

    def _late(self, question: Question, texture: Texture, played: Mapping[int, Struck]) -> Iterator[PartNote]:
        """Yield the answer to a note that came just before the question's span, unless it was answered."""
        now = question.span.start
        index = bisect_left(texture.moments, now, key=lambda moment: moment.tick) - 1
        if index < 0 or (index + 1 < len(texture.moments) and texture.moments[index + 1].tick == now):
            return
        moment = texture.moments[index]
        is_new = moment.note is not None and moment.note.onset == moment.tick
        if is_new and now - moment.tick <= LATE and not any(tick >= moment.tick for tick in played):
            yield from self._notes(question, texture, index, now)

    def _notes(self, question: Question, texture: Texture, index: int, onset: int) -> Iterator[PartNote]:
        moment = texture.moments[index]
        duration = max(30, moment.tick + moment.length - onset - 20)
        velocity = moment.note.velocity - 8 if moment.note else self._loudness(question, moment.tick)
        velocity = min(127, max(1, velocity + 4 * _is_strong(question.score, moment.tick)))
        for pitch, name in texture.struck(index):
            yield PartNote(name, Note(onset, pitch, duration, velocity))

    def _loudness(self, question: Question, tick: int) -> int:
        recent = question.before(tick)[-8:]
        return round(sum(note.velocity for note in recent) / len(recent)) if recent else LOUDNESS

    # Codes and rows: experiment III

    def _coded(self, question: Question, phrase: Span, key: Key) -> Iterator[PartNote]:
        is_answer = question.is_answer(phrase)
        voices = max(1, self.params.voices - is_answer)
        names = seat(question.names, voices, not is_answer)
        spans = codes.measures(question.score, phrase)
        rhythms = [self._heard(question, span.start) for span in spans]
        played = codes.strokes(spans, voices, self._seed, self._loudness(question, phrase.start), rhythms)
        row = codes.tone_row(question.before(phrase.start), self._seed)
        taken: set[tuple[str, int, int]] = set()
        for voice, (strokes, (low, high)) in enumerate(zip(played, BY_ITSELF[voices], strict=True)):
            form = codes.row_form(row, np.random.default_rng([self._seed, phrase.start, 4, voice]))
            for stroke in strokes:
                rng = np.random.default_rng([self._seed, phrase.start, 5, voice, stroke.turn])
                tones = [p for p in range(low, high + 1) if not self.params.rows or p % 12 == form[stroke.turn % 12]]
                pitch = tones[int(rng.integers(len(tones)))]
                if (names[voice], stroke.tick, pitch) not in taken:
                    taken.add((names[voice], stroke.tick, pitch))
                    yield PartNote(names[voice], Note(stroke.tick, pitch, stroke.length, stroke.velocity))

    def _heard(self, question: Question, tick: int) -> int:
        """Return the player's rhythm in the measure before `tick`, 0 where it is not known yet."""
        if tick > question.context.known_until:
            return 0
        return codes.heard(question.before(tick)[-16:], Span(max(0, tick - codes.MEASURE), tick))


def _is_strong(score: Score, tick: int) -> bool:
    """Return whether a tick is a bar line, or the middle of a bar of four beats or more."""
    bar, meter = score.bar_start(tick), score.meter_at(tick)
    return tick == bar or (meter.numerator >= 4 and meter.numerator % 2 == 0 and tick - bar == meter.bar // 2)
