"""Figures of a generator on held-out songs: likelihood by lead, and harmony of free-running accompaniment.

The songs are POP909's test split; the player plays the MELODY, the machine answers on the piano. A lead counts half
quarters: at lead 1 the machine hears a block when it is over, and plays the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from composer.errors import UsageError
from composer.generators import make
from composer.generators.base import Context
from composer.generators.controls import KEYS
from composer.generators.harmony import BLOCK, Listener
from composer.music import Note, Part, Score, Span
from composer.music.chords import Key
from composer.training.anticipation import find_pop909
from composer.training.measures import chord_share, consonance, density
from composer.training.pop909 import Song, songs

LEADS = (0, 1, 2, 4)
BLOCKS = 160
"""How much of each song is played: twenty bars of four quarters."""
SUITES = ("harmony", "loss")


def evaluate(
    name: str,
    data: Path,
    *,
    suite: str = "all",
    songs: int | None = None,
    seed: int = 0,
    params: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Return generator, suite, split, metrics, baselines and seconds, as `composer evaluate --json` prints them."""
    if suite not in (*SUITES, "all"):
        raise UsageError(f"there is no suite {suite!r}; there are {', '.join(SUITES)} and all")
    begun = time.monotonic()
    held_out = test_songs(data, songs)
    metrics: dict[str, float] = {}
    baselines: dict[str, dict[str, float]] = {}
    if suite in ("harmony", "all"):
        metrics, baselines = harmony(name, held_out, seed, params or {})
    if suite in ("loss", "all") and name == "anticipation":
        metrics |= likelihood(held_out, (params or {}).get("model", name))
    return {
        "generator": name,
        "suite": suite,
        "split": f"POP909 test, {len(held_out)} songs",
        "metrics": metrics,
        "baselines": baselines,
        "seconds": round(time.monotonic() - begun, 1),
    }


def test_songs(data: Path, count: int | None) -> list[Song]:
    """Return the first `count` (all by default) songs of the test split, each from the bar in which its melody begins.

    Songs without enough melody and piano in the bars that are played are left out.
    """
    out = []
    for song in map(from_melody, songs(find_pop909(data), "test")):
        if all(len(song.score.part(p).within(Span(0, BLOCKS * BLOCK))) > 40 for p in ("MELODY", "PIANO")):
            out.append(song)
        if len(out) == count:
            break
    return out


def from_melody(song: Song) -> Song:
    """Return the song without the bars before its melody."""
    start = song.score.bar_start(min((n.onset for n in song.score.part("MELODY").notes), default=0))
    chords = tuple((max(0, a - start), b - start, chord) for a, b, chord in song.chords if b > start)
    return replace(song, score=song.score.shift(-start), chords=chords)


# --- free-running accompaniment -----------------------------------------------------------------------------------


def accompany(song: Song, name: str, lead: int, seed: int, params: dict[str, str], silent: bool = False) -> list[Note]:
    """Return what a generator plays to the song's melody when it hears `lead` blocks late, block by block.

    With `silent` there is no player; the transformer is then told the key, so that only the melody is missing.
    """
    if name == "anticipation":
        params = {"wait": "0", **params, "lead": str(lead)}
        if silent:
            params["key"] = KEYS[(song.key.tonic + 3 * (song.key.mode == "minor")) % 12]
    generator = make(name, params, seed)
    parts: tuple[Part, ...] = tuple(p.with_notes(()) for p in generator.parts(generator.params))
    melody = song.score.part("MELODY")
    score = Score(parts if silent else (melody, *parts), song.score.tempos, song.score.meters)
    context = Context(score, tuple(p.name for p in parts), 0)
    for block in range(BLOCKS):
        known = max(0, block + 1 - lead) * BLOCK
        heard = score if silent else score.with_part(_until(melody, known))
        asked = replace(context, score=_with_machine(heard, context), known_until=known)
        span = Span(block * BLOCK, (block + 1) * BLOCK)
        context = context.extended(list(generator.propose(asked, span)))
    return [note for part in context.machines for note in part.notes]


def _until(part: Part, tick: int) -> Part:
    return part.with_notes(
        replace(n, duration=max(1, min(n.duration, tick - n.onset))) for n in part.notes if n.onset < tick
    )


def _with_machine(score: Score, context: Context) -> Score:
    for part in context.machines:
        score = score.with_part(part)
    return score


