"""The session, driven by a manual clock over the real engine on ports in memory."""

import json

import pytest
from scripted import MACHINE, Echo, Stage

from composer.errors import ComposerError, FileError, ModelError, PortError, UsageError
from composer.generators.base import Context
from composer.live.offline import compose
from composer.live.steps import Pace
from composer.live.worker import InlineWorker, make_with_parts
from composer.midi import files
from composer.music import Meter, Note, Part, Score, Span, Tempo

MELODY = (Note(100, 60, 300), Note(480, 64, 150), Note(700, 67, 20), Note(725, 69, 500), Note(1440, 72, 700))


def played(melody, stage, seconds):
    """Play `melody` into the session from tick 0 on, and let time pass."""
    # A channel the machine never plays: the player's note must not be taken for the machine's coming back.
    stage.session.start()
    stage.step()
    messages = sorted(
        [(n.onset, (0x95, n.pitch, n.velocity)) for n in melody] + [(n.end, (0x85, n.pitch, 0)) for n in melody]
    )
    for tick, message in messages:
        stage.run_to(tick / 960)
        stage.play(*message)
    stage.run_to(seconds)
    return [note for note in stage.machine_notes() if note[0] < 2400]


def composed(generator, lead, role="accompany", melody=MELODY):
    score = Score((Part("Player", melody), *MACHINE))
    context = Context(score, ("Machine",), 10_000, role)
    notes = compose(generator, context, Span(0, 2400), lead=lead, pace=Pace())
    return [(note.onset, note.pitch) for _, note in notes]


@pytest.mark.parametrize("role", ["accompany", "fill"])
@pytest.mark.parametrize("grid", [1, 240, 480])
def test_live_equals_offline_note_for_note(grid, role):
    generator = Echo(grid, 0 if grid == 1 else 40)
    live = played(MELODY, Stage(generator, role=role), 2.6)

    assert composed(generator, 1, role) == live


