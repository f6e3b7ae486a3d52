"""The one question every generator answers: given what is known, propose the notes of one span of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, get_type_hints, runtime_checkable

from composer.errors import UsageError
from composer.music import Note, Part, Score, Span

Role = Literal["accompany", "continue", "trade", "fill"]
ROLES: tuple[Role, ...] = ("accompany", "continue", "trade", "fill")
LATEST = 2**62
"""A tick after all others."""


class PartNote(NamedTuple):
    """Hold a note and the name of the part that plays it."""

    part: str
    note: Note


@dataclass(frozen=True, slots=True)
class Context:
    """Hold everything a generator may know when it is asked.

    `score` holds the music so far and, where it is known, ahead. `machine` names the parts the generator writes (they
    are in the score, with what they have played or are committed to); every other part is a player's.
    """

    score: Score
    machine: tuple[str, ...]
    known_until: int
    """The tick up to which a player's silence means silence: now when live, the end of the piece offline."""
    role: Role = "accompany"

    @property
    def players(self) -> tuple[Part, ...]:
        """Return the parts the generator listens to."""
        return tuple(part for part in self.score.parts if part.name not in self.machine)

    @property
    def machines(self) -> tuple[Part, ...]:
        """Return the parts the generator writes, in the order of `machine`."""
        return tuple(self.score.part(name) for name in self.machine)

    def extended(self, notes: list[PartNote]) -> Context:
        """Return the context with `notes` added to their parts."""
        score = self.score
        for name in self.machine:
            new = [n.note for n in notes if n.part == name]
            if new:
                score = score.with_part(score.part(name).with_notes((*score.part(name).notes, *new)))
        return replace(self, score=score)


@runtime_checkable
class Generator(Protocol):
    """Answer one question, purely: the same context, span, parameters and seed give the same notes.

    A generator is made as `cls(params, seed)`. It may cache, never depend on the cache. One thread uses it at a time.
    """

    grid: int
    """Spans begin and end on multiples of this many ticks; 1 when anything goes."""
    margin: int
    """Ticks before a grid line at which the block ending there counts as heard (0 for generators without blocks)."""

    def propose(self, context: Context, span: Span) -> Iterator[PartNote]:
        """Yield the notes of the machine's parts whose onsets lie in `span`, in order of onset.

        The context is never changed and may hold music after the span (infilling). The caller may stop at any note.
        """
        ...


def param(
    default: Any, help: str, low: float | None = None, high: float | None = None, step: float | None = None
) -> Any:
    """Return a dataclass field that is a generator parameter: a flag, a control and a MIDI CC range at once."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "step": step})


def choice(default: str, options: tuple[str, ...], help: str) -> Any:
    """Return a dataclass field that takes one of `options`."""
    return field(default=default, metadata={"help": help, "options": options})


@dataclass(frozen=True, slots=True)
class Info:
    """Describe a generator for `composer list` without importing it."""

    name: str
    title: str
    authors: str
    year: int
    summary: str
    target: str
    """Where the class is: "module:Class"; the class has an attribute Params, a frozen dataclass."""
    roles: tuple[Role, ...] = ROLES
    weights: str | None = None
    """Folder under models/ that the generator needs, None when it needs no weights."""
    params: str | None = None
    """Where the parameters are, "module:Class", when they can be shown without importing the generator."""


class ParamsOwner(Protocol):
    """A generator class: its parameters, and how it is made."""

    Params: ClassVar[type]

    def __call__(self, params: Any, seed: int) -> Generator:
        """Make the generator."""
        ...


def parse_params(params_type: type, values: dict[str, str]) -> Any:
    """Return `params_type` made from text values; UsageError names the parameter, its range and its default."""
    known = {f.name: f for f in fields(params_type)}
    types = get_type_hints(params_type)
    parsed = {}
    for key, text in values.items():
        if key not in known:
            raise UsageError(f"there is no parameter {key!r}; the parameters are {', '.join(known) or 'none'}")
        parsed[key] = _parse(known[key], types[key], text)
    return params_type(**parsed)


def _parse(spec: Field[Any], kind: type, text: str) -> Any:
    meta = spec.metadata
    if options := meta.get("options"):
        if text not in options:
            raise UsageError(f"{spec.name} cannot be {text!r}; it is one of {', '.join(options)}")
        return text
    if kind is bool:
        if text.lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
            raise UsageError(f"{spec.name} cannot be {text!r}; say true or false")
        return text.lower() in ("true", "1", "yes", "on")
    try:
        value = kind(text)
    except ValueError:
        default = "none" if spec.default is MISSING else spec.default
        raise UsageError(f"{spec.name} cannot be {text!r}; it is a {kind.__name__}, by default {default}") from None
    low, high = meta.get("low"), meta.get("high")
    # Written so that NaN fails both comparisons.
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise UsageError(f"{spec.name} cannot be {text}; it lies between {low} and {high}, by default {spec.default}")
    return value
