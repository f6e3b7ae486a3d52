"""A MIDI clock that nobody here wrote drives the machine: jack_midi_clock, moved by jack_transport."""

import signal
import statistics
import time
from bisect import bisect_right

import pytest
from ensemble import connect, notes_of, ons, phrase, sounding

pytestmark = [pytest.mark.peer, pytest.mark.slow]

CLOCK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
PULSE, SIXTEENTH, BAR = 20, 120, 1920
"""Ticks."""
RATE = 48_000


@pytest.fixture
def jack_server(roomy_jack):
    """Lose no pulse: every tick after it would be moved."""
    return roomy_jack


class Ruler:
    """The ticks that the clock's messages say, as the host heard them: the n-th pulse after a start is tick 20 n."""

    def __init__(self, messages):
        self.moments, self.ticks, self.stops, self.starts = [], [], [], []
        tick, rolling = 0, False
        for at, message in messages:
            if message[0] == POSITION:
                tick = (message[1] | message[2] << 7) * SIXTEENTH
            elif message[0] in (START, CONTINUE):
                tick, rolling = 0 if message[0] == START else tick, True
                self.starts.append((at, tick))
            elif message[0] == STOP:
                rolling = False
                self.stops.append(at)
            elif message[0] == CLOCK and rolling:
                self.moments.append(at)
                self.ticks.append(tick)
                tick += PULSE

    def tick(self, at):
        """Return the tick at a moment between two pulses of one run, None outside."""
        left = bisect_right(self.moments, at) - 1
        if left < 0 or left + 1 == len(self.moments) or self.ticks[left + 1] != self.ticks[left] + PULSE:
            return None
        before, after = self.moments[left : left + 2]
        return self.ticks[left] + PULSE * (at - before) / (after - before)


def test_the_machine_follows_a_tempo_change_a_stop_a_continue_and_a_start_from_the_middle(
    transport, duet, host, melody, generator
):
    song = phrase(melody, 60.0)
    composer = duet("--generator", generator, "--sync", "clock")
    in_port, _ = composer.ports()
    for port in (in_port, host.ports["hear"]):
        connect("jack_midi_clock:mclk_out", port)
    starts = lambda: Ruler(host.heard).starts  # noqa: E731
    stops = lambda: Ruler(host.heard).stops  # noqa: E731

    transport("tempo 96", "play")
    host.wait(starts)
    host.play(*song)
    host.wait_note(seconds=30)
    host.wait(lambda: Ruler(host.heard).ticks[-1] > 3 * BAR, 30)
    transport("tempo 132")
    host.wait(lambda: Ruler(host.heard).ticks[-1] > 7 * BAR, 30)
    host.wait_sounding()
    transport("stop")
    host.wait(stops)
    first_stop = stops()[0]
    host.wait(lambda: not sounding(host.heard), 2)
    # Silence cannot be waited for: a bar and a half of it, with the melody going on.
    time.sleep(2.5)
    silence_ends = time.monotonic()
    transport("play")
    host.wait(lambda: len(starts()) == 2)
    host.wait_note(after=starts()[1][0], seconds=30)
    transport("stop")
    host.wait(lambda: len(stops()) == 2)
    # 41 bars of four quarters at 132.
    transport(f"locate {round(41 * 4 * 60 / 132 * RATE)}", "play")
    host.wait(lambda: len(starts()) == 3)
    host.wait_note(after=starts()[2][0], seconds=30)
    host.wait(lambda: Ruler(host.heard).ticks[-1] > starts()[2][1] + 2 * BAR, 30)
    journal = composer.journal()

    assert 0 == composer.end(signal.SIGTERM)
    ruler = Ruler(host.heard)
    sent = [entry["tick"] for entry in journal if "out" in entry and entry["out"][0] & 0xF0 == 0x90]
    heard = [at for at, _ in ons(host.heard)]
    assert set() == sounding(host.heard)
    assert [] == [at for at in heard if first_stop + 0.05 < at < silence_ends]
    # Without hardware JACK's time, and so its clock, runs a little slow on a busy machine.
    tempos = [entry["tempo"] for entry in journal if entry.get("running")]
    assert all(any(abs(tempo - wanted) < 0.06 * wanted for tempo in tempos) for wanted in (96, 132))
    assert ruler.starts[0][1] == 0 < ruler.starts[1][1] < 40 * BAR < ruler.starts[2][1]
    # Every note is heard where the clock was when it was due, in each of the three runs.
    errors = [abs(tick - due) for at, due in zip(heard, sent, strict=False) if (tick := ruler.tick(at)) is not None]
    assert len(errors) > 0.9 * len(sent)
    assert statistics.median(errors) < PULSE
    assert 0.9 * len(errors) < sum(error < 2 * PULSE + SIXTEENTH / 2 for error in errors)
    for start, end in zip(ruler.starts, [*ruler.stops, heard[-1] + 1], strict=True):
        assert any(start[0] <= at <= end for at in heard), (start, end)
    stats = composer.stats()
    assert (0, "clock") == (stats["sounding_at_exit"], stats["clock"]["source"])
    assert stats["clock"]["tempo"] == pytest.approx(132, rel=0.06)
    assert len(notes_of(host.heard)) == stats["notes_out"]
