"""Controls: each is asked for several values, and what is played is measured.

A figure is called `notes_per_quarter[density=-2]` and the like; `obeys[density]` is 1 where the figures rise with what
is asked, and 0 where they do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from composer.music import Note
from composer.music.chords import Key
from composer.training.evaluation.takes import Played, Stage, Take, mean, span_of
from composer.training.measures import chord_share, density, entropy, onset_intervals
from composer.training.song import Song

SONGS = 4
"""How many of the held-out songs are played: every value is heard on each of them."""
JUST = 8
Figures = dict[str, float]
Measure = Callable[[Song, Played], float]


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


def _notes(song: Song, played: Played) -> list[Note]:
    return sorted(played.notes(span_of(song)))


def _density(song: Song, played: Played) -> float:
    return density(_notes(song, played), span_of(song))


def _pitch_entropy(song: Song, played: Played) -> float:
    return entropy([note.pitch for note in _notes(song, played)])


def _rhythm_entropy(song: Song, played: Played) -> float:
    return entropy(onset_intervals(_notes(song, played)))


def _velocity(song: Song, played: Played) -> float:
    return mean(note.velocity for note in _notes(song, played))


def _own_chord_share(song: Song, played: Played) -> float:
    """Judge a note by the chord that was said when it began: it may sound on into the next."""
    begun = [replace(note, duration=1) for note in _notes(song, played)]
    return chord_share(begun, played.chords)


def _key_share(song: Song, played: Played) -> float:
    major = Key((song.key.tonic + 3 * (song.key.mode == "minor")) % 12)
    return mean(note.pitch % 12 in major.scale for note in _notes(song, played))


def _repeated(song: Song, played: Played) -> float:
    pitches = [note.pitch for note in _notes(song, played)]
    return mean(pitch in pitches[max(0, i - JUST) : i] for i, pitch in enumerate(pitches))


def _bass_share(song: Song, played: Played) -> float:
    basses = sum(len(part.within(span_of(song))) for part in played.parts if part.name == "Bass")
    return basses / max(1, len(_notes(song, played)))


SWEEPS = (
    Sweep("density", ("-2", "-1", "0", "1", "2"), "notes_per_quarter", _density),
    Sweep("temperature", ("0.3", "0.6", "0.9", "1.2", "1.5"), "pitch_entropy", _pitch_entropy),
    Sweep("top_p", ("0.2", "0.5", "0.8", "1"), "pitch_entropy", _pitch_entropy),
    Sweep("pitch_temperature", ("0.1", "0.5", "1", "2"), "pitch_entropy", _pitch_entropy),
    Sweep("pitch_top_p", ("0.2", "0.6", "1"), "pitch_entropy", _pitch_entropy),
    Sweep("rhythm_temperature", ("0.1", "0.5", "1", "2"), "onset_interval_entropy", _rhythm_entropy),
    Sweep("rhythm_top_p", ("0.2", "0.6", "1"), "onset_interval_entropy", _rhythm_entropy),
    Sweep("velocity", ("-30", "-15", "0", "15", "30"), "mean_velocity", _velocity),
    Sweep("chord_mask", ("0", "0.5", "1"), "own_chord_share", _own_chord_share, (("temperature", "1.5"),)),
    Sweep("scale", ("free", "key"), "key_share", _key_share, (("temperature", "1.5"),), key_told=True),
    Sweep("repetition", ("-1", "0", "1"), "repeated_share", _repeated),
    Sweep("band", ("piano", "piano+bass"), "bass_share", _bass_share),
)


def controls(stage: Stage, take: Take) -> Figures:
    """Return the table of all sweeps at lead 1; values given in `take` hold for the controls that are not swept."""
    few = stage.first(SONGS)
    few.play(_asked(take, sweep, value) for sweep in SWEEPS for value in sweep.values)
    out: Figures = {}
    for sweep in SWEEPS:
        given = []
        for value in sweep.values:
            (played,) = few.play([_asked(take, sweep, value)])
            given.append(mean(sweep.measure(song, p) for song, p in zip(few.songs, played, strict=True)))
            out[f"{sweep.figure}[{sweep.control}={value}]"] = round(given[-1], 3)
        out[f"obeys[{sweep.control}]"] = float(all(a < b for a, b in pairwise(given)))
    return out


def _asked(take: Take, sweep: Sweep, value: str) -> Take:
    params = dict(take.params) | dict(sweep.beside) | {sweep.control: value}
    return replace(take, params=tuple(sorted(params.items())), key_told=sweep.key_told)
