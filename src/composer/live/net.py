"""The net: the fallback plans, inside the session, what nobody else has planned in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from composer.generators.base import Context, Generator
from composer.live.plan import FALLBACK, Cover, Plan
from composer.live.steps import STEP, answers
from composer.live.worker import make_with_parts
from composer.music import TICKS_PER_QUARTER, Part, Span

NET_TICKS = 2 * TICKS_PER_QUARTER
"""The fallback plans this far ahead wherever the chosen generator has not."""

Asking = Callable[[tuple[Part, ...], int, int, int], Context]
"""Make the context of a question: the machine's parts, the span's start, the last tick heard, known_until."""


@dataclass(slots=True)
class Net:
    """Hold the fallback: a generator in this process and its parts, or None when it could not be made."""

    generator: Generator | None
    parts: tuple[Part, ...]
    name: str = "fallback"


def make_net(name: str, seed: int, say: Callable[[str], None]) -> Net:
    """Return the fallback called `name`; when it cannot be made, say why and return one that plans silence."""
    try:
        generator, parts = make_with_parts(name, {}, seed)
    except Exception as error:
        say(f"the fallback {name} cannot be made ({error}); silence stands in for it")
        return Net(None, (Part("Machine"),), name)
    return Net(generator, parts, name)


class Weaver:
    """Plan with the fallback what the plan lacks. One thread uses a weaver."""

    def __init__(self, net: Net, plan: Plan, ask: Asking, say: Callable[[str], None]) -> None:
        self._net, self._plan, self._ask, self._say = net, plan, ask, say
        self._is_woven = False

    def forget(self) -> None:
        """Begin anew at the very moment of the next call: the plan was forgotten."""
        self._is_woven = False

    def weave(self, here: int, commit: int, is_news: bool, knew: int) -> None:
        """Plan what nobody has from tick `here` on, and after news again what the fallback planned before them."""
        end = here // STEP * STEP + NET_TICKS
        tick = here + commit if self._is_woven else here
        self._is_woven = True
        while tick < end:
            cover = self._plan.cover(tick)
            if cover is None or (cover.seat == FALLBACK and is_news):
                step_end = min((tick // STEP + 1) * STEP, cover.end if cover else end)
                self._fall_back(Span(tick, step_end), here, knew)
                tick = step_end
            else:
                tick = cover.end

    def _fall_back(self, step: Span, here: int, knew: int) -> None:
        generator, notes, known = self._net.generator, [], -1
        if generator is not None:
            try:
                context = self._ask(self._net.parts, step.start, here, here)
                for _, found in answers(generator, context, step):
                    notes += found
                known = here
            except Exception as error:
                self._say(f"{self._net.name}: {error}")
        self._plan.put(step, notes, Cover(FALLBACK, 0, known, here, step.end), knew, step.start)
