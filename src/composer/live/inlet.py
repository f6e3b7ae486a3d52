"""The way in: the player's messages, told apart from our own come back and turned into events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from composer.live.echo import EchoFilter, is_note_off, is_note_on
from composer.live.outlet import ALL_NOTES_OFF, ALL_SOUND_OFF, RESET_CONTROLLERS, Outlet

Event = dict[str, Any]


class Inlet:
    """Tell what the player does, and hold which keys are down. One thread uses an inlet."""

    def __init__(
        self,
        echo: EchoFilter,
        outlet: Outlet,
        emit: Callable[[Event], None],
        record: Callable[[float, float, Event], None],
    ) -> None:
        self.notes = 0
        """Notes the player began."""
        self._echo = echo
        self._outlet = outlet
        self._emit = emit
        self._record = record
        self._held: set[tuple[int, int]] = set()

    def receive(self, data: bytes, time: float, tick: float) -> None:
        """Take in a channel message received at `time` seconds, which is `tick` of the timeline in force."""
        if self._echo.is_echo(data, time):
            self._record(time, tick, {"in": list(data), "echo": True})
            return
        self._record(time, tick, {"in": list(data)})
        if is_note_on(data) or is_note_off(data):
            self._key(data, tick, time)
            return
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind == 0xB0:
            self._obey(channel, data, tick, time)
            self._emit({"op": "control", "tick": tick, "channel": channel, "control": data[1], "value": data[2]})
        elif kind == 0xC0:
            self._emit({"op": "program", "tick": tick, "channel": channel, "program": data[1]})

    def _key(self, data: bytes, tick: float, time: float) -> None:
        key = (data[0] & 0x0F, data[1])
        if is_note_on(data):
            self.notes += 1
            self._held.add(key)
            self._emit_key("on", key, data[2], tick, time)
        elif key in self._held:
            self._held.discard(key)
            self._emit_key("off", key, data[2], tick, time)

    def _obey(self, channel: int, data: bytes, tick: float, time: float) -> None:
        if data[1] in (ALL_NOTES_OFF, ALL_SOUND_OFF):
            self._outlet.release_all(tick)
            self.let_go(tick, time, channel)
        elif data[1] == RESET_CONTROLLERS:
            self._outlet.send(data, tick)

    def let_go(self, tick: float, time: float, channel: int | None = None) -> None:
        """Tell the end of the keys held on `channel`, on all when None: nobody else will."""
        for key in sorted(key for key in self._held if channel in (None, key[0])):
            self._held.discard(key)
            self._emit_key("off", key, 64, tick, time)

    def _emit_key(self, op: str, key: tuple[int, int], velocity: int, tick: float, time: float) -> None:
        channel, pitch = key
        self._emit(
            {"op": op, "tick": tick, "time": time, "pitch": pitch, "velocity": velocity, "channel": channel},
        )
