"""Draw events from an Anticipatory Music Transformer: a window of the past, three masked draws for each event.

All times are bins of 10 ms (composer.tokenizers.amt). A model is a function of tokens and rows: it returns the logits
of those rows of the vocabulary for the token that comes next. With `Settings.reference` everything is done as the
published sampler does it, errors included; what it does wrong is said where it is done right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from composer.neural.gpt2 import Rows, row
from composer.neural.sampling import sample
from composer.tokenizers import amt
from composer.tokenizers.amt import Triple

Floats = NDArray[np.float32]
Model = Callable[[Sequence[int], Rows], Floats]

WINDOW = (amt.CONTEXT - 1) // 3 - 2
"""Triples that a model is shown: room stays for the event that is drawn."""
HOP = 85
"""Triples by which the window moves at once; while it stands still, a decoder keeps what it has computed."""
SPARSE_HOP = 17
"""The same where 100 s are full before the window is."""
MOST_IMAGINED = 64
"""Events that may be imagined in a gap."""
TIMES = slice(0, amt.MAX_TIME)
DURATIONS = slice(amt.DURATION_OFFSET, amt.NOTE_OFFSET)
NOTES = slice(amt.NOTE_OFFSET, amt.REST + 1)
_EVENTS = slice(0, amt.REST + 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold how events are drawn."""

    temperature: float = 1.0
    top_p: float = 0.98
    delta: int = amt.DELTA
    """Bins by which controls are told ahead."""
    instruments: frozenset[int] | None = None
    """The only instruments that may play, None for all."""
    most_instruments: int = 15
    """No new instrument enters when so many have played: a MIDI file has no more channels. Those asked for do."""
    most_events: int = 2_000
    """Events a call may draw, rests among them: more is a stuck model, not music."""
    most_at_once: int = 16
    transcribed: bool = False
    """Whether music sounds as if transcribed from a recording; takes a model of amt.TRANSCRIBED_VOCABULARY tokens."""
    reference: bool = False


def generate(
    model: Model,
    start: int,
    end: int,
    inputs: Sequence[Triple] = (),
    controls: Sequence[Triple] = (),
    *,
    rng: np.random.Generator,
    settings: Settings | None = None,
) -> list[Triple]:
    """Return `inputs` with events drawn for start <= time < end, by time; the caller adds the controls (amt.combine).

    Inputs up to `start` are the past; later ones are known ahead, also those before `end`, so clear what is to be
    filled. Controls are notes of somebody else, at any time.
    """
    settings = settings or Settings()
    past = amt.clip(inputs, 0, start, shorten=False)
    future = [triple for triple in inputs if triple.onset > start]
    told = controls
    if settings.reference:
        # The published code means 5 s here, says 5 bins, and so loses the first 50 ms.
        told = [control for control in controls if control.onset >= 5]
    drawn = draw(model, start, end, past, [*told, *future], rng=rng, settings=settings)
    return amt.sort(amt.without_rests([*past, *drawn, *future]))


def draw(
    model: Model,
    start: int,
    end: int,
    past: Sequence[Triple],
    ahead: Iterable[Triple],
    *,
    rng: np.random.Generator,
    settings: Settings,
    gap: Gap | None = None,
) -> Iterator[Triple]:
    """Yield events for start <= time < end, rests among them, after the sorted `past`; `ahead` is told as controls.

    With a `gap` the past ends where it begins, and what is drawn in it stays between model and sampler.
    """
    waiting = amt.sort(amt.as_control(triple) for triple in ahead)
    sampler = _Sampler(
        model, amt.kind(anticipated=bool(waiting), transcribed=settings.transcribed), rng, settings, waiting
    )
    padded = amt.pad(past, gap.start if gap else start)
    if not padded and waiting and not settings.reference:
        # Times are told from the earliest in the window; if that is a control, nothing can come before it.
        padded = [amt.rest(0)]
    # The published code weaves the past at 5 s, whatever delta it is told.
    sampler.sequence, waiting = amt.anticipate(padded, waiting, amt.DELTA if settings.reference else settings.delta)
    if gap and not waiting:
        sampler.imagine(gap, start)
    now = max((triple.time for triple in sampler.sequence if not triple.is_control), default=0)
    for _ in range(settings.most_events):
        while waiting and waiting[0].onset <= now + settings.delta:
            sampler.sequence.append(waiting.pop(0))
        triple = sampler.event(max(start, now))
        if triple.time >= end:
            return
        sampler.sequence.append(triple)
        now = triple.time
        yield triple


