"""The published checkpoints of the Anticipatory Music Transformer as generators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from composer.errors import ModelError
from composer.generators.amt_sampling import Model, Settings, draw
from composer.generators.amt_time import Bins
from composer.generators.base import Context, PartNote
from composer.generators.controls import AMT_BANDS, AmtParams
from composer.music import TICKS_PER_QUARTER, Note, Part, Span
from composer.tokenizers import amt
from composer.tokenizers.amt import Triple

PAGE = 50 * amt.BINS_PER_SECOND
"""The past begins on a multiple of this, so that what a decoder has computed stays of use."""
MOST_EVENTS = 200
"""Events that may be drawn for one block."""


class Amt:
    """Propose by an anticipatory transformer over absolute time: Thickstun, Hall, Donahue, Liang (2024).

    A player whose notes are known ahead is told as controls, as the paper accompanies. One who plays now is part of the
    past, and what the model expects of him is imagined and thrown away. Every block is drawn anew from the notes
    before it, so the answer depends on nothing but the context. The model knows neither tempo nor bars nor velocity.
    """

    Params = AmtParams
    grid = TICKS_PER_QUARTER
    margin = TICKS_PER_QUARTER // 12

    def __init__(self, params: AmtParams, seed: int, model: Model) -> None:
        self.params = params
        self.seed = seed
        self._model = model

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the machine's notes in `span`, in order of onset."""
        for block in span.split(self.grid):
            notes = []
            for note in self._block(context, block):
                notes.append(note)
                yield note
            context = context.extended(notes)

    def _block(self, context: Context, block: Span) -> Iterator[PartNote]:
        begun = _begun(context)
        if begun is None or begun >= block.end:
            return
        band = _Band.of(context)
        clock = Bins(context.score, begun, block.start, PAGE)
        past, ahead, is_expected = _told(context, block, band, clock)
        settings = Settings(
            self.params.temperature,
            self.params.top_p,
            instruments=frozenset(band.players if is_expected else ()) | band.machines.keys(),
            most_events=MOST_EVENTS,
            most_at_once=self.params.chord,
        )
        rng = np.random.default_rng([self.seed % 2**64, block.start])
        start, end = clock.first(block.start), clock.first(block.end)
        for triple in draw(self._model, start, end, past, ahead, rng=rng, settings=settings):
            name = band.machines.get(triple.instrument)
            if name is None:  # a rest, or the player as the model imagines him
                continue
            onset = clock.tick(triple.onset)
            duration = clock.tick(triple.onset + triple.length) - onset
            yield PartNote(name, Note(onset, triple.pitch, max(1, duration), self.params.velocity))


@dataclass(frozen=True, slots=True)
class _Band:
    """Hold the instruments: of the machine's parts by instrument, and of the players by part."""

    machines: dict[int, str]
    by_part: dict[str, int]
    players: tuple[int, ...]

    @staticmethod
    def of(context: Context) -> _Band:
        machines: dict[int, str] = {}
        by_part: dict[str, int] = {}
        for part in context.machines:
            by_part[part.name] = _instrument(part)
            machines.setdefault(by_part[part.name], part.name)
        for part in context.players:
            by_part[part.name] = _other_instrument(part, machines)
        players = tuple(sorted({by_part[part.name] for part in context.players} - machines.keys()))
        return _Band(machines, by_part, players)


def _instrument(part: Part) -> int:
    return amt.DRUMS if part.is_drums else part.program


def _other_instrument(part: Part, taken: Iterable[int]) -> int:
    """Return the player's instrument, or one of its family that the machine does not play: else both were one."""
    if part.is_drums:
        return amt.DRUMS
    family = part.program // 8 * 8
    free = (i for i in (part.program, *range(family, family + 8), *range(128)) if i not in taken)
    return next(free, part.program)


def _begun(context: Context) -> int | None:
    """Return the tick of the bar in which the music begins, None while an accompanist waits for the player."""
    playing = context.players
    heard = [p.notes[0].onset for p in playing if p.notes and p.notes[0].onset <= context.known_until]
    if context.role == "accompany" and playing and not heard:
        return None
    first = min([*heard, *(p.notes[0].onset for p in context.machines if p.notes)], default=0)
    return context.score.bar_start(first)


def _told(context: Context, block: Span, band: _Band, clock: Bins) -> tuple[list[Triple], list[Triple], bool]:
    """Return the past, what is known ahead, and whether the player may still play in the block."""
    played = _triples(context.players, band, clock, 0, context.known_until)
    to_come = [triple for triple in played if triple.onset >= clock.first(block.start)]
    past = _triples(context.machines, band, clock, 0, block.start)
    ahead = _triples(context.machines, band, clock, block.start, context.score.end + 1)
    if context.role == "accompany" and to_come:
        return past, [*played, *ahead], False
    before = _triples(context.players, band, clock, 0, min(block.start, context.known_until))
    is_expected = context.role == "accompany" and context.known_until < block.end
    return sorted([*past, *before]), ahead, is_expected


def _triples(parts: Iterable[Part], band: _Band, clock: Bins, start: int, end: int) -> list[Triple]:
    """Return the notes of parts that begin in [start, end) and are not forgotten, by time."""
    found = []
    for part in parts:
        for note in part.within(Span(start, max(start, end))):
            onset, until = clock.bin(note.onset), clock.bin(note.end)
            if onset >= 0:
                length = min(max(1, until - onset), amt.MAX_DURATION - 1)
                found.append(amt.event(onset, length, band.by_part[part.name], note.pitch))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Be the class of a generator whose weights are a folder under models/."""

    name: str
    Params: ClassVar[type] = AmtParams
    grid: ClassVar[int] = Amt.grid
    margin: ClassVar[int] = Amt.margin

    @staticmethod
    def parts(params: AmtParams) -> tuple[Part, ...]:
        """Return the machine's parts, without notes."""
        return tuple(Part(name, (), channel, program) for name, channel, program in AMT_BANDS[params.band])

    def __call__(self, params: AmtParams, seed: int, *, model: Any = None) -> Amt:
        """Return a generator; ModelError when the checkpoint is missing, damaged or of another vocabulary."""
        return Amt(params, seed, self._decoder(params.model or self.name) if model is None else model)

    def _decoder(self, name: str) -> Model:
        from composer.folders import model_folder
        from composer.neural.gpt2 import Decoder

        folder = model_folder(name)
        if folder is None:
            raise ModelError(
                f"the checkpoint {name!r} is not here; fetch it from Hugging Face (stanford-crfm) and make it playable"
                f" with `composer models convert FOLDER models/{self.name}`"
            )
        decoder = Decoder(folder)
        if len(decoder.embedding) < amt.VOCABULARY:
            raise ModelError(
                f"the model in {folder} has {len(decoder.embedding)} tokens where a checkpoint of the arrival-time"
                f" vocabulary has {amt.VOCABULARY}; choose another"
            )
        return decoder


SMALL, MEDIUM, LARGE = (Checkpoint(f"amt-{size}") for size in ("small", "medium", "large"))
