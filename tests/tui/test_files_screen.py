"""A MIDI file in the interface: seen, worked on bar by bar, heard, brought back and saved."""

from dataclasses import replace

import pytest
from piloting import screen_lines
from test_takes import BAR, Stage, until

from composer.errors import UsageError
from composer.midi import files
from composer.music import Meter, Note, Part, Score, Tempo
from composer.tui.file_screen import FileScreen
from composer.tui.layout import LABEL_WIDTH
from composer.tui.piece import Piece, bars_of
from composer.tui.roll import Roll
from composer.tui.working import Working

TUNE = Score((Part("Tune", tuple(Note(n * 480, 60 + n % 8, 480) for n in range(24))),), (Tempo(0, 600.0),))


@pytest.fixture
def tune(tmp_path):
    path = tmp_path / "tune.mid"
    files.write(TUNE, path)
    return path


class Opened(Stage):
    """The screen with a file open, and markov as the generator."""

    def __init__(self, path, *keys):
        super().__init__()
        self._path, self._then = path, keys

    async def __aenter__(self):
        await super().__aenter__()
        self.app.open_file(self._path)
        await until(self.pilot, lambda: isinstance(self.app.screen, FileScreen) and self.app.screen.piece)
        self.screen = self.app.screen
        self.screen.generator = "markov"
        await self.pilot.press(*self._then)
        await self.pilot.pause()
        return self

    async def worked(self):
        """Wait until the piece is another one."""
        await until(self.pilot, lambda: self.screen.piece.before and self.app.screen is self.screen)
        return self.screen.piece.score


@pytest.mark.parametrize(
    ("score", "bars"),
    [
        (TUNE, 6),
        (TUNE.shift(1), 7),
        (Score(), 1),
        (replace(TUNE, meters=(Meter(0, 3, 4),)), 8),
    ],
)
def test_bars_that_have_begun_are_counted(score, bars):
    assert bars == bars_of(score)


def test_the_cursor_stays_inside(tune):
    piece = Piece.of(TUNE, tune)

    assert (0, 5, 2) == (piece.moved(-1).bar, piece.moved(99).bar, piece.moved(2).bar)


def test_a_range_never_runs_backward(tune):
    piece = Piece.of(TUNE, tune)
    late, early = piece.moved(4).begun(), piece.moved(1).ended()

    assert (4, 6) == (late.first, late.end)
    assert (0, 2) == (early.first, early.end)
    assert (1, 2) == ((late.moved(-3).ended()).first, (late.moved(-3).ended()).end)


def test_of_a_take_only_the_player_is_given(tune):
    take = Score((*TUNE.parts, Part("Player", (Note(0, 60, 480),)), Part("Player 6", (Note(0, 60, 480),), 5)))

    assert {"Player", "Player 6"} == Piece.of(take, tune).given
    assert {"Tune"} == Piece.of(TUNE, tune).given


def test_nothing_can_be_composed_from_silence(tune):
    with pytest.raises(UsageError, match="no note in the file"):
        Piece.of(Score(), tune).asked("infill", "markov", 0, tune, tune)


async def test_an_opened_file_is_on_the_roll(tune):
    async with Opened(tune) as stage:
        stage.screen.look()
        shown = stage.screen.query_one(Roll)._snapshot

        assert TUNE.parts[0].notes == shown.player
        assert () == shown.committed
        assert "bar 1 of 6" in str(stage.screen.query_one("#piece").render())


async def test_an_opened_file_fills_the_screen_from_its_first_bar(tune):
    async with Opened(tune) as stage:
        stage.screen.look()
        await stage.pilot.pause()
        line = next(
            line for line in screen_lines(stage.app) if "▌" in line or "█" in line or "⣿" in line or "⠛" in line
        )

        assert line[LABEL_WIDTH] != " "


async def test_every_key_of_the_work_is_read_at_80_columns(tune):
    async with Opened(tune) as stage:
        keys = screen_lines(stage.app)[-1]

    assert all(word in keys for word in ("Hear", "Bars", "Era", "Go on", "Accompany", "Infill", "Undo", "Save", "Back"))


async def test_the_path_is_typed(tune, monkeypatch):
    monkeypatch.chdir(tune.parent)
    async with Stage("F") as stage:
        stage.app.screen.query_one("Input").value = "tune.mid"
        await stage.pilot.press("enter")
        await until(stage.pilot, lambda: isinstance(stage.app.screen, FileScreen) and stage.app.screen.piece)

        assert TUNE.parts == stage.app.screen.piece.score.parts


