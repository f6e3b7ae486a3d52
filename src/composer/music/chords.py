"""Chords and keys as small values, and the tables that name them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

QUALITIES = ("maj", "min", "7", "maj7", "min7", "sus2", "sus4", "dim", "aug")
"""The chord qualities that are told apart, in the order of `Chord.index`; append only, trained models rely on it."""

N_CHORDS = 1 + 12 * len(QUALITIES)
"""How many chords there are: no chord, and every quality on every root."""

INTERVALS: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
}
"""Semitones above the root of every quality."""

_ROOTS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SUFFIXES = ("", "m", "7", "maj7", "m7", "sus2", "sus4", "dim", "aug")
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}

# The first pattern found decides. What is none of them is judged by its third: a flat third is minor, else major.
_QUALITY_PATTERNS = tuple(
    (re.compile(pattern), quality)
    for pattern, quality in (
        (r"sus2", "sus2"),
        (r"sus", "sus4"),
        (r"^(hdim|dim|o|°|ø|%)", "dim"),
        (r"^(min|mi|m|-)7?\(?[b-]5", "dim"),
        (r"^(aug|\+)", "aug"),
        (r"^(min|mi|m|-)\(?(maj|M|j|Δ|\^)", "min"),
        (r"^(maj|ma|M)\(?(7|9|11|13)|^(j|Δ|△|\^)", "maj7"),
        (r"^(maj|ma|M)", "maj"),
        (r"^(min|mi|m|-)(7|9|11|13)", "min7"),
        (r"^(min|mi|m|-)", "min"),
        (r"^(7|9|11|13)", "7"),
        (r"^\(.*b3", "min"),
        (r"", "maj"),
    )
)


def pitch_class(name: str) -> int:
    """Return the pitch class 0..11 of a note name such as "Gb" or "F#"; ValueError when it is none."""
    if not re.fullmatch(r"[A-G][b#]*", name):
        raise ValueError(f"{name!r} is not the name of a note; write a letter A to G and any number of b or #")
    return (_LETTERS[name[0]] + name.count("#") - name.count("b")) % 12


@dataclass(frozen=True, slots=True)
class Chord:
    """Hold a chord: its root as a pitch class 0..11 and one of QUALITIES; root None is "no chord"."""

    root: int | None = None
    quality: str = "maj"

    def __post_init__(self) -> None:
        if self.root is not None and not 0 <= self.root <= 11:
            raise ValueError(f"root {self.root} is not in 0..11")
        if self.quality not in QUALITIES:
            raise ValueError(f"quality {self.quality!r} is not one of {', '.join(QUALITIES)}")
        if self.root is None:
            object.__setattr__(self, "quality", QUALITIES[0])

    @property
    def index(self) -> int:
        """Return the chord's number: 0 for no chord, else 1 + 9 * root + the place of its quality."""
        return 0 if self.root is None else 1 + self.root * len(QUALITIES) + QUALITIES.index(self.quality)

    @classmethod
    def from_index(cls, index: int) -> Chord:
        """Return the chord whose `index` this is; ValueError outside 0..108."""
        if not 0 <= index < N_CHORDS:
            raise ValueError(f"chord index {index} is not in 0..{N_CHORDS - 1}")
        return cls() if index == 0 else cls((index - 1) // len(QUALITIES), QUALITIES[(index - 1) % len(QUALITIES)])

    @classmethod
    def parse(cls, label: str) -> Chord:
        """Return the chord of a MIREX label such as "Gb:min7/b3"; inversions and tensions are dropped.

        "N" and "X" are no chord. Raises ValueError when the root is not the name of a note.
        """
        root, _, rest = label.strip().partition(":")
        root = root.partition("/")[0]
        return cls() if root in ("", "N", "X") else cls(pitch_class(root), _quality(rest))

    @classmethod
    def parse_symbol(cls, symbol: str) -> Chord:
        """Return the chord of a lead-sheet name such as "F#m7" or "Bb7/D"; inversions and tensions are dropped.

        "N.C." and "NC" are no chord. Raises ValueError when the root is not the name of a note.
        """
        text = symbol.strip()
        if text.upper().replace(".", "") in ("", "N", "NC"):
            return cls()
        match = re.match(r"[A-G][b#]*", text)
        if match is None:
            raise ValueError(f"{symbol!r} is not a chord; begin with a letter A to G, as in F#m7")
        return cls(pitch_class(match[0]), _quality(text[match.end() :]))

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Return the pitch classes of the chord from the root up, none for no chord."""
        root = self.root
        return () if root is None else tuple((root + interval) % 12 for interval in INTERVALS[self.quality])

    @property
    def symbol(self) -> str:
        """Return the lead-sheet name, "N.C." for no chord."""
        return "N.C." if self.root is None else _ROOTS[self.root] + _SUFFIXES[QUALITIES.index(self.quality)]

    def transpose(self, semitones: int) -> Chord:
        """Return the chord moved by `semitones`."""
        return self if self.root is None else replace(self, root=(self.root + semitones) % 12)


def _quality(text: str) -> str:
    body = text.partition("/")[0]
    return next(quality for pattern, quality in _QUALITY_PATTERNS if pattern.search(body))


@dataclass(frozen=True, slots=True)
class Key:
    """Hold a key: its tonic as a pitch class 0..11, and its mode, "major" or "minor"."""

    tonic: int
    mode: str = "major"

    def __post_init__(self) -> None:
        if not 0 <= self.tonic <= 11:
            raise ValueError(f"tonic {self.tonic} is not in 0..11")
        if self.mode not in _SCALES:
            raise ValueError(f"mode {self.mode!r} is neither major nor minor")

    @classmethod
    def parse(cls, label: str) -> Key:
        """Return the key of a label such as "Gb:maj", "A minor", "C" or "F#m"; ValueError when it is none."""
        match = re.fullmatch(r"([A-G][b#]*)(?:[: ]?(maj|major|M|min|minor|m))?", label.strip())
        if match is None:
            raise ValueError(f"{label!r} is not a key; write it like C, F#m, Gb:maj or A minor")
        return cls(pitch_class(match[1]), "minor" if (match[2] or "maj") in ("min", "minor", "m") else "major")

    @property
    def index(self) -> int:
        """Return the key's number 0..23: the major keys from C up, then the minor keys."""
        return self.tonic + (12 if self.mode == "minor" else 0)

    @classmethod
    def from_index(cls, index: int) -> Key:
        """Return the key whose `index` this is; ValueError outside 0..23."""
        if not 0 <= index < 24:
            raise ValueError(f"key index {index} is not in 0..23")
        return cls(index % 12, "minor" if index >= 12 else "major")

    @property
    def relative_major(self) -> int:
        """Return the tonic of the major key with the same scale."""
        return (self.tonic + 3 * (self.mode == "minor")) % 12

    @property
    def scale(self) -> tuple[int, ...]:
        """Return the seven pitch classes of the major or natural minor scale, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in _SCALES[self.mode])

    @property
    def name(self) -> str:
        """Return the name in words, such as "F# minor"."""
        return f"{_ROOTS[self.tonic]} {self.mode}"

    def transpose(self, semitones: int) -> Key:
        """Return the key moved by `semitones`."""
        return replace(self, tonic=(self.tonic + semitones) % 12)
