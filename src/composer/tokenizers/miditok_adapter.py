"""MidiTok's tokenizers (Fradet et al., MidiTok, ISMIR 2021 late-breaking) on our scores.

Only vocabularies of one stream are offered: an id a token, all parts in one sequence. A file NAME.json in tokenizers/,
in MidiTok's own format, says how a tokenizer is set; without one it is made with the settings below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from composer.errors import ComposerError, UsageError
from composer.folders import roots
from composer.music import DRUM_CHANNEL, TICKS_PER_QUARTER, Meter, Note, Part, Score, Tempo

SETTINGS: dict[str, Any] = {
    "use_programs": True,
    "one_token_stream_for_programs": True,
    "use_tempos": True,
    "use_time_signatures": True,
    "use_rests": False,
    "beat_res": {(0, 4): 24, (4, 16): 4},
    "num_velocities": 32,
    "pitch_range": (0, 127),
}
"""MidiTok configuration when there is no file: 24 positions a quarter, one stream for all parts.

MidiTok has no token for pitch 127; notes there are left out.
"""


def load(name: str) -> MidiTok:
    """Return MidiTok's tokenizer called `name`; ComposerError when MidiTok is not installed."""
    try:
        import miditok
    except ImportError:
        raise ComposerError(
            f"the tokenizer {name} needs MidiTok, which playing does not; run: pip install 'composer[train]'"
        ) from None
    kind = getattr(miditok, name)
    path = next((root / f"{name}.json" for root in roots("tokenizers") if (root / f"{name}.json").is_file()), None)
    return MidiTok(kind(params=path) if path else kind(miditok.TokenizerConfig(**SETTINGS)))


class MidiTok:
    """Wrap a MidiTok tokenizer of one stream and one vocabulary."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def encode(self, score: Score) -> list[int]:
        """Return the ids of a score, quantised as the vocabulary demands."""
        tokens = self._tokenizer.encode(_to_symusic(score))
        sequence = tokens[0] if isinstance(tokens, list) else tokens
        return [int(id_) for id_ in sequence.ids]

    def decode(self, ids: list[int]) -> Score:
        """Return the score that ids stand for; UsageError when one is outside the vocabulary."""
        size = len(self._tokenizer)
        for id_ in ids:
            if not 0 <= id_ < size:
                raise UsageError(f"there is no token {id_}; this tokenizer's ids lie between 0 and {size - 1}")
        tokens = ids if self._tokenizer.one_token_stream else [ids]
        return _from_symusic(self._tokenizer.decode(tokens))

    def save(self, path: Path) -> None:
        """Write the tokenizer in MidiTok's own format."""
        self._tokenizer.save(path)


def _to_symusic(score: Score) -> Any:
    import symusic

    out = symusic.Score(TICKS_PER_QUARTER)
    out.tempos.extend(symusic.Tempo(t.tick, t.qpm) for t in score.tempos)
    out.time_signatures.extend(symusic.TimeSignature(m.tick, m.numerator, m.denominator) for m in score.meters)
    for part in score.parts:
        track = symusic.Track(part.name, part.program, part.is_drums)
        track.notes.extend(symusic.Note(n.onset, n.duration, n.pitch, n.velocity) for n in part.notes)
        out.tracks.append(track)
    return out


def _from_symusic(found: Any) -> Score:
    score = found.resample(TICKS_PER_QUARTER, 1) if found.ticks_per_quarter != TICKS_PER_QUARTER else found
    melodic = (channel for channel in [*range(DRUM_CHANNEL), *range(DRUM_CHANNEL + 1, 16)] * 16)
    parts = []
    for number, track in enumerate(score.tracks, 1):
        notes = [Note(n.time, n.pitch, max(1, n.duration), max(1, n.velocity)) for n in track.notes]
        channel = DRUM_CHANNEL if track.is_drum else next(melodic)
        parts.append(Part(f"{number} {track.name}".strip(), tuple(notes), channel, track.program))
    tempos = {t.time: Tempo(t.time, t.qpm) for t in score.tempos}
    meters = {m.time: Meter(m.time, m.numerator, m.denominator) for m in score.time_signatures}
    return Score(tuple(parts), tuple(tempos.values()), tuple(meters.values()))
