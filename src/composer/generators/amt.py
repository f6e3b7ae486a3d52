"""The published checkpoints of the Anticipatory Music Transformer as generators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from composer.errors import ModelError
from composer.generators.amt_sampling import Gap, Model, Settings, draw, note_rows, shown
from composer.generators.amt_time import Bins
from composer.generators.base import LATEST, Context, PartNote
from composer.generators.controls import AMT_BANDS, AmtParams
from composer.generators.guides import Guides
from composer.music import TICKS_PER_QUARTER, Note, Part, Span
from composer.neural.gpt2 import Decoder
from composer.tokenizers import amt
from composer.tokenizers.amt import Triple

PAGE = 30 * amt.BINS_PER_SECOND
"""The past begins on a multiple of this, so that what a decoder has computed stays of use."""
MOST_EVENTS = 200
"""Events that may be drawn for one block."""
LONGEST_GAP = 4 * amt.BINS_PER_SECOND
"""Bins of the player's unknown notes that are imagined; a longer gap is left silent."""
SOON_SECONDS, SOON_EVENTS = 4, 60
"""What the window will be then is read ahead."""
DENSITY, PART_DENSITY = 68, 15
"""Tokens a second that music has: the Lakh set's bands on average (amt paper, 2024), and one part of them."""


class Amt:
    """Propose by an anticipatory transformer over absolute time: Thickstun, Hall, Donahue, Liang (2024).

    A player whose notes are known ahead is told as controls, as the paper accompanies, and so are a chart of chords and
    a loop. One who plays now is part of the past, and what the model expects of him, where nothing is known ahead, is
    imagined and thrown away (Scarlatos et al., ReaLJam, 2025). Every block is drawn anew from the notes before it, so
    the answer depends on nothing but the context. The model knows neither tempo nor bars nor velocity.
    """

    Params = AmtParams
    grid = TICKS_PER_QUARTER
    margin = TICKS_PER_QUARTER // 12

    def __init__(self, params: AmtParams, seed: int, model: Model, name: str = "amt") -> None:
        self.params = params
        self.seed = seed
        self.name = name
        self._model = model
        self._guides = Guides.parse(params.chords, params.loop)
        self._answered: tuple[Context, Span] | None = None

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the machine's notes in `span`, in order of onset."""
        for block in span.split(self.grid):
            notes = []
            for note in self._block(context, block):
                notes.append(note)
                yield note
            context = context.extended(notes)
            self._answered = context, block

    def prepare(self) -> Iterator[None]:
        """Read ahead what the next question will show the model, a little at every step; no answer changes."""
        if self._answered is None or not isinstance(self._model, Decoder):
            return
        context, block = self._answered
        begun = _begun(context, self._guides)
        if begun is None:
            return
        soon = round(SOON_SECONDS * context.score.tempos[-1].qpm * TICKS_PER_QUARTER / 60)
        for later, more in ((0, 0), (soon, SOON_EVENTS)):
            clock = Bins(context.score, begun, block.end + later, PAGE)
            guides = self._guided(context, clock, block.end + later)
            band = _Band.of(context, guides)
            known = amt.pad(_before(context, band, clock, context.known_until))
            told = amt.sort(map(amt.as_control, _triples(guides, band, clock, 0, LATEST)))
            known, _ = amt.anticipate(known, told)
            kind = amt.kind(anticipated=bool(told), transcribed=self.params.manner == "transcribed")
            yield from self._model.prepare(shown(known, clock.first(block.end + later), kind, more=more)[0])

    def notice(self) -> str:
        """Return what the player should know before he plays: that this machine is too slow; else nothing."""
        if not isinstance(self._model, Decoder):
            return ""
        band = frozenset(map(_instrument, Checkpoint.parts(self.params)))
        parts, reached = 1 + len(band), self._model.tokens_per_second(note_rows(band))
        if reached >= self._needed(parts):
            return ""
        advice = "set a band of one part, or " if parts > 2 and reached >= self._needed(2) else ""
        return (
            f"{self.name} decodes {reached:.0f} tokens a second here, and {parts} parts take about"
            f" {self._needed(parts)}: the fallback will play where it comes too late; {advice}choose anticipation or"
            " markov"
        )

    def _needed(self, parts: int) -> int:
        """Return how many tokens a second of music takes; what is imagined of the player is as dense as the rest."""
        return min(DENSITY, PART_DENSITY * parts) * max(1, self.params.lead)

    def _guided(self, context: Context, clock: Bins, tick: int) -> tuple[Part, ...]:
        """Return what chart and loop have on this page, as far ahead as is told when notes up to `tick` are drawn."""
        page = Span(max(0, clock.tick(0)), clock.tick(clock.first(tick) + amt.DELTA))
        return self._guides.parts(context.score, page)

    def _block(self, context: Context, block: Span) -> Iterator[PartNote]:
        begun = _begun(context, self._guides)
        if begun is None or begun >= block.end:
            return
        bar = context.score.meter_at(block.start).bar
        is_silent = all(note.end <= block.start - bar for part in context.machines for note in part.notes)
        for attempt in range(1 + self.params.insist * is_silent):
            is_empty = True
            for note in self._drawn(context, block, begun, attempt):
                is_empty = False
                yield note
            if not is_empty:
                return

    def _drawn(self, context: Context, block: Span, begun: int, attempt: int) -> Iterator[PartNote]:
        clock = Bins(context.score, begun, block.start, PAGE)
        guides = self._guided(context, clock, block.end)
        band = _Band.of(context, guides)
        past, ahead, gap = _told(context, guides, block, band, clock)
        is_expected = context.role == "accompany" and context.known_until < block.end
        settings = Settings(
            self.params.temperature,
            self.params.top_p,
            instruments=frozenset((*(band.players if is_expected else ()), *band.machines)),
            most_events=MOST_EVENTS,
            most_at_once=self.params.chord,
            transcribed=self.params.manner == "transcribed",
        )
        rng = np.random.default_rng([self.seed % 2**64, block.start, attempt])
        start, end = clock.first(block.start), clock.first(block.end)
        if isinstance(self._model, Decoder):
            self._model.settle()
        for triple in draw(self._model, start, end, past, ahead, rng=rng, settings=settings, gap=gap):
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
    def of(context: Context, guides: Iterable[Part]) -> _Band:
        machines: dict[int, str] = {}
        by_part: dict[str, int] = {}
        for part in context.machines:
            by_part[part.name] = _instrument(part)
            machines.setdefault(by_part[part.name], part.name)
        for part in (*context.players, *guides):
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


