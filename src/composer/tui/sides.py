"""Two settings of the machine side by side, to compare them with one key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple


class Side(NamedTuple):
    """Hold a generator's name and its parameters as text."""

    generator: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sides:
    """Hold the side that plays, the other one (None before one was chosen), and whether A is the one that plays."""

    current: Side
    other: Side | None = None
    is_a: bool = True

    @property
    def letter(self) -> str:
        """Return the letter of the side that plays."""
        return "AB"[not self.is_a]

    @property
    def other_letter(self) -> str:
        """Return the letter of the other side."""
        return "AB"[self.is_a]

    def turned(self) -> Sides:
        """Return the sides with the other one playing; where there is none, this one plays on."""
        return self if self.other is None else Sides(self.other, self.current, not self.is_a)

    def beside(self, generator: str) -> Sides:
        """Return the sides with another generator on the other side, which plays from now on."""
        return Sides(Side(generator, {}), self.current, not self.is_a)

    def chosen(self, generator: str) -> Sides:
        """Return the sides with another generator on the side that plays."""
        return replace(self, current=Side(generator, {}))

    def changed(self, params: Mapping[str, str]) -> Sides:
        """Return the sides with some parameters changed on the side that plays."""
        return replace(self, current=self.current._replace(params={**self.current.params, **params}))

    def refused(self, generator: str) -> Sides:
        """Return the sides after `generator` could not be opened: the one before plays on, if it is a side."""
        return self.turned() if self.current.generator == generator else self
