"""composer ports: what there is to connect to."""

from __future__ import annotations

import argparse

from composer.commands.options import add_json, print_json

APIS = ("auto", "alsa", "jack", "coremidi", "winmm")


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "--api", choices=APIS, default="auto", help="the MIDI system to ask (default: the first there is)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Print the names that --in and --out of `composer jam` take; PortError where there is no MIDI system."""
    from composer.midi.ports import list_ports

    inputs, outputs, api = list_ports(args.api)
    if args.json:
        print_json({"api": api, "inputs": inputs, "outputs": outputs})
        return 0
    print(f"MIDI system: {api}")
    for flag, names in (("--in", inputs), ("--out", outputs)):
        for name in names or ["(none; name no port to get a virtual one)"]:
            print(f"{flag:5} {name}")
    return 0
