"""Which MIDI message does what: bindings, and the file that keeps them between runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

from composer import preferences
from composer.errors import FileError
from composer.live.listening import Heard, Kind

_FIRST_CHANNEL_MODE = 120
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")


class Trigger(NamedTuple):
    """Hold a message without its value: a key, a controller or a program of one channel."""

    kind: Kind
    channel: int
    number: int

    @property
    def label(self) -> str:
        """Return it in a musician's words; channels count from 1."""
        what = {
            "note": f"{_NAMES[self.number % 12]}{self.number // 12 - 1}",
            "control": f"CC {self.number}",
            "program": f"program {self.number + 1}",
        }
        return f"{what[self.kind]} ch {self.channel + 1}"


Bindings = Mapping[str, Trigger]
"""Triggers by what they do: "do" and an action, or "set" and the name of a control."""


def trigger_of(heard: Heard) -> Trigger | None:
    """Return what can be bound of a message; None for all notes off and its kind, which must stay what they are."""
    if heard.kind == "control" and heard.number >= _FIRST_CHANNEL_MODE:
        return None
    return Trigger(heard.kind, heard.channel, heard.number)


def bound(bindings: Bindings, target: str, trigger: Trigger) -> Bindings:
    """Return the bindings with `trigger` on `target` alone."""
    return {**{name: other for name, other in bindings.items() if other != trigger}, target: trigger}


def unbound(bindings: Bindings, target: str) -> Bindings:
    """Return the bindings without the one of `target`."""
    return {name: trigger for name, trigger in bindings.items() if name != target}


def place() -> Path:
    """Return the file that keeps the bindings, in the user's folder of settings."""
    return preferences.folder() / "midi.json"


def read() -> Bindings:
    """Return the bindings that were kept; FileError when the file is damaged."""
    path = place()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {str(target): _trigger(*row) for target, row in rows.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise FileError(
            f"the learned MIDI in {path} cannot be read ({error}); the file is replaced when you learn something new"
        ) from error


def save(bindings: Bindings) -> None:
    """Keep the bindings, whole or not at all; FileError when that cannot be."""
    preferences.keep("the learned MIDI", json.dumps(bindings, indent=1) + "\n", place())


def _trigger(kind: str, channel: int, number: int) -> Trigger:
    if kind not in get_args(Kind) or not (0 <= int(channel) <= 15 and 0 <= int(number) <= 127):
        raise ValueError(f"{kind} {number} on channel {channel} is no MIDI message")
    return Trigger(kind, int(channel), int(number))  # type: ignore[arg-type]
