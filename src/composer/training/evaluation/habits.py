"""Habits: how far rhythm, density, register and velocity of a machine are from the human pianist's, song by song.

Distances are total variation distances of histograms, 0..1; `density_distance` is a ratio in octaves (1: twice as many
notes, or half). The yardstick is another human: the pianist of the next song against this one's, in whatever mode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from composer.music import Note, Score
from composer.training.evaluation import baselines as base
from composer.training.evaluation.statistics import paired, standard_error
from composer.training.evaluation.takes import Stage, Take, mean, span_of
from composer.training.measures import (
    density,
    distance,
    off_grid,
    on_grid,
    onset_interval_distance,
    places_in_bar,
    value_distance,
)
from composer.training.song import Song

EIGHTH, FINEST = 240, 20
"""Ticks of an eighth note and of 1/24 quarter."""
NEAR = 10
"""Ticks by which a note on the eighth grid may miss it: half of the machine's own grid."""
Figures = dict[str, float]
Line = tuple[list[Note], Score]
"""Notes, and the score whose bars they are in."""

DISTANCES: dict[str, Callable[[Line, Line], float]] = {
    "place_in_bar_distance": lambda a, b: distance(places_in_bar(*a), places_in_bar(*b)),
    "onset_interval_distance": lambda a, b: onset_interval_distance(a[0], b[0]),
    "density_distance": lambda a, b: abs(float(np.log2((len(a[0]) + 1) / (len(b[0]) + 1)))),
    "register_distance": lambda a, b: value_distance([n.pitch for n in a[0]], [n.pitch for n in b[0]]),
    "velocity_distance": lambda a, b: value_distance([n.velocity for n in a[0]], [n.velocity for n in b[0]]),
}


def habits(stage: Stage, take: Take, seeds: Sequence[int]) -> tuple[Figures, dict[str, Figures]]:
    """Return the distances of what is played at lead 1, unprimed, to the human piano, and how steady its beat is."""
    songs = stage.songs
    humans: list[Line] = [(base.human(song), song.score) for song in songs]
    figures: dict[str, Figures] = {}
    rows: dict[str, dict[str, list[float]]] = {}
    for one in (take, Take("markov")):
        performances = stage.play(replace(one, seed=seed) for seed in seeds)
        lines = [
            [(p.notes(span_of(song)), song.score) for song, p in zip(songs, played, strict=True)]
            for played in performances
        ]
        by_seed = [_distances(line, humans) for line in lines]
        rows[one.name] = {name: list(np.mean([row[name] for row in by_seed], axis=0)) for name in DISTANCES}
        figures[one.name] = _means(rows[one.name]) | _steadiness([line for played in lines for line in played], songs)
    if len(songs) > 1:
        rows["another human"] = _distances([*humans[1:], humans[0]], humans)
        figures["another human"] = _means(rows["another human"])
    figures["human piano"] = _steadiness(humans, songs)
    for name in rows.keys() - {take.name}:
        figures[name] |= {f"p_{d}": paired(rows[take.name][d], rows[name][d]) for d in DISTANCES}
    return figures.pop(take.name), figures


def _distances(lines: Sequence[Line], humans: Sequence[Line]) -> dict[str, list[float]]:
    return {name: [apart(a, b) for a, b in zip(lines, humans, strict=True)] for name, apart in DISTANCES.items()}


def _means(rows: dict[str, list[float]]) -> Figures:
    return {name: round(mean(row), 3) for name, row in rows.items()} | {
        f"{name}_se": standard_error(row) for name, row in rows.items()
    }


def _steadiness(lines: Sequence[Line], songs: Sequence[Song]) -> Figures:
    spans = [span_of(song) for song in songs] * (len(lines) // max(1, len(songs)))
    return {
        "eighth_grid_share": round(mean(on_grid(notes, EIGHTH, NEAR) for notes, _ in lines), 3),
        "off_grid_ticks": round(mean(off_grid(notes, FINEST) for notes, _ in lines), 2),
        "notes_per_quarter": round(mean(density(n, s) for (n, _), s in zip(lines, spans, strict=True)), 2),
    }
