"""What a session shows of what its planner holds."""

from __future__ import annotations

from composer.live.lateness import quantiles
from composer.live.planner import Planner
from composer.live.snapshot import Counters, Snapshot
from composer.live.stats import Figures
from composer.live.told import Told

SHOWN_BARS = 32


def shown(planner: Planner, figures: Figures, told: Told, tick: float) -> Snapshot:
    """Return the snapshot at `tick`, without ports and messages, which are the session's."""
    meter = planner.course.score().meter_at(max(0, int(tick)))
    since = max(0, int(tick) - SHOWN_BARS * meter.bar)
    fixed = planner.fixed_until(tick) if told.running else round(tick)
    return Snapshot(
        tick=tick,
        running=told.running,
        timeline=told.timeline,
        meter=meter,
        meters=planner.course.meters,
        source=told.source,
        jitter_ms=told.jitter_ms,
        generator=planner.seat.name,
        pending=planner.pending.name if planner.pending else None,
        switch_at=planner.switch_at,
        params=dict((planner.pending or planner.seat).params),
        parts=planner.parts,
        role=planner.role,
        player=planner.ear.recent(since, max(0, round(tick))),
        committed=planner.plan.sounding_between(since, fixed),
        intended=planner.plan.sounding_between(fixed, fixed + 64 * meter.bar),
        chords=tuple(sorted((t, symbol) for t, symbol in planner.chords.items() if t >= since)),
        key=planner.key,
        steering=planner.steering,
        zone=planner.zone.chord.symbol if planner.zone.chord else "",
        counters=_counters(planner, figures, told, tick),
        worker=planner.seat.state,
    )


def _counters(planner: Planner, figures: Figures, told: Told, tick: float) -> Counters:
    ahead = planner.plan.covered_until(max(0, round(tick)), planner.seat.number) - max(0.0, tick)
    recent = quantiles(figures.recent_late_ms)
    return Counters(
        figures.notes_in,
        figures.notes_out,
        figures.dropped,
        figures.deadlines,
        dict(figures.misses),
        planner.restarts,
        recent["p50"],
        recent["p99"],
        max(0.0, ahead) if told.running else 0.0,
    )
