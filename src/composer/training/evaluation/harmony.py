"""Harmony of free-running accompaniment: chord share and consonance by lead, unprimed and primed.

Names of figures end in `_lead1` and so on, and in `_primed` where the first bars of the machine's part were the human
pianist's; then what comes after them is measured. `_se` is the standard error over songs, `p_` the chance of so great a
difference from the generator, paired by song; where there are several seeds a song's figure is their mean, and
`_seed_spread` says how far the means of the seeds lie apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from composer.music import Note
from composer.music.chords import Key
from composer.training.evaluation import baselines as base
from composer.training.evaluation.statistics import paired, standard_error
from composer.training.evaluation.takes import LEADS, Stage, Take, span_of
from composer.training.measures import chord_share, consonance, density
from composer.training.song import Song

Figures = dict[str, float]
Table = NDArray[np.float64]
"""Figures by measure, seed and song."""
Play = Callable[[int, bool, int], list[list[Note]]]
"""From lead, primed and seed to what is played to each song."""
MEASURES = ("chord_share", "consonance", "density")
COMPARED = ("chord_share", "consonance")
CONDITIONS = tuple((lead, primed) for primed in (False, True) for lead in LEADS)


def harmony(stage: Stage, take: Take, seeds: Sequence[int]) -> tuple[Figures, dict[str, Figures]]:
    """Return the figures of the generator of `take`, and the same of the baselines."""
    generators = {
        take.name: take,
        "markov": Take("markov"),
        "nobody plays, key told": replace(take, silent=True, key_told=True),
    }
    # All at once, so that no process waits for the end of one condition.
    stage.play(_under(one, *c, seed) for one in generators.values() for c in CONDITIONS for seed in seeds)
    players = {name: _performer(stage, one) for name, one in generators.items()} | _others(stage.songs)
    tables = {
        name: {condition: _table(stage.songs, play, *condition, seeds) for condition in CONDITIONS}
        for name, play in players.items()
    }
    figures: dict[str, Figures] = {}
    for name, play in players.items():
        figures[name] = {}
        for condition, table in tables[name].items():
            figures[name] |= _figures(table, _label(*condition))
            if name != take.name:
                figures[name] |= _chances(tables[take.name][condition], table, _label(*condition))
        heard = zip(play(1, False, seeds[0]), stage.songs, strict=True)
        figures[name]["scale_found_lead1"] = round(float(np.mean([same_scale(n, s.key) for n, s in heard])), 3)
    return figures.pop(take.name), figures


def _under(take: Take, lead: int, primed: bool, seed: int) -> Take:
    # Who hears nothing hears it at every lead.
    return replace(take, lead=1 if take.silent else lead, primed=primed, seed=seed)


def _performer(stage: Stage, take: Take) -> Play:
    def play(lead: int, primed: bool, seed: int) -> list[list[Note]]:
        (played,) = stage.play([_under(take, lead, primed, seed)])
        return [one.notes(span_of(song, primed)) for song, one in zip(stage.songs, played, strict=True)]

    return play


def _others(songs: Sequence[Song]) -> dict[str, Play]:
    counted = cache(base.counted)
    sources: dict[str, Callable[[Song, int, int], list[Note]]] = {
        "counted harmony": lambda song, lead, seed: counted(song, lead),
        "human piano": lambda song, lead, seed: base.human(song),
        "melody": lambda song, lead, seed: base.melody(song),
        "other song, same key": lambda song, lead, seed: base.other(song, songs),
        "random in key": lambda song, lead, seed: base.random_in_key(song, seed),
    }

    def play(source: Callable[[Song, int, int], list[Note]]) -> Play:
        return lambda lead, primed, seed: [
            [note for note in source(song, lead, seed) if note.onset in span_of(song, primed)] for song in songs
        ]

    return {name: play(source) for name, source in sources.items()}


def _table(songs: Sequence[Song], play: Play, lead: int, primed: bool, seeds: Sequence[int]) -> Table:
    rows = [
        [_measured(song, notes, primed) for song, notes in zip(songs, play(lead, primed, seed), strict=True)]
        for seed in seeds
    ]
    return np.array(rows).transpose(2, 0, 1)


def _measured(song: Song, notes: list[Note], primed: bool) -> tuple[float, ...]:
    melody = song.score.part("MELODY").notes
    return chord_share(notes, song.chords), consonance(notes, melody), density(notes, span_of(song, primed))


def _label(lead: int, primed: bool) -> str:
    return f"lead{lead}" + "_primed" * primed


def _figures(table: Table, label: str) -> Figures:
    out: Figures = {}
    for measure, by_seed in zip(MEASURES, table, strict=True):
        out[f"{measure}_{label}"] = round(float(by_seed.mean()), 3)
        if measure in COMPARED:
            out[f"{measure}_{label}_se"] = standard_error(by_seed.mean(axis=0))
            if len(by_seed) > 1:
                out[f"{measure}_{label}_seed_spread"] = round(float(np.ptp(by_seed.mean(axis=1))), 4)
    return out


def _chances(ours: Table, theirs: Table, label: str) -> Figures:
    pairs = zip(COMPARED, ours, theirs, strict=False)
    return {f"p_{name}_{label}": paired(a.mean(axis=0), b.mean(axis=0)) for name, a, b in pairs}


def same_scale(notes: Sequence[Note], key: Key) -> bool:
    """Return whether music21 hears in `notes` the scale of `key`: the key itself or its relative (Krumhansl, 1990)."""
    from music21 import note as m21note
    from music21 import stream as m21stream

    if not notes:
        return False
    heard = m21stream.Stream()
    for one in notes:
        heard.insert(one.onset / 480, m21note.Note(one.pitch, quarterLength=one.duration / 480))
    found = heard.analyze("key")
    major = found.tonic.pitchClass if found.mode == "major" else (found.tonic.pitchClass + 3) % 12
    return bool(major == key.relative_major)
