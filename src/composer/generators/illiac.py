"""The Illiac Suite: counterpoint by trial and rejection, binary codes, and chains of intervals."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from composer.generators import binary_codes as codes
from composer.generators.base import Context, PartNote
from composer.generators.cantus import Moment, Pace, alone, follow, phrase_at
from composer.generators.controls import IlliacParams
from composer.generators.counterpoint import RULES, Chord, Task, solve
from composer.generators.harmony import Listener
from composer.generators.interval_chain import wander
from composer.generators.phrase import top_line
from composer.generators.quartet import ABOVE, BELOW, BY_ITSELF, CANTUS_RANGE, DEEP, folded, seat, singers, strings
from composer.music import TICKS_PER_QUARTER, Note, Part, Score, Span
from composer.music.chords import Key

_onset = attrgetter("onset")
LATE = 120
"""Ticks after the player's note within which it is still answered, where nobody could know that it would come."""
LOUDNESS = 72
"""The velocity of voices that have heard nobody."""
MELODIC = frozenset(("tritones", "repeats", "span", "recovery", "cadence"))
"""The rules that a cantus firmus obeys by itself."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Hold what one question says, in the form that every phrase of the answer needs."""

    context: Context
    start: int
    names: tuple[str, ...]
    line: list[Note]
    """The player's top line."""

    @property
    def score(self) -> Score:
        return self.context.score

    def before(self, tick: int) -> list[Note]:
        """Return the player's line before `tick`."""
        return self.line[: bisect_left(self.line, tick, key=_onset)]

    def struck(self, span: Span) -> dict[int, list[tuple[str, int]]]:
        """Return parts and pitches of what the machine has played in `span`, by onset, from low to high."""
        found: dict[int, list[tuple[str, int]]] = {}
        for name in self.names:
            for note in self.score.part(name).within(span):
                found.setdefault(note.onset, []).append((name, note.pitch))
        return {tick: sorted(found[tick], key=lambda entry: entry[1]) for tick in sorted(found)}


