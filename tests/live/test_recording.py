import pytest

from composer.live.recording import score_of, to_score
from composer.music import Meter, Note, Part, Score, Tempo


def line(tick, **what):
    return {"time": tick / 960, "tick": tick, **what}


def going(tick, tempo=120.0, meter=(4, 4), running=True):
    return line(tick, running=running, tempo=tempo, meter=list(meter))


def test_a_part_for_the_player_and_one_for_each_channel_of_the_machine():
    entries = [
        going(0),
        {**line(0), "out": [0xC1, 33]},
        {**line(0), "in": [0x90, 60, 80]},
        {**line(0), "out": [0x91, 48, 70]},
        {**line(240), "out": [0x92, 55, 60]},
        {**line(480), "in": [0x80, 60, 0]},
        {**line(480), "out": [0x81, 48, 64]},
        {**line(480), "out": [0x82, 55, 64]},
    ]
    expected = Score(
        (
            Part("Player", (Note(0, 60, 480, 80),), 0),
            Part("Machine", (Note(0, 48, 480, 70),), 1, 33),
            Part("Machine 3", (Note(240, 55, 240, 60),), 2),
        )
    )

    assert expected == score_of(entries)


def test_a_part_of_the_machine_has_the_name_that_the_journal_tells():
    entries = [
        going(0),
        line(0, parts=[["Piano", 0, 0], ["Bass", 1, 33], ["Drums", 9, 0], ["Flute", 2, 73]]),
        *({**line(0), "out": [0x90 | channel, 48, 70]} for channel in (0, 1, 3, 9)),
        {**line(480), "out": [0xB0, 123, 0]},
    ]
    parts = score_of(entries).parts

    assert [("Piano", 0, 0), ("Bass", 1, 33), ("Drums", 9, 0), ("Machine", 3, 0)] == [
        (part.name, part.channel, part.program) for part in parts
    ]


def test_two_parts_never_have_one_name():
    entries = [
        going(0),
        line(0, parts=[["Player", 0, 0], ["Piano", 1, 0], ["Piano", 2, 0]]),
        {**line(0), "in": [0x90, 60, 80]},
        *({**line(0), "out": [0x90 | channel, 48, 70]} for channel in (0, 1, 2)),
        {**line(480), "out": [0xB0, 123, 0]},
    ]

    assert ["Player", "Player 1", "Piano", "Piano 3"] == [part.name for part in score_of(entries).parts]


def test_tempo_and_meter_are_kept_where_they_changed():
    score = score_of([going(0, 60), going(480, 90), going(960, 90, (3, 4)), going(1440, 90, (3, 4), running=False)])

    assert (Tempo(0, 60), Tempo(480, 90)) == score.tempos
    assert (Meter(0), Meter(960, 3, 4)) == score.meters


def test_our_own_come_back_is_not_the_players():
    entries = [going(0), {**line(0), "in": [0x90, 60, 80], "echo": True}, {**line(9), "in": [0x80, 60, 0]}]

    assert () == score_of(entries).parts


def test_what_was_played_while_time_stood_is_left_out():
    entries = [going(9, running=False), {**line(9), "in": [0x90, 60, 80]}, {**line(9), "in": [0x80, 60, 0]}]

    assert () == score_of(entries).parts


def test_an_anticipated_downbeat_falls_on_the_downbeat():
    entries = [going(-1920), {**line(-30), "in": [0x90, 60, 80]}, {**line(450), "in": [0x80, 60, 0]}]

    assert (Note(0, 60, 450, 80),) == score_of(entries).part("Player").notes


def test_a_short_note_that_is_over_before_the_downbeat_keeps_its_length_on_it():
    entries = [going(-96), {**line(-80), "in": [0x90, 36, 80]}, {**line(-50), "in": [0x80, 36, 0]}]

    assert (Note(0, 36, 30, 80),) == score_of(entries).part("Player").notes


@pytest.mark.parametrize(("end", "kept"), [(20, ()), (960, (Note(0, 60, 960, 80),))])
def test_a_note_of_the_count_in_is_kept_where_it_is_held_on_purpose(end, kept):
    entries = [going(-1920), {**line(-600), "in": [0x90, 60, 80]}, {**line(end), "in": [0x80, 60, 0]}]

    assert kept == tuple(note for part in score_of(entries).parts for note in part.notes)


def test_a_repeated_key_ends_the_note_before():
    entries = [
        going(0),
        {**line(0), "in": [0x90, 60, 80]},
        {**line(240), "in": [0x90, 60, 70]},
        {**line(480), "in": [0x80, 60, 0]},
    ]

    assert (Note(0, 60, 240, 80), Note(240, 60, 240, 70)) == score_of(entries).part("Player").notes


def test_after_a_jump_back_the_music_goes_on_at_the_same_place_of_a_later_bar():
    entries = [
        going(0),
        {**line(1800), "in": [0x90, 60, 80]},
        {**line(1900), "in": [0x80, 60, 0]},
        line(480, locate=2000.0),
        {**line(480), "in": [0x90, 62, 80]},
        {**line(960), "in": [0x80, 62, 0]},
    ]

    assert (Note(1800, 60, 100, 80), Note(480 + 1920, 62, 480, 80)) == score_of(entries).part("Player").notes


def test_a_start_from_the_middle_is_recorded_in_the_middle():
    entries = [
        going(0),
        line(7680, locate=0.0),
        {**line(7680), "in": [0x90, 62, 80]},
        {**line(8160), "in": [0x80, 62, 0]},
    ]

    assert (Note(7680, 62, 480, 80),) == score_of(entries).part("Player").notes


def test_a_journal_that_breaks_off_ends_its_notes_there(tmp_path):
    (tmp_path / "j").write_text(
        '{"time":0,"tick":0,"running":true,"tempo":120,"meter":[4,4]}\n'
        '{"time":0,"tick":0,"in":[144,60,80]}\n{"time":1,"tick":960,"in":[176,64,0]}\n{"time":2,"tick":19'
    )

    assert (Note(0, 60, 960, 80),) == to_score(tmp_path / "j").part("Player").notes
