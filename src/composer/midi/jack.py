"""What rtmidi leaves out of JACK: full names of ports, second names, and the end of a server, noticed and in silence.

The JACK library that rtmidi itself is linked with is asked, so both see the same clients.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_NO_START_SERVER = 0x01


@cache
def _library() -> Any:
    """Return the JACK library of rtmidi, None where rtmidi was built without it."""
    from rtmidi import _rtmidi

    library = ctypes.CDLL(_rtmidi.__file__)
    try:
        library.jack_client_open.restype = ctypes.c_void_p
        library.jack_client_close.argtypes = [ctypes.c_void_p]
        library.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        library.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
        library.jack_free.argtypes = [ctypes.c_void_p]
        library.jack_port_by_name.restype = ctypes.c_void_p
        library.jack_port_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        library.jack_port_set_alias.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    except AttributeError:
        return None
    return library


def silence() -> None:
    """Keep the JACK library from writing to stderr, also later when its server ends."""
    library = _library()
    if library is not None:
        # JACK wants a C function of one string for its messages and calls it on threads that must not wait for Python;
        # strlen is one, and does nothing.
        nothing = ctypes.CDLL(None).strlen
        library.jack_set_error_function(nothing)
        library.jack_set_info_function(nothing)


class Ports:
    """Look at the ports of a server through a client that exists for that moment."""

    def __init__(self, library: Any, client: int) -> None:
        self._library, self._client = library, client

    def names(self) -> set[str]:
        """Return the full names ("client:port") of all MIDI ports."""
        listed = self._library.jack_get_ports(self._client, None, b"midi", 0)
        names: set[str] = set()
        if listed:
            while (name := listed[len(names)]) is not None:
                names.add(name.decode("utf-8", "replace"))
            self._library.jack_free(listed)
        return names

    def add_alias(self, name: str, alias: str) -> None:
        """Give the port `name` a second name under which it can be connected, unless that name is taken."""
        if not self._library.jack_port_by_name(self._client, alias.encode()):
            port = self._library.jack_port_by_name(self._client, name.encode())
            self._library.jack_port_set_alias(port, alias.encode())


@contextmanager
def ports() -> Iterator[Ports | None]:
    """Give access to the names of ports; None where no server answers."""
    library = _library()
    client = library.jack_client_open(b"composer-names", _NO_START_SERVER, None) if library is not None else None
    if client is None:
        yield None
        return
    try:
        yield Ports(library, client)
    finally:
        library.jack_client_close(client)


def descriptors() -> set[int]:
    """Return the numbers of all open file descriptors."""
    try:
        return {int(name) for name in os.listdir("/dev/fd")}
    except OSError:
        return set()


def connections(before: set[int]) -> list[socket.socket]:
    """Return copies of the connections to servers that were made since `before`: a hang-up on one is a lost server."""
    copies = []
    for descriptor in descriptors() - before:
        try:
            copy = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue
        try:
            if copy.family == socket.AF_UNIX and copy.getpeername():
                copies.append(copy)
                continue
        except OSError:
            pass
        copy.close()
    return copies


def is_hung_up(servers: list[socket.socket]) -> bool:
    """Return whether one of the connections has ended on the other side."""
    if not servers:
        return False
    poll = select.poll()
    for server in servers:
        # Nothing is asked for: a hang-up is reported always.
        poll.register(server, 0)
    return bool(poll.poll(0))
