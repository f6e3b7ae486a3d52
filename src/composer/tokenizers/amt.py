"""The Anticipatory Music Transformer's vocabulary: a note is three tokens, onset, duration, and instrument with pitch.

Compatible bit for bit with the published checkpoints. Times are bins of 10 ms from the beginning of the song and have
no upper end outside of a model, so a time token may look like any other token: what a triple is, its third token alone
says. Thickstun, Hall, Donahue, Liang, Anticipatory Music Transformer (TMLR, 2024).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

BINS_PER_SECOND = 100
MAX_TIME = 10_000
"""Bins that a model can name within one window: 100 s."""
DURATION_OFFSET = 10_000
MAX_DURATION = 1_000
UNKNOWN_DURATION = 25
"""Bins of a note that was never ended."""
NOTE_OFFSET = 11_000
PITCHES = 128
DRUMS = 128
"""The instrument that stands for every drum kit; 0..127 are General MIDI programs."""
INSTRUMENTS = 129
REST = 27_512
CONTROL_OFFSET = 27_513
"""Added to each token of a triple that is told ahead of its time instead of in order."""
SEPARATOR = 55_025
AUTOREGRESS = 55_026
"""First token of a sequence without controls."""
ANTICIPATE = 55_027
"""First token of a sequence with controls."""
VOCABULARY = 55_028
TRANSCRIBED = 2
"""Added to the first token by models that were also trained on music transcribed from recordings."""
TRANSCRIBED_VOCABULARY = 55_030
DELTA = 500
"""Bins by which a control comes before its onset: 5 s."""
REST_BINS = 100
"""Silence is marked once a second, so that a control is never told much late."""
CONTEXT = 1024


class Triple(NamedTuple):
    """Hold one note, rest, control or separator as its three tokens."""

    time: int
    duration: int
    note: int

    @property
    def is_control(self) -> bool:
        """Return whether the note is told ahead."""
        return CONTROL_OFFSET <= self.note < SEPARATOR

    @property
    def is_rest(self) -> bool:
        """Return whether this marks a second of silence."""
        return self.note == REST

    @property
    def is_separator(self) -> bool:
        """Return whether a new piece begins here."""
        return self.note == SEPARATOR

    @property
    def onset(self) -> int:
        """Return the time in bins, whether control or event."""
        return self.time - CONTROL_OFFSET if self.is_control else self.time

    @property
    def length(self) -> int:
        """Return the duration in bins."""
        return self.duration - DURATION_OFFSET - (CONTROL_OFFSET if self.is_control else 0)

    @property
    def instrument(self) -> int:
        """Return the program, DRUMS, or 129 for a rest."""
        return self._value // PITCHES

    @property
    def pitch(self) -> int:
        """Return the pitch 0..127."""
        return self._value % PITCHES

    @property
    def _value(self) -> int:
        return self.note - NOTE_OFFSET - (CONTROL_OFFSET if self.is_control else 0)


def event(onset: int, length: int, instrument: int, pitch: int) -> Triple:
    """Return the triple of a note; ValueError when the vocabulary has no such instrument, pitch, onset or length."""
    if not (onset >= 0 and 0 <= length < MAX_DURATION and 0 <= instrument < INSTRUMENTS and 0 <= pitch < PITCHES):
        raise ValueError(f"no triple stands for onset {onset}, length {length}, instrument {instrument}, pitch {pitch}")
    return Triple(onset, DURATION_OFFSET + length, NOTE_OFFSET + PITCHES * instrument + pitch)


def rest(onset: int) -> Triple:
    """Return the mark of silence at `onset`."""
    return Triple(onset, DURATION_OFFSET, REST)


def as_control(triple: Triple) -> Triple:
    """Return the control that tells an event."""
    return triple if triple.is_control else Triple(*(token + CONTROL_OFFSET for token in triple))


def as_event(triple: Triple) -> Triple:
    """Return the event that a control tells."""
    return Triple(*(token - CONTROL_OFFSET for token in triple)) if triple.is_control else triple


def as_event_by_value(triple: Triple) -> Triple:
    """Return what the published code makes of a triple, which takes every token from CONTROL_OFFSET on for a control's.

    An event later than 275.13 s moves to the beginning of the song.
    """
    return Triple(*(t - CONTROL_OFFSET if t >= CONTROL_OFFSET and t != SEPARATOR else t for t in triple))


def triples(tokens: Sequence[int]) -> list[Triple]:
    """Return tokens by three; a first token that says what kind of sequence follows is left out.

    ValueError when they do not come in threes or a third token is none.
    """
    body = list(tokens[1:] if tokens and len(tokens) % 3 == 1 and tokens[0] > SEPARATOR else tokens)
    if len(body) % 3:
        raise ValueError(f"{len(body)} tokens are no whole number of triples; each note has three")
    found = [Triple(*body[i : i + 3]) for i in range(0, len(body), 3)]
    wrong = next((t for t in found if not _is_possible(t)), None)
    if wrong is not None:
        raise ValueError(f"{tuple(wrong)} is no triple of onset, duration and note")
    return found


def _is_possible(triple: Triple) -> bool:
    if triple.is_separator:
        return triple == (SEPARATOR,) * 3
    note = NOTE_OFFSET <= triple.note <= REST or CONTROL_OFFSET + NOTE_OFFSET <= triple.note < SEPARATOR
    return note and triple.onset >= 0 and 0 <= triple.length < MAX_DURATION


def tokens(sequence: Iterable[Triple]) -> list[int]:
    """Return triples as one flat list."""
    return [token for triple in sequence for token in triple]


def kind(*, anticipated: bool, transcribed: bool = False) -> int:
    """Return the first token of a sequence; `transcribed` takes a model of TRANSCRIBED_VOCABULARY tokens."""
    return (ANTICIPATE if anticipated else AUTOREGRESS) + (TRANSCRIBED if transcribed else 0)


def song(sequence: Sequence[Triple], *, anticipated: bool | None = None, transcribed: bool = False) -> list[int]:
    """Return a song as a model is trained on its beginning: the kind of sequence, a separator, the triples."""
    if anticipated is None:
        anticipated = any(triple.is_control for triple in sequence)
    return [kind(anticipated=anticipated, transcribed=transcribed), *(SEPARATOR,) * 3, *tokens(sequence)]


# --- lists of triples -----------------------------------------------------------------------------------------------


def pad(events: Iterable[Triple], end: int = 0) -> list[Triple]:
    """Return sorted events with a rest for every full second of silence between them, and after them up to `end`."""
    padded: list[Triple] = []
    before = 0

    def silence(until: int) -> None:
        nonlocal before
        while until > before + REST_BINS:
            before += REST_BINS
            padded.append(rest(before))

    for triple in events:
        silence(triple.time)
        padded.append(triple)
        before = triple.time
    silence(end)
    return padded


def without_rests(sequence: Iterable[Triple]) -> list[Triple]:
    """Return the triples that are no rests."""
    return [triple for triple in sequence if not triple.is_rest]


def clip(sequence: Iterable[Triple], start: int, end: int, *, shorten: bool = True) -> list[Triple]:
    """Return the triples with onsets from `start` to `end`, both included; `shorten` ends their notes at `end`."""
    kept = [triple for triple in sequence if not triple.is_separator and start <= triple.onset <= end]
    if not shorten:
        return kept
    return [t._replace(duration=t.duration - max(0, t.onset + t.length - end)) for t in kept]


def mask(sequence: Iterable[Triple], start: int, end: int) -> list[Triple]:
    """Return the triples without those whose onsets lie between `start` and `end`, neither included."""
    return [triple for triple in sequence if triple.is_separator or not start < triple.onset < end]


def sort(sequence: Iterable[Triple]) -> list[Triple]:
    """Return events, or controls, by time; what is simultaneous keeps its order."""
    return sorted(sequence, key=lambda triple: triple.time)


def combine(events: Iterable[Triple], controls: Iterable[Triple]) -> list[Triple]:
    """Return events, and controls as events, by time."""
    return sort([*events, *(as_event(control) for control in controls)])


def translate(sequence: Iterable[Triple], bins: int) -> list[Triple]:
    """Return the triples moved later by `bins`, up to the first separator."""
    moved: list[Triple] = []
    separated = False
    for triple in sequence:
        separated = separated or triple.is_separator
        moved.append(triple if separated else triple._replace(time=triple.time + bins))
    return moved


def min_time(sequence: Iterable[Triple]) -> int:
    """Return the earliest onset before the first separator, 0 when there is none."""
    onsets = []
    for triple in sequence:
        if triple.is_separator:
            break
        onsets.append(triple.onset)
    return min(onsets, default=0)


def max_time(sequence: Iterable[Triple]) -> int:
    """Return the latest onset, 0 when there is none."""
    return max((triple.onset for triple in sequence if not triple.is_separator), default=0)


def instruments(sequence: Iterable[Triple], *, rests: bool = False) -> Counter[int]:
    """Return how many notes each instrument has; `rests` counts them as instrument 129, as the published code does."""
    return Counter(t.instrument for t in sequence if not t.is_separator and (rests or not t.is_rest))


def anticipate(
    events: Iterable[Triple], controls: Sequence[Triple], delta: int = DELTA
) -> tuple[list[Triple], list[Triple]]:
    """Return events with each sorted control put in `delta` bins ahead of its onset, and the controls left over.

    A control comes after the first event from its onset less `delta` on, so where it stands depends on the past only.
    """
    woven: list[Triple] = []
    waiting = list(controls)
    time = 0
    for triple in events:
        due = list(_due(waiting, time + delta))
        woven += [*due, triple]
        del waiting[: len(due)]
        time = triple.time
    return woven, waiting


def _due(controls: Sequence[Triple], until: int) -> Iterator[Triple]:
    for control in controls:
        if control.onset > until:
            return
        yield control
