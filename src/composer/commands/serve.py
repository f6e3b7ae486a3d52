"""composer serve: the terminal interface in a browser on this machine."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

from composer.commands import options
from composer.errors import PortError, UsageError

HOST = "127.0.0.1"
"""Whoever reaches the page plays the instrument, so nobody but this machine may."""


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    help = "the port of the page, on this machine only (default: 8000)"
    parser.add_argument("--port", type=options.whole(1, 65535), default=8000, metavar="N", help=help)
    help = "begin with a preset saved in the interface"
    parser.add_argument("--preset", default=argparse.SUPPRESS, metavar="NAME", help=help)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C; UsageError without textual-serve, PortError when the port is taken."""
    from composer import preferences

    if args.preset is not None:
        # What is wrong with it is said here, not in a browser that stays black.
        preferences.read().values(args.preset)
    server = make_server(args.port, args.preset)
    print(f"composer plays at http://{HOST}:{args.port}; Ctrl-C ends it", file=sys.stderr)
    try:
        server.serve()
    except OSError as error:
        raise PortError(
            f"the page cannot be served at port {args.port}: {error.strerror}; try another --port"
        ) from error
    return 0


def make_server(port: int, preset: str | None = None) -> Any:
    """Return the server of the page, not yet begun; UsageError without textual-serve."""
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise UsageError("composer serve needs textual-serve; install it with pip install 'composer[serve]'") from None

    class LocalServer(Server):  # type: ignore[misc, unused-ignore]
        """Serve the interface to pages of our own only."""

        async def on_startup(self, app: Any) -> None:
            """Say nothing: the command has said where the page is."""

        async def handle_websocket(self, request: Any) -> Any:
            """Begin the interface for our own page: any page that a browser shows can open a socket here."""
            if not is_ours(request.headers.get("Origin"), port):
                raise web.HTTPForbidden(text="composer plays only for its own page")
            return await super().handle_websocket(request)

    return LocalServer(command(preset), host=HOST, port=port, title="Composer")


def is_ours(origin: str | None, port: int) -> bool:
    """Return whether a request with this Origin comes from the page that is served at `port`."""
    if origin is None:
        return False
    parts = urlsplit(origin)
    return (parts.scheme, parts.netloc) == ("http", f"{HOST}:{port}")


def command(preset: str | None = None) -> str:
    """Return the command that begins the interface, for a shell."""
    words = [sys.executable, "-m", "composer.cli", *(["--preset", preset] if preset is not None else [])]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
