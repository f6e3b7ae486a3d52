"""A MIDI file under work: a score, a cursor, a chosen range of bars, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from composer.errors import UsageError
from composer.live.job import Request
from composer.live.roles import bars_before
from composer.music import Score
from composer.shelf import is_player

CONTINUED_BARS = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """Hold a score with its file, the bar of the cursor and a range of bars [first, end), all counted from 0."""

    score: Score
    path: Path
    bar: int = 0
    first: int = 0
    end: int = 0
    given: frozenset[str] = frozenset()
    """The names of the parts that a person gave; the others are the machine's."""
    before: tuple[Piece, ...] = field(default=(), repr=False)
    """What undo brings back, the last one first."""

    @staticmethod
    def of(score: Score, path: Path) -> Piece:
        """Return a piece with everything chosen and the cursor at the beginning."""
        names = frozenset(part.name for part in score.parts)
        # In a take of ours the player's parts are the given ones; in any other file all are.
        return Piece(score, path, 0, 0, bars_of(score), frozenset(filter(is_player, names)) or names)

    @property
    def bars(self) -> int:
        """Return how many bars there are, at least one."""
        return bars_of(self.score)

    @property
    def tick(self) -> int:
        """Return where the cursor is."""
        return self.score.bar_tick(self.bar)

    @property
    def chosen(self) -> tuple[int, int]:
        """Return the ticks between which the chosen bars lie."""
        return self.score.bar_tick(self.first), self.score.bar_tick(self.end)

    def moved(self, bars: int) -> Piece:
        """Return the piece with the cursor `bars` further, inside the piece."""
        return replace(self, bar=min(max(0, self.bar + bars), self.bars - 1))

    def begun(self) -> Piece:
        """Return the piece with the range beginning at the cursor."""
        return replace(self, first=self.bar, end=max(self.end, self.bar + 1))

    def ended(self) -> Piece:
        """Return the piece with the range ending after the cursor's bar."""
        return replace(self, first=min(self.first, self.bar), end=self.bar + 1)

    def all_chosen(self) -> Piece:
        """Return the piece with every bar chosen."""
        return replace(self, first=0, end=self.bars)

    def asked(self, verb: str, generator: str, seed: int, input: Path, output: Path) -> Request:
        """Return the job that does `verb` with the chosen bars; `input` holds the score, `output` takes the result."""
        if not any(part.notes for part in self.score.parts):
            raise UsageError("there is no note in the file; open another one")
        span = (self.first, self.end)
        return Request(verb, output, generator, input=input, seed=seed, span=span, bars=CONTINUED_BARS)

    def with_result(self, verb: str, made: Score) -> Piece:
        """Return the piece after a job; what it was before can be brought back.

        `infill` rewrites the bars where they are; `accompany` adds the machine's parts to the whole piece; `continue`
        makes a piece of the chosen bars and what follows them.
        """
        score = made
        if verb == "accompany":
            score = _added(self.score, made, self.chosen[0])
        piece = replace(self, score=score, before=(self, *self.before))
        if verb == "continue":
            piece = replace(piece, bar=self.end - self.first - 1, first=0)
            piece = replace(piece, end=piece.bars)
        return piece

    def undone(self) -> Piece:
        """Return what the piece was before; UsageError when it never was anything else."""
        if not self.before:
            raise UsageError("there is nothing to undo; the piece is as it was opened")
        return self.before[0]


def bars_of(score: Score) -> int:
    """Return how many bars a score has, at least one."""
    end = max(1, score.end)
    line = score.bar_start(end)
    return bars_before(score, line) + (line < end)


def _added(score: Score, made: Score, start: int) -> Score:
    """Return `score` with the parts of `made` that are new, which begins at its tick `start`."""
    names = {part.name for part in score.parts}
    for part in made.parts:
        if part.name not in names:
            score = score.with_part(part.with_notes(note.shift(start) for note in part.notes))
    return score
