"""What there is on this machine: what works, what is missing, and what still works without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import NamedTuple

from composer.errors import ComposerError


class Finding(NamedTuple):
    """Say whether something is there, and in one sentence what that means."""

    is_there: bool
    text: str


def findings() -> list[Finding]:
    """Return what was found; asks the MIDI systems and looks at files, so not on the interface's thread."""
    return [*_midi(), *_weights(), *_sound(), *_takes()]


def _midi() -> Iterator[Finding]:
    from composer.midi.ports import list_ports

    try:
        inputs, _, api = list_ports()
    except ComposerError as error:
        yield Finding(False, f"MIDI: {error}. Without it the built-in player plays inside the program: press d")
        return
    others = [name for name in inputs if not name.startswith("composer")]
    if others:
        yield Finding(True, f"MIDI: {api}, with {', '.join(others[:4])}{' ...' if len(others) > 4 else ''} to hear")
    else:
        said = f"MIDI: {api} is here, but no keyboard or DAW; connect one to composer's ports, or press d"
        yield Finding(False, f"{said} for the built-in player")


def _weights() -> Iterator[Finding]:
    from composer.folders import model_folder
    from composer.generators import GENERATORS

    missing = [info.name for info in GENERATORS.values() if info.weights and model_folder(info.weights) is None]
    whole = len(GENERATORS) - len(missing)
    if missing:
        names = ", ".join(missing)
        yield Finding(False, f"weights: none for {names}; the other {whole} generators play (composer models download)")
    else:
        yield Finding(True, f"weights: all {whole} generators can play")


def _sound() -> Iterator[Finding]:
    from composer.midi.fluidsynth import soundfont

    if shutil.which("fluidsynth") and soundfont():
        yield Finding(True, "sound: FluidSynth is here; press L to listen without a DAW")
    else:
        said = "sound: no FluidSynth; connect a DAW or synthesizer to the out port, or install it"
        yield Finding(False, f"{said} (apt-get install fluidsynth, brew install fluid-synth)")


def _takes() -> Iterator[Finding]:
    from composer import shelf

    try:
        yield Finding(True, f"recording: always; k keeps the last 8 bars in {shelf.folder()}")
    except ComposerError as error:
        yield Finding(False, f"recording: {error}")
