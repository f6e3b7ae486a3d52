"""Meter: whether drums that run free keep it, beside a drummer of the same tempo under the same songs.

Only songs are used whose bars all have four quarters. The drummers are those of Groove's test split, laid under a song
as training lays them, and rounded to the machine's grid. `random places` are a drummer's strokes, each at a random
place of its bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from composer.errors import FileError
from composer.generators.drumming import LIMBS, PLACES
from composer.music import Note, Part, Span
from composer.tokenizers import blocks as B
from composer.training import corpora
from composer.training.arrays import SongArrays, arrays
from composer.training.bands import accompany, nearest
from composer.training.evaluation.statistics import paired, standard_error
from composer.training.evaluation.takes import BLOCKS, Stage, Take, mean, span_of
from composer.training.groove import BAR, DRUMS
from composer.training.measures import density, on_grid
from composer.training.song import Song

SIXTEENTH = BAR // PLACES
NEAR = B.GRID // 2
"""Ticks by which a stroke on a sixteenth may miss it: half of the machine's own grid."""
WINDOW = 4
"""Bars in which it is asked where the bar begins."""
RARELY = 0.01
"""What a place at which no drummer strikes a limb still counts for."""
LONGEST = 2 * PLACES
"""The longest lag, in sixteenths, at which a pattern is compared with itself."""
Figures = dict[str, float]
Floats = NDArray[np.float64]
Habit = NDArray[np.float64]
"""How often each limb strikes at each sixteenth of the bar: (limbs, PLACES), each row summing to 1, or to 0."""

Judge = Callable[[list[Note], Span, Habit], float]
MEASURES: dict[str, Judge] = {
    "sixteenth_grid_share": lambda notes, span, habit: on_grid(notes, SIXTEENTH, NEAR),
    "kick_place_nats": lambda notes, span, habit: place_nats(notes, span, habit[0], 0),
    "snare_place_nats": lambda notes, span, habit: place_nats(notes, span, habit[1], 1),
    "bar_correlation": lambda notes, span, habit: correlations(notes, span)[PLACES - 1],
    "other_lags_correlation": lambda notes, span, habit: mean(np.delete(correlations(notes, span), PLACES - 1)),
    "downbeat_share": lambda notes, span, habit: downbeats(notes, span, habit, (0,)),
    "half_bar_share": lambda notes, span, habit: downbeats(notes, span, habit, (0, 2)),
    "strokes_per_quarter": lambda notes, span, habit: density(notes, span),
}


def meter(stage: Stage, take: Take, seeds: Sequence[int], data: Path) -> tuple[Figures, dict[str, Figures]]:
    """Return the figures of the drums alone at lead 1, and beside them with the piano, a drummer's and chance's.

    FileError when Groove is not in or under `data`.
    """
    drummers = _drummers(data)
    songs = [song for song in stage.songs if in_four(song)]
    under = [nearest(arrays(song), drummers, np.random.default_rng(song.number)) for song in songs]
    # A drummer must not be measured by himself.
    habits = [habit_of([d for d in drummers if d is not one]) for one in under]
    humans = [laid(song, one) for song, one in zip(songs, under, strict=True)]

    def judged(played: Sequence[list[Note]]) -> dict[str, list[float]]:
        each = list(zip(played, songs, habits, strict=True))
        return {name: [judge(notes, span_of(song), habit) for notes, song, habit in each]
                for name, judge in MEASURES.items()}  # fmt: skip

    rows = {"human drummer": judged(humans), "random places": judged([scattered(h, i) for i, h in enumerate(humans)])}
    for band in ("drums", "piano+drums"):
        params = dict(take.params) | {"band": band}
        asked = [replace(take, seed=seed, params=tuple(sorted(params.items()))) for seed in seeds]
        by_seed = [judged([_drums(p.parts, song) for p, song in zip(played, songs, strict=True)])
                   for played in stage.of(songs).play(asked)]  # fmt: skip
        rows[band] = {name: list(np.mean([row[name] for row in by_seed], axis=0)) for name in MEASURES}
    ours = rows.pop("drums")
    beside = {name: _means(row) | {f"p_{m}": paired(ours[m], row[m]) for m in MEASURES} for name, row in rows.items()}
    return _means(ours), beside


