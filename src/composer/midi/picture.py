"""A MIDI file as a picture: the piano roll of its notes as SVG.

Used as `python -m composer.midi.picture IN.mid -o OUT.svg`. Pitch goes up, time to the right with a line for each bar
and its number; every part has a colour of its own, and what is louder is darker.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from xml.sax.saxutils import escape

from composer.errors import ComposerError
from composer.midi import files
from composer.music import Part, Score

COLORS = ("#2f6db3", "#d1702a", "#3f8f4f", "#b03a48", "#7a5aa6", "#8a6d3b", "#c2559d", "#5b6770")
"""The colours of the parts, in order; a ninth part begins again."""
WIDTH, ROW = 960, 5
"""Pixels: how wide the picture is, and how high one semitone."""
_LEFT, _TOP, _BOTTOM = 34, 24, 18
_ACROSS = WIDTH - _LEFT - 2
_NUMBER = 28
"""Pixels that the number of a bar takes at least."""
_OCTAVE = 12
_BLACK_KEYS = (1, 3, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Hold which ticks and pitches are on the picture, and say where they stand on it, in pixels."""

    end: int
    low: int
    high: int

    @property
    def height(self) -> int:
        return _TOP + (self.high - self.low) * ROW + _BOTTOM

    def x(self, tick: int) -> float:
        return round(_LEFT + min(tick, self.end) * _ACROSS / self.end, 2)

    def y(self, pitch: int) -> int:
        return _TOP + (self.high - 1 - pitch) * ROW


def draw(score: Score, *, last_bar: int | None = None) -> str:
    """Return the piano roll of `score` as SVG, the same text every time; `last_bar` cuts it after that many bars."""
    end = _end(score, last_bar)
    parts = [part.with_notes(note for note in part.notes if note.onset < end) for part in score.parts]
    parts = [part for part in parts if part.notes]
    pitches = [note.pitch for part in parts for note in part.notes] or [60]
    frame = _Frame(end, min(pitches) // _OCTAVE * _OCTAVE, (max(pitches) // _OCTAVE + 1) * _OCTAVE)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {frame.height}" width="{WIDTH}" '
        f'height="{frame.height}" font-family="sans-serif" font-size="10" fill="#444">',
        f'<rect width="{WIDTH}" height="{frame.height}" fill="#fff"/>',
        *_keyboard(frame),
        *_bar_lines(score, frame),
        *(line for part, color in zip(parts, cycle(COLORS), strict=False) for line in _notes(part, color, frame)),
        *_legend([part.name for part in parts]),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _keyboard(frame: _Frame) -> Iterator[str]:
    for pitch in range(frame.low, frame.high):
        if pitch % _OCTAVE in _BLACK_KEYS:
            yield f'<rect x="{_LEFT}" y="{frame.y(pitch)}" width="{_ACROSS}" height="{ROW}" fill="#f3f4f6"/>'
        if pitch % _OCTAVE == 0:
            yield f'<text x="4" y="{frame.y(pitch) + ROW}">C{pitch // _OCTAVE - 1}</text>'


def _notes(part: Part, color: str, frame: _Frame) -> Iterator[str]:
    yield f'<g fill="{color}"><title>{escape(part.name)}</title>'
    for note in part.notes:
        x, y = frame.x(note.onset), frame.y(note.pitch)
        # A gap of half a pixel keeps repeated notes apart.
        width = max(1.0, round(frame.x(note.end) - x - 0.5, 2))
        opacity = round(0.35 + 0.65 * note.velocity / 127, 2)
        yield f'<rect x="{x}" y="{y}" width="{width}" height="{ROW - 1}" rx="1" opacity="{opacity}"/>'
    yield "</g>"


def _end(score: Score, last_bar: int | None) -> int:
    """Return the bar line after the last note, or after `last_bar` bars when that is earlier."""
    line = score.bar_start(max(0, score.end - 1))
    end = line + score.meter_at(line).bar
    return end if last_bar is None else min(end, score.bar_tick(last_bar))


def _bar_lines(score: Score, frame: _Frame) -> Iterator[str]:
    tick, bar, numbered = 0, 1, -100.0
    while tick <= frame.end:
        x = frame.x(tick)
        yield f'<path d="M{x} {_TOP}V{frame.height - _BOTTOM}" stroke="#c9ced6" stroke-width="0.6"/>'
        if tick < frame.end and x - numbered >= _NUMBER:
            numbered = x
            yield f'<text x="{x + 1}" y="{frame.height - 6}">{bar}</text>'
        meter = score.meter_at(tick)
        changed = min((m.tick for m in score.meters if m.tick > tick), default=tick + meter.bar)
        tick, bar = min(tick + meter.bar, changed), bar + 1


def _legend(names: list[str]) -> Iterator[str]:
    at = _LEFT
    for name, color in zip(names, cycle(COLORS), strict=False):
        yield f'<rect x="{at}" y="8" width="9" height="9" fill="{color}"/>'
        yield f'<text x="{at + 13}" y="16">{escape(name)}</text>'
        at += 26 + 6 * len(name)


def main(argv: list[str] | None = None) -> int:
    """Draw the file that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m composer.midi.picture", description="Draw a MIDI file as SVG.")
    parser.add_argument("input", type=Path, metavar="IN.mid")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.svg")
    parser.add_argument("--bars", type=int, default=None, metavar="N", help="only the first N bars")
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    args = parser.parse_args(argv)
    try:
        if args.bars is not None and args.bars < 1:
            parser.error(f"--bars cannot be {args.bars}; it is a number of bars from 1 up")
        svg = draw(files.read(args.input), last_bar=args.bars)
        files.save(svg.encode("utf-8"), args.output, force=args.force)
    except ComposerError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