def generate_ar(
    model: Model,
    start: int,
    end: int,
    inputs: Sequence[Triple] = (),
    controls: Sequence[Triple] = (),
    *,
    rng: np.random.Generator,
    settings: Settings | None = None,
) -> list[Triple]:
    """Return inputs and controls with events drawn for start <= time < end without anticipation, the paper's baseline.

    What is known ahead is put in as soon as an event at or after it has been drawn (Algorithm 2 of the paper).
    """
    settings = settings or Settings()
    known = amt.combine(inputs, controls)
    past = amt.clip(known, 0, start, shorten=False)
    waiting = future = [triple for triple in known if triple.onset > start]
    sampler = _Sampler(model, amt.kind(anticipated=False, transcribed=settings.transcribed), rng, settings, known)
    sampler.sequence = amt.pad(past, start)
    now = amt.max_time(sampler.sequence)
    for _ in range(settings.most_events):
        triple = sampler.event(max(start, now))
        if triple.time >= end:
            break
        now = triple.time
        due = [known for known in waiting if known.time <= now]
        waiting = waiting[len(due) :]
        sampler.sequence += [*due, triple]
    # The published code adds what it has put in once more.
    return amt.sort(amt.without_rests([*sampler.sequence, *(future if settings.reference else waiting)]))


@dataclass(frozen=True, slots=True)
class Gap:
    """Hold a time in which the `given` events are certain, and what `instruments` may have played is imagined."""

    start: int
    given: tuple[Triple, ...]
    instruments: frozenset[int]