@dataclass(frozen=True, slots=True)
class _Texture:
    """Hold a phrase: its moments, and a chord for each, with the parts that sing it."""

    moments: tuple[Moment, ...]
    chords: tuple[Chord, ...]
    singers: tuple[str, ...]

    def struck(self, index: int) -> list[tuple[str, int]]:
        """Return parts and pitches of a moment from low to high, a key of one part once."""
        entries = set(zip(self.singers, self.chords[index], strict=True))
        return sorted(entries, key=lambda entry: entry[1])


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
        """Yield the notes of the machine's parts in `span`."""
        names = singers(context)
        heard = [note for part in context.players if not part.is_drums for note in part.notes]
        line = top_line(sorted(heard, key=attrgetter("onset", "pitch")))
        question = _Question(context, span.start, names, line)
        tick = max(0, span.start - LATE)
        while names and tick < span.end and span.length:
            phrase = phrase_at(context.score, tick, self.params.phrase)
            key = self._key(question, phrase)
            self.key, self.relaxed = key.name, ()
            play = self._coded if self.params.experiment == "codes" else self._sung
            notes = sorted(play(question, phrase, key), key=lambda entry: (entry.note, entry.part))
            yield from (entry for entry in notes if entry.note.onset in span)
            tick = phrase.end

    def _key(self, question: _Question, phrase: Span) -> Key:
        if self.params.key != "auto":
            return Key.parse(self.params.key)
        if not question.line:
            return Key(0)
        return self._listener.follow(question.context, min(question.context.known_until, phrase.end)).key

    # Note against note: experiments I, II and IV

    def _sung(self, question: _Question, phrase: Span, key: Key) -> Iterator[PartNote]:
        texture = self._texture(question, phrase, key, ())
        struck = question.struck(Span(phrase.start, max(phrase.start, min(question.start, phrase.end))))
        if texture and struck and not _agrees(texture, struck):
            # What sounded was answered knowing less: it stands, and the phrase goes on from there.
            voices = len(texture.singers)
            stood = [(tick, entries) for tick, entries in struck.items() if len(entries) == voices]
            begun = tuple((tick, tuple(pitch for _, pitch in entries)) for tick, entries in stood)
            texture = self._texture(question, phrase, key, begun)
        if texture is None:
            return
        yield from self._late(question, texture, struck)
        for index in range(len(texture.moments)):
            yield from self._notes(question, texture, index, texture.moments[index].tick)

    def _texture(
        self, question: _Question, phrase: Span, key: Key, begun: tuple[tuple[int, Chord], ...]
    ) -> _Texture | None:
        """Return the phrase; `begun` holds chords that have sounded already."""
        is_answer = question.context.role == "accompany" and self._hears(question, phrase)
        known, score = question.context.known_until, question.score
        if is_answer:
            moments = follow(score, question.line, known, phrase, self._pace)
        else:
            moments = alone(score, question.line, phrase, self._pace.pulse)
        if begun:
            past = {moment.tick: moment for moment in moments}
            # The given note of a chord that came late is the one before it.
            stood = [past.get(tick) or Moment(tick, _latest(question.line, tick), 1) for tick, _ in begun]
            moments = stood + [moment for moment in moments if moment.tick >= question.start - LATE]
            moments = [m for i, m in enumerate(moments) if i < len(stood) or m.tick > _heard_until(stood)]
        if not moments:
            return None
        cantus = tuple(moment.pitch for moment in moments)
        first = next((pitch for pitch in cantus if pitch is not None), None)
        last = moments[-1]
        closes = known >= phrase.end or last.tick + last.length >= phrase.end
        voices = self.params.voices
        if is_answer:
            voices = max(1, voices - 1)
            is_bass = first is not None and first < DEEP
            ranges = (ABOVE if is_bass else BELOW)[voices]
            names = seat(question.names, voices, is_bass)
        else:
            ranges, names = BY_ITSELF[voices], seat(question.names, voices, True)
        task = Task(
            tuple(moment.tick for moment in moments),
            cantus,
            ranges,
            key,
            self._rules,
            self._seed,
            apart=tuple(int(v > 0 and names[v] == names[v - 1]) for v in range(voices)),
            begun=tuple(chord for _, chord in begun),
            closes=closes,
            steps=self.params.steps,
        )
        return _Texture(tuple(moments), self._chords(question, phrase, task, is_answer), names)

    def _chords(self, question: _Question, phrase: Span, task: Task, is_answer: bool) -> tuple[Chord, ...]:
        if self.params.experiment == "chain":
            before = question.before(phrase.start)
            start = before[-1].pitch if before else None
            strong = [_is_strong(question.score, tick) for tick in task.ticks]
            return wander(task, strong, self.params.order, self.params.proximity, start)
        quoted = () if is_answer else self._quoted(question, phrase, len(task.ticks))
        if is_answer or not (quoted or self.params.experiment == "cantus"):
            return self._solved(task)
        melody = replace(task, ranges=(CANTUS_RANGE,), rules=task.rules & MELODIC, apart=(), stream=1)
        melody = replace(melody, begun=tuple(chord[-1:] for chord in task.begun) or tuple((p,) for p in quoted))
        cantus = tuple(chord[0] for chord in self._solved(melody))
        if len(task.ranges) == 1:
            return tuple((pitch,) for pitch in cantus)
        lower = replace(task, cantus=cantus, ranges=BELOW[len(task.ranges) - 1], apart=task.apart[:-1])
        lower = replace(lower, begun=tuple(chord[:-1] for chord in task.begun))
        return tuple((*chord, pitch) for chord, pitch in zip(self._solved(lower), cantus, strict=True))

    def _solved(self, task: Task) -> tuple[Chord, ...]:
        setting = solve(task)
        self.relaxed = tuple(dict.fromkeys((*self.relaxed, *setting.relaxed)))
        return setting.chords

    def _hears(self, question: _Question, phrase: Span) -> bool:
        """Return whether the player has played in this phrase or the one before."""
        before = question.before(phrase.end)
        return bool(before) and before[-1].end > phrase.start - phrase.length

    def _quoted(self, question: _Question, phrase: Span, moments: int) -> tuple[int, ...]:
        """Return the player's last notes where they begin a cantus of the machine."""
        if not self._hears(question, phrase):
            return ()
        last = question.before(phrase.end)[-max(1, moments // 2) :]
        return tuple(folded(note.pitch, *CANTUS_RANGE) for note in last)[:moments]

    def _late(
        self, question: _Question, texture: _Texture, struck: dict[int, list[tuple[str, int]]]
    ) -> Iterator[PartNote]:
        """Yield the answer to a note that came just before the question begins, unless it was answered."""
        now = question.start
        index = bisect_left(texture.moments, now, key=lambda moment: moment.tick) - 1
        if index < 0 or (index + 1 < len(texture.moments) and texture.moments[index + 1].tick == now):
            return
        moment = texture.moments[index]
        is_new = moment.note is not None and moment.note.onset == moment.tick
        if is_new and now - moment.tick <= LATE and not any(tick >= moment.tick - 30 for tick in struck):
            yield from self._notes(question, texture, index, now)

    def _notes(self, question: _Question, texture: _Texture, index: int, onset: int) -> Iterator[PartNote]:
        moment = texture.moments[index]
        end = moment.tick + moment.length
        accent = 4 * _is_strong(question.score, moment.tick)
        loud = (moment.note.velocity - 8 if moment.note else self._loudness(question, moment.tick)) + accent
        for name, pitch in texture.struck(index):
            yield PartNote(name, Note(onset, pitch, max(30, end - onset - 20), min(127, max(1, loud))))

    def _loudness(self, question: _Question, tick: int) -> int:
        recent = question.before(tick)[-8:]
        return round(sum(note.velocity for note in recent) / len(recent)) if recent else LOUDNESS

    # Codes and rows: experiment III

    def _coded(self, question: _Question, phrase: Span, key: Key) -> Iterator[PartNote]:
        is_answer = question.context.role == "accompany" and self._hears(question, phrase)
        voices = max(1, self.params.voices - is_answer)
        names = seat(question.names, voices, not is_answer)
        spans = codes.measures(question.score, phrase)

        def heard(index: int) -> int:
            end = spans[index].start
            if end > question.context.known_until:
                return 0
            return codes.heard(question.before(end)[-16:], Span(max(0, end - codes.SLOT * codes.SLOTS), end))

        loudness = self._loudness(question, phrase.start)
        row = codes.tone_row(question.before(phrase.start), self._seed)
        taken: set[tuple[str, int, int]] = set()
        played = codes.strokes(spans, voices, self._seed, loudness, heard)
        for voice, (strokes, (low, high)) in enumerate(zip(played, BY_ITSELF[voices], strict=True)):
            form = codes.row_form(row, np.random.default_rng([self._seed, phrase.start, 4, voice]))
            for stroke in strokes:
                rng = np.random.default_rng([self._seed, phrase.start, 5, voice, stroke.turn])
                tones = [p for p in range(low, high + 1) if not self.params.rows or p % 12 == form[stroke.turn % 12]]
                pitch = tones[int(rng.integers(len(tones)))]
                if (names[voice], stroke.tick, pitch) not in taken:
                    taken.add((names[voice], stroke.tick, pitch))
                    yield PartNote(names[voice], Note(stroke.tick, pitch, stroke.length, stroke.velocity))


def _agrees(texture: _Texture, struck: dict[int, list[tuple[str, int]]]) -> bool:
    """Return whether what sounded is what the texture says, each chord at its moment or just after."""
    ticks = [moment.tick for moment in texture.moments]
    for tick, entries in struck.items():
        index = bisect_left(ticks, tick + 1) - 1
        if index < 0 or tick - ticks[index] > LATE or texture.struck(index) != entries:
            return False
    return True


def _latest(line: Sequence[Note], tick: int) -> Note | None:
    index = bisect_left(line, tick + 1, key=_onset)
    return line[index - 1] if index and (line[index - 1].end > tick or tick - line[index - 1].onset <= LATE) else None


def _heard_until(stood: list[Moment]) -> int:
    """Return the tick up to which the player's notes are answered by what stands."""
    return stood[-1].tick if stood else -1


def _is_strong(score: Score, tick: int) -> bool:
    """Return whether a tick is a bar line, or the middle of a bar of four beats or more."""
    bar, meter = score.bar_start(tick), score.meter_at(tick)
    return tick == bar or (meter.numerator >= 4 and meter.numerator % 2 == 0 and tick - bar == meter.bar // 2)
