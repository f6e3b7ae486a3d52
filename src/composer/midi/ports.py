"""MIDI ports through rtmidi: ALSA, JACK, CoreMIDI and Windows.

Virtual ports belong to the client "composer" and are called "in" and "out". JACK allows a client name once, and rtmidi
makes a client of every port: there they are composer:in and composer-01:out, and the second answers to composer:out as
well (an alias). When composer runs twice, JACK numbers its ports on; ALSA and CoreMIDI show equal names twice. The
name of a port that was opened is the name that others see.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from composer.errors import PortError, UsageError
from composer.midi import jack
from composer.midi.collect import QUEUED, Collector

Callback = Callable[[Sequence[int], float], None]
"""Takes the bytes of a message and the moment of its arrival, in seconds of the monotonic clock."""

_RTMIDI_NAMES = {
    "alsa": "API_LINUX_ALSA",
    "jack": "API_UNIX_JACK",
    "coremidi": "API_MACOSX_CORE",
    "winmm": "API_WINDOWS_MM",
}
APIS = ("auto", *_RTMIDI_NAMES)

log = logging.getLogger(__name__)


class InputPort(Protocol):
    """A port that calls back for every message; the callback was given when it was opened."""

    @property
    def name(self) -> str:
        """Return the name others see."""
        ...

    @property
    def api(self) -> str:
        """Return which MIDI system the port belongs to."""
        ...

    def alive(self) -> bool:
        """Return whether the port is still there; cheap enough for once a second."""
        ...

    def close(self) -> None:
        """Close the port; closing twice does nothing."""
        ...


class OutputPort(InputPort, Protocol):
    """A port to send to."""

    def send(self, data: Sequence[int]) -> None:
        """Send one message now; PortError when the port does not take it."""
        ...


def open_input(name: str | None, callback: Callback, *, api: str = "auto", client: str = "composer") -> InputPort:
    """Open the existing port `name` for input, or with None a virtual port "in"; `callback` gets what arrives.

    A name matches exactly, or else as a part of one port's name, in any case. The callback runs on a thread of the port
    and must not wait; what it raises is logged. Clock messages are delivered; system exclusive and active
    sensing are not. PortError says which ports there are, or that there is no MIDI system and what to do.
    """
    return _RtmidiPort.open("MidiIn", name, _resolve(api), client, callback)


def open_output(name: str | None, *, api: str = "auto", client: str = "composer") -> OutputPort:
    """Open the existing port `name` for output, or with None a virtual port "out"; see `open_input`."""
    return _RtmidiPort.open("MidiOut", name, _resolve(api), client, None)


def list_ports(api: str = "auto") -> tuple[list[str], list[str], str]:
    """Return the names that `open_input` and `open_output` can open, and the MIDI system that was asked."""
    api = _resolve(api)
    names = []
    for kind in ("MidiIn", "MidiOut"):
        handle = _new_handle(kind, api, "composer-ports")
        names.append(list(handle.get_ports()))
        handle.delete()
    return names[0], names[1], api


def available_apis() -> tuple[str, ...]:
    """Return the MIDI systems that work here and now, the preferred one first."""
    return tuple(api for api in _RTMIDI_NAMES if _works(api))


class _RtmidiPort:
    """One rtmidi object with its one port."""

    def __init__(self, handle: Any, name: str, api: str, is_virtual: bool, servers: list[socket.socket]) -> None:
        self.name, self.api = name, api
        self._handle, self._is_virtual, self._servers = handle, is_virtual, servers
        self._collector: Collector | None = None
        _open_ports.add(self)

    @classmethod
    def open(cls, kind: str, name: str | None, api: str, client: str, callback: Callback | None) -> _RtmidiPort:
        if name is None and api == "winmm":
            raise PortError(
                "Windows has no virtual MIDI ports; make one with loopMIDI (tobias-erichsen.de) and name it, for "
                "example --in loopMIDI"
            )
        short = "in" if kind == "MidiIn" else "out"
        before = jack.descriptors()
        handle = _new_handle(kind, api, client)
        try:
            label = _open_virtual(handle, api, client, short) if name is None else _open_named(handle, name, api, short)
            port = cls(handle, label, api, name is None, jack.connections(before) if api == "jack" else [])
            if callback is not None:
                port._listen(_relay(callback))
            return port
        except BaseException:
            handle.delete()
            raise

    def _listen(self, relay: Callback) -> None:
        self._handle.ignore_types(sysex=True, timing=False, active_sense=True)
        if self.api == "jack":
            self._collector = Collector(self._handle, relay)
        else:
            self._handle.set_callback(lambda event, _: relay(event[0], time.monotonic()))

    def send(self, data: Sequence[int]) -> None:
        if self._handle is None:
            raise PortError(f"the port {self.name} is closed; open it again to send")
        try:
            self._handle.send_message(data)
        except _rtmidi().RtMidiError as error:
            raise PortError(f"the port {self.name} does not take a message: {error}; open it again") from error

    def alive(self) -> bool:
        if self._handle is None or self.has_lost_server():
            return False
        return self._is_virtual or self.name in self._handle.get_ports()

    def has_lost_server(self) -> bool:
        return jack.is_hung_up(self._servers)

    def close(self) -> None:
        if self._handle is None:
            return
        _open_ports.discard(self)
        if self._collector is not None:
            self._collector.close()
        self._handle.delete()
        self._handle = None
        for server in self._servers:
            server.close()
        self._servers = []


# The JACK library frees what belonged to a server that ended when it meets the next one. A port that still uses it
# then takes the process down, so ports that lost their server are closed before anything else is opened.
_open_ports: weakref.WeakSet[_RtmidiPort] = weakref.WeakSet()


def _new_handle(kind: str, api: str, client: str) -> Any:
    rtmidi = _rtmidi()
    for port in list(_open_ports):
        if port.has_lost_server():
            port.close()
    with _quiet_stderr():
        if api == "jack":
            jack.silence()
        try:
            more = {"queue_size_limit": QUEUED} if kind == "MidiIn" else {}
            return getattr(rtmidi, kind)(getattr(rtmidi, _RTMIDI_NAMES[api]), name=client, **more)
        except rtmidi.RtMidiError as error:
            raise PortError(f"{api} does not answer ({error}); start it, or choose another --api") from error


def _open_virtual(handle: Any, api: str, client: str, short: str) -> str:
    if api != "jack":
        handle.open_virtual_port(short)
        return f"{client}:{short}"
    with jack.ports() as ports:
        if ports is None:
            handle.open_virtual_port(short)
            return f"{client}:{short}"
        before = ports.names()
        handle.open_virtual_port(short)
        mine = [name for name in ports.names() - before if name.startswith(client) and name.endswith(f":{short}")]
        if not mine:
            raise PortError(f"JACK refused the port {client}:{short}; restart the JACK server")
        ports.add_alias(mine[0], f"{client}:{short}")
        return mine[0]


def _open_named(handle: Any, name: str, api: str, short: str) -> str:
    listed = list(handle.get_ports())
    label = match_port(name, listed, f"{api} {short}put")
    try:
        handle.open_port(listed.index(label), short)
    except (_rtmidi().RtMidiError, ValueError) as error:
        raise PortError(f"{label} cannot be opened ({error}); another program may hold it: close that one") from error
    return label


def match_port(name: str, listed: Sequence[str], kind: str) -> str:
    """Return the one of `listed` that `name` means: itself, or the only one that contains it in any case.

    `kind` ("jack input") is for the PortError, which lists what there is.
    """
    if name in listed:
        return name
    found = [port for port in listed if name.lower() in port.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        raise PortError(f"{name!r} could be any of {', '.join(found)}; say more of the name")
    there = f"there are {', '.join(listed)}" if listed else "there are none"
    raise PortError(f"there is no {kind} port {name!r}; {there}; name no port to get a virtual one")


def _relay(callback: Callback) -> Callback:
    def relay(data: Sequence[int], arrived: float) -> None:
        try:
            callback(data, arrived)
        except Exception:
            # rtmidi would swallow it, and the next message must still be heard.
            log.exception("the message %s could not be used", data)

    return relay


def _resolve(api: str) -> str:
    if api not in APIS:
        raise UsageError(f"there is no MIDI system {api!r}; choose one of {', '.join(APIS)}")
    if api != "auto":
        if not _is_compiled(api):
            raise PortError(f"{api} does not exist on this system; choose --api auto")
        return api
    for candidate in _RTMIDI_NAMES:
        if _works(candidate):
            return candidate
    if sys.platform != "linux":
        raise PortError("there is no MIDI system; install python-rtmidi for this system")
    raise PortError(
        "there is no MIDI system: no ALSA sequencer (/dev/snd/seq) and no JACK server answers; load the sequencer "
        "(sudo modprobe snd-seq) or start JACK (jackd -r -d dummy needs no sound card)"
    )


def _works(api: str) -> bool:
    if not _is_compiled(api):
        return False
    if api == "alsa":
        return Path("/dev/snd/seq").exists()
    if api == "jack":
        try:
            _new_handle("MidiIn", "jack", "composer-probe").delete()
        except PortError:
            return False
    return True


def _is_compiled(api: str) -> bool:
    rtmidi = _rtmidi()
    return getattr(rtmidi, _RTMIDI_NAMES[api]) in rtmidi.get_compiled_api()


def _rtmidi() -> Any:
    try:
        import rtmidi
    except ImportError as error:
        raise PortError(f"python-rtmidi does not load ({error}); on Debian: apt-get install libasound2") from error
    return rtmidi


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keep what C libraries write to stderr away from the player; other threads are silent meanwhile, too."""
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
