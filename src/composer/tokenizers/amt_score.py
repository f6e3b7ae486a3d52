"""Scores as tokens of the Anticipatory Music Transformer and back, for the table of tokenizers.

A file is better read by its messages (`encode_messages`): only so the tokens are those of the published code, note for
note in the same order, whatever tracks, programs and tempos the file has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from composer.errors import UsageError
from composer.music import DRUM_CHANNEL, TICKS_PER_QUARTER, Note, Part, Score
from composer.tokenizers import amt, amt_interarrival
from composer.tokenizers.amt_compound import Compound, TickMessage, TimedMessage, compounds, events, notes, tracks

TICKS_PER_BIN = TICKS_PER_QUARTER * 2 / amt.BINS_PER_SECOND
"""At 120 quarters a minute, which is what a score without tempo has."""
Ids = list[int]


@dataclass(frozen=True, slots=True)
class AmtTokenizer:
    """Be one of the vocabularies: how messages become ids, and ids notes."""

    of_messages: Callable[[Iterable[TimedMessage]], Ids]
    of_ids: Callable[[Sequence[int]], list[Compound]]

    def encode_messages(self, messages: Iterable[TimedMessage]) -> Ids:
        """Return the ids of the messages of a file as they play."""
        return self.of_messages(messages)

    def encode(self, score: Score) -> Ids:
        """Return the ids of a score."""
        return self.of_messages(score_messages(score))

    def decode(self, ids: list[int]) -> Score:
        """Return the score that ids stand for, at 120 quarters a minute; UsageError when they are of another kind."""
        return score_of(self._notes(ids))

    def _notes(self, ids: list[int]) -> list[Compound]:
        try:
            return self.of_ids(ids)
        except ValueError as error:
            raise UsageError(f"these ids are no music in this vocabulary: {error}") from None


@dataclass(frozen=True, slots=True)
class ReferenceTokenizer(AmtTokenizer):
    """Be the published code with its peculiarities, to compare with."""

    def decode_tracks(self, ids: list[int]) -> list[list[TickMessage]]:
        """Return the tracks that the published code writes, at 100 ticks a second; UsageError where it stops."""
        try:
            return tracks(self.of_ids(ids))
        except ValueError as error:
            raise UsageError(f"the published code cannot write these ids: {error}") from None


def load(name: str) -> AmtTokenizer:
    """Return the tokenizer called `name`: amt, amt-interarrival, or amt-reference."""
    if name == "amt-interarrival":
        return AmtTokenizer(amt_interarrival.encode, amt_interarrival.decode)
    kind = ReferenceTokenizer if name == "amt-reference" else AmtTokenizer
    return kind(_arrival_ids, lambda ids: notes(amt.triples(ids), reference=name == "amt-reference"))


def _arrival_ids(messages: Iterable[TimedMessage]) -> Ids:
    return amt.tokens(events(compounds(messages)))


def score_messages(score: Score) -> Iterator[TimedMessage]:
    """Yield what a score plays, in seconds; each part keeps its program though channels be shared."""
    timed: list[tuple[int, int, int, tuple[int, ...]]] = []
    for number, part in enumerate(score.parts):
        program = (0xC0 | part.channel, part.program)
        for note in part.notes:
            # Ends come before beginnings at the same tick, so that a repeated note ends its predecessor.
            for tick, order, status in ((note.onset, 1, 0x90), (note.end, 0, 0x80)):
                timed.append((tick, order, number, program))
                timed.append((tick, order, number, (status | part.channel, note.pitch, note.velocity)))
    for tick, _, _, data in sorted(timed, key=lambda entry: entry[:3]):
        yield score.seconds(tick), data


def score_of(played: Iterable[Compound]) -> Score:
    """Return notes as a score at 120 quarters a minute, a part for each instrument in order of appearance."""
    lines: dict[int, list[Note]] = {}
    for note in played:
        ticks = round(note.onset * TICKS_PER_BIN), max(1, round(note.duration * TICKS_PER_BIN))
        lines.setdefault(note.instrument, []).append(Note(ticks[0], note.pitch, ticks[1], note.velocity))
    melodic = cycle(channel for channel in range(16) if channel != DRUM_CHANNEL)
    return Score(tuple(_part(instrument, line, melodic) for instrument, line in lines.items()))


def _part(instrument: int, line: list[Note], channels: Iterator[int]) -> Part:
    if instrument == amt.DRUMS:
        return Part("drums", tuple(line), DRUM_CHANNEL)
    return Part(f"program {instrument}", tuple(line), next(channels), instrument)