def _begun(context: Context, guides: Guides) -> int | None:
    """Return the tick of the bar in which the music begins, None while an accompanist waits for the player.

    With a chart or a loop it begins at once.
    """
    if guides != Guides():
        return 0
    playing = context.players
    heard = [p.notes[0].onset for p in playing if p.notes and p.notes[0].onset <= context.known_until]
    if context.role == "accompany" and playing and not heard:
        return None
    first = min([*heard, *(p.notes[0].onset for p in context.machines if p.notes)], default=0)
    return context.score.bar_start(first)


def _told(
    context: Context, guides: Iterable[Part], block: Span, band: _Band, clock: Bins
) -> tuple[list[Triple], list[Triple], Gap | None]:
    """Return the past, what is known ahead, and the time before the block in which the player's notes are unknown."""
    known = context.known_until
    ahead = _triples(context.machines, band, clock, block.start, LATEST)
    ahead += _triples(guides, band, clock, 0, LATEST)
    if context.role == "accompany":
        played = _triples(context.players, band, clock, 0, known)
        if played and played[-1].onset >= clock.first(block.start):
            return _triples(context.machines, band, clock, 0, block.start), [*played, *ahead], None
        gap = clock.first(block.start) - clock.first(known)
        if not ahead and band.players and 0 < gap <= LONGEST_GAP:
            given = tuple(_triples(context.machines, band, clock, known, block.start))
            return _before(context, band, clock, known), [], Gap(clock.first(known), given, frozenset(band.players))
    return _before(context, band, clock, block.start), ahead, None


def _before(context: Context, band: _Band, clock: Bins, tick: int) -> list[Triple]:
    """Return what has been played before `tick`, by machine and players, as far as it is known."""
    played = _triples(context.players, band, clock, 0, min(tick, context.known_until))
    return sorted([*_triples(context.machines, band, clock, 0, tick), *map(_provisional(clock, context), played)])


def _provisional(clock: Bins, context: Context) -> Callable[[Triple], Triple]:
    """Return what lengthens a key that is still down to what a note without an end lasts: it has no length yet."""
    heard = clock.bin(context.known_until)
    unknown = amt.DURATION_OFFSET + amt.UNKNOWN_DURATION

    def lengthened(triple: Triple) -> Triple:
        is_held = triple.onset + triple.length >= heard
        return triple._replace(duration=max(triple.duration, unknown)) if is_held else triple

    return lengthened


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
        if model is None:
            least = amt.TRANSCRIBED_VOCABULARY if params.manner == "transcribed" else amt.VOCABULARY
            model = self._decoder(params.model or self.name, least)
        return Amt(params, seed, model, self.name)

    def _decoder(self, name: str, least: int) -> Model:
        from composer.folders import model_folder

        # A checkpoint may be called as on the hub, where it was downloaded from.
        folder = model_folder(name) or model_folder(name.rpartition("/")[2])
        if folder is None:
            raise ModelError(
                f"the checkpoint {name!r} is not here; `composer models download {name}` fetches it, and"
                f" `composer models convert FOLDER models/{self.name}` takes one that you have"
            )
        decoder = Decoder(folder)
        if len(decoder.embedding) < least:
            raise ModelError(
                f"the model in {folder} has {len(decoder.embedding)} tokens where {least} are needed: those of the"
                " arrival-time vocabulary, and two more for music as transcribed; choose another model or manner"
            )
        return decoder


SMALL, MEDIUM, LARGE = (Checkpoint(f"amt-{size}") for size in ("small", "medium", "large"))
