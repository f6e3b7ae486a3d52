"""composer ports: what there is to connect to."""

from __future__ import annotations

import argparse
import sys

from composer.commands.options import add_json, print_json

APIS = ("auto", "alsa", "jack", "coremidi", "winmm")


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    add_json(parser)
    parser.add_argument("--api", choices=APIS, default="auto", help="the MIDI system to ask (default: every one)")


def run(args: argparse.Namespace) -> int:
    """Print the ports of the MIDI systems of this machine."""
    from composer.midi.ports import list_ports

    ports = list_ports(args.api)
    if args.json:
        print_json(ports)
        return 0
    print(ports)
    print(file=sys.stderr)
    return 0