async def test_opening_nothing_goes_back():
    async with Stage("F", "escape") as stage:
        await until(stage.pilot, lambda: len(stage.app.screen_stack) == 1)


async def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "broken.mid").write_bytes(b"MThd")
    async with Stage() as stage:
        stage.app.open_file(tmp_path / "broken.mid")
        await until(stage.pilot, lambda: "broken.mid" in stage.said)


async def test_keys_choose_bars(tune):
    async with Opened(tune, "right", "[", "right", "right", "]") as stage:
        assert (1, 4, 3) == (stage.screen.piece.first, stage.screen.piece.end, stage.screen.piece.bar)


async def test_infill_writes_the_chosen_bars_and_no_others(tune):
    async with Opened(tune, "right", "right", "[", "right", "]", "i") as stage:
        after = (await stage.worked()).part("Tune").notes

    assert [n for n in TUNE.parts[0].notes if not 2 * BAR <= n.onset < 4 * BAR] == [
        n for n in after if not 2 * BAR <= n.onset < 4 * BAR
    ]
    assert TUNE.parts[0].notes != after


async def test_accompany_adds_parts_to_the_chosen_bars(tune):
    async with Opened(tune, "right", "right", "[", "right", "]", "a") as stage:
        after = await stage.worked()
        stage.screen.look()
        shown = stage.screen.query_one(Roll)._snapshot

    added = [note for part in after.parts if part.name != "Tune" for note in part.notes]
    assert TUNE.part("Tune").notes == after.part("Tune").notes
    assert 2 * BAR <= min(n.onset for n in added) <= max(n.onset for n in added) < 4 * BAR
    assert sorted(added) == sorted(note for _, note in shown.committed)


async def test_continue_makes_a_piece_of_the_chosen_bars_and_more(tune):
    async with Opened(tune, "right", "right", "]", "c") as stage:
        after = await stage.worked()

    assert TUNE.part("Tune").notes[:12] == after.part("Tune").notes[:12]
    assert 3 * BAR <= max(note.onset for part in after.parts for note in part.notes) < 11 * BAR


async def test_undo_brings_back_what_was_there(tune):
    async with Opened(tune, "i") as stage:
        await stage.worked()
        await stage.pilot.press("u")

        assert TUNE.parts == stage.screen.piece.score.parts
        await stage.pilot.press("u")
        assert "nothing to undo" in stage.said


async def test_the_second_try_has_another_seed(tune):
    async with Opened(tune, "i") as stage:
        await stage.worked()

        assert 1 == stage.screen.seed


async def test_composing_is_given_up(tmp_path):
    long = tmp_path / "long.mid"
    files.write(TUNE.shift(4000 * BAR), long)
    async with Opened(long, "a") as stage:
        await until(stage.pilot, lambda: isinstance(stage.app.screen, Working) and stage.app.screen._job)
        await stage.pilot.press("escape")
        await until(stage.pilot, lambda: stage.app.screen is stage.screen)

        assert () == stage.screen.piece.before


async def test_it_is_heard_from_the_cursor(tune):
    async with Opened(tune, "end", "space") as stage:
        await until(stage.pilot, lambda: ("restore_programs",) in stage.session.commands)
        ons = [data[1] for data in stage.session.sent if data[0] & 0xF0 == 0x90]

    assert [64, 65, 66, 67] == ons
    assert set() == stage.session.sounding


async def test_it_is_saved_under_a_name_that_is_free(tune):
    async with Opened(tune, "i") as stage:
        after = await stage.worked()
        await stage.pilot.press("w", "enter")
        await until(stage.pilot, (tune.parent / "tune-2.mid").exists)

    assert after.parts == files.read(tune.parent / "tune-2.mid").parts
    assert TUNE.parts == files.read(tune).parts


async def test_saving_replaces_nothing(tune):
    async with Opened(tune, "w") as stage:
        stage.app.screen.query_one("Input").value = "tune.mid"
        await stage.pilot.press("enter")
        await until(stage.pilot, lambda: "exists already" in stage.said)


async def test_a_generator_is_chosen_for_the_work(tune):
    async with Opened(tune, "g") as stage:
        await stage.pilot.press("home", "enter")
        await until(stage.pilot, lambda: stage.app.screen is stage.screen)

        assert "markov" != stage.screen.generator


async def test_every_key_of_the_file_screen_has_a_tooltip():
    assert [] == [binding.key for binding in FileScreen.BINDINGS if not (binding.tooltip and binding.description)]
