"""What the panels say: pure functions from a snapshot to lines of text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from textual.content import Content

from composer.live.steering import PITCHED, Steering
from composer.music import TICKS_PER_QUARTER, Part
from composer.tui.control_panel import Group
from composer.tui.controls import Control, declared, of_generator
from composer.tui.layout import position

if TYPE_CHECKING:
    from composer.live.snapshot import Snapshot
    from composer.tui.sides import Sides

_METER_CELLS = 8
_FULL_QUARTERS = 4.0
STEERABLE = {
    "density": {"density"},
    "register": {"register", "low"},
    "temperature": {"temperature"},
    "key": {"key"},
    "scale": {"scale"},
}
"""What a player looks for in every generator, and the parameters that are it: where it is missing, that is said."""
_FOLLOWS = {"follow": "", "lead": ", leads", "ignore": ", ignores you"}
_WAYS = {"in": "from", "out": "to"}


def transport(snapshot: Snapshot) -> list[Content]:
    """Return position, meter and tempo; where the time comes from; the harmony."""
    bar, beat = position(snapshot.tick, snapshot.meters)
    state = "[$text-success b]▶[/]" if snapshot.running else "[dim]■[/]"
    meter = f"{snapshot.meter.numerator}/{snapshot.meter.denominator}"
    source = "internal clock" if snapshot.source == "internal" else _clock(snapshot)
    return [
        _line(
            f"{state} [b]$at[/]  $meter  ♩=$tempo",
            at=f"{bar:>3}.{beat}",
            meter=meter,
            tempo=f"{snapshot.timeline.tempo:.1f}",
        ),
        _line("$source", source=source),
        _line(
            f"[dim]key[/] [b]$key[/]  [dim]{'your chord' if snapshot.zone else 'chord'}[/] [b]$chord[/]",
            key=snapshot.key or "?",
            chord=snapshot.zone or chord_at(snapshot),
        ),
    ]


def _clock(snapshot: Snapshot) -> str:
    return f"MIDI clock ±{snapshot.jitter_ms:.1f} ms" if snapshot.running else "MIDI clock: waits for the host"


def chord_at(snapshot: Snapshot) -> str:
    """Return the chord in force now, "?" before the first."""
    return next((symbol for tick, symbol in reversed(snapshot.chords) if tick <= snapshot.tick), "?")


def generator(snapshot: Snapshot, sides: Sides) -> list[Content]:
    """Return the generator, and the one that takes over and when; the role; the other side of a comparison."""
    pending = f"  [$text-warning b]→ $pending {_wait(snapshot)}[/]" if snapshot.pending else ""
    other = "  [dim]$letter[/] $other" if sides.other is not None else ""
    return [
        _line(
            f"[dim]$letter[/] [b $text-accent]$name[/]{pending}",
            letter=sides.letter if sides.other is not None else "",
            name=snapshot.generator,
            pending=snapshot.pending or "",
        ),
        _line(
            f"[dim]role[/] [b]$role[/]$follow{other}",
            role=snapshot.role,
            follow=_FOLLOWS[snapshot.steering.follow],
            letter=sides.other_letter,
            other=sides.other.generator if sides.other is not None else "",
        ),
    ]


def _wait(snapshot: Snapshot) -> str:
    if snapshot.switch_at is None:
        return "is getting ready"
    beats = max(1, -(-int(snapshot.switch_at - snapshot.tick) // snapshot.meter.beat))
    return f"at the next bar, in {beats} beat{'s' if beats > 1 else ''}"


def controls(snapshot: Snapshot) -> list[Group]:
    """Return what can be set while the generator that plays, or is to play, does."""
    name = snapshot.pending or snapshot.generator
    own = of_generator(name)
    absent = [wanted for wanted, names in STEERABLE.items() if names.isdisjoint(control.name for control in own)]
    only_drums = bool(snapshot.parts) and all(part.is_drums for part in snapshot.parts)
    steering = tuple(c for c in declared(Steering, "steering") if not (only_drums and c.name in PITCHED))
    parts = tuple(control for part in snapshot.parts for control in _of_part(part))
    return [
        Group(name, own, f"here without {', '.join(absent)}" if absent and own else ""),
        Group("steering", steering, "drums: no pitches to steer" if only_drums else ""),
        *([Group("parts", parts)] if parts else []),
    ]


def _of_part(part: Part) -> tuple[Control, Control]:
    channel, program = f"{part.name} channel", f"{part.name} program"
    return (
        Control(channel, "part", f"MIDI channel of {part.name}", str(part.channel + 1), (), 1, 16, 1),
        Control(program, "part", f"General MIDI program of {part.name}", str(part.program + 1), (), 1, 128, 1),
    )


def values(snapshot: Snapshot) -> dict[str, str]:
    """Return the values of every control, as text, where they are known; the others are at their defaults."""
    steering = {c.name: c.moved(str(getattr(snapshot.steering, c.name)), 0) for c in declared(Steering, "steering")}
    return {**snapshot.params, **steering}


def ports(snapshot: Snapshot) -> list[Content]:
    """Return each port and whether it is there; what the textures of the roll mean."""
    legend = "[$text-success]⣿⣿[/] you [$text-accent]██[/] it plays [$text-accent]⣏⣹[/] may play"
    return [
        *(_line(_port(port.state), name=port.name, way=_WAYS[port.direction]) for port in snapshot.ports),
        _line(legend),
    ]


def _port(state: str) -> str:
    return "[$text-success]●[/] $way $name" if state != "lost" else "[$text-error b]✗ $way $name lost[/]"


def engine(snapshot: Snapshot) -> list[Content]:
    """Return how far ahead the machine is; what it missed; how late notes left; the worker."""
    counters = snapshot.counters
    quarters = counters.ahead_ticks / TICKS_PER_QUARTER
    misses = sum(counters.misses.values())
    dropped = "  [$text-error b]dropped[/] $dropped" if counters.dropped else ""
    worry = "$text-error b" if misses else "dim"
    return [
        _line("[dim]ahead[/] [$text-accent]$bar[/] $q ♩", bar=level(quarters / _FULL_QUARTERS), q=f"{quarters:.1f}"),
        _line(
            f"[{worry}]missed[/] $misses/$deadlines  [dim]late[/] $late ms",
            misses=misses,
            deadlines=counters.deadlines,
            late=f"{counters.late_p99:.1f}",
        ),
        _line(
            f"[dim]worker[/] $worker$again{dropped}",
            worker=snapshot.worker,
            again=_restarts(counters.worker_restarts),
            dropped=counters.dropped,
        ),
    ]


def _restarts(count: int) -> str:
    return f" ({count} restarts)" if count else ""


def level(share: float) -> str:
    """Return a bar of eight cells that is filled to `share` of its length."""
    halves = round(max(0.0, min(share, 1.0)) * _METER_CELLS * 2)
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(_METER_CELLS, "┈")


# Kept, because most lines are the same as in the frame before, and to read markup is more work than to draw it.
@lru_cache(maxsize=256)
def _line(markup: str, **values: object) -> Content:
    return Content.from_markup(markup, **values)
