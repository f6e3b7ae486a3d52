"""The MIDI-like vocabulary of the checkpoint music-small-ar-inter-100k: time shifts, note-ons and note-offs.

Shifts are rounded one by one, as they were in training, so long pieces may drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from composer.tokenizers import amt
from composer.tokenizers.amt_compound import Compound, Programs, TimedMessage, bins

MAX_SHIFT = 999
ON_OFFSET = 1_000
OFF_OFFSET = 17_512
SEPARATOR = 34_024
VOCABULARY = 34_025
VELOCITY = 96


def encode(messages: Iterable[TimedMessage]) -> list[int]:
    """Return the tokens of note messages in the order in which they play; silence beyond 9.99 s is cut."""
    ids: list[int] = []
    programs = Programs()
    before = 0.0
    for seconds, data in messages:
        programs.feed(data)
        kind = data[0] & 0xF0
        if kind not in (0x80, 0x90):
            continue
        shift = min(bins(seconds - before), MAX_SHIFT)
        before = seconds
        if shift:
            ids.append(shift)
        offset = ON_OFFSET if kind == 0x90 and data[2] > 0 else OFF_OFFSET
        ids.append(offset + amt.PITCHES * programs.instrument(data[0] & 0x0F) + data[1])
    return ids


def decode(ids: Sequence[int]) -> list[Compound]:
    """Return the notes that tokens stand for, at velocity 96; a note that never ends gets 250 ms.

    ValueError names a token outside the vocabulary.
    """
    played: list[Compound] = []
    held: dict[int, list[int]] = {}
    time = 0
    for id_ in ids:
        if not 0 <= id_ < VOCABULARY:
            raise ValueError(f"there is no token {id_}; ids lie between 0 and {VOCABULARY - 1}")
        if id_ < ON_OFFSET:
            time += id_
        elif id_ < OFF_OFFSET:
            instrument, pitch = divmod(id_ - ON_OFFSET, amt.PITCHES)
            held.setdefault(id_ - ON_OFFSET, []).append(len(played))
            played.append(Compound(time, amt.UNKNOWN_DURATION, pitch, instrument, VELOCITY))
        elif id_ < SEPARATOR and held.get(id_ - OFF_OFFSET):
            index = held[id_ - OFF_OFFSET].pop(0)
            played[index] = played[index]._replace(duration=time - played[index].onset)
    return played
