"""Our own anticipatory transformer as a generator: it hears the last half quarter and plays the next, harmony first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from composer.errors import ModelError
from composer.generators.base import LATEST, Context, PartNote
from composer.generators.blockstream import BlockStream, Choice, Odds
from composer.generators.controls import BANDS, KEYS, AnticipationParams
from composer.generators.harmony import HarmonyFollower, Listener
from composer.generators.hearing import Hearing
from composer.generators.shaping import Sampling
from composer.music import DRUM_CHANNEL, Note, Part, Span
from composer.music.chords import Chord, Key
from composer.tokenizers import blocks as B
from composer.tokenizers.ids import note_array

PART = {"Piano": (0, 0), "Bass": (1, 33), "Lead": (2, 73), "Drums": (DRUM_CHANNEL, 0)}
"""Channel and General MIDI program of each part."""
MEMORY = 96
"""Blocks that are read again from nothing when a sequence is begun anew: twelve bars of four quarters."""
BEFORE = 16
"""Of these, blocks from before the key that is played in: with more of another key recovery takes longer."""
COUNTED = 4.0
"""How much more the counted model says where there is no ear, because the machine plays alone or takes over."""
UNLIKELY = 1e-4


class Anticipation:
    """Propose by an anticipatory transformer over blocks of half a quarter; see composer.tokenizers.blocks.

    The player's block b - lead is known when the machine's block b is chosen; later player's notes are imagined and
    forgotten. The chord of a block is heard in the player's notes alone (composer.generators.hearing), because a
    model that reads the chords it chose itself believes them. Chords of past blocks are decided again from the same
    seed, so the same context has the same answer wherever it fits the model's window. After Thickstun, Hall,
    Donahue, Liang, Anticipatory Music Transformer (2024), with a signed lead in musical time, chords before notes
    and one step a note.
    """

    Params = AnticipationParams
    grid = B.BLOCK_TICKS
    margin = B.MARGIN

    def __init__(self, params: AnticipationParams, seed: int, *, decoder: Any = None) -> None:
        self.params = params
        self.seed = seed % 2**64
        self.chords: list[tuple[int, str]] = []
        self.key = ""
        self._listener = Listener()
        if decoder is None:
            decoder = _decoder(params.model)
        if decoder.config["input_rows"] != B.INPUT_ROWS:
            raise ModelError(f"the model {params.model!r} speaks another vocabulary; choose one for 'blocks'")
        self._stream = BlockStream(decoder, _sampling(params))
        self._hearing = Hearing(decoder.twin())

    @staticmethod
    def parts(params: AnticipationParams) -> tuple[Part, ...]:
        """Return the machine's parts, without notes."""
        return tuple(Part(name, (), *PART[name]) for name, _ in BANDS[params.band])

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the machine's notes in `span`, in order of onset."""
        heard = (context.known_until + B.MARGIN) // B.BLOCK_TICKS  # blocks below this one are known
        self.chords, self.key = [], ""
        begun = self._begun(context)
        if begun is None:
            return
        first, last = span.start // B.BLOCK_TICKS, -(-span.end // B.BLOCK_TICKS)
        until = (last - min(0, self.params.lead)) * B.BLOCK_TICKS  # what comes later is not asked for
        follower = self._listener.follow(context, min(context.known_until, until))
        asked = self.params.key
        key = follower.key if asked == "auto" else Key(KEYS.index(asked))
        self.key, shift = key.name, B.key_shift(key.tonic, key.mode == "minor")
        instruments = self._instruments(context)
        played = tuple(sorted(set(instruments.values())))
        mask = sum(1 << i for i in played)
        # A pianist who plays alone accompanies a melody of his imagination; one who has the melody plays it.
        alone = not context.players and "melody" not in self.params.band
        by_ear = context.role == "accompany" and not alone
        since = follower.key_since - BEFORE if asked == "auto" else 0
        origin = max(begun, first - MEMORY, min(first, since))
        self._stream.begin((shift, played, self.params.lead, context.role), origin, first, by_ear)
        player, machine = self._rows(context, instruments, span.start, shift)
        start = self._stream.skip(first, player, machine, alone)
        row = partial(self._block_row, context, mask)
        ear: dict[int, Odds] = {}
        if by_ear:

            def told(block: int) -> B.Ints:
                return self._group(player, block) if block - self.params.lead < heard else player[:0]

            blank = partial(self._block_row, context, 1 << B.INSTRUMENTS.index("piano"))  # as listeners are trained
            ear = self._hearing.listen((shift, self.params.lead), origin, start, last - 1, told, blank)
        believe = partial(self._believe, ear, self._counted(follower, shift))
        joins = begun + self._bars_of_listening(context, begun)
        for block in range(start, last):
            given = _in_blocks(machine, block, block)
            imagined = alone or block - self.params.lead >= heard
            known = None if imagined else self._group(player, block)
            choice = Choice(partial(believe, block), partial(np.random.default_rng, [self.seed, block]))
            if block < max(first, joins):
                self._stream.replay(block, partial(row, block), known, given, choice)
                continue
            after = (span.start - block * B.BLOCK_TICKS + B.GRID - 1) // B.GRID
            for event in self._stream.play(block, partial(row, block), known, given, choice, max(0, after)):
                note = self._note(event, shift)
                if note.onset in span:
                    yield PartNote(self._name(int(event[B.INST]), instruments), note)
            self._name_chord(block, shift)

    def prepare(self) -> Iterator[None]:
        """Read what was just played, in a moment when nobody waits for an answer."""
        self._stream.settle()
        yield

    def _counted(self, follower: HarmonyFollower, shift: int) -> Callable[[int], Odds]:
        """Return what the counted model believes of the chord of a block, as log-odds of key-relative chords."""
        moved = B.transpose_chords(np.arange(B.CHORDS), -shift)  # the absolute chord of each key-relative one
        lead = max(0, self.params.lead)
        return lambda block: self.params.listening * np.log(follower.foresee(block, lead)[moved] + UNLIKELY)

    @staticmethod
    def _believe(ear: dict[int, Odds], counted: Callable[[int], Odds], block: int) -> Odds:
        # The ear knows more than the counted model, which is asked beside it only a little; the ear's window may be the
        # shorter one, when the player plays many notes.
        if block not in ear:
            return COUNTED * counted(block)
        return np.asarray(np.log(ear[block] + UNLIKELY) + counted(block))

    @staticmethod
    def _begun(context: Context) -> int | None:
        """Return the block of the bar in which the music begins, None while an accompanist waits for the player."""
        onset = min((p.notes[0].onset for p in context.players if p.notes), default=None)
        if onset is not None and onset <= context.known_until:
            return context.score.bar_start(onset) // B.BLOCK_TICKS
        return None if context.players and context.role == "accompany" else 0

    def _bars_of_listening(self, context: Context, begun: int) -> int:
        """Return how many blocks an accompanist only listens, so that the first chord is no guess."""
        if context.role != "accompany" or not context.players or self.params.lead < 0:
            return 0
        return self.params.wait * context.score.meter_at(begun * B.BLOCK_TICKS).bar // B.BLOCK_TICKS

    def _group(self, player: B.Ints, block: int) -> B.Ints:
        """Return the player's rows that come before a block: those of block - lead, at the beginning all before."""
        first = block if block == self._stream.first and self.params.lead < 0 else block - self.params.lead
        return _in_blocks(player, first, block - self.params.lead)

    def _rows(self, context: Context, instruments: dict[str, int], before: int, shift: int) -> tuple[B.Ints, B.Ints]:
        """Return what the player played, and what the machine played before a tick, as far as the sequence reaches.

        Where the machine takes over (continue, trade, fill), what the player played before is read as its own: a band
        of drums alone goes on with the player's drums, and listens to everything else.
        """
        reach = 0 if self.params.lead < 0 else (self._stream.first - self.params.lead - 1) * B.BLOCK_TICKS
        past = Span(max(0, reach), max(0, reach, before))
        rows = [np.zeros((0, 8), dtype=np.int64)]
        for part in context.machines:
            played = note_array(part.within(past))
            # The model reads what it meant, or asking it to be louder would make it louder and louder.
            played[:, 3] = np.clip(played[:, 3] - self.params.velocity, 1, 127)
            rows.append(B.machine_events(played, instruments[part.name], shift))
        player = [rows[0]]
        for part in context.players:
            voice = next((i for i in instruments.values() if (i == B.DRUMS) == part.is_drums), None)
            if context.role != "accompany" and voice is not None:
                rows.append(B.machine_events(note_array(part.within(past)), voice, shift))
            elif not part.is_drums:
                notes = part.within(Span(past.start, LATEST))
                player.append(B.player_events(note_array(notes), shift))
        return _in_order(np.concatenate(player)), _in_order(np.concatenate(rows))

    def _instruments(self, context: Context) -> dict[str, int]:
        """Return the model's instrument for each machine part; those of other generators play the first tuned one.

        Where the band has no tuned one that is the piano.
        """
        band = dict(BANDS[self.params.band])
        fallback = next((name for name in band.values() if name != "drums"), "piano")
        out = {}
        for part in context.machines:
            name = "drums" if part.is_drums else band.get(part.name, fallback)
            out[part.name] = B.INSTRUMENTS.index(name)
        return out

    @staticmethod
    def _name(instrument: int, instruments: dict[str, int]) -> str:
        return next(name for name, i in instruments.items() if i == instrument)

    def _block_row(self, context: Context, mask: int, block: int) -> B.Ints:
        tick = block * B.BLOCK_TICKS
        meter = context.score.meter_at(tick)
        place = (tick - context.score.bar_start(tick)) // B.BLOCK_TICKS
        tempo = max((t for t in context.score.tempos if t.tick <= tick), key=lambda t: t.tick).qpm
        conditions = B.Conditions(self.params.lead, B.tempo_class(tempo), mask)
        bar = meter.bar // B.BLOCK_TICKS
        rows = B.block_events(np.array([block]), np.array([place]), np.array([bar]), np.array([0]), conditions)
        return np.asarray(rows[0])

    def _note(self, event: B.Ints, shift: int) -> Note:
        onset = int(event[B.TIME]) * B.GRID
        pitch = int(event[B.PITCH])
        if event[B.INST] != B.DRUMS:
            pitch = int(B.fold(np.array(pitch - shift)))
        velocity = min(127, max(1, int(event[B.VEL]) * 8 + 4 + self.params.velocity))
        return Note(onset, pitch, int(B.DURATIONS[event[B.DUR]]) * B.GRID, velocity)

    def _name_chord(self, block: int, shift: int) -> None:
        index = int(B.transpose_chords(np.array(self._stream.chord_of(block)), -shift))
        symbol = Chord.from_index(index).symbol
        if not self.chords or self.chords[-1][1] != symbol:
            self.chords.append((block * B.BLOCK_TICKS, symbol))


