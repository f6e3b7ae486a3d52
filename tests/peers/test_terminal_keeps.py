"""A whole evening in a real terminal: play, switch, keep, hear what was kept, quit; the kept file is right."""

import json
import time

import pytest
from ensemble import connect, is_running, ons, sounding, wait_until
from test_terminal import terminal  # noqa: F401 - the fixture

from composer import shelf
from composer.midi import files
from composer.tui.choose import ERAS

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture
def jack_server(roomy_jack):
    """Lose no message, however busy the machine is: each of them counts here."""
    return roomy_jack


TUNE = [60, 62, 64, 65, 67, 65, 64, 62] * 6


def sung(pitches, seconds=0.5):
    """Return the messages of a tune of even notes, on a channel the machine does not play."""
    return [
        (n * seconds + at, (kind | 5, pitch, 80))
        for n, pitch in enumerate(pitches)
        for at, kind in ((0.0, 0x90), (seconds * 0.9, 0x80))
    ]


def heard_before(messages, moment):
    """Return (pitch, velocity) of the notes that began before `moment`, in order."""
    return [(message[1], message[2]) for at, message in ons(messages) if at < moment]


def test_play_switch_keep_hear_and_quit(terminal, host):  # noqa: F811
    screen = terminal.wait(lambda screen: "to composer" in screen and screen)
    ports = [word for word in screen.split() if word.startswith("composer") and ":" in word]
    connect(host.ports["play"], next(port for port in ports if port.endswith(":in")))
    connect(next(port for port in ports if port.endswith(":out")), host.ports["hear"])

    # The cable carries something: panic is the same whenever it comes.
    wait_until(lambda: terminal.press("Escape") or host.heard, 20, "a sign of the cable")
    host.heard.clear()

    # Play, and let another generator take over while the music goes on.
    terminal.press("Space")
    terminal.wait(lambda screen: "▶" in screen)
    host.play(*sung(TUNE))
    host.wait_note()
    markov = [info.name for info in ERAS].index("markov") + 1
    terminal.press(str(markov))
    terminal.wait(lambda screen: "markov " in screen and "→" not in screen)
    switched = time.monotonic()
    host.wait_note(after=switched + 2)

    # Keep everything, then the last four bars.
    terminal.press("F9")
    kept_by = time.monotonic()
    wait_until(lambda: len(shelf.takes()) == 1, 20, "the take")
    whole = shelf.takes()[0]
    terminal.press("F4")
    wait_until(lambda: len(shelf.takes()) == 2, 20, "the second take")
    four = shelf.takes()[0]
    terminal.press("Space")
    terminal.wait(lambda screen: "■" in screen)
    host.wait(lambda: not sounding(host.heard))

    # What is in the file is what went over the cables.
    player, machine = split(whole)
    played, heard = heard_before(host.played, kept_by + 60), heard_before(host.heard, kept_by + 60)
    assert player == played[: len(player)]
    assert len(player) >= len(heard_before(host.played, kept_by - 0.5))
    assert sorted(machine) == sorted(heard[: len(machine)])
    assert len(machine) >= len(heard_before(host.heard, kept_by - 0.5)) > 0
    assert four.score.end <= 4 * four.score.meters[0].bar
    assert is_inside(split(four)[0], split(whole)[0] + played[len(player) :])
    assert len(split(four)[0]) >= 4
    facts = json.loads(files.comment(four.path))
    assert ("markov", 0, {}, "accompany") == (facts["generator"], facts["seed"], facts["params"], facts["role"])

    # The take is heard through the port, and leaving the shelf ends it.
    terminal.press("S")
    terminal.wait(lambda screen: "2 kept" in screen)
    opened = time.monotonic()
    terminal.press("Space")
    host.wait_note(after=opened)
    host.wait_sounding()
    terminal.press("Escape")
    terminal.wait(lambda screen: "2 kept" not in screen)
    host.wait(lambda: not sounding(host.heard))

    terminal.press("q")
    wait_until(lambda: not is_running(terminal.pid), 15, "the end")
    host.wait(lambda: not sounding(host.heard), 2)
    assert [] == list(shelf.folder().glob(".*"))
    assert "Traceback" not in terminal.screen()


def is_inside(few, many):
    """Return whether `few` follow each other somewhere in `many`."""
    return any(few == many[n : n + len(few)] for n in range(len(many)))


def split(take):
    """Return (pitch, velocity) of the player's and of the machine's notes, in order of onset."""
    found = {True: [], False: []}
    for part in take.score.parts:
        found[shelf.is_player(part.name)] += part.notes
    return tuple([(note.pitch, note.velocity) for note in sorted(found[is_player])] for is_player in (True, False))
