"""The voices of a quartet: their ranges, and which parts sing them."""

from __future__ import annotations

from collections.abc import Sequence

from composer.generators.base import Context, PartNote
from composer.music import Part

Ranges = tuple[tuple[int, int], ...]

CANTUS_RANGE = (60, 79)
"""Where the machine's own cantus firmus lies, and where a borrowed one is moved by octaves."""
BY_ITSELF: dict[int, Ranges] = {
    1: ((60, 79),),
    2: ((48, 67), (60, 79)),
    3: ((43, 60), (52, 69), (60, 79)),
    4: ((40, 57), (48, 64), (53, 71), (60, 79)),
}
"""Lowest and highest pitch of each voice where nobody else sings, the lowest voice first."""
BELOW: dict[int, Ranges] = {1: ((48, 69),), 2: ((43, 60), (52, 69)), 3: ((40, 57), (48, 64), (53, 71))}
"""The same under a given line."""
ABOVE: dict[int, Ranges] = {1: ((60, 81),), 2: ((55, 72), (62, 81)), 3: ((52, 69), (57, 74), (62, 81))}
"""The same over one."""
DEEP = 55
"""A given line that begins below this pitch is the bass."""

_STRINGS = (("Violin I", 40), ("Violin II", 40), ("Viola", 41), ("Cello", 42))
_SEATS = {1: (0,), 2: (0, 3), 3: (0, 2, 3), 4: (0, 1, 2, 3)}


def strings(voices: int) -> tuple[Part, ...]:
    """Return the parts of a string quartet, or of as many of its players as there are voices, from the top down."""
    return tuple(Part(_STRINGS[seat][0], channel=seat, program=_STRINGS[seat][1]) for seat in _SEATS[voices])


def singers(context: Context) -> tuple[str, ...]:
    """Return the names of the machine's pitched parts, from the top down: basses and cellos last."""
    pitched = [part for part in context.machines if not part.is_drums]
    return tuple(part.name for part in sorted(pitched, key=_is_low))


def _is_low(part: Part) -> bool:
    words = ("bass", "cello")
    return 32 <= part.program <= 39 or part.program in (42, 43) or any(word in part.name.lower() for word in words)


def seat(names: Sequence[str], voices: int, from_top: bool) -> tuple[str, ...]:
    """Return who sings each of `voices`, the lowest first; where parts are spare, the upper or the lower ones sing."""
    if len(names) >= voices:
        chosen = names[:voices] if from_top else names[len(names) - voices :]
        return tuple(chosen[::-1])
    return tuple(names[rank * len(names) // voices] for rank in range(voices - 1, -1, -1))


def aimed(goal: Sequence[PartNote], names: Sequence[str], is_line: bool) -> tuple[int | None, ...]:
    """Return the pitch of the chord `goal` that each of the voices sung by `names` leads to, None where none is told.

    Where the goal is one line (`is_line`), or does not say who sings what, only the top voice, the last one, is told.
    """
    pitches = sorted({entry.note.pitch for entry in goal})
    if len(pitches) == len(names):
        return tuple(pitches)
    own = [{entry.note.pitch for entry in goal if entry.part == name} for name in names]
    if not is_line and all(len(sung) == 1 for sung in own):
        return tuple(min(sung) for sung in own)
    return (*(None for _ in names[1:]), *pitches[-1:])


def folded(pitch: int, low: int, high: int) -> int:
    """Return the pitch moved by octaves into a range of an octave or more."""
    if pitch < low:
        return pitch + -(-(low - pitch) // 12) * 12
    return pitch - max(0, -(-(pitch - high) // 12)) * 12
