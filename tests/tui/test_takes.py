"""Keeping while playing, and the shelf: what the user does, and what becomes of the takes."""

import json
from dataclasses import replace

import pytest
from fake_session import STILL, FakeSession

from composer import shelf
from composer.live.settings import Settings
from composer.midi import files
from composer.music import Note, Part, Score, Tempo
from composer.tui.app import ComposerApp
from composer.tui.takes import Shelf
from composer.tui.working import Working

BAR = 1920
FACTS = {"generator": "markov", "seed": 5, "params": {"order": "2"}, "role": "accompany"}
SCALE = Score(
    (
        Part("Player", tuple(Note(n * 480, 60 + n, 480) for n in range(8))),
        Part("Bass", (Note(0, 36, 1920), Note(1920, 43, 1920)), 1, 33),
    ),
    (Tempo(0, 600.0),),
)


class Recorder(FakeSession):
    """A session that is told what to send."""

    def send(self, data):
        self.commands.append(("send", data))

    def toggle_sound(self):
        self.commands.append(("toggle_sound",))

    def restore_programs(self):
        self.commands.append(("restore_programs",))

    def facts(self):
        return FACTS

    @property
    def sent(self):
        return [command[1] for command in self.commands if command[0] == "send"]

    @property
    def sounding(self):
        keys = set()
        for data in self.sent:
            if data[0] & 0xF0 == 0x90:
                keys.add((data[0] & 0x0F, data[1]))
            elif data[0] & 0xF0 == 0x80:
                keys.discard((data[0] & 0x0F, data[1]))
        return keys


@pytest.fixture
def journal(tmp_path):
    """Return a journal of nine bars with a note of the player in each."""
    entries = [{"time": 0, "tick": 0, "running": True, "tempo": 120.0, "meter": [4, 4]}]
    for n in range(9):
        entries += [{"time": 0, "tick": n * BAR, "in": [0x90, 60 + n, 80]}]
        entries += [{"time": 0, "tick": n * BAR + 480, "in": [0x80, 60 + n, 0]}]
    path = tmp_path / "journal"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


async def until(pilot, so):
    """Wait until `so()` holds; work beside the interface takes its time."""
    for _ in range(600):
        if so():
            return
        await pilot.pause(0.02)
    raise AssertionError("it never happened")


class Stage:
    """An app over a recording session, with its pilot, moved by hand."""

    def __init__(self, *keys, journal=None, snapshot=STILL):
        self.session = Recorder(snapshot)
        self.app = ComposerApp(Settings(journal=journal), lambda settings: self.session)
        self._keys = keys

    async def __aenter__(self):
        self._running = self.app.run_test(size=(100, 30))
        self.pilot = await self._running.__aenter__()
        await until(self.pilot, lambda: self.app.playing.session is not None)
        self.app.look()
        await self.pilot.press(*self._keys)
        await self.pilot.pause()
        return self

    async def __aexit__(self, *error):
        await self._running.__aexit__(*error)

    async def shelf_of(self, count):
        """Wait until the shelf shows `count` takes."""
        await until(self.pilot, lambda: isinstance(self.app.screen, Shelf) and len(self.app.screen.takes) == count)
        await self.pilot.pause()

    @property
    def said(self):
        return " ".join(note.message for note in self.app._notifications)


def firsts(take):
    return [note.pitch for note in take.score.parts[0].notes]


@pytest.mark.parametrize(
    ("key", "kept"), [("k", 8), ("f8", 8), ("f4", 4), ("f6", 9), ("f9", 9)], ids=["k", "f8", "f4", "f6", "f9"]
)
async def test_one_key_keeps_the_last_bars(journal, key, kept):
    playing = replace(
        STILL, running=True, tick=9 * BAR + 10, timeline=replace(STILL.timeline, tick_origin=9 * BAR + 10)
    )
    playing = replace(playing, running=False, tick=9.0 * BAR)
    async with Stage(key, journal=journal, snapshot=playing) as stage:
        await until(stage.pilot, shelf.takes)
        take = shelf.takes()[0]

        assert list(range(69 - kept, 69)) == firsts(take)
        assert ("markov", 5, {"order": "2"}) == (take.generator, take.seed, take.params)
        await until(stage.pilot, lambda: f"Kept {kept} bars" in stage.said)


async def test_keeping_nothing_says_so(tmp_path):
    (tmp_path / "journal").touch()
    async with Stage("k", journal=tmp_path / "journal") as stage:
        await until(stage.pilot, lambda: "nothing was played" in stage.said)


async def test_without_a_journal_it_says_that_nothing_is_recorded():
    async with Stage("k") as stage:
        assert "Nothing is being recorded" in stage.said


