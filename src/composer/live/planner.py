"""The planner: what is asked, when, of whom, and what becomes of the answers. It knows ticks, not ports."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from composer.generators.base import Context, Role, parse_params
from composer.live.course import Course
from composer.live.deadlines import LATE_TICKS, Deadlines
from composer.live.due import block_due, news_due, next_due
from composer.live.ear import Ear
from composer.live.net import Net, Weaver
from composer.live.plan import Cover, Plan, Planned
from composer.live.roles import RESTS, bars_before, turns
from composer.live.seat import MakeLink, Seat
from composer.live.settings import Settings
from composer.live.stats import Figures
from composer.live.steering import NEUTRAL, Steering
from composer.live.steps import STEP, TRIM_BARS, WINDOW_BARS, Pace, question
from composer.live.wire import Message, read_notes
from composer.live.zone import Zone
from composer.music import DRUM_CHANNEL, TICKS_PER_QUARTER, Note, Part, Span


class _Asked(NamedTuple):
    seat: int
    known_until: int
    knew: int
    now: float


class Planner:
    """Keep the ear, the plan and the generators of a session. One thread uses a planner.

    Messages of workers reach `post` from their threads; their owner hands them to `answered`.
    """

    def __init__(
        self,
        settings: Settings,
        net: Net,
        make: MakeLink,
        post: Callable[[Seat, int, Message], None],
        figures: Figures,
        say: Callable[[str], None],
    ) -> None:
        self.ear, self.plan = Ear(), Plan()
        self.role: Role = settings.role
        self.course = Course(settings.tempo, settings.meter)
        self.chords: dict[int, str] = {}
        self.key = ""
        self.knew = 0
        self.pending: Seat | None = None
        self.restarts_of_past = 0
        self.steering: Steering = parse_params(Steering, dict(settings.steering))
        self.zone = Zone()
        self._deaf_from = None if self.steering.follow == "follow" else 0
        self._assigned: dict[str, tuple[int, int]] = {}
        self._settings, self._net, self._make, self._post = settings, net, make, post
        self._figures, self._say = figures, say
        self.switch_at: int | None = None
        self._seats = 0
        self._questions = 0
        self._asked: dict[int, _Asked] = {}
        self._oldest_valid = 0
        self._begin = 0
        self._deadlines = Deadlines(self.plan, figures, say)
        self._weaver = Weaver(net, self.plan, self._context, say)
        self._is_news = False
        self._channels = {part.name: part.channel for part in net.parts}
        self.seat = self._new_seat()

    # The player

    def on(self, tick: float, channel: int, pitch: int, velocity: int) -> int:
        """Hear a key going down; return the note's number, counted from 1."""
        self.ear.on(tick, channel, pitch, velocity)
        self.knew += 1
        if pitch < self.steering.split and self.zone.on(channel, pitch):
            self.plan.touch(max(0, round(tick)))
        self._changed(tick)
        return self.knew

    def off(self, tick: float, channel: int, pitch: int) -> None:
        """Hear a key going up."""
        self.ear.off(tick, channel, pitch)
        self.zone.off(channel, pitch)
        if self.role in RESTS:
            self._changed(tick)

    # The generators

    def open(self, name: str, params: Mapping[str, str], now: float) -> None:
        """Take another generator: at once while stopped, else at a bar line once it is open."""
        if self.pending is not None:
            self.pending.close()
        self.switch_at = None
        if self.pending is not None and (name, dict(params)) == (self.seat.name, self.seat.params):
            # The player thought better of it, and what plays has never stopped.
            self.pending = None
            return
        self.pending = self._new_seat()
        self.pending.open(name, params, now)

    def change(self, params: Mapping[str, str], now: float) -> None:
        """Change parameters of the generator that plays."""
        seat = self.pending or self.seat
        seat.open(seat.name, {**seat.params, **params}, now)

    def set_role(self, role: Role) -> None:
        """Change what the machine does, from the next question on."""
        self.role = role
        self._is_news = True
        for seat in self._present():
            seat.boundary = None if seat.pace.grid > 1 else seat.boundary

    def steer(self, steering: Steering, tick: float) -> None:
        """Let the machine's notes from `tick` on sound otherwise, or the player's be heard or not."""
        before, self.steering = self.steering, steering
        if not steering.split:
            self.zone.close()
        if before.follow != steering.follow:
            self._deaf_from = {"follow": None, "lead": max(0, round(tick)), "ignore": 0}[steering.follow]
            self.set_role(self.role)
        self.plan.touch(max(0, round(tick)))

    def assign(self, name: str, channel: int, program: int, tick: float) -> None:
        """Let the part called `name` play on another channel (0..15) with another program (0..127)."""
        self._assigned[name] = channel, program
        self.plan.touch(max(0, round(tick)))

    def release(self, tick: float) -> None:
        """Take every key of the player for up at `tick`."""
        self.ear.release(tick)
        self.zone.release()

    def check(self, now: float) -> None:
        """Replace workers that hang or died."""
        for seat in self._present():
            seat.check(now)

    @property
    def restarts(self) -> int:
        """Return how often a worker was replaced."""
        return self.restarts_of_past + sum(seat.restarts for seat in self._present())

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the parts of the generator that plays, and those of the fallback on channels that are still free."""
        own = tuple(map(self._as_assigned, self.seat.parts))
        taken = {part.channel for part in own}
        return (*own, *(part for part in map(self._as_assigned, self._net.parts) if part.channel not in taken))

    def _as_assigned(self, part: Part) -> Part:
        channel, program = self._assigned.get(part.name, (part.channel, part.program))
        return replace(part, channel=channel, program=program)

    def close(self) -> None:
        """End every worker."""
        for seat in self._present():
            seat.close()

    # Time

    def begin(self, tick: int) -> None:
        """Begin to play at `tick`, with nothing planned."""
        self.forget_plan(tick)
        self._begin = tick
        self._deadlines.begin(tick)

    def forget_plan(self, tick: float) -> None:
        """Forget what has not begun at `tick`, and every question."""
        self.plan.clear(max(0, round(tick)))
        self._oldest_valid = self._questions + 1
        self._is_news = False
        self._weaver.forget()
        for seat in self._present():
            seat.boundary = None

    def jump(self, old: float, new: float) -> None:
        """Go on at tick `new`: what is remembered moves by whole bars so that it ends there or just before."""
        self.release(old)
        self.forget_plan(old)
        bar = self.course.score().meter_at(max(0, round(old))).bar
        shift = int((new - old) // bar) * bar
        if shift:
            self.ear.shift(shift)
            self.plan.shift(shift)
            self.course.shift(shift)
            self._deaf_from = self._deaf_from and max(0, self._deaf_from + shift)
            self.chords = {t + shift: symbol for t, symbol in self.chords.items() if t + shift >= 0}
        self._deadlines.forget_news()
        if self.switch_at is not None:
            self.switch_at = self.course.next_line(new + STEP)
        self.begin(max(0, round(new)))

    # Asking

    def advance(self, tick: float, now: float) -> None:
        """Ask what is due at `tick`, and let the fallback fill what nobody has planned."""
        at = max(tick, float(self._begin))
        self._count_deadlines(at)
        self._switch(at)
        commit = self.seat.pace.commit if self.seat.pace.grid == 1 else Pace().commit
        self._consult(self.seat, at, now, self.switch_at)
        if self.pending is not None and self.switch_at is not None:
            self._consult(self.pending, at, now, None, self.switch_at)
        # The fallback works while the worker does: it must not delay a question that has a moment to be answered in.
        self._weaver.weave(round(at), commit, self._is_news, self.knew)
        self._is_news = False
        self._forget_past(at)

    def next_tick(self, tick: float) -> float:
        """Return the next tick after `tick` at which `advance` has something to do."""
        at = max(tick, float(self._begin))
        return min(*(next_due(seat.pace, at) for seat in self._present()), at // STEP * STEP + STEP)

    def fixed_until(self, tick: float) -> int:
        """Return the tick up to which the plan will not be revised any more."""
        pace = self.seat.pace
        if pace.grid == 1:
            return max(0, round(tick)) + pace.commit
        return max(self._begin, int((tick + pace.margin) // pace.grid) * pace.grid + pace.lead * pace.grid)

    def answered(self, seat: Seat, life: int, message: Message, tick: float, running: bool, now: float) -> None:
        """Take a message of a worker at `tick`."""
        if seat not in self._present() or (taken := seat.take(life, message, now)) is None:
            return
        if taken["op"] == "opened":
            self._opened(seat, taken, tick, running)
        elif taken["op"] == "failed":
            self._failed(seat, taken)
        elif taken["op"] == "proposed" and running:
            self._count_deadlines(max(tick, float(self._begin)))
            self._merge(seat, taken, max(tick, float(self._begin)), now)

    def take_op(self, tick: float) -> Message | None:
        """Return the message that brings io up to date, None when nothing changed."""
        shape = None if self.steering == NEUTRAL and self.zone.chord is None else self._shaped
        channels = self._channels | {name: channel for name, (channel, _) in self._assigned.items()}
        return self.plan.take_op(max(0, int(tick) - LATE_TICKS), channels, shape)

    def _shaped(self, planned: Planned) -> Note | None:
        part, note = planned.entry
        meter = self.course.score().meter_at(note.onset)
        is_drums = self._channels[part] == DRUM_CHANNEL
        return self.steering.steered(note, planned.id, meter, self.zone.chord, is_drums)

    def _heard(self) -> tuple[Part, ...]:
        """Return the player's parts as far as the machine hears them."""
        parts, end = self.ear.parts(), self._deaf_from
        return parts if end is None else tuple(p.with_notes(n for n in p.notes if n.onset < end) for p in parts)

    def _changed(self, tick: float) -> None:
        if self._deaf_from is not None:
            return
        self._deadlines.note_news(tick)
        self._is_news = True

    def _consult(self, seat: Seat, at: float, now: float, end: int | None, begin: int = 0) -> None:
        if not seat.is_ready:
            return
        due = block_due(seat, at) if seat.pace.grid > 1 else news_due(seat, at, self.plan, self._is_news)
        if due is None:
            return
        start, stop = max(due.span.start, begin), due.span.end if end is None else min(due.span.end, end)
        if start >= stop:
            return
        context = self._context(seat.parts, start, due.heard, due.known_until)
        self.plan.clip(start, turns(context, Span(start, max(stop, start + 8 * TICKS_PER_QUARTER))))
        known_until = round(at) if due.is_early else due.known_until
        if (id := seat.asked(context, Span(start, stop))) in self._asked and id >= self._oldest_valid:
            # Nothing has come since it was asked on trust: what was answered, or will be, holds.
            self._asked[id] = self._asked[id]._replace(known_until=known_until)
            self.plan.confirm(id, seat.number, known_until)
            return
        self._questions += 1
        self._asked[self._questions] = _Asked(seat.number, known_until, self.knew, now)
        seat.ask(self._questions, context, Span(start, stop), now)

    def _context(self, parts: tuple[Part, ...], start: int, heard: int, known_until: int) -> Context:
        score = self.course.score((*self._heard(), *self.plan.parts(parts, start)))
        context = Context(score, tuple(part.name for part in parts), known_until, self.role)
        return question(context, start, heard, known_until)

    # Answers

    def _merge(self, seat: Seat, message: Message, tick: float, now: float) -> None:
        asked = self._asked.get(message["id"])
        if asked is None or message["id"] < self._oldest_valid or asked.seat != seat.number:
            return
        step = Span(*message["span"])
        before = self.plan.cover(step.start)
        if before is not None and before.seat == seat.number and before.question > message["id"]:
            return
        if asked.now >= 0:
            self._figures.plans += 1
            self._figures.plan_ms.append((now - asked.now) * 1000)
            self._asked[message["id"]] = asked._replace(now=-1.0)
        late = tick > step.start
        if late and before is not None and seat.pace.grid > 1:
            # Half of one plan and half of another are no music: the block that has begun stays what it is.
            return
        cut = max(step.start, math.ceil(tick)) if late else step.start
        cover = Cover(seat.number, message["id"], asked.known_until, tick, step.end)
        self.plan.put(step, read_notes(message["notes"]), cover, asked.knew, cut)
        self._take_harmony(message, step)

    def _take_harmony(self, message: Message, step: Span) -> None:
        if chords := message.get("chords"):
            self.chords = {tick: symbol for tick, symbol in self.chords.items() if tick < step.start}
            self.chords |= {tick: symbol for tick, symbol in chords if tick >= step.start}
        self.key = message.get("key", self.key)

    def _opened(self, seat: Seat, message: Message, tick: float, running: bool) -> None:
        self._channels |= {part.name: part.channel for part in seat.parts}
        if notice := message.get("notice"):
            self._say(notice)
        if seat is not self.pending:
            return
        if not running:
            self._seat_pending()
            return
        self.switch_at = self.course.next_line(tick + STEP)

    def _failed(self, seat: Seat, message: Message) -> None:
        self._say(f"{seat.name}: {message['message']}")
        if seat is self.pending and message["id"] is None:
            seat.close()
            self.pending, self.switch_at = None, None

    def _switch(self, at: float) -> None:
        if self.switch_at is not None and at >= self.switch_at:
            self._seat_pending()

    def _seat_pending(self) -> None:
        assert self.pending
        self.restarts_of_past += self.seat.restarts
        self.seat.close()
        self.seat, self.pending, self.switch_at = self.pending, None, None

    def _seat_at(self, tick: int) -> Seat:
        """Return whose plan should hold at `tick`."""
        takes_over = self.pending is not None and self.switch_at is not None and tick >= self.switch_at
        return self.pending if self.pending is not None and takes_over else self.seat

    def _count_deadlines(self, at: float) -> None:
        self._deadlines.count(at, self.seat.pace.step, self._seat_at)

    def _forget_past(self, at: float) -> None:
        score = self.course.score()
        bars = bars_before(score, max(0, int(at)))
        if bars % TRIM_BARS == 0 and bars > WINDOW_BARS + 2 * TRIM_BARS:
            before = score.bar_tick(bars - WINDOW_BARS - 2 * TRIM_BARS)
            self.ear.forget(before)
            self.plan.forget(before)
            self.chords = {tick: symbol for tick, symbol in self.chords.items() if tick >= before}
        self.plan.forget_covers(max(0, int(at) - 4 * TICKS_PER_QUARTER))
        if len(self._asked) > 64:
            self._asked = {id: asked for id, asked in self._asked.items() if id > self._questions - 32}

    def _present(self) -> tuple[Seat, ...]:
        return (self.seat,) if self.pending is None else (self.seat, self.pending)

    def _new_seat(self) -> Seat:
        self._seats += 1
        commit = self._settings.commit
        pace = replace(
            Pace(lookahead=round(self._settings.lookahead * TICKS_PER_QUARTER), commit_is_set=commit is not None),
            commit=Pace().commit if commit is None else round(commit * TICKS_PER_QUARTER),
        )
        return Seat(self._seats, self._make, self._post, pace, self._settings.seed)
