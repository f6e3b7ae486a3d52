"""A Markov accompanist: chords and bass that follow the player's harmony, and phrases in the player's own manner."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from composer.errors import FileError
from composer.generators import melodies
from composer.generators.base import Context, PartNote
from composer.generators.comping import LEFT, RIGHT, SPLIT, bass_pitch, strike, voicing
from composer.generators.constrained import pick
from composer.generators.controls import MarkovParams
from composer.generators.corpus import account, learn_once
from composer.generators.counts import BLOCK, load_tables, place_at
from composer.generators.gap import around
from composer.generators.harmony import Listener
from composer.generators.phrase import Frame, Improviser
from composer.generators.scene import LONGEST_ANSWER, REST, Player, Scene, Wishes
from composer.generators.style import Corpus, Style
from composer.generators.viewpoints import Tune
from composer.music import Note, Part, Span

ROOM = 5
"""Semitones that the middle of the chords keeps below the player's line; where there are not so many, it is above."""
LOOKED_BACK = 17
"""Notes of a line that decide how it goes on: twice the highest order, because breaths are left out, and one."""
BEHIND = 25
"""Ticks after a note at which its shadow falls: the least commit, and what hearing and answering may take."""


class Markov:
    """Play along by Markov chains: of chords, of a pianist's strikes, and of the player's own phrases.

    Chords come from a counted hidden Markov model, strikes from counts of POP909's pianists, phrases from
    variable-order chains over pitches, note values, loudness and length, learned from the player and from a corpus
    (Pachet, The Continuator: Musical Interaction with Style, 2003), bound to chord, key and ending by constrained
    sampling (Pachet, Roy, Barbieri, Finite-Length Markov Processes with Constraints, 2011); Hiller and Isaacson
    weighted order and consonance in Illiac Suite IV (1957). Changed: everything is decided in blocks of half a quarter,
    from the seed and the place, so that a question asked again has the same answer; constraints are weights, and reach
    two notes ahead, or four where a phrase ends.
    """

    Params = MarkovParams
    grid = 1
    margin = 0

    def __init__(self, params: MarkovParams, seed: int) -> None:
        """Make one that has heard nothing but its corpus; `seed` may be any integer.

        FileError when the corpus cannot be used, UsageError when the chords are none.
        """
        self.params = params
        self.chords: list[tuple[int, str]] = []
        """Tick and symbol of every chord of the last proposal, as far as it was read."""
        self.key = ""
        """The key of its last block, "" while there was none."""
        self._seed = seed % 2**63
        self._listener = Listener()
        self._phrases: dict[tuple[tuple[Note, ...], tuple[Note, ...], Frame, float], list[Note]] = {}
        """The latest phrases, by all that they depend on."""
        self._wishes = Wishes.parse(params.key, params.chords)
        self._tunes, self._account = _tunes(params.corpus) if params.corpus else ([], "")
        corpus = Corpus(self._tunes, params.viewpoint, params.order) if self._tunes else None
        self._improviser = Improviser(Style(params.viewpoint, params.order, corpus, params.yours), params.harmony)

    @classmethod
    def parts(cls, params: MarkovParams) -> tuple[Part, ...]:
        """Return the parts that it plays where nobody asks for others: a bass, a piano, and a lead for a corpus."""
        two = (Part("Bass", channel=1, program=33), Part("Piano", channel=0, program=0))
        return (*two, Part("Lead", channel=2, program=0)) if params.corpus else two

    def notice(self) -> str:
        """Return what the player should know about the corpus, "" without one."""
        return self._account

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts in `span`; it takes a millisecond or so a beat."""
        self.chords, self.key = [], ""
        if not [part for part in context.machines if not part.is_drums]:
            return
        scene = Scene(context, self._listener, self._seed, self._wishes, around(context, span), span.start)
        for block in range(span.start // BLOCK, -(-span.end // BLOCK)):
            chord, self.key = scene.chord(block), scene.key(block).name
            if not self.chords or self.chords[-1][1] != chord.symbol:
                self.chords.append((max(span.start, block * BLOCK), chord.symbol))
            # A block is decided whole, whatever the span: the part before the span was played already.
            notes = self._line(scene, block) if scene.sings else self._accompany(scene, block)
            scene.played(notes)
            yield from (n for n in notes if n.note.onset in span)

    def _accompany(self, scene: Scene, block: int) -> list[PartNote]:
        player = scene.player(block)
        rng = scene.rng(block)
        notes = [*self._bass(scene, block, player, rng), *self._comp(scene, block, player, rng)]
        notes += self._shadow(scene, block)
        if self.params.answers and self._has_a_turn(scene, block, player.silent_since):
            notes += self._line(scene, block)
        return sorted(notes, key=lambda n: n.note)

    def _has_a_turn(self, scene: Scene, block: int, since: int | None) -> bool:
        """Return whether a line may sound beside the accompaniment.

        It does so for the time of an answer, and on and on where nobody is to come back; who knows tunes never runs out
        of them.
        """
        if since is None:
            return scene.is_alone and bool(self._tunes)
        begin, now = since + REST, block * BLOCK
        return begin <= now and (bool(self._tunes) or now < begin + LONGEST_ANSWER or scene.is_over(block))

    def _bass(self, scene: Scene, block: int, player: Player, rng: np.random.Generator) -> list[PartNote]:
        chord, place = scene.chord(block), place_at(scene.score, block * BLOCK)
        changed = place.block == 0 or scene.chord(block - 1) != chord
        liveliness = 2 * self.params.density
        struck = strike(load_tables(), LEFT, place, scene.struck(block, LEFT), liveliness, rng)
        pitch = bass_pitch(chord, 0.0 if changed else rng.random())
        if pitch is None or not self.params.density or not (struck or changed):
            return []
        onset = block * BLOCK + (BLOCK // 2 if struck == 2 and not changed else 0)
        end = scene.chord_end(block, 4 if changed else 2)
        note = Note(onset, pitch, max(60, end - onset - 20), _loud(player.velocity - 2 + 6 * changed, rng))
        return scene.free(scene.bass, [note])

    def _comp(self, scene: Scene, block: int, player: Player, rng: np.random.Generator) -> list[PartNote]:
        chord, place = scene.chord(block), place_at(scene.score, block * BLOCK)
        # The more the player plays, the more room is left.
        busy = min(1.0, player.onsets / 12)
        liveliness = 2 * self.params.density * (1 - 0.7 * busy)
        struck = strike(load_tables(), RIGHT, place, scene.struck(block, RIGHT), liveliness, rng)
        size = 3 if rng.random() < self.params.density + 0.3 * (place.block % 4 == 0) - 0.3 * busy else 2
        length = (1, 2, 4)[pick((0.2 + busy, 0.5, 0.5), rng)]
        if not self.params.density:
            return []
        pitches = voicing(chord, self._middle(player), size)
        end = scene.chord_end(block, length)
        notes = []
        for bit, onset in ((1, block * BLOCK), (2, block * BLOCK + BLOCK // 2)):
            if struck & bit:
                stop = block * BLOCK + BLOCK // 2 if struck == 3 and bit == 1 else end
                loudness = player.velocity - 10 + 4 * (place.block == 0 and bit == 1)
                notes += [Note(onset, p, max(60, stop - onset - 20), _loud(loudness, rng)) for p in pitches]
        return scene.free(scene.lead, notes)

    def _shadow(self, scene: Scene, block: int) -> list[PartNote]:
        """Return the tones that join the player's notes from below, as soon as a note can be heard and answered."""
        start = block * BLOCK - BEHIND
        notes = []
        for heard in scene.begun(start, start + BLOCK) if self.params.shadow else ():
            below = [p for p in range(heard.pitch - 3, 0, -1) if p % 12 in scene.chord(block).pitch_classes]
            notes += [
                Note(heard.onset + BEHIND, pitch, BLOCK - BEHIND, max(1, heard.velocity - 10))
                for pitch in below[: self.params.shadow]
            ]
        return scene.free(scene.lead, sorted(notes))

    def _middle(self, player: Player) -> int:
        """Return the middle pitch of the chords, out of the way of the player's line: below it where there is room."""
        if player.pitch is None or abs(player.pitch - self.params.register) > 9:
            return self.params.register
        below = max(SPLIT + 6, player.pitch - 12)
        return round(below if player.pitch - below >= ROOM else min(84, player.pitch + 12))

    def _line(self, scene: Scene, block: int) -> list[PartNote]:
        """Return the notes of `block` out of a phrase that lasts until the bar line."""
        start = scene.phrase_start(block)
        if start not in scene.phrases:
            scene.phrases[start] = self._phrase(scene, start)
        inside = Span(block * BLOCK, (block + 1) * BLOCK)
        return scene.free(scene.line, [note for note in scene.phrases[start] if note.onset in inside])

    def _phrase(self, scene: Scene, start: int) -> list[Note]:
        """Return a phrase from `start` to the bar line, or on to where it leads, in the player's register and loudness.

        Of one that leads beyond the bar line only the first bar is played: each bar looks at the goal anew.
        """
        end, goal = scene.phrase_end(start)
        number = scene.score.bar_number(start)
        heard, line, manner = scene.heard_before(start), scene.line_before(start), scene.manner(start)
        low, high = manner.middle - 10, manner.middle + 12
        if goal is not None:
            low, high = min(low, goal.pitch - 5), max(high, goal.pitch + 5)
        frame = Frame(
            Span(start, end),
            tuple(scene.chord(block) for block in range(start // BLOCK, -(-end // BLOCK))),
            scene.key(start // BLOCK),
            (low, high),
            self.params.ending if number % self.params.phrase == self.params.phrase - 1 else "open",
            self.params.key != "auto",
            (goal.pitch, goal.onset) if goal else None,
        )
        asked = (tuple(heard), tuple(line[-LOOKED_BACK:]), frame, manner.velocity)
        if asked not in self._phrases:
            places = self._improviser.play(heard, line, frame, scene.rng(start // BLOCK, 1))
            last = goal.onset if goal else end
            phrase = self._improviser.perform(places, last, manner.velocity, scene.rng(start // BLOCK, 3))
            # Live, every block of a phrase is a question of its own.
            self._phrases = {**dict(list(self._phrases.items())[-3:]), asked: phrase}
        return self._phrases[asked]


def _tunes(folder: str) -> tuple[list[Tune], str]:
    """Return the melodies of a folder, and what is to be said about it."""
    arrays = learn_once(folder, "markov-1", melodies.kept)
    tunes = melodies.tunes_of(arrays)
    if not tunes:
        raise FileError(f"no file in {folder} has a melody of two notes or more; name a folder with files that do")
    return tunes, account("markov", folder, arrays, len(tunes))


def _loud(velocity: float, rng: np.random.Generator) -> int:
    return int(min(120, max(20, velocity + rng.integers(-4, 5))))