def _in_blocks(rows: B.Ints, first: int, last: int) -> B.Ints:
    """Return the rows, which are in order of time, of the blocks first..last."""
    low, high = np.searchsorted(rows[:, B.TIME], (first * B.POSITIONS, (last + 1) * B.POSITIONS))
    return rows[low:high]


def _in_order(rows: B.Ints) -> B.Ints:
    """Return rows by time, instrument and pitch, each once."""
    rows = rows[np.lexsort((rows[:, B.PITCH], rows[:, B.INST], rows[:, B.TIME]))]
    same = (np.diff(rows[:, [B.PITCH, B.INST, B.TIME]], axis=0) == 0).all(axis=1)
    return np.asarray(rows[np.concatenate([[True], ~same])]) if len(rows) else rows


def _sampling(params: AnticipationParams) -> Sampling:
    return Sampling(
        params.temperature,
        params.top_p,
        params.harmony,
        params.density,
        pitch_temperature=params.pitch_temperature,
        pitch_top_p=params.pitch_top_p,
        rhythm_temperature=params.rhythm_temperature,
        rhythm_top_p=params.rhythm_top_p,
        chord_mask=params.chord_mask,
        in_key=params.scale == "key",
        repetition=params.repetition,
        low=params.low,
        high=params.high,
    )


def _decoder(name: str) -> Any:
    from composer.folders import model_folder
    from composer.neural.runtime import Decoder

    found = model_folder(name)
    if found is None:
        raise ModelError(f"there is no model {name!r}; `composer models list` names the ones there are")
    return Decoder(found)
