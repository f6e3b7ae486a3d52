"""Notes between MIDI messages and the triples of composer.tokenizers.amt: compounds, with an end and a velocity.

Messages come as (seconds, bytes) in the order in which they play; composer.midi.amt_files reads them from files.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from composer.tokenizers import amt
from composer.tokenizers.amt import Triple

TimedMessage = tuple[float, Sequence[int]]
"""Seconds from the beginning, and the bytes of a message, status first."""
TickMessage = tuple[int, tuple[int, ...]]
DRUM_CHANNEL = 9
VELOCITY = 72
"""What every note is written with: the vocabulary knows no velocity."""
UNENDED = -1


class Compound(NamedTuple):
    """Hold a note: onset and duration in bins (duration UNENDED when it never ended), instrument 128 for drums."""

    onset: int
    duration: int
    pitch: int
    instrument: int
    velocity: int


class Programs:
    """Follow the programs of the channels."""

    def __init__(self) -> None:
        self._programs: dict[int, int] = {}

    def feed(self, data: Sequence[int]) -> None:
        """Take any message; only a program change matters."""
        if data[0] & 0xF0 == 0xC0:
            self._programs[data[0] & 0x0F] = data[1]

    def instrument(self, channel: int) -> int:
        """Return the instrument that a note on `channel` sounds with."""
        return amt.DRUMS if channel == DRUM_CHANNEL else self._programs.get(channel, 0)


def bins(seconds: float) -> int:
    """Return seconds in bins of 10 ms, halves to the even one."""
    return round(amt.BINS_PER_SECOND * seconds)


def compounds(messages: Iterable[TimedMessage]) -> list[Compound]:
    """Return the notes of messages in the order in which they begin; an end closes the oldest note it can mean."""
    found: list[Compound] = []
    held: defaultdict[tuple[int, int, int], deque[tuple[int, float]]] = defaultdict(deque)
    programs = Programs()
    for seconds, data in messages:
        programs.feed(data)
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind not in (0x80, 0x90):
            continue
        instrument = programs.instrument(channel)
        key = instrument, data[1], channel
        if kind == 0x90 and data[2] > 0:
            held[key].append((len(found), seconds))
            found.append(Compound(bins(seconds), UNENDED, data[1], instrument, data[2]))
        elif held[key]:
            index, begun = held[key].popleft()
            found[index] = found[index]._replace(duration=bins(seconds - begun))
    return found


def events(notes: Iterable[Compound]) -> list[Triple]:
    """Return notes as events: an open end lasts 250 ms, ten seconds and more last 9.99 s."""
    return [
        amt.event(
            note.onset,
            amt.UNKNOWN_DURATION if note.duration == UNENDED else min(note.duration, amt.MAX_DURATION - 1),
            note.instrument,
            note.pitch,
        )
        for note in notes
    ]


def notes(sequence: Sequence[Triple], *, reference: bool = False) -> list[Compound]:
    """Return what triples sound like: controls are notes, rests are dropped, a separator begins a piece after the last.

    `reference` does as the published code does: it folds late events to the beginning (composer.tokenizers.amt) and
    raises ValueError where that code stops, for nothing at all and for an event at 550.25 s.
    """
    if reference and not sequence:
        raise ValueError("nothing can be made of no tokens at all")
    fold = amt.as_event_by_value if reference else amt.as_event
    made: list[Compound] = []
    begin, end = 0, 0
    for triple in amt.without_rests(sequence):
        if triple.is_separator:
            begin = end
            continue
        folded = fold(triple)
        if folded.time == amt.SEPARATOR and reference:
            raise ValueError("an event at 550.25 s cannot be told from a separator")
        made.append(Compound(begin + folded.time, folded.length, folded.pitch, folded.instrument, VELOCITY))
        end = max(end, made[-1].onset + made[-1].duration)
    return made


def tracks(played: Sequence[Compound]) -> list[list[TickMessage]]:
    """Return the published code's tracks, at 100 ticks a second: one for each instrument, by first onset.

    ValueError when a 16th instrument is not drums: channels run out, and drums take a number though they have their
    own.
    """
    order = dict.fromkeys(note.instrument for note in sorted(played, key=lambda note: note.onset))
    channels = {instrument: _channel(instrument, number) for number, instrument in enumerate(order)}
    lines: dict[int, list[TickMessage]] = {
        instrument: [(0, (0xC0 | channel, 0 if instrument == amt.DRUMS else instrument))]
        for instrument, channel in channels.items()
    }
    for note in played:
        line, channel = lines[note.instrument], channels[note.instrument]
        line.append((note.onset, (0x90 | channel, note.pitch, note.velocity)))
        line.append((note.onset + note.duration, (0x80 | channel, note.pitch, 64)))
    return [sorted(line, key=_order) for line in lines.values()]


def _order(message: TickMessage) -> tuple[int, int]:
    # Where one note ends as the next begins, the published code begins it first.
    return message[0], (0xC0, 0x90, 0x80).index(message[1][0] & 0xF0)


def _channel(instrument: int, number: int) -> int:
    """Return the channel of the `number`th instrument; drums take a number but have a channel of their own."""
    if instrument == amt.DRUMS:
        return DRUM_CHANNEL
    channel = number + (number >= DRUM_CHANNEL)
    if channel > 15:
        raise ValueError("the published code has channels for 15 instruments, drums among them; leave some out")
    return channel
