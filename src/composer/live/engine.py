"""The engine of the io process: what comes in, what is told, what is due. It waits for nobody and starts no thread.

A tick engine would wake about a thousand times a second to find nothing to do; this one sleeps until the next due
tick of the plan. An event hub would hide who calls whom; here every message takes one of three ways: `receive`
(a port), `command` (the main process) or `poll` (time).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from composer.errors import ComposerError, UsageError
from composer.live.clock import Clock
from composer.live.echo import EchoFilter, is_channel_message
from composer.live.inlet import Event, Inlet
from composer.live.journal import Journal
from composer.live.lateness import Tally
from composer.live.outlet import ALL_NOTES_OFF, Outlet
from composer.live.player import PlannedNote, Player
from composer.live.teller import Teller
from composer.live.transport import CLOCK, CLOCK_MESSAGES, Source, Transport
from composer.live.watched import Watched
from composer.midi.fluidsynth import FluidSynth
from composer.midi.ports import InputPort, OutputPort
from composer.music import DRUM_CHANNEL

Command = dict[str, Any]

TOLERANCE_SECONDS = 0.1
"""A machine note that could only begin later than this after its moment is dropped: it would sound like a mistake."""
WATCH_SECONDS = 1.0
"""How often it is looked whether the ports still exist."""
RETRY_SECONDS = 0.05
"""How soon a note-off that the port refused is sent again."""

PLAYER_CHANNEL = 15
"""Where the preview sounds the player, so that the machine's programs and note-offs are not the player's."""

_PROGRAM_CHANGE = 0xC0
# A tick is a float; this is a ten-millionth of a quarter at which rounding may not make a note wait for another poll.
_EPSILON_TICKS = 1e-4
# A start, continue or song position that moves time less than a sixteenth is no jump: hosts round to sixteenths.
_JUMP_TICKS = 60.0


@dataclass(frozen=True, slots=True)
class Setup:
    """Hold how an engine begins: tempo in quarters a minute, meter, and who drives the timeline."""

    tempo: float = 120.0
    meter: tuple[int, int] = (4, 4)
    sync: Source = "internal"


_SETUP = Setup()


class Engine:
    """Play the plan on time and end every note it began; pure given a clock and ports, used by one thread.

    `open_in` and `open_out` open the ports, again when one disappears; only the first opening may raise. `emit` takes
    the events of docs/architecture.md. No exception leaves `receive`, `command` or `poll`: it becomes an `error` event.
    """

    def __init__(
        self,
        clock: Clock,
        open_in: Callable[[], InputPort],
        open_out: Callable[[], OutputPort],
        emit: Callable[[Event], None],
        setup: Setup = _SETUP,
        journal: Journal | None = None,
    ) -> None:
        self.finished = False
        self._sound: FluidSynth | None = None
        self._clock, self._tell, self._journal = clock, emit, journal
        self._unsettled: list[tuple[Callable[[Any], None], Any]] = []
        self._transport = Transport(setup.tempo, setup.sync)
        self._player = Player()
        self._echo = EchoFilter()
        self._in = Watched(open_in)
        self._out = Watched(open_out)
        self._outlet = Outlet(self._out, clock.now, self._on_sent, self._error)
        self._inlet = Inlet(self._echo, self._outlet, self._emit, self._record)
        self._tally = Tally()
        self._watch_at = clock.now()
        self._has_told_failure = False
        self._teller = Teller(self._transport, setup.meter, self._emit, self._record, self._tally)
        self._teller.mark(clock.now())

    def ports(self) -> dict[str, str]:
        """Return the names of the in port and the out port, and the MIDI system they belong to."""
        return {"in_port": self._in.name, "out_port": self._out.name, "api": self._out.api}

    def close(self) -> None:
        """Close the ports; `quit` has ended the notes before."""
        self._in.close()
        self._out.close()

    def receive(self, data: bytes, time: float) -> None:
        """Take in a message of the in port, received at `time` seconds."""
        if not data or self.finished:
            return
        try:
            if data[0] in CLOCK_MESSAGES:
                self._clock_message(data, time)
            elif is_channel_message(data):
                self._inlet.receive(data, time, self._transport.position(time))
        except Exception as error:
            self._error(f"the message {data.hex(' ')} could not be taken in ({error!r})")
        self._settle()

    def command(self, command: Command) -> None:
        """Do what the main process asks: an object with `op` and the fields of docs/architecture.md."""
        if self.finished:
            return
        op = command.get("op")
        try:
            if op not in _COMMANDS:
                raise UsageError(f"there is no op {op!r}; the ops are {', '.join(_COMMANDS)}")
            _COMMANDS[op](self, command, self._clock.now())
        except ComposerError as error:
            self._error(str(error))
        except Exception as error:
            self._error(f"the command {op} could not be followed ({error!r})")
        self._settle()

    def poll(self, now: float) -> float | None:
        """Do what is due at `now` seconds; return the seconds until something is due again, None at the end."""
        if self.finished:
            return None
        try:
            self._play(now)
            self._keep_watch(now)
            self._teller.report(now)
        except Exception as error:
            self._error(f"the engine stumbled ({error!r})")
        self._settle()
        return self._wait(self._clock.now())

    # What comes in

    def _clock_message(self, data: bytes, time: float) -> None:
        transport = self._transport
        before, was_running = transport.position(time), transport.running
        transport.feed(data, time)
        if data[0] != CLOCK:
            self._record(time, before, {"in": list(data)})
        if was_running and not transport.running:
            self._silence(before)
        has_jumped = self._follow_jump(before, time)
        if has_jumped or transport.running != was_running:
            self._teller.tell(time)

    def _follow_jump(self, before: float, time: float) -> bool:
        after = self._transport.position(time)
        if abs(after - before) <= _JUMP_TICKS:
            return False
        self._silence(before)
        self._record(time, after, {"locate": before})
        self._emit({"op": "locate", "tick": after})
        return True

    # What is told

    def _plan(self, command: Command, now: float) -> None:
        notes = [
            PlannedNote(float(onset), float(duration), int(pitch), int(velocity), int(channel), int(note_id))
            for onset, duration, pitch, velocity, channel, note_id in command["notes"]
        ]
        self._player.replace_from(float(command["from"]), notes)

    def _start(self, command: Command, now: float) -> None:
        if self._transport.source == "clock":
            return
        self._outlet.release_all(self._transport.position(now))
        self._transport.start(float(command.get("tick", 0)), float(command.get("count_in", 0)), now)
        self._teller.tell(now)

    def _stop(self, command: Command, now: float) -> None:
        self._silence(self._transport.position(now))
        if self._transport.source == "internal":
            self._transport.stop(now)
        self._teller.tell(now)

    def _panic(self, command: Command, now: float) -> None:
        self._player.forget()
        self._outlet.panic(self._transport.position(now))

    def _tempo(self, command: Command, now: float) -> None:
        self._transport.set_tempo(float(command["qpm"]), now)
        self._teller.tell(now)

    def _set_meter(self, command: Command, now: float) -> None:
        meter = int(command["numerator"]), int(command["denominator"])
        self._teller.set_meter(meter, float(command.get("tick", self._transport.position(now))), now)

    def _sync(self, command: Command, now: float) -> None:
        before = self._transport.position(now)
        self._silence(before)
        self._transport.set_source(command["source"], now)
        self._follow_jump(before, now)
        self._teller.tell(now)

    def _parts(self, command: Command, now: float) -> None:
        tick = self._transport.position(now)
        self._record(now, tick, {"parts": command["parts"]})
        for _, channel, program in command["parts"]:
            if channel != DRUM_CHANNEL:
                self._outlet.send(bytes((_PROGRAM_CHANGE | channel, program)), tick)

    def _send(self, command: Command, now: float) -> None:
        data = bytes(command["data"])
        if not is_channel_message(data):
            raise ValueError(f"{list(data)} is no channel message")
        self._outlet.send(data, self._transport.position(now))

    def _feed(self, command: Command, now: float) -> None:
        self.receive(bytes(command["data"]), float(command.get("time", now)))

    def _toggle_sound(self, command: Command, now: float) -> None:
        if self._sound is not None:
            self._end_sound("the preview is silent; the port plays on")
            return
        self._sound = FluidSynth(self._out.api)
        self._emit({"op": "sound", "on": True, "message": "FluidSynth sounds what you and the machine play"})

    def _end_sound(self, why: str) -> None:
        sound, self._sound = self._sound, None
        if sound is not None:
            sound.close()
            self._emit({"op": "sound", "on": False, "message": why})

    def _quit(self, command: Command, now: float) -> None:
        # First: whatever fails below, the process ends.
        self.finished = True
        tick = self._transport.position(now)
        self._silence(tick)
        self._outlet.pay(tick)
        self._end_sound("the end")
        self._transport.stop(now)
        self._teller.mark(now)
        self._settle()
        if self._journal:
            self._journal.close()
            self._tell_failure()
        self._emit({"op": "bye", "stats": self.stats(), "failure": self._journal.failure if self._journal else None})

    def stats(self) -> dict[str, Any]:
        """Return the counts so far, and the quantiles of how late messages left, in milliseconds."""
        counts = self._tally.summary(self._transport.source, self._transport.timeline.tempo)
        return {"notes_in": self._inlet.notes, "sounding_at_exit": len(self._outlet.ledger), **counts}

    # What is due

    def _play(self, now: float) -> None:
        if self._outlet.owes:
            self._outlet.pay(self._transport.position(now))
        if not self._transport.running:
            return
        line = self._transport.timeline
        for due in self._player.due(line.ticks(now) + _EPSILON_TICKS):
            moment = line.seconds(due.tick)
            if not due.begins:
                if self._outlet.end(due.note):
                    self._unsettled.append((self._count, (moment, self._clock.now(), None)))
            elif now - moment > TOLERANCE_SECONDS:
                self._drop(due.note, "late")
            elif self._outlet.begin(due.note):
                self._player.begin(due.note)
                self._unsettled.append((self._count, (moment, self._clock.now(), due.note.id)))
            else:
                self._drop(due.note, "port")

    def _count(self, left: tuple[float, float, int | None]) -> None:
        moment, time, begun = left
        late_ms = round(max(0.0, time - moment) * 1000, 3)
        self._tally.left(late_ms)
        if begun is not None:
            self._tally.notes_out += 1
            self._tell({"op": "sent", "id": begun, "late_ms": late_ms})

    def _drop(self, note: PlannedNote, reason: str) -> None:
        self._tally.dropped += 1
        self._emit({"op": "dropped", "id": note.id, "reason": reason})

    def _keep_watch(self, now: float) -> None:
        if self._transport.is_lost(now):
            self._silence(self._transport.position(now))
            self._transport.stop(now)
            self._teller.tell(now)
            self._error("the MIDI clock has gone silent; the music stopped and goes on when the clock comes back")
        self._tell_failure()
        if self._sound is not None and not self._sound.alive():
            self._end_sound("FluidSynth ended: it found no way to sound; connect a DAW or synthesizer to the port")
        if now < self._watch_at:
            return
        self._watch_at = now + WATCH_SECONDS
        for port in (self._in, self._out):
            if state := port.check():
                self._emit({"op": "port", "name": port.name, "state": state})
                self._port_changed(port is self._in, now)

    def _tell_failure(self) -> None:
        if self._journal and self._journal.failure and not self._has_told_failure:
            self._has_told_failure = True
            why = self._journal.failure
            self._error(f"cannot write {self._journal.path} ({why}); the music goes on, what was kept is whole")

    def _port_changed(self, is_in: bool, now: float) -> None:
        tick = self._transport.position(now)
        if is_in:
            self._inlet.let_go(tick, now)
            self._hear({"in": [0xB0, ALL_NOTES_OFF, 0]})
        else:
            # Lost: what sounds is owed from now on. Back: it is paid.
            self._outlet.release_all(tick)

    def _wait(self, now: float) -> float:
        moments = [self._teller.due, self._watch_at]
        coming = self._player.next_tick()
        if coming is not None and self._transport.running:
            moments.append(self._transport.timeline.seconds(coming))
        if self._outlet.owes:
            moments.append(now + RETRY_SECONDS)
        return max(0.0, min(moments) - now)

    # What is kept

    def _silence(self, tick: float) -> None:
        self._player.forget()
        self._outlet.release_all(tick)

    def _on_sent(self, data: bytes, tick: float, time: float) -> None:
        self._unsettled.append((self._keep_sent, (data, tick, time)))

    def _keep_sent(self, sent: tuple[bytes, float, float]) -> None:
        data, tick, time = sent
        self._echo.sent(data, time)
        self._keep({"time": time, "tick": tick, "out": list(data)})

    def _record(self, time: float, tick: float, what: Event) -> None:
        self._unsettled.append((self._keep, {"time": time, "tick": tick, **what}))

    def _emit(self, event: Event) -> None:
        self._unsettled.append((self._tell, event))

    def _settle(self) -> None:
        """Write and tell what has happened, in order: a chord leaves first, and is spoken of afterwards."""
        happened, self._unsettled = self._unsettled, []
        for act, what in happened:
            try:
                act(what)
            except Exception as error:
                self._tell({"op": "error", "message": f"{what} could not be kept or told ({error!r})"})

    def _keep(self, entry: Event) -> None:
        self._hear(entry)
        if self._journal:
            self._journal.write(entry)

    def _hear(self, what: Event) -> None:
        """Sound what left, and what the player played, which gets a channel of its own."""
        if self._sound is None or what.get("echo"):
            return
        if "out" in what:
            self._sound.send(what["out"])
        elif "in" in what and what["in"][0] < 0xF0:
            status, *rest = what["in"]
            self._sound.send([status & 0xF0 | PLAYER_CHANNEL, *rest])

    def _error(self, message: str) -> None:
        self._emit({"op": "error", "message": message})


_COMMANDS: dict[str, Callable[[Engine, Command, float], None]] = {
    "plan": Engine._plan,
    "start": Engine._start,
    "stop": Engine._stop,
    "panic": Engine._panic,
    "tempo": Engine._tempo,
    "meter": Engine._set_meter,
    "sync": Engine._sync,
    "parts": Engine._parts,
    "send": Engine._send,
    "feed": Engine._feed,
    "sound": Engine._toggle_sound,
    "quit": Engine._quit,
}