@pytest.mark.parametrize("commit", [0.25, 0.5, 1.0])
def test_a_longer_commit_is_a_longer_lead(commit):
    live = played(MELODY, Stage(commit=commit), 2.6)

    assert composed(Echo(), 1 + -(-int(commit * 480) // 240)) == live


def test_every_note_that_left_is_ended_at_the_end():
    stage = Stage()
    played(MELODY, stage, 1.3)
    stage.session.close()
    stats = stage.session.finish()

    assert set() == stage.sounding()
    assert 0 == stats.sounding_at_exit
    assert stats.notes_out == len(stage.machine_notes())
    assert 5 == stats.notes_in


def test_no_deadline_is_missed_when_the_worker_answers_at_once():
    stage = Stage()
    played((), stage, 3.9)
    stats = stage.session.finish()

    assert (15, {}) == (stats.deadlines, stats.misses)


def test_a_generator_that_raises_leaves_the_fallback_playing():
    stage = Stage(Echo(fails=True))
    notes = played((), stage, 2.0)
    stats = stage.session.finish()

    assert [onset for onset, _ in notes] == list(range(0, 1921, 120))
    assert {"echo": stats.deadlines} == stats.misses
    assert stage.session.snapshot().messages == ("echo: RuntimeError: no idea",)


def test_when_all_raise_silence_is_planned_and_counted():
    stage = Stage(Echo(fails=True), Echo(1, 0, fails=True))
    notes = played((), stage, 2.0)
    stats = stage.session.finish()

    assert [] == notes
    assert {"echo": stats.deadlines, "fallback": stats.deadlines} == stats.misses


def test_the_host_is_told_the_programs_of_the_generator_and_of_the_fallback():
    stage = Stage(net=(Part("Bass", (), 0, 33), Part("Cello", (), 1, 42)))

    assert [bytes((0xC1, 5)), bytes((0xC0, 33))] == [m for _, m in stage.io.output if m[0] & 0xF0 == 0xC0]


def test_another_generator_takes_over_at_the_bar_line_without_a_gap():
    stage = Stage(Echo(base=20))
    stage.generators["high"] = Echo(base=80)
    stage.session.start()
    stage.run_to(1.0)
    stage.session.set_generator("high")
    stage.run_to(1.1)
    assert "high" == stage.session.snapshot().pending
    stage.run_to(4.0)
    notes = stage.machine_notes()

    assert list(range(0, 3841, 120)) == [onset for onset, _ in notes]
    assert all((pitch >= 80) == (onset >= 1920) for onset, pitch in notes)
    assert ("high", None) == (stage.session.snapshot().generator, stage.session.snapshot().pending)


def test_a_generator_that_cannot_be_opened_leaves_the_old_one_playing():
    stage = Stage()
    stage.session.start()
    stage.run_to(1.0)
    stage.session.set_generator("nobody")
    stage.run_to(4.0)
    shown = stage.session.snapshot()

    assert ("echo", None, ("nobody: ValueError: no nobody",)) == (shown.generator, shown.pending, shown.messages)
    assert list(range(0, 3841, 120)) == [onset for onset, _ in stage.machine_notes()]


def test_the_last_key_told_is_shown_through_silence():
    echo = Echo()
    echo.key = "G major"
    stage = Stage(echo)
    stage.session.start()
    stage.run_to(1.0)
    echo.key = ""
    stage.run_to(2.0)

    assert "G major" == stage.session.snapshot().key


def test_stop_ends_the_notes_and_start_goes_on_at_the_next_bar_line():
    stage = Stage()
    stage.session.start()
    stage.run_to(1.03)
    stage.session.stop()
    stage.run_to(2.0)
    assert set() == stage.sounding()
    stage.session.start()
    stage.run_to(2.2)

    assert 1920 < stage.session.snapshot().tick <= 2016


def test_panic_ends_what_sounds_and_the_music_goes_on():
    stage = Stage()
    stage.session.start()
    stage.run_to(1.05)
    stage.session.panic()
    stage.step()
    assert set() == stage.sounding()
    before = len(stage.machine_notes())
    stage.run_to(2.0)

    assert len(stage.machine_notes()) > before + 4


def test_in_trade_the_machine_plays_its_own_four_bars():
    stage = Stage(role="trade", tempo=480.0)
    stage.session.start()
    stage.run_to(4.2)
    onsets = [onset * 4 for onset, _ in stage.machine_notes()]

    assert onsets
    assert all(7680 - 2 <= onset < 15360 for onset in onsets)


def test_after_a_jump_the_past_ends_where_the_song_goes_on():
    stage = Stage(sync="clock")
    pulse = 60 / 120 / 24
    stage.play(0xFA)
    for n in range(24 * 5):
        stage.play(0xF8)
        if n == 24:
            stage.play(0x90, 60, 80)
        stage.run_to((n + 1) * pulse)
    stage.play(0xFC)
    stage.play(0xF2, 32 & 0x7F, 0)
    stage.play(0xFB)
    for n in range(48):
        stage.play(0xF8)
        stage.run_to((24 * 5 + n + 1) * pulse)
    shown = stage.session.snapshot()

    assert shown.running
    assert 3840 <= shown.tick < 5300
    assert all(note.end <= 3840 for note in shown.player)
    assert shown.player


@pytest.mark.parametrize("kind", [UsageError, PortError, FileError, ComposerError])
def test_what_cannot_be_opened_ends_the_session_with_the_error_that_it_is(kind):
    stage = Stage()
    failed = {"op": "failed", "message": "no such thing", "status": kind.exit_status, "kind": kind.__name__}
    stage.session._queue.put(lambda: stage.session._io_said(failed))
    with pytest.raises(ComposerError, match="no such thing") as caught:
        stage.session.run()

    assert kind is caught.type


def test_a_generator_is_told_every_tempo_since_the_beginning():
    echo = Echo()
    stage = Stage(echo)
    stage.session.start()
    stage.run_to(0.5)
    stage.session.set_tempo(60)
    stage.run_to(1.5)

    assert (Tempo(0, 120.0), Tempo(480, 60.0)) == echo.asked.score.tempos


def test_a_recording_has_the_tempos_and_meters_that_the_generator_was_told(tmp_path):
    echo = Echo()
    stage = Stage(echo, record=tmp_path / "take.mid")
    stage.session.start()
    stage.run_to(0.3)
    stage.session.set_meter(3, 4)
    stage.run_to(0.6)
    stage.session.set_tempo(90)
    stage.play(0x95, 60, 80)
    stage.run_to(8.0)
    stage.session.finish()
    recorded = files.read(tmp_path / "take.mid")

    assert (Meter(0), Meter(1920, 3, 4)) == recorded.meters == echo.asked.score.meters
    assert [tempo.tick for tempo in recorded.tempos] == [tempo.tick for tempo in echo.asked.score.tempos] == [0, 576]
    assert [120, 90] == [round(tempo.qpm) for tempo in recorded.tempos]


def test_a_jump_moves_tempos_and_meters_with_the_past():
    echo = Echo()
    stage = Stage(echo, sync="clock")
    stage.play(0xFA)
    pulse = 60 / 120 / 24
    for n in range(96):
        stage.play(0xF8)
        stage.run_to((n + 1) * pulse)
    stage.session.set_meter(3, 4)
    for n in range(96, 120):
        stage.play(0xF8)
        stage.run_to((n + 1) * pulse)
    before = stage.session.snapshot().meters
    stage.play(0xFC)
    stage.play(0xF2, 100, 0)
    stage.play(0xFB)
    for n in range(120, 144):
        stage.play(0xF8)
        stage.run_to((n + 1) * pulse)

    assert (Meter(0), Meter(1920, 3, 4)) == before
    after = stage.session.snapshot().meters
    assert (Meter(0), Meter(8640), Meter(1920 + 8640, 3, 4)) == after == echo.asked.score.meters


def test_a_generator_that_waits_for_its_bar_line_finds_it_after_a_jump_back():
    stage = Stage(sync="clock")
    stage.generators["high"] = Echo(base=80)
    stage.play(0xF2, 64, 0)
    stage.play(0xFB)
    pulse = 60 / 120 / 24
    for n in range(24 * 8):
        stage.play(0xF8)
        stage.run_to((n + 1) * pulse)
        if n == 24:
            stage.session.set_generator("high")
        if n == 48:
            stage.play(0xFC)
            stage.play(0xF2, 0, 0)
            stage.play(0xFB)

    assert "high" == stage.session.snapshot().generator


def test_figures_are_written_when_the_io_process_dies(tmp_path):
    path = tmp_path / "stats.json"
    stage = Stage(stats=path)
    played(MELODY[:1], stage, 0.5)
    stage.session._queue.put(lambda: stage.session._io_said({"op": "gone", "status": -9}))
    with pytest.raises(ComposerError, match="io process ended"):
        stage.session.run()

    assert 1 == json.loads(path.read_text())["notes_in"]


def test_reaction_is_the_time_to_the_first_note_that_knew():
    stage = Stage(Echo(1, 0))
    stage.session.start()
    stage.run_to(0.1)
    stage.play(0x90, 60, 80)
    stage.run_to(1.0)
    stats = stage.session.finish()

    assert 1 == stats.reaction_ms["n"]
    assert pytest.approx(25.0, abs=0.2) == stats.reaction_ms["max"]


@pytest.mark.parametrize(("grid", "block"), [(240, 250.0), (480, 500.0)])
def test_a_note_at_the_beginning_of_a_block_is_answered_at_the_beginning_of_the_next(grid, block):
    stage = Stage(Echo(grid))
    stage.session.start()
    stage.run_to(1.0)
    stage.play(0x95, 60, 80)
    stage.run_to(2.0)
    stats = stage.session.finish()
    told = dict(composed(Echo(grid), 1, melody=(Note(960, 60, 960),)))[960 + grid]
    untold = dict(composed(Echo(grid), 1, melody=()))[960 + grid]

    assert untold != told == dict(stage.machine_notes())[960 + grid]
    assert {"n": 1, "p50": block, "p95": block, "p99": block, "max": block} == stats.reaction_ms
    assert {} == stats.misses


def test_wrong_commands_are_refused_with_what_is_possible():
    session = Stage().session
    with pytest.raises(UsageError, match="10 and 600"):
        session.set_tempo(1000)
    with pytest.raises(UsageError, match="accompany"):
        session.set_role("sing")
    with pytest.raises(UsageError, match="internal or clock"):
        session.set_sync("moon")


@pytest.mark.parametrize("name", ["markov", "anticipation"])
def test_live_equals_offline_for_a_shipped_generator(name):
    stage = shipped(name)
    live = played(MELODY, stage, 2.6)
    generator, parts = make_with_parts(name, {}, 0)
    score = Score((Part("Player", MELODY), *parts), (Tempo(0, 120.0),))
    context = Context(score, tuple(part.name for part in parts), 10_000)
    notes = compose(generator, context, Span(0, 2400), lead=1, pace=Pace())

    assert sorted((note.onset, note.pitch) for _, note in notes) == sorted(live)


def shipped(name):
    try:
        make_with_parts(name, {}, 0)
    except (ModelError, ImportError) as error:
        pytest.skip(f"{name} cannot be made: {error}")
    return Stage(generator=name, worker=InlineWorker)


def test_what_a_generator_notices_of_the_machine_is_told():
    class Slow(Echo):
        def notice(self):
            return "slow here"

    stage = Stage(Slow())

    assert stage.session.snapshot().messages == ("slow here",)


def test_the_bar_line_of_a_switch_and_the_parameters_to_come_are_shown():
    stage = Stage(Echo(base=20))
    stage.generators["high"] = Echo(base=80)
    stage.session.start()
    stage.run_to(1.0)
    stage.session.set_generator("high", {"density": "2"})
    stage.run_to(1.1)
    shown = stage.session.snapshot()

    assert (1920, {"density": "2"}) == (shown.switch_at, shown.params)


def test_going_back_to_the_generator_that_still_plays_takes_the_other_one_off():
    stage = Stage(Echo(base=20))
    stage.generators["high"] = Echo(base=80)
    stage.session.start()
    stage.run_to(1.0)
    stage.session.set_generator("high")
    stage.run_to(1.1)
    stage.session.set_generator("echo")
    stage.run_to(4.0)
    notes = stage.machine_notes()

    assert ("echo", None) == (stage.session.snapshot().generator, stage.session.snapshot().pending)
    assert list(range(0, 3841, 120)) == [onset for onset, _ in notes]
    assert all(pitch < 80 for _, pitch in notes)
