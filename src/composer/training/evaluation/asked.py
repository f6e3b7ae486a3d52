"""Controls: each is asked for several values, and what is played is measured.

A figure is called `notes_per_quarter[density=-2]` and the like; `obeys[density]` is 1 where the figures rise with what
is asked, each above the one before, and 0 where they do not.

How freely things are chosen is seen in the answers to one question: by how much two of them differ, 0 to 1. What a free
run ends in tells less, because a run that chose freely asks other questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import Any

from composer.music import Note, Span
from composer.music.chords import Key
from composer.training.evaluation.takes import Played, Stage, Take, mean, span_of
from composer.training.measures import chord_share, density
from composer.training.song import Song

SONGS = 4
"""How many of the held-out songs are played: every value is heard on each of them."""
JUST = 8
Figures = dict[str, float]
Measure = Callable[[Song, Sequence[Played]], float]
"""What is measured of a song in what was played to it, once for each seed."""


Things = set[Any]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Hold a control, the values it is asked for, and what should rise with them."""

    control: str
    values: tuple[str, ...]
    figure: str
    measure: Measure
    beside: tuple[tuple[str, str], ...] = ()
    """Other parameters, where only they let the control be seen."""
    key_told: bool = False
    led: bool = False
    """Whether all seeds answer the same questions."""


def _each(measure: Callable[[list[Note], Span], float]) -> Measure:
    """Return what measures each seed's notes, and takes the mean."""

    def measured(song: Song, takes: Sequence[Played]) -> float:
        span = span_of(song)
        return mean(measure(sorted(played.notes(span)), span) for played in takes)

    return measured


def _pitch(notes: list[Note], span: Span) -> float:
    return mean(note.pitch for note in notes)


def _velocity(notes: list[Note], span: Span) -> float:
    return mean(note.velocity for note in notes)


def _repeated(notes: list[Note], span: Span) -> float:
    pitches = [note.pitch for note in notes]
    return mean(pitch in pitches[max(0, i - JUST) : i] for i, pitch in enumerate(pitches))


def _differing(of: Callable[[list[Note], list[Note]], tuple[Things, Things]]) -> Measure:
    """Return what measures by how much the answers of each two seeds differ: what not both have, of what either has."""

    def measured(song: Song, takes: Sequence[Played]) -> float:
        answers = [played.notes(span_of(song)) for played in takes]
        pairs = [of(*pair) for pair in combinations(answers, 2)]
        return mean(1 - len(a & b) / max(1, len(a | b)) for a, b in pairs)

    return measured


def _onsets(one: list[Note], other: list[Note]) -> tuple[Things, Things]:
    return {note.onset for note in one}, {note.onset for note in other}


def _pitches(one: list[Note], other: list[Note]) -> tuple[Things, Things]:
    """Return onsets with pitches, where both answers have an onset."""
    a, b = _onsets(one, other)
    shared, other_shared = ({(n.onset, n.pitch) for n in notes if n.onset in a & b} for notes in (one, other))
    return shared, other_shared


def _own_chord_share(song: Song, takes: Sequence[Played]) -> float:
    """Judge a note by the chord that was said when it began: it may sound on into the next."""
    return mean(
        chord_share([replace(n, duration=1) for n in played.notes(span_of(song))], played.chords) for played in takes
    )


def _key_share(song: Song, takes: Sequence[Played]) -> float:
    major = Key(song.key.relative_major)
    return mean(n.pitch % 12 in major.scale for played in takes for n in played.notes(span_of(song)))


def _bass_share(song: Song, takes: Sequence[Played]) -> float:
    span = span_of(song)
    basses = sum(len(part.within(span)) for played in takes for part in played.parts if part.name == "Bass")
    return basses / max(1, sum(len(played.notes(span)) for played in takes))


def _freedom(control: str, values: tuple[str, ...], of_rhythm: bool = False) -> Sweep:
    """Return the sweep of a control that says how freely notes are chosen, under one chord."""
    figure, of = ("onsets_differ", _onsets) if of_rhythm else ("pitches_differ", _pitches)
    return Sweep(control, values, figure, _differing(of), (("harmony", "0"),), led=True)


SWEEPS = (
    Sweep("density", ("-2", "-1", "0", "1", "2"), "notes_per_quarter", _each(density)),
    _freedom("temperature", ("0.3", "0.6", "0.9", "1.2", "1.5")),
    _freedom("top_p", ("0.2", "0.5", "0.8", "1")),
    _freedom("pitch_temperature", ("0.1", "0.5", "1", "2")),
    _freedom("pitch_top_p", ("0.2", "0.6", "1")),
    _freedom("rhythm_temperature", ("0.1", "0.5", "1", "2"), of_rhythm=True),
    _freedom("rhythm_top_p", ("0.2", "0.6", "1"), of_rhythm=True),
    Sweep("velocity", ("-30", "-15", "0", "15", "30"), "mean_velocity", _each(_velocity)),
    Sweep("low", ("0", "48", "60", "72"), "mean_pitch", _each(_pitch)),
    Sweep("high", ("40", "48", "56", "127"), "mean_pitch", _each(_pitch)),
    Sweep("chord_mask", ("0", "0.5", "1"), "own_chord_share", _own_chord_share, (("temperature", "1.5"),)),
    Sweep("scale", ("free", "key"), "key_share", _key_share, (("temperature", "1.5"),), key_told=True),
    Sweep("repetition", ("-1", "0", "1"), "repeated_share", _each(_repeated)),
    Sweep("band", ("piano", "piano+bass"), "bass_share", _bass_share),
)


def controls(stage: Stage, take: Take, seeds: Sequence[int]) -> Figures:
    """Return the table of all sweeps at lead 1; values given in `take` hold for the controls that are not swept.

    At least two seeds are played, for the answers to one question are compared.
    """
    few = stage.of(stage.songs[:SONGS])
    seeds = seeds if len(seeds) > 1 else (seeds[0], seeds[0] + 1)
    few.play(_asked(take, sweep, value, seed) for sweep in SWEEPS for value in sweep.values for seed in seeds)
    out: Figures = {}
    for sweep in SWEEPS:
        given = []
        for value in sweep.values:
            takes = few.play(_asked(take, sweep, value, seed) for seed in seeds)
            rows = zip(few.songs, zip(*takes, strict=True), strict=True)
            given.append(mean(sweep.measure(song, played) for song, played in rows))
            out[f"{sweep.figure}[{sweep.control}={value}]"] = round(given[-1], 3)
        out[f"obeys[{sweep.control}]"] = float(all(a < b for a, b in pairwise(given)))
    return out


def _asked(take: Take, sweep: Sweep, value: str, seed: int) -> Take:
    params = dict(take.params) | dict(sweep.beside) | {sweep.control: value}
    return replace(take, params=tuple(sorted(params.items())), key_told=sweep.key_told, led=sweep.led, seed=seed)