async def test_the_shelf_shows_the_newest_take_first():
    shelf.put(SCALE, FACTS)
    newest = shelf.put(SCALE, FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(2)

        assert newest.name == stage.app.screen.take.name


async def test_a_take_is_heard_through_the_port_whole():
    shelf.put(SCALE, FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("space")
        await until(stage.pilot, lambda: ("restore_programs",) in stage.session.commands)

        assert [bytes((0xC0, 0)), bytes((0xC1, 33))] == stage.session.sent[:2]
        assert 10 == len([data for data in stage.session.sent if data[0] & 0xF0 == 0x90])
        assert set() == stage.session.sounding


@pytest.mark.parametrize("key", ["space", "exclamation_mark", "escape", "q"])
async def test_what_is_heard_is_ended_by_the_same_key_panic_and_leaving(key):
    slow = replace(SCALE, tempos=(Tempo(0, 10.0),))
    shelf.put(slow, FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("space")
        await until(stage.pilot, lambda: stage.session.sounding)
        await stage.pilot.press(key)
        await stage.pilot.pause()

        assert set() == stage.session.sounding
        assert stage.app.heard_at is None


async def test_the_machine_stops_for_what_is_heard():
    shelf.put(SCALE, FACTS)
    async with Stage("S", snapshot=replace(STILL, running=True)) as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("space")
        await until(stage.pilot, lambda: stage.session.sent)

        assert ("stop",) == stage.session.commands[0]


async def test_leaving_the_program_ends_what_is_heard():
    shelf.put(replace(SCALE, tempos=(Tempo(0, 10.0),)), FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("space")
        await until(stage.pilot, lambda: stage.session.sounding)

    assert set() == stage.session.sounding


async def test_a_variation_lies_beside_its_take():
    take = shelf.put(SCALE, FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("v")
        await stage.shelf_of(2)
        varied = next(other for other in shelf.takes() if other.name != take.name)

        assert (6, f"{take.name} seed 6") == (varied.seed, stage.app.screen.take.name)
        assert take.score.part("Player").notes == varied.score.part("Player").notes


async def test_a_take_goes_on():
    shelf.put(SCALE, FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("c")
        await stage.shelf_of(2)

        onsets = [note.onset for note in stage.app.screen.take.score.part("Bass").notes]
        assert 2 * BAR <= onsets[-1] < 6 * BAR
        assert SCALE.part("Player").notes == stage.app.screen.take.score.part("Player").notes


async def test_long_work_is_given_up():
    shelf.put(replace(SCALE, parts=SCALE.parts[1:]).shift(4000 * BAR), FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("v")
        await until(stage.pilot, lambda: isinstance(stage.app.screen, Working) and stage.app.screen._job)
        job = stage.app.screen._job
        await stage.pilot.press("escape")
        await until(stage.pilot, lambda: isinstance(stage.app.screen, Shelf))
        await until(stage.pilot, lambda: job._process.poll() is not None)

        assert 1 == len(shelf.takes())


async def test_what_was_deleted_is_brought_back():
    take = shelf.put(SCALE, FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("x")
        await stage.shelf_of(0)
        await stage.pilot.press("u")
        await stage.shelf_of(1)

        assert take.name == stage.app.screen.take.name


async def test_what_was_deleted_another_day_is_brought_back_last_first():
    first, last = (shelf.put(SCALE, FACTS) for _ in range(2))
    for take in (first, last):
        shelf.delete(take)
    async with Stage("S") as stage:
        await stage.shelf_of(0)
        await stage.pilot.press("u")
        await stage.shelf_of(1)
        names = [stage.app.screen.take.name]
        await stage.pilot.press("u")
        await stage.shelf_of(2)
        names.append(stage.app.screen.take.name)

    assert [last.name, first.name] == names


async def test_there_is_nothing_to_undo_at_first():
    async with Stage("S", "u") as stage:
        await until(stage.pilot, lambda: "Nothing has been deleted" in stage.said)


async def test_a_take_is_exported(tmp_path):
    take = shelf.put(SCALE, FACTS)
    async with Stage("S") as stage:
        await stage.shelf_of(1)
        await stage.pilot.press("e")
        await stage.pilot.pause()
        stage.app.screen.query_one("Input").value = str(tmp_path / "song.mid")
        await stage.pilot.press("enter")
        await until(stage.pilot, (tmp_path / "song.mid").exists)

    assert SCALE.parts == files.read(tmp_path / "song.mid").parts
    assert take.path.exists()


async def test_every_key_of_the_shelf_has_a_tooltip():
    assert [] == [binding.key for binding in Shelf.BINDINGS if not (binding.tooltip and binding.description)]