def _drummers(data: Path) -> list[SongArrays]:
    corpus = next(corpus for corpus in corpora.CORPORA if corpus.name == "groove")
    folder = corpus.find(data)
    if folder is None:
        raise FileError(f"there is no Groove set in {data}; unpack the set there (a folder with info.csv in it)")
    read = (arrays(song) for song in corpus.songs(folder, "test") if song.score.meters[0].bar == BAR)
    return [drummer for drummer in read if len(drummer.parts[DRUMS]) > BLOCKS // 2]


def habit_of(drummers: Sequence[SongArrays]) -> Habit:
    """Return the habit that drummers have together, each counting as much as another."""
    places = np.array([_by_place(_strokes(drummer.parts[DRUMS][:, :2])) for drummer in drummers])
    shares = places / np.maximum(1, places.sum(axis=2, keepdims=True))
    # Who never strikes a limb says nothing of where it strikes.
    habit: Habit = shares.sum(axis=0) / np.maximum(1, (shares.sum(axis=2) > 0).sum(axis=0))[:, None]
    return habit


def in_four(song: Song) -> bool:
    """Return whether all bars that are played have four quarters."""
    return all(meter.bar == BAR for meter in song.score.meters if meter.tick < span_of(song).end)


def laid(song: Song, drummer: SongArrays) -> list[Note]:
    """Return what a drummer plays under the song, rounded to the machine's grid."""
    rows = accompany(arrays(song), drummer, range(BLOCKS))
    notes = (Note(int(onset + B.GRID // 2) // B.GRID * B.GRID, int(pitch), B.GRID, max(1, int(velocity)))
             for onset, pitch, _, velocity in rows)  # fmt: skip
    return sorted(note for note in notes if note.onset in span_of(song))


def scattered(notes: Sequence[Note], seed: int) -> list[Note]:
    """Return the strokes, each at a random place of the machine's grid in its bar."""
    places = np.random.default_rng(seed).integers(BAR // B.GRID, size=len(notes)) * B.GRID
    return sorted(replace(n, onset=n.onset // BAR * BAR + int(at)) for n, at in zip(notes, places, strict=True))


def _drums(parts: Iterable[Part], song: Song) -> list[Note]:
    return [n for part in parts if part.is_drums for n in part.within(span_of(song))]


def _means(rows: dict[str, list[float]]) -> Figures:
    return {name: round(mean(row), 3) for name, row in rows.items()} | {
        f"{name}_se": standard_error(row) for name, row in rows.items()
    }


# --- patterns --------------------------------------------------------------------------------------------------------


def _strokes(rows: NDArray[np.int64], sixteenths: int | None = None) -> Floats:
    """Return how many strokes (limbs, sixteenths) of rows (onset, pitch) begin nearest to each sixteenth."""
    at = (rows[:, 0] + SIXTEENTH // 2) // SIXTEENTH
    limb = np.full(len(rows), len(LIMBS))
    for i, pitches in enumerate(LIMBS.values()):
        limb[np.isin(rows[:, 1], pitches)] = i
    end = sixteenths or int(at.max(initial=0)) // PLACES * PLACES + PLACES
    out = np.zeros((len(LIMBS) + 1, end))
    np.add.at(out, (limb[at < end], at[at < end]), 1)
    return out


def _pattern(notes: Sequence[Note], span: Span) -> Floats:
    rows = np.array([(n.onset, n.pitch) for n in notes], dtype=np.int64).reshape(-1, 2)
    return _strokes(rows, span.length // SIXTEENTH)


def _by_place(strokes: Floats) -> Floats:
    bars: Floats = strokes.reshape(len(strokes), -1, PLACES).sum(axis=1)
    return bars


def place_nats(notes: Sequence[Note], span: Span, shares: Floats, limb: int) -> float:
    """Return by how many nats a limb's places are likelier, a stroke, with human drummers than anywhere in the bar.

    A distance of histograms would not do: one drummer's few places are as far from everybody's as chance is.
    """
    by_place = _by_place(_pattern(notes, span))[limb]
    return float((by_place * np.log(PLACES * (shares + RARELY))).sum() / max(1.0, by_place.sum()))


def correlations(notes: Sequence[Note], span: Span) -> Floats:
    """Return how alike the strokes are to themselves 1..LONGEST sixteenths later: 1 the same, 0 by chance.

    It is the autocorrelation of each limb's strokes about their mean, all limbs together.
    """
    struck = np.minimum(1, _pattern(notes, span))
    struck -= struck.mean(axis=1, keepdims=True)
    power = float((struck**2).mean())
    if not power:
        return np.zeros(LONGEST)
    return np.array([float((struck[:, lag:] * struck[:, :-lag]).mean()) / power for lag in range(1, LONGEST + 1)])


def downbeats(notes: Sequence[Note], span: Span, habit: Habit, right: tuple[int, ...]) -> float:
    """Return the share of windows in which, by the drummers' habit, the bar is likeliest to begin where it does.

    That is on one of the quarters `right` of the bar, counted from 0; chance gives a quarter for each. Windows without
    a stroke do not count; 0.0 when there is none with.
    """
    strokes, width = _pattern(notes, span), WINDOW * PLACES
    windows = [_by_place(strokes[:, at : at + width]) for at in range(0, strokes.shape[1], width)]
    odds = np.log(habit + RARELY)
    found = []
    for window in (window for window in windows if window.any()):
        begins = [float((np.roll(window, -PLACES // 4 * q, axis=1) * odds).sum()) for q in range(4)]
        found.append(int(np.argmax(begins)) in right)
    return mean(found)
