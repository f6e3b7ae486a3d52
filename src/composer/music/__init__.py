"""Notes, scores and musical time: values only, the standard library only."""

from composer.music.note import TICKS_PER_QUARTER, Note, Span
from composer.music.score import DRUM_CHANNEL, Meter, Part, Score, Tempo
from composer.music.timeline import Timeline

__all__ = ["DRUM_CHANNEL", "TICKS_PER_QUARTER", "Meter", "Note", "Part", "Score", "Span", "Tempo", "Timeline"]
