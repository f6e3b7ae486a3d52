"""The command line: which verbs there are, and how each one ends.

A verb's flags and body live in composer.commands and are imported only when that verb is asked for, so that `--help`
and `list` stay quick. Data goes to stdout, everything else to stderr.
Exit status: 0 done, 2 wrong usage, 1 anything else.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import NamedTuple, NoReturn

from composer import __version__
from composer.errors import ComposerError


class Verb(NamedTuple):
    """Name the module of composer.commands that declares and runs a verb, and say what the verb does."""

    module: str
    help: str


VERBS: dict[str, Verb] = {
    "jam": Verb("jam", "play along live, without an interface"),
    "serve": Verb("serve", "show the interface in a browser on this machine"),
    "generate": Verb("compose", "write new music"),
    "continue": Verb("compose", "write how a MIDI file goes on"),
    "accompany": Verb("compose", "write an accompaniment to a MIDI file"),
    "infill": Verb("compose", "write bars inside a MIDI file anew"),
    "list": Verb("list", "show the generators and their parameters"),
    "ports": Verb("ports", "show the MIDI ports"),
    "models": Verb("models", "show and verify trained models"),
    "tokenize": Verb("tokens", "print a MIDI file as token ids"),
    "detokenize": Verb("tokens", "write token ids as a MIDI file"),
    "train": Verb("train", "train a model"),
    "evaluate": Verb("evaluate", "measure a generator on held-out music"),
    "bench": Verb("bench", "measure speed and lateness on this machine"),
    "doctor": Verb("doctor", "say what works here, what does not, and what to do"),
}

_DESCRIPTION = """An instrument that listens to your MIDI and plays along.

Without a verb, `composer` opens the terminal interface."""


class _Parser(argparse.ArgumentParser):
    """Report wrong usage in one sentence, without printing every flag there is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of every verb; only `verb` has its flags, None those of the interface: they cost an import."""
    top = _Parser("composer", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"composer {__version__}")
    if verb is None:
        module(None).add_arguments("", top)
    else:
        top.add_argument("--preset", metavar="NAME")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for name, entry in VERBS.items():
        sub = verbs.add_parser(name, help=entry.help, description=entry.help.capitalize() + ".", allow_abbrev=False)
        if name == verb:
            module(name).add_arguments(name, sub)
    return top


def module(verb: str | None) -> ModuleType:
    """Return the module that declares (`add_arguments`) and runs (`run`) a verb, or the interface without one."""
    return import_module(f"composer.commands.{'interface' if verb is None else VERBS[verb].module}")


def main(argv: list[str] | None = None) -> int:
    """Run the command line `argv` (by default the process's own) and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    # What follows a flag is its value; before a verb all of them have one, but those that end at once.
    words = [w for before, w in zip(["", *argv], argv, strict=False) if not before.startswith("--") or "=" in before]
    verb = next((word for word in words if not word.startswith("-")), None)
    try:
        args = parser(verb if verb in VERBS else None).parse_args(argv)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 2
    name = "composer" if args.verb is None else f"composer {args.verb}"
    try:
        status: int = module(args.verb).run(args)
        sys.stdout.flush()
    except ComposerError as error:
        return _failed(name, str(error), error.exit_status)
    except KeyboardInterrupt:
        return _failed(name, "interrupted before the end; nothing was left half written")
    except BrokenPipeError:
        # The reader of stdout has gone; Python must not find that out again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _failed(name, "whatever read the output stopped reading")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _failed(name, f"{place}{error.strerror or error}")
    return status


def _failed(name: str, message: str, status: int = 1) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