def harmony(
    name: str, held_out: Sequence[Song], seed: int, params: dict[str, str]
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Return chord share, consonance and density by lead for the generator, and the same for the baselines."""
    players: dict[str, Callable[[Song, int], list[Note]]] = {
        name: lambda song, lead: accompany(song, name, lead, seed, params),
        "markov": lambda song, lead: accompany(song, "markov", lead, seed, {}),
    }
    table: dict[str, dict[str, float]] = {}
    shares: dict[str, list[float]] = {}
    for who, play in players.items():
        table[who] = {}
        for lead in LEADS:
            played = [play(song, lead) for song in held_out]
            table[who] |= _measure(held_out, played, f"lead{lead}")
            if lead == 1:
                shares[who] = _shares(held_out, played)
                table[who]["scale_found_lead1"] = _scales(held_out, played)
    alone = [accompany(song, name, 1, seed, params, silent=True) for song in held_out]
    table["nobody plays, key told"] = _measure(held_out, alone, "lead1")
    counted = {lead: _counted(held_out, lead) for lead in LEADS}
    table["counted harmony"] = {
        f"chord_share_lead{lead}": round(float(np.mean(found)), 3) for lead, found in counted.items()
    }
    shares["nobody plays, key told"], shares["counted harmony"] = _shares(held_out, alone), counted[1]
    fixed = {
        "human piano": [_piano(song) for song in held_out],
        "melody": [_played(song.score.part("MELODY").notes) for song in held_out],
        "other song, same key": [_other(song, held_out) for song in held_out],
        "random in key": [_random(song, seed) for song in held_out],
    }
    for who, notes in fixed.items():
        measured = _measure(held_out, notes, "")
        table[who] = {f"{metric}lead{lead}": value for metric, value in measured.items() for lead in LEADS}
        table[who]["scale_found_lead1"] = _scales(held_out, notes)
        shares[who] = _shares(held_out, notes)
    for who in table.keys() - {name}:
        table[who]["p_chord_share_lead1"] = paired(shares[name], shares[who])
    return table.pop(name), table


def _measure(held_out: Sequence[Song], played: Sequence[list[Note]], suffix: str) -> dict[str, float]:
    span = Span(0, BLOCKS * BLOCK)
    agreeing = [
        consonance(notes, _played(song.score.part("MELODY").notes))
        for song, notes in zip(held_out, played, strict=True)
    ]
    return {
        f"chord_share_{suffix}": round(float(np.mean(_shares(held_out, played))), 3),
        f"consonance_{suffix}": round(float(np.mean(agreeing)), 3),
        f"density_{suffix}": round(median(density(notes, span) for notes in played), 2),
    }


def _scales(held_out: Sequence[Song], played: Sequence[list[Note]]) -> float:
    found = [same_scale(notes, song.key) for song, notes in zip(held_out, played, strict=True)]
    return round(float(np.mean(found)), 3)


def _shares(held_out: Sequence[Song], played: Sequence[list[Note]]) -> list[float]:
    return [chord_share(notes, song.chords) for song, notes in zip(held_out, played, strict=True)]


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return how likely so great a difference is by chance: Wilcoxon's signed-rank test over the same songs (1945)."""
    from scipy.stats import wilcoxon

    if len(ours) < 2 or np.allclose(ours, theirs):
        return 1.0
    return round(float(wilcoxon(ours, theirs).pvalue), 4)


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
    return bool(major == (key.tonic + 3 * (key.mode == "minor")) % 12)


def _played(notes: Iterable[Note]) -> list[Note]:
    return [note for note in notes if note.onset < BLOCKS * BLOCK]


def _piano(song: Song) -> list[Note]:
    return _played(song.score.part("PIANO").notes)


def _other(song: Song, held_out: Sequence[Song]) -> list[Note]:
    """Return the human piano of the next song of the same mode, moved to this song's key."""
    at = [s.number for s in held_out].index(song.number)
    others = [s for s in (*held_out[at + 1 :], *held_out[:at]) if s.key.mode == song.key.mode]
    if not others:
        return []
    other = others[0]
    shift = (song.key.tonic - other.key.tonic + 6) % 12 - 6
    return [replace(n, pitch=min(127, max(0, n.pitch + shift))) for n in _piano(other)]


def _random(song: Song, seed: int) -> list[Note]:
    """Return the human piano with every pitch replaced by a random one of the key."""
    rng = np.random.default_rng([seed, song.number])
    scale = sorted(song.key.scale)
    return [replace(n, pitch=min(127, n.pitch // 12 * 12 + int(scale[rng.integers(len(scale))]))) for n in _piano(song)]


def _counted(held_out: Sequence[Song], lead: int) -> list[float]:
    """Return the chord shares of the counted harmony model, playing its chord's tones in the human pianist's rhythm."""
    shares = []
    for song in held_out:
        context = Context(song.score, ("BRIDGE", "PIANO"), 0)
        listener, played = Listener(), []
        for block in range(BLOCKS):
            chord = listener.follow(context, max(0, block + 1 - lead) * BLOCK).chord(lead)
            tones = sorted(chord.pitch_classes)
            notes = song.score.part("PIANO").within(Span(block * BLOCK, (block + 1) * BLOCK))
            played += [replace(n, pitch=48 + tones[i % len(tones)]) for i, n in enumerate(notes) if tones]
        shares.append(chord_share(played, song.chords))
    return shares


# --- likelihood -----------------------------------------------------------------------------------------------------


def likelihood(held_out: Sequence[Song], model_name: str, length: int = 512) -> dict[str, float]:
    """Return nats a machine note by lead, with the player heard and silenced, and what silence costs (torch)."""
    import torch

    from composer.folders import model_folder
    from composer.neural.checkpoint import load_model
    from composer.training.loop import validate
    from composer.training.sequences import arrange, arrays, example

    folder = model_folder(model_name)
    if folder is None:
        raise UsageError(f"there is no model {model_name!r}; `composer models list` names the ones there are")
    model = load_model(folder)
    out: dict[str, float] = {}
    for lead in LEADS:
        nats = {}
        for who, players in (("", ("MELODY",)), ("_silent", ())):
            drawn = []
            for song in map(arrays, held_out):
                events = arrange(song, players, {"PIANO": "piano"}, lead, 0, length, song.shift)
                drawn.append(example(events, events, length))
            batch = [{k: torch.from_numpy(np.stack([d[k] for d in drawn])) for k in drawn[0]}]
            nats[who] = validate(model, batch)
        for key in ("note", "m_pitch", "chord"):
            out[f"nats_{key}_lead{lead}"] = round(nats[""][key], 3)
        out[f"silence_costs_note_lead{lead}"] = round(nats["_silent"]["note"] - nats[""]["note"], 3)
        out[f"silence_costs_chord_lead{lead}"] = round(nats["_silent"]["chord"] - nats[""]["chord"], 3)
    return out
