"""Steering: what the session does to the machine's notes on their way out, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from composer.generators.base import choice, param
from composer.generators.controls import KEYS
from composer.music import TICKS_PER_QUARTER, Meter, Note
from composer.music.chords import Chord

TONES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole": (0, 2, 4, 6, 8, 10),
}
"""Semitones above the tonic of every scale that can be locked to."""
FOLLOW = ("follow", "lead", "ignore")
PITCHED = ("lock", "tones", "split", "lowest", "highest", "transpose")
"""What can be steered of pitches only, so not of drums."""
_EIGHTH = TICKS_PER_QUARTER // 2
_SWING_TICKS = 80
_HUMAN_TICKS = 20
_HUMAN_VELOCITY = 12
REACH = _SWING_TICKS + _HUMAN_TICKS
"""The most ticks by which a note comes later than it was written; none comes earlier."""


@dataclass(frozen=True, slots=True)
class Steering:
    """Hold what a player can set of every machine."""

    follow: str = choice("follow", FOLLOW, "it hears you, goes on from what you played until now, or ignores you")
    lock: str = choice("off", ("off", *KEYS), "it keeps to the scale on this note")
    tones: str = choice("major", tuple(TONES), "the scale of the lock")
    split: int = param(0, "chord zone: keys below this pitch name the chord it keeps to; 0 for no zone", 0, 127, 1)
    lowest: int = param(0, "lowest pitch; lower notes move up by octaves", 0, 115, 1)
    highest: int = param(127, "highest pitch; higher notes move down by octaves", 12, 127, 1)
    transpose: int = param(0, "semitones by which its notes move", -24, 24, 1)
    balance: float = param(0.0, "you (below 0) or it (above 0) in front; at -1 it is silent", -1.0, 1.0, 0.1)
    curve: float = param(0.0, "softer (below 0) or louder between the softest and the loudest", -1.0, 1.0, 0.1)
    swing: float = param(0.0, "how late off-beat eighths come, 1 for triplets", 0.0, 1.0, 0.05)
    humanise: float = param(0.0, "how unevenly it plays, in time and loudness", 0.0, 1.0, 0.05)

    def pitch(self, pitch: int, chord: Chord | None) -> int:
        """Return where a pitch goes: transposed, then to the nearest of the chord or scale, then into the register."""
        allowed = chord.pitch_classes if chord is not None else ()
        if not allowed and self.lock != "off":
            allowed = tuple((KEYS.index(self.lock) + tone) % 12 for tone in TONES[self.tones])
        return self._into_register(_nearest(_octaves(pitch + self.transpose, 0, 127), allowed))

    def velocity(self, velocity: int, chance: float) -> int:
        """Return how loud a note is, 0 for silent; `chance` (0..1) is its share of unevenness."""
        if self.balance <= -1:
            return 0
        exponent: float = 4.0**-self.curve
        curved: float = 1 + 126 * ((velocity - 1) / 126) ** exponent
        balanced = curved * (1 + self.balance) if self.balance < 0 else curved + (127 - curved) * self.balance
        return max(1, min(round(balanced + (2 * chance - 1) * _HUMAN_VELOCITY * self.humanise), 127))

    def swung(self, tick: int, meter: Meter) -> int:
        """Return where `tick` goes: the first eighth of every quarter grows and the second shrinks."""
        if not self.swing or meter.denominator > 4:
            return tick
        quarter, inside = divmod(tick - meter.tick, TICKS_PER_QUARTER)
        first = _EIGHTH + _SWING_TICKS * self.swing
        late = (
            inside * first / _EIGHTH
            if inside < _EIGHTH
            else first + (inside - _EIGHTH) * (TICKS_PER_QUARTER - first) / _EIGHTH
        )
        return meter.tick + quarter * TICKS_PER_QUARTER + round(late)

    def steered(self, note: Note, id: int, meter: Meter, chord: Chord | None, is_drums: bool) -> Note | None:
        """Return how the note numbered `id` sounds, None when it does not; the same number, the same unevenness."""
        velocity = self.velocity(note.velocity, _chance(id, 2246822519))
        if not velocity:
            return None
        late = round(_HUMAN_TICKS * self.humanise * _chance(id, 2654435761))
        onset, end = self.swung(note.onset, meter) + late, self.swung(note.end, meter) + late
        pitch = note.pitch if is_drums else self.pitch(note.pitch, chord)
        return replace(note, onset=onset, duration=max(1, end - onset), pitch=pitch, velocity=velocity)

    @property
    def set(self) -> dict[str, str]:
        """Return what is steered, as text, without what is not."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: str(value) for name, value in values.items() if value != getattr(NEUTRAL, name)}

    @staticmethod
    def neutral() -> dict[str, str]:
        """Return every value, as text, that steers nothing."""
        return {f.name: str(f.default) for f in fields(Steering)}

    def _into_register(self, pitch: int) -> int:
        return _octaves(pitch, min(self.lowest, self.highest), max(self.lowest, self.highest))


NEUTRAL = Steering()


def _octaves(pitch: int, low: int, high: int) -> int:
    """Return `pitch` moved by octaves into [low, high], as near as possible where that is less than an octave."""
    while pitch > high:
        pitch -= 12
    while pitch < low and pitch + 12 <= 127:
        pitch += 12
    return pitch if pitch >= 0 else pitch + 12


def _nearest(pitch: int, allowed: Iterable[int]) -> int:
    classes = set(allowed)
    if not classes:
        return pitch
    return next(p for d in range(12) for p in (pitch - d, pitch + d) if p % 12 in classes and 0 <= p <= 127)


def _chance(id: int, factor: int) -> float:
    # Knuth's multiplicative hash: even over successive numbers, and the same in every run.
    return id * factor % 2**32 / 2**32
