"""Sound without a DAW: FluidSynth, run beside us, plays what it is told with the soundfont that pretty_midi carries."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue

from composer.errors import PortError

_COMMANDS = {0x80: "noteoff {0} {1}", 0x90: "noteon {0} {1} {2}", 0xB0: "cc {0} {1} {2}", 0xC0: "prog {0} {1}"}
_END_SECONDS = 2.0
_NEED = (
    "connect a DAW or synthesizer to the port, or install FluidSynth "
    "(apt-get install fluidsynth, brew install fluid-synth)"
)


class FluidSynth:
    """Sound messages through a FluidSynth process of its own; PortError when there is none or no soundfont.

    `api` is the MIDI system in use: beside JACK the sound goes through JACK too. `send` never waits, and may be called
    from any thread.
    """

    def __init__(self, api: str = "") -> None:
        program, font = shutil.which("fluidsynth"), soundfont()
        if program is None:
            raise PortError(f"FluidSynth is not installed, so nothing sounds from here; {_NEED}")
        if font is None:
            raise PortError("there is no soundfont to sound with; install pretty_midi, which carries one")
        driver = ["-a", "jack", "-o", "audio.jack.autoconnect=1"] if api == "jack" else []
        # No MIDI port of its own: what it plays comes through its shell, so it works without a MIDI system too.
        command = [program, "-q", "-n", *driver, str(font)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="fluidsynth", daemon=True)
        self._thread.start()

    def send(self, data: Sequence[int]) -> None:
        """Sound one channel message; kinds that FluidSynth's shell does not know are left out."""
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind == 0x90 and data[2] == 0:
            kind = 0x80
        if kind in _COMMANDS:
            self._queue.put(_COMMANDS[kind].format(channel, *data[1:]))

    def alive(self) -> bool:
        """Return whether the process runs; one that finds no sound card ends soon after it began."""
        return self._process.poll() is None

    def close(self) -> None:
        """Silence it and let the process end; returns at once."""
        for line in ("reset", "quit", None):
            self._queue.put(line)

    def _write(self) -> None:
        assert self._process.stdin
        with suppress(OSError, ValueError), self._process.stdin as shell:
            while (line := self._queue.get()) is not None:
                shell.write(f"{line}\n".encode())
                shell.flush()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def soundfont() -> Path | None:
    """Return the soundfont that pretty_midi carries, None where it is missing; the package is not imported."""
    found = find_spec("pretty_midi")
    font = Path(found.origin).parent / "TimGM6mb.sf2" if found and found.origin else None
    return font if font is not None and font.is_file() else None
