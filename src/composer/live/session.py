"""The session: a state machine over one queue of what happened; the interface, `jam` and the tests drive it alike."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from composer.errors import ComposerError, FileError, PortError, UsageError
from composer.generators.base import ROLES, Role, parse_params
from composer.live.clock import Clock, SystemClock
from composer.live.keeping import collecting, journal_of, keep, tell
from composer.live.link import Io, IoProcess, opening
from composer.live.listening import Listener, heard
from composer.live.net import Net, make_net
from composer.live.planner import Planner
from composer.live.seat import MakeLink, Seat, WorkerProcess
from composer.live.settings import Settings, Sync
from composer.live.showing import shown
from composer.live.signals import closing_on_signals
from composer.live.snapshot import Port, Snapshot
from composer.live.stats import Figures, Stats
from composer.live.steering import Steering
from composer.live.told import Told
from composer.live.wire import Message, write_parts
from composer.music import Meter, Part, Timeline

PREROLL_SECONDS = 0.1
"""The internal clock begins this much before the first bar, so that what begins there is planned in time."""
_SHOW_SECONDS = 0.04
_IDLE_SECONDS = 0.1
_FAILURES: dict[str, type[ComposerError]] = {e.__name__: e for e in (UsageError, FileError, PortError)}


class Session:
    """Hear the player, keep the plan, and tell the io process what to play.

    `io` and `worker` make the two links and are given the function that takes their messages; by default they are real
    processes. Commands and `snapshot` may be called from any thread, `poll` and `run` from one. Nothing is opened
    before `run` or the first `poll`, and time stands still until `start`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        io: Callable[[Callable[[Message], None]], Io] | None = None,
        worker: MakeLink | None = None,
        net: Net | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock or SystemClock()
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._make_io = io or IoProcess
        self._io: Io | None = None
        self._figures = Figures()
        self._messages: deque[str] = deque(maxlen=20)
        post = lambda seat, life, message: self._queue.put(partial(self._worker_said, seat, life, message))  # noqa: E731
        net = net or make_net(settings.fallback, settings.seed, self._say)
        self._planner = Planner(settings, net, worker or WorkerProcess, post, self._figures, self._say)
        self._told = Told(Timeline(settings.tempo), settings.sync)
        self._start_at: int | None = None
        self._ports: tuple[Port, ...] = ()
        self._bye: dict[str, Any] = {}
        self._began: float | None = None
        self._closing = False
        self._shown_at = -1.0
        self._is_changed = False
        self._watcher: Callable[[], object] | None = None
        meters = self._planner.course.meters
        self._snapshot = Snapshot(generator=settings.generator, role=settings.role, meter=meters[0], meters=meters)
        self._journal: Path | None = None
        self._broken: str | None = None
        self._listener: Listener | None = None
        self._steered = dict(settings.steering)
        self._programmed: tuple[Part, ...] = ()
        self._metered = settings.meter

    # Running

    def run(self) -> Stats:
        """Play until the duration is over or the session is closed; return the figures.

        A signal that asks to end (in the main thread) closes the session. ComposerError says what went wrong; the
        figures and the recording are written first, whatever happens.
        """
        failures: list[ComposerError] = []
        try:
            with collecting(failures), closing_on_signals(self.close):
                self._play()
        finally:
            with collecting(failures):
                stats = self.finish()
        tell(failures)
        return stats

    def _play(self) -> None:
        try:
            wait = self.poll(self._clock.now())
            while wait is not None:
                with suppress(Empty):
                    self._queue.get(timeout=wait)()
                wait = self.poll(self._clock.now())
        except ComposerError:
            raise
        except Exception as error:
            raise ComposerError(f"the session stumbled and stopped ({type(error).__name__}: {error})") from error

    def poll(self, now: float) -> float | None:
        """Do what is due at `now` seconds; return the seconds until something is due again, None at the end."""
        if self._io is None:
            self._open(now)
        self._drain()
        self._planner.check(now)
        if self._told.running:
            self._planner.advance(self._told.tick(now), now)
            self._drain()
        self._send_programs()
        self._send_meter(self._told.tick(now))
        if self._told.running and (op := self._planner.take_op(self._told.tick(now))) is not None:
            self._send(op)
        duration = self.settings.duration
        if self._closing or (duration is not None and self._began is not None and now - self._began >= duration):
            return None
        if self._is_changed or now - self._shown_at >= _SHOW_SECONDS:
            self._show(now)
        if self._is_changed and self._watcher is not None:
            self._watcher()
        self._is_changed = False
        return self._wait(now)

    # Commands

    def _command(self, what: Callable[[], None]) -> None:
        self._queue.put(partial(self._obey, what))

    def _obey(self, what: Callable[[], None]) -> None:
        what()
        self._is_changed = True

    def start(self) -> None:
        """Run from the next bar line, after the count-in; the internal clock only."""
        self._command(self._start)

    def stop(self) -> None:
        """Stop the time and end every note."""
        self._command(partial(self._send, {"op": "stop"}))

    def panic(self) -> None:
        """End every note, ours or not; the music goes on."""
        self._command(self._panic)

    def set_generator(self, name: str, params: Mapping[str, str] | None = None) -> None:
        """Let another generator take over at a bar line, as soon as it is open."""
        self._command(partial(self._take_generator, name, dict(params or {})))

    def set_params(self, params: Mapping[str, str]) -> None:
        """Change parameters of the generator that plays; the others stay."""
        self._command(lambda: self._planner.change(params, self._clock.now()))

    def set_role(self, role: Role) -> None:
        """Change what the machine does; UsageError names the roles."""
        if role not in ROLES:
            raise UsageError(f"there is no role {role!r}; the roles are {', '.join(ROLES)}")
        self._command(partial(self._planner.set_role, role))

    def set_steering(self, values: Mapping[str, str]) -> None:
        """Change some of `Steering`, as text; the others stay. UsageError names what is out of range."""
        parse_params(Steering, dict(values))
        self._command(partial(self._steer, dict(values)))

    def set_part(self, name: str, channel: int, program: int) -> None:
        """Let a part of the machine play on a channel (0..15) with a program (0..127); ValueError outside."""
        Part(name, (), channel, program)
        self._command(lambda: self._planner.assign(name, channel, program, self._told.tick(self._clock.now())))

    def set_tempo(self, qpm: float) -> None:
        """Change the tempo of the internal clock, in quarters a minute (10..600); UsageError when it is outside."""
        if not 10 <= qpm <= 600:
            raise UsageError(f"the tempo cannot be {qpm}; it lies between 10 and 600 quarters a minute")
        self._command(partial(self._send, {"op": "tempo", "qpm": qpm}))

    def set_meter(self, numerator: int, denominator: int) -> None:
        """Change the meter at the next bar line; ValueError when there is no such meter."""
        Meter(0, numerator, denominator)
        self._command(partial(self._take_meter, numerator, denominator))

    def set_sync(self, source: Sync) -> None:
        """Follow our own clock ("internal") or the host's ("clock")."""
        if source not in ("internal", "clock"):
            raise UsageError(f"there is no sync {source!r}; it is internal or clock")
        self._command(partial(self._send, {"op": "sync", "source": source}))

    def feed(self, data: bytes) -> None:
        """Take a message as if it had reached the in port now."""
        command = {"op": "feed", "data": list(data), "time": self._clock.now()}
        self._queue.put(partial(self._send, command))

    def send(self, data: bytes) -> None:
        """Send a channel message to the out port now; a note among them is ended by panic and stop like the plan's."""
        self._queue.put(partial(self._send, {"op": "send", "data": list(data)}))

    def toggle_sound(self) -> None:
        """Let FluidSynth sound what the player and the machine play, or end it; a message says what became of it."""
        self._queue.put(partial(self._send, {"op": "sound"}))

    def restore_programs(self) -> None:
        """Send the programs of the machine's parts again, after others were heard on their channels."""
        self._queue.put(self._forget_programs)

    def listen(self, listener: Listener | None) -> None:
        """Let `listener` hear the player's messages before the music does, in the session's thread; None ends it."""
        self._listener = listener

    def watch(self, watcher: Callable[[], object] | None) -> None:
        """Let `watcher` know, in the session's thread, as soon as what a command did can be seen; None ends it."""
        self._watcher = watcher

    def close(self) -> None:
        """End the session; `run` returns soon after. May be called more than once, and from a signal handler."""
        self._queue.put(self._close)

    def facts(self) -> dict[str, Any]:
        """Return what makes the same music again: generator, seed, params and role in force. From any thread."""
        seat = self._planner.seat
        name, params = (seat.name, seat.params) if seat.name else (self.settings.generator, self.settings.params)
        steering = self._planner.steering.set
        facts = {"generator": name, "seed": self.settings.seed, "params": dict(params), "role": self._planner.role}
        return facts | ({"steering": steering} if steering else {})

    def snapshot(self) -> Snapshot:
        """Return what there is to see, at most a twentieth of a second old."""
        return self._snapshot

    # Doing what was commanded

    def _open(self, now: float) -> None:
        settings = self.settings
        self._began = now
        if settings.record is not None:
            self._journal = journal_of(settings.record)
        elif settings.journal is not None:
            self._journal = settings.journal
        self._io = self._make_io(lambda event: self._queue.put(partial(self._io_said, event)))
        self._send(opening(settings, self._journal))
        self._planner.seat.open(settings.generator, settings.params, now)

    def _start(self) -> None:
        if self._told.source != "internal" or self._told.running:
            return
        course = self._planner.course
        self._start_at = course.next_line(round(self._told.stopped_at))
        bar = course.score().meter_at(self._start_at).bar
        preroll = round(PREROLL_SECONDS * self._told.timeline.ticks_per_second)
        self._send({"op": "start", "tick": self._start_at, "count_in": self.settings.count_in * bar + preroll})

    def _panic(self) -> None:
        self._send({"op": "panic"})
        tick = self._told.tick(self._clock.now())
        self._planner.release(tick)
        self._planner.forget_plan(tick)

    def _take_generator(self, name: str, params: dict[str, str]) -> None:
        self._planner.open(name, params, self._clock.now())

    def _steer(self, values: Mapping[str, str]) -> None:
        self._steered |= values
        self._planner.steer(parse_params(Steering, self._steered), self._told.tick(self._clock.now()))

    def _take_meter(self, numerator: int, denominator: int) -> None:
        self._planner.course.set_meter(self._told.tick(self._clock.now()), numerator, denominator)

    def _forget_programs(self) -> None:
        self._programmed = ()

    def _close(self) -> None:
        self._closing = True

    def _send(self, command: Message) -> None:
        if self._io is not None:
            self._io.send(command)

    def _send_programs(self) -> None:
        """Tell io the parts of the generator that plays, when they changed."""
        if self._planner.parts != self._programmed:
            self._programmed = self._planner.parts
            self._send({"op": "parts", "parts": write_parts(self._programmed)})

    def _send_meter(self, tick: float) -> None:
        """Tell io the meter when another one has begun; the recording places it where the questions had it."""
        meter = self._planner.course.score().meter_at(max(0, int(tick)))
        if (meter.numerator, meter.denominator) != self._metered:
            self._metered = meter.numerator, meter.denominator
            change = {"numerator": meter.numerator, "denominator": meter.denominator, "tick": meter.tick}
            self._send({"op": "meter", **change})

    # What happened

    def _worker_said(self, seat: Seat, life: int, message: Message) -> None:
        now = self._clock.now()
        self._planner.answered(seat, life, message, self._told.tick(now), self._told.running, now)

    def _io_said(self, event: Message) -> None:
        tick = float(event.get("tick", 0.0))
        if self._listener is not None and (message := heard(event)) is not None and self._listener(message):
            return
        match event["op"]:
            case "on":
                self._figures.notes_in += 1
                if self._told.running:
                    number = self._planner.on(tick, event["channel"], event["pitch"], event["velocity"])
                    self._figures.played(number, event["time"])
            case "off":
                self._planner.off(tick, event["channel"], event["pitch"])
            case "control":
                self._planner.ear.control(tick, event["channel"], event["control"], event["value"])
            case "timeline":
                self._take_timeline(event)
            case "locate":
                self._planner.jump(self._told.tick(self._clock.now()), tick)
            case "sent":
                self._sent(event)
            case "dropped":
                self._figures.dropped += 1
                self._planner.plan.dropped(event["id"])
            case "ready":
                names = (("in", event["in_port"]), ("out", event["out_port"]))
                self._ports = tuple(Port(direction, name) for direction, name in names)
            case "port":
                self._take_port(event)
            case "error" | "sound":
                self._say(event["message"])
            case "failed":
                raise _FAILURES.get(event["kind"], ComposerError)(event["message"])
            case "bye":
                self._bye, self._broken = event["stats"], event["failure"]
            case "gone" if not self._closing:
                raise ComposerError(
                    "the io process ended, so nothing can be heard or played; start again (the recording is kept)"
                )

    def _take_timeline(self, event: Message) -> None:
        before, self._told = self._told, Told.of(event)
        # The tempo of a host's clock is measured, and always another one.
        is_ours = self._told.source == before.source == "internal"
        if self._told.running != before.running or (is_ours and self._told.timeline.tempo != before.timeline.tempo):
            self._is_changed = True
        self._figures.jitter_ms.append(event["jitter_ms"])
        self._planner.course.set_tempo(event["tick"], event["tempo"], event["source"])
        if self._told.running and not before.running:
            begin = max(0, round(event["tick"])) if self._start_at is None else self._start_at
            self._start_at = None
            self._planner.begin(begin)
        elif before.running and not self._told.running:
            self._planner.release(event["tick"])
            self._planner.forget_plan(event["tick"])

    def _sent(self, event: Message) -> None:
        planned = self._planner.plan.sent(event["id"])
        if planned is None:
            self._figures.late(event["late_ms"])
        else:
            self._figures.began(planned.knew, self._told.timeline.seconds(planned.onset), event["late_ms"])

    def _take_port(self, event: Message) -> None:
        state = "open" if event["state"] == "back" else event["state"]
        self._ports = tuple(
            Port(p.direction, p.name, state if p.name == event["name"] else p.state) for p in self._ports
        )
        self._say(f"the port {event['name']} is {event['state']}")
        if event["state"] == "lost":
            self._planner.release(self._told.tick(self._clock.now()))

    def _say(self, message: str) -> None:
        if not self._messages or self._messages[-1] != message:
            self._messages.append(message)

    # Waiting and showing

    def _drain(self) -> None:
        while True:
            try:
                self._queue.get_nowait()()
            except Empty:
                return

    def _wait(self, now: float) -> float:
        if not self._told.running:
            return _IDLE_SECONDS
        tick = self._told.tick(now)
        due = self._told.timeline.seconds(self._planner.next_tick(tick)) - now
        return max(0.0, min(due, _SHOW_SECONDS))

    def _show(self, now: float) -> None:
        self._shown_at = now
        snapshot = shown(self._planner, self._figures, self._told, self._told.tick(now))
        name = snapshot.generator or self.settings.generator
        self._snapshot = replace(snapshot, generator=name, ports=self._ports, messages=tuple(self._messages))

    # Ending

    def finish(self) -> Stats:
        """End what `poll` began: release every note, end the processes, write the figures, then the recording.

        FileError says what could not be written, after everything else was.
        """
        self._closing = True
        restarts, ended = self._planner.restarts, self._clock.now()
        self._planner.close()
        if self._io is not None:
            self._io.close()
        # An event that cannot be taken in any more must not keep the figures from being written.
        while not self._queue.empty():
            with suppress(Exception):
                self._queue.get_nowait()()
        clock = {"source": self._told.source, "tempo": self._told.timeline.tempo}
        duration = 0.0 if self._began is None else ended - self._began
        stats = self._figures.settled(duration, restarts, clock, self._bye)
        self._show(ended)
        failures: list[ComposerError] = []
        with collecting(failures):
            if self.settings.stats is not None:
                stats.write(self.settings.stats)
        with collecting(failures):
            self._keep()
        tell(failures)
        return stats

    def _keep(self) -> None:
        journal, self._journal = self._journal, None
        if journal is None:
            return
        if self.settings.record is None:
            # What was to be kept of it has been kept.
            journal.unlink(missing_ok=True)
            return
        if self._ports:
            keep(journal, self.settings.record, self.settings, self._broken)
        else:
            # The ports never opened.
            journal.unlink(missing_ok=True)
