"""Who listens for switches hears them before the music does, and may keep them from it."""

from scripted import Stage

from composer.live.listening import Heard


def listened(claims, *messages):
    heard = []
    stage = Stage()
    stage.session.listen(lambda message: heard.append(message) or claims)
    stage.session.start()
    stage.run_to(0.2)
    for message in messages:
        stage.play(*message)
    stage.run_to(0.6)
    return heard, stage.session.snapshot()


def test_keys_controls_and_programs_are_heard_and_releases_are_not():
    heard, _ = listened(False, (0x95, 60, 80), (0x85, 60, 0), (0xB2, 20, 99), (0xC3, 7))

    assert [Heard("note", 5, 60, 80), Heard("control", 2, 20, 99), Heard("program", 3, 7, 127)] == heard


def test_what_is_not_claimed_is_music():
    _, shown = listened(False, (0x95, 60, 80))

    assert [60] == [note.pitch for note in shown.player]


def test_what_is_claimed_is_no_music():
    _, shown = listened(True, (0x95, 60, 80), (0x85, 60, 0))

    assert ((), 0) == (shown.player, shown.counters.notes_in)


def test_what_a_command_did_is_seen_at_once_and_told():
    told = []
    stage = Stage()
    stage.session.watch(lambda: told.append(stage.session.snapshot()))
    stage.session.set_tempo(90.0)
    stage.session.set_role("trade")
    stage.step()

    assert (90.0, "trade") == (told[-1].timeline.tempo, told[-1].role)


def test_what_time_brings_is_seen_without_being_told():
    told = []
    stage = Stage()
    stage.session.start()
    stage.run_to(0.2)
    stage.session.watch(lambda: told.append(stage.session.snapshot()))
    stage.play(0x95, 60, 80)
    stage.run_to(2.6)

    assert [] == told
