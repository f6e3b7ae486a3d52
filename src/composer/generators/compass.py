"""Pitches brought back into a compass."""

from __future__ import annotations


def folded(pitch: float, low: float, high: float) -> float:
    """Return the pitch moved by octaves into [low, high], or to the lower edge where no octave fits."""
    if pitch < low:
        pitch += -(-(low - pitch) // 12) * 12
    if pitch > high:
        pitch -= -(-(pitch - high) // 12) * 12
    return max(low, pitch)


def reflected(value: float, low: float, high: float) -> float:
    """Return `value` turned back into [low, high] at its edges, as often as it takes."""
    if high <= low:
        return low
    place = (value - low) % (2 * (high - low))
    return low + min(place, 2 * (high - low) - place)
