"""The chord zone: keys below a split note name a chord, which holds until the next one is named."""

from __future__ import annotations

from collections.abc import Collection

from composer.music.chords import INTERVALS, QUALITIES, Chord


class Zone:
    """Hold the keys that are down in the zone, and the chord they named last. One thread uses a zone."""

    def __init__(self) -> None:
        self.chord: Chord | None = None
        self._down: set[tuple[int, int]] = set()

    def on(self, channel: int, pitch: int) -> bool:
        """Take a key of the zone that goes down; return whether another chord is named now."""
        self._down.add((channel, pitch))
        named = name(sorted(pitch for _, pitch in self._down))
        if named is None or named == self.chord:
            return False
        self.chord = named
        return True

    def off(self, channel: int, pitch: int) -> None:
        """Take a key that goes up, of the zone or not; the chord stays."""
        self._down.discard((channel, pitch))

    def release(self) -> None:
        """Take every key for up; the chord stays."""
        self._down.clear()

    def close(self) -> None:
        """Forget keys and chord."""
        self._down.clear()
        self.chord = None


def name(pitches: Collection[int]) -> Chord | None:
    """Return the chord of `pitches`, the lowest first; None for fewer than two pitch classes.

    It is the one that misses fewest of the keys, then lacks fewest of its own tones, then stands on the lowest key.
    """
    classes = {pitch % 12 for pitch in pitches}
    if len(classes) < 2:
        return None
    bass = min(pitches) % 12

    def cost(chord: Chord) -> tuple[float, int]:
        tones = set(chord.pitch_classes)
        return (
            2 * len(classes - tones) + len(tones - classes) + 0.5 * (chord.root != bass),
            QUALITIES.index(chord.quality),
        )

    return min((Chord(root, quality) for root in range(12) for quality in INTERVALS), key=cost)