def shown(sequence: Sequence[Triple], earliest: int, kind: int, *, more: int = 0) -> tuple[list[int], int]:
    """Return the tokens that a model is shown to draw an event at `earliest` or later, and the bin they count from.

    `more` is how many triples the sequence will have grown by: what will be shown then, as far as it is known.
    """
    first = max(0, -(-(len(sequence) + more - WINDOW) // HOP) * HOP)
    window = sequence[first:]
    # Times beyond 100 s would be read as durations and notes.
    while window and max(amt.max_time(window), earliest) - _origin(window, earliest) >= amt.MAX_TIME:
        window = window[SPARSE_HOP:]
    offset = _origin(window, earliest)
    return [kind, *amt.tokens(amt.translate(window, -offset))], offset


def _origin(window: Sequence[Triple], earliest: int) -> int:
    """Return the bin that times count from; where controls alone fill the window, it lies before them."""
    return min(amt.min_time(window), earliest) if window else earliest - earliest % amt.MAX_TIME


class _Sampler:
    """Draw single events after a sequence that the caller extends."""

    def __init__(
        self, model: Model, kind: int, rng: np.random.Generator, settings: Settings, to_come: Iterable[Triple]
    ) -> None:
        self.model, self.kind, self.rng, self.settings = model, kind, rng, settings
        self.sequence: list[Triple] = []
        self._to_come = {*amt.instruments(to_come)}

    def imagine(self, gap: Gap, end: int) -> None:
        """Extend the sequence up to `end` by what is given and by what else may have been played."""
        everything, waiting = self.settings, list(gap.given)
        self.settings = replace(everything, instruments=gap.instruments)
        for _ in range(MOST_IMAGINED):
            triple = self.event(max(gap.start, max((t.time for t in self.sequence), default=0)))
            if triple.time >= end:
                break
            while waiting and waiting[0].time <= triple.time:
                self._put(waiting.pop(0))
            self._put(triple)
        for known in waiting:
            self._put(known)
        self._put(amt.rest(end))
        self.sequence.pop()
        self.settings = everything

    def _put(self, triple: Triple) -> None:
        """Append an event, and a rest for each full second of silence before it."""
        before = self.sequence[-1].time if self.sequence else 0
        while triple.time > before + amt.REST_BINS:
            before += amt.REST_BINS
            self.sequence.append(amt.rest(before))
        self.sequence.append(triple)

    def event(self, earliest: int) -> Triple:
        """Return an event at `earliest` or later; the window's end may be passed, rests may be drawn."""
        if not self.settings.reference and self._at(earliest) >= self.settings.most_at_once:
            earliest += 1
        if self.settings.reference:
            window = self.sequence[-WINDOW:]
            offset = amt.min_time(window)
            told = [self.kind, *amt.tokens(amt.translate(window, -offset))]
        else:
            told, offset = shown(self.sequence, earliest, self.kind)
        time = self._draw(told, TIMES, slice(0, max(0, earliest - offset)))
        duration = self._draw([*told, time], DURATIONS)
        rows = note_rows(self._allowed())
        note = self._draw([*told, time, duration], rows, self._there(rows, time + offset))
        return Triple(time + offset, duration, note)

    def _draw(self, told: list[int], rows: Rows, banned: slice | NDArray[np.intp] | None = None) -> int:
        """Return the token drawn from `rows`; `banned` counts from their beginning."""
        if self.settings.reference:
            # The published code leaves the rest open everywhere: a rest for a time ends the piece.
            logits = np.full(amt.REST + 1, -np.inf, np.float32)
            found = self.model(told, _EVENTS)
            logits[rows], logits[amt.REST] = found[rows], found[amt.REST]
            rows = _EVENTS
        else:
            logits = self.model(told, rows)
        if banned is not None:
            logits = logits.copy()
            logits[banned] = -np.inf
        return row(rows, sample(logits, self.rng, self.settings.temperature, self.settings.top_p))

    def _at(self, time: int) -> int:
        """Return how many events stand at `time`, which is not before the last one."""
        found = 0
        for triple in reversed(self.sequence):
            if triple.is_control:
                continue
            if triple.time < time:
                break
            found += 1
        return found

    def _allowed(self) -> frozenset[int] | None:
        """Return the instruments that may play now, None for all."""
        if not self.settings.reference and self.settings.instruments is not None:
            return self.settings.instruments
        heard = {*amt.instruments(self.sequence, rests=self.settings.reference)}
        if not self.settings.reference:
            heard |= self._to_come
        return frozenset(heard) if len(heard) >= self.settings.most_instruments else None

    def _there(self, rows: Rows, time: int) -> NDArray[np.intp] | None:
        """Return where among `rows` are notes that stand at `time`, None when none stands there."""
        if self.settings.reference:
            return None
        there = [amt.as_event(t).note for t in self.sequence[-WINDOW:] if t.onset == time and not t.is_rest]
        if not there:
            return None
        return np.array(there) - rows.start if isinstance(rows, slice) else np.flatnonzero(np.isin(rows, there))


@lru_cache(maxsize=32)
def note_rows(instruments: frozenset[int] | None) -> Rows:
    """Return the tokens of notes by these instruments, and the rest; of all notes for None."""
    if instruments is None:
        return NOTES
    notes = np.arange(NOTES.start, amt.REST).reshape(amt.INSTRUMENTS, amt.PITCHES)
    kept = sorted(instruments & {*range(amt.INSTRUMENTS)})
    rows = np.append(notes[kept], amt.REST)
    rows.flags.writeable = False
    return rows


def reference(top_p: float) -> Settings:
    """Return the settings of the published sampler, which knows no other choice than `top_p` and has no limits."""
    return replace(Settings(), top_p=top_p, most_events=10**9, reference=True)
