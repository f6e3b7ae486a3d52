"""Controls made from what a generator declares of its parameters: pure functions from text values to text values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, get_type_hints

Owner = Literal["generator", "steering", "part"]
SWITCH = ("false", "true")


@dataclass(frozen=True, slots=True)
class Control:
    """Hold one thing that can be set: a number with range and step, or one of `options`; values are text.

    A whole number has a whole `step`. A switch is a choice of SWITCH.
    """

    name: str
    owner: Owner
    help: str
    default: str
    options: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    step: float = 1.0

    @property
    def steps(self) -> int:
        """Return how many steps lie between the lowest and the highest value."""
        return len(self.options) - 1 if self.options else round((self.high - self.low) / self.step)

    def moved(self, text: str, steps: int) -> str:
        """Return the value `steps` above `text`, at most the last one; a switch and a choice go round."""
        place = self._place(text) + steps
        return self._at(place % (self.steps + 1) if self.options else max(0, min(place, self.steps)))

    def at(self, share: float) -> str:
        """Return the value at `share` (0..1) of the range."""
        return self._at(round(max(0.0, min(share, 1.0)) * self.steps))

    def share(self, text: str) -> float:
        """Return where in its range the value `text` lies, 0..1."""
        return self._place(text) / max(1, self.steps)

    def _place(self, text: str) -> int:
        if self.options:
            return self.options.index(text) if text in self.options else 0
        try:
            return round((float(text) - self.low) / self.step)
        except ValueError:
            return 0

    def _at(self, place: int) -> str:
        if self.options:
            return self.options[place]
        # Decimal, because 0.05 * 3 is not 0.15 in binary, and the player reads it.
        step = Decimal(str(self.step))
        value = Decimal(str(self.low)) + place * step
        return str(value.quantize(step)) if step % 1 else str(int(value))


@lru_cache
def declared(kind: type, owner: Owner) -> tuple[Control, ...]:
    """Return the controls of a parameter class; a parameter that is free text, such as a folder, has none."""
    types = get_type_hints(kind)
    made = (_control(f.name, owner, types[f.name], f.default, f.metadata) for f in fields(kind))
    return tuple(control for control in made if control is not None)


def _control(name: str, owner: Owner, kind: type, default: Any, meta: Mapping[str, Any]) -> Control | None:
    help = meta.get("help", "")
    if kind is bool:
        return Control(name, owner, help, SWITCH[default], SWITCH)
    if options := meta.get("options"):
        return Control(name, owner, help, default, tuple(options))
    low, high = meta.get("low"), meta.get("high")
    if low is None or high is None:
        return None
    step = meta.get("step") or (1 if kind is int else (high - low) / 100)
    control = Control(name, owner, help, str(default), (), low, high, step)
    return Control(name, owner, help, control.moved(str(default), 0), (), low, high, step)


def of_generator(name: str) -> tuple[Control, ...]:
    """Return the controls of the generator called `name`, none when there is no such generator here."""
    from composer.generators import GENERATORS, params_type

    return declared(params_type(name), "generator") if name in GENERATORS else ()
