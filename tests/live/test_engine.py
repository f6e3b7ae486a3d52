"""The rules of the engine, each with ports in memory and time in the hand: 480 ticks a second."""

from rig import Rig

from composer.live.journal import Journal

ON, OFF = (0x90, 60, 80), (0x80, 60, 64)


def test_the_plan_is_sent_on_time_and_reported():
    rig = Rig()
    rig.plan((0, 480, 60), (480, 240, 64))
    rig.send("start", tick=0)
    rig.io.run(2)

    assert [(0, "on", 60), (480, "off", 60), (480, "on", 64), (720, "off", 64)] == rig.sent()
    assert [(1, 0.0), (2, 0.0)] == [(event["id"], event["late_ms"]) for event in rig.ops("sent")]


def test_time_runs_through_the_count_in_before_the_first_tick():
    rig = Rig()
    rig.plan((0, 240, 60))
    rig.send("start", tick=0, count_in=960)
    rig.io.run(3)

    assert [(960, "on", 60), (1200, "off", 60)] == rig.sent()


def test_nothing_is_sent_while_time_stands():
    rig = Rig()
    rig.plan((0, 480, 60))
    rig.io.run(2)

    assert [] == rig.sent()


def test_a_later_note_of_a_key_ends_the_earlier_one_whose_own_end_is_not_sent():
    rig = Rig()
    rig.plan((0, 960, 60), (480, 960, 60))
    rig.send("start", tick=0)
    rig.io.run(4)

    assert [(0, "on", 60), (480, "off", 60), (480, "on", 60), (1440, "off", 60)] == rig.sent()


def test_a_tempo_change_moves_what_is_due():
    rig = Rig()
    rig.plan((0, 960, 60))
    rig.send("start", tick=0)
    rig.io.run(1)
    rig.send("tempo", qpm=120)
    rig.io.run(1)

    assert [(0, "on", 60), (720, "off", 60)] == rig.sent()


def test_stop_ends_what_sounds_at_once_and_forgets_the_plan():
    rig = Rig()
    rig.plan((0, 4800, 60), (960, 480, 62))
    rig.send("start", tick=0)
    rig.io.run(1)
    rig.send("stop")
    rig.send("start", tick=480)
    rig.io.run(20)

    assert [(0, "on", 60), (480, "off", 60)] == rig.sent()


def test_panic_ends_what_sounds_and_forgets_the_plan_and_time_goes_on():
    rig = Rig()
    rig.plan((0, 4800, 60), (600, 10, 62))
    rig.send("start", tick=0)
    rig.io.run(1)
    rig.send("panic")
    rig.io.run(1)
    controls = {data for _, data in rig.io.output if data[0] & 0xF0 == 0xB0}

    assert [(0, "on", 60), (480, "off", 60)] == rig.sent()
    assert {bytes((0xB0 | c, cc, 0)) for c in range(16) for cc in (120, 123)} == controls
    assert (True, 960) == (rig.ops("timeline")[-1]["running"], round(rig.ops("timeline")[-1]["tick"]))


def test_a_note_too_late_to_begin_is_dropped_and_told():
    rig = Rig()
    rig.send("start", tick=0)
    rig.io.run(1)
    rig.plan((431, 480, 60), (433, 480, 62), start=480)
    rig.io.run(2)

    assert [(480, "on", 62), (913, "off", 62)] == rig.sent()
    assert [{"op": "dropped", "id": 1, "reason": "late"}] == rig.ops("dropped")


def test_the_players_keys_are_told_in_ticks():
    rig = Rig()
    rig.send("start", tick=0)
    rig.io.run(1)
    rig.play(*ON)
    rig.io.run(0.5)
    rig.play(0x90, 60, 0)

    assert [("on", 480, 80), ("off", 720, 0)] == [
        (event["op"], round(event["tick"]), event["velocity"]) for event in rig.ops("on", "off")
    ]


def test_controls_and_programs_of_the_player_are_told():
    rig = Rig()
    rig.play(0xB2, 64, 127)
    rig.play(0xC2, 33)

    assert [
        {"op": "control", "tick": 0.0, "channel": 2, "control": 64, "value": 127},
        {"op": "program", "tick": 0.0, "channel": 2, "program": 33},
    ] == rig.ops("control", "program")


def test_feed_is_heard_like_the_in_port():
    rig = Rig()
    rig.send("feed", data=list(ON))

    assert [60] == [event["pitch"] for event in rig.ops("on")]


def test_all_notes_off_and_all_sound_off_end_what_sounds_on_either_side():
    for control in (123, 120):
        rig = Rig()
        rig.plan((0, 4800, 67))
        rig.send("start", tick=0)
        rig.play(*ON)
        rig.play(0xB0, control, 0)
        told = [event["op"] for event in rig.ops("on", "off")]
        rig.play(*OFF)
        rig.io.run(20)

        assert [(0, "on", 67), (0, "off", 67)] == rig.sent()
        assert ["on", "off"] == told == [event["op"] for event in rig.ops("on", "off")]


def test_reset_controllers_is_passed_on():
    rig = Rig()
    rig.play(0xB3, 121, 0)

    assert [bytes((0xB3, 121, 0))] == [data for _, data in rig.io.output]


def test_the_machines_own_notes_come_back_unheard():
    rig = Rig()
    rig.plan((0, 480, 60))
    rig.send("start", tick=0)
    rig.io.run(0.02)
    rig.play(0x91, 60, 80)
    rig.io.run(1)
    rig.play(0x81, 60, 64)
    rig.play(0x91, 60, 80)

    assert ["on"] == [event["op"] for event in rig.ops("on", "off")]


def test_send_goes_out_and_notes_among_it_are_ended():
    rig = Rig()
    rig.send("send", data=[0xC1, 5])
    rig.send("send", data=[0x91, 60, 80])
    rig.send("quit")

    assert [bytes((0xC1, 5)), bytes((0x91, 60, 80)), bytes((0x81, 60, 64))] == [data for _, data in rig.io.output]


def test_a_note_off_for_a_key_that_does_not_sound_is_not_sent():
    rig = Rig()
    rig.send("send", data=[0x81, 60, 64])

    assert [] == rig.io.output


def test_what_cannot_be_understood_becomes_an_error_and_nothing_else():
    rig = Rig()
    rig.send("dance")
    rig.send("plan", notes=[])
    rig.send("plan", **{"from": 0, "notes": [[0, 1, 999, 80, 0, 1]]})
    rig.send("tempo", qpm=-1)
    rig.send("sync", source="moon")
    rig.send("send", data=["x"])
    rig.send("send", data=[0x90, 200, 80])
    rig.send("send", data=[])
    rig.play(0x90)
    rig.play(0x12, 0x34)

    assert 8 == len(rig.ops("error"))
    assert [] == rig.io.output
    assert rig.io.alive


def test_what_cannot_be_kept_is_an_error_and_the_rest_is_told(monkeypatch, tmp_path):
    def refuse(journal, entry):
        raise OSError("no pen")

    rig = Rig(journal=str(tmp_path / "journal"))
    rig.plan((0, 480, 60))
    monkeypatch.setattr(Journal, "write", refuse)
    rig.send("start", tick=0)
    rig.io.run(2)

    assert [(0, "on", 60), (480, "off", 60)] == rig.sent()
    assert [1] == [event["id"] for event in rig.ops("sent")]
    assert "no pen" in rig.ops("error")[0]["message"]


def test_quit_ends_what_sounds_and_says_bye():
    rig = Rig()
    rig.plan((0, 4800, 60))
    rig.send("start", tick=0)
    rig.io.run(0.1)
    rig.send("quit")
    stats = rig.events[-1]["stats"]

    assert [(0, "on", 60), (48, "off", 60)] == rig.sent()
    assert ("bye", 0, 1, 0) == (rig.events[-1]["op"], stats["sounding_at_exit"], stats["notes_out"], stats["dropped"])
    assert not rig.io.alive


def test_the_timeline_is_told_at_least_twice_a_second():
    rig = Rig()
    rig.send("start", tick=0)
    rig.events.clear()
    rig.io.run(2)

    assert 4 <= len(rig.ops("timeline"))


def test_a_journal_that_cannot_be_made_fails_with_a_sentence(tmp_path):
    rig = Rig(journal=str(tmp_path / "nowhere" / "j"))

    assert ["failed"] == [event["op"] for event in rig.events]
    assert "nowhere" in rig.events[0]["message"]


class TestMidiClock:
    """The host's clock at 120 quarters a minute: a pulse every 20 ticks, 1/48 s apart."""

    def pulses(self, rig, count):
        for _ in range(count):
            rig.play(0xF8)
            rig.io.run(1 / 48)

    def last(self, rig):
        line = rig.ops("timeline")[-1]
        return line["running"], line["tick"] // 480 * 480

    def test_start_and_pulses_run_the_plan(self):
        rig = Rig(sync="clock", tempo=120)
        rig.plan((0, 480, 60))
        rig.play(0xFA)
        self.pulses(rig, 49)

        # Half a second a quarter: 240 of the rig's ticks.
        assert [(0, "on", 60), (240, "off", 60)] == rig.sent()

    def test_stop_ends_what_sounds(self):
        rig = Rig(sync="clock", tempo=120)
        rig.plan((0, 4800, 60))
        rig.play(0xFA)
        self.pulses(rig, 24)
        rig.play(0xFC)

        assert ["on", "off"] == [kind for _, kind, _ in rig.sent()]
        assert (False, 480) == self.last(rig)

    def test_continue_goes_on_where_it_stopped(self):
        rig = Rig(sync="clock", tempo=120)
        rig.play(0xFA)
        self.pulses(rig, 24)
        rig.play(0xFC)
        rig.io.run(3)
        rig.play(0xFB)
        self.pulses(rig, 24)
        rig.io.run(0.1)

        assert [] == rig.ops("locate")
        assert (True, 960) == self.last(rig)

    def test_a_song_position_is_a_jump_that_ends_what_sounds(self):
        rig = Rig(sync="clock", tempo=120)
        rig.plan((0, 4800, 60))
        rig.play(0xFA)
        self.pulses(rig, 24)
        rig.play(0xFC)
        rig.play(0xF2, 32, 0)
        rig.play(0xFB)
        self.pulses(rig, 2)

        assert [3840] == [event["tick"] for event in rig.ops("locate")]
        assert ["on", "off"] == [kind for _, kind, _ in rig.sent()]
        assert (True, 3840) == self.last(rig)

    def test_a_start_while_running_jumps_to_the_beginning(self):
        rig = Rig(sync="clock", tempo=120)
        rig.play(0xFA)
        self.pulses(rig, 24)
        rig.play(0xFA)
        self.pulses(rig, 1)

        assert [0] == [event["tick"] for event in rig.ops("locate")]

    def test_a_clock_that_falls_silent_stops_the_music(self):
        rig = Rig(sync="clock", tempo=120)
        rig.plan((0, 48000, 60))
        rig.play(0xFA)
        self.pulses(rig, 24)
        rig.io.run(2)

        assert ["on", "off"] == [kind for _, kind, _ in rig.sent()]
        assert (False, 480) == (rig.ops("timeline")[-1]["running"], rig.ops("timeline")[-1]["tick"])
        assert 1 == len(rig.ops("error"))

    def test_a_silent_clock_is_not_woken_by_a_song_position(self):
        rig = Rig(sync="clock", tempo=120)
        rig.play(0xFA)
        self.pulses(rig, 24)
        rig.io.run(2)
        rig.events.clear()
        rig.play(0xF2, 32, 0)
        rig.io.run(1)

        assert [3840] == [event["tick"] for event in rig.ops("locate")]
        assert {False} == {event["running"] for event in rig.ops("timeline")}

    def test_a_clock_that_comes_back_runs_again(self):
        rig = Rig(sync="clock", tempo=120)
        rig.play(0xFA)
        self.pulses(rig, 24)
        rig.io.run(2)
        self.pulses(rig, 24)

        assert True is rig.ops("timeline")[-1]["running"]

    def test_our_own_start_stop_and_tempo_leave_the_host_alone(self):
        rig = Rig(sync="clock", tempo=120)
        rig.send("start", tick=0)
        rig.send("tempo", qpm=99)
        rig.io.run(1)

        assert {(False, 120.0)} == {(event["running"], event["tempo"]) for event in rig.ops("timeline")}

    def test_changing_the_source_ends_what_sounds_and_stops(self):
        rig = Rig()
        rig.plan((0, 4800, 60))
        rig.send("start", tick=0)
        rig.io.run(1)
        rig.send("sync", source="clock")

        assert [(0, "on", 60), (480, "off", 60)] == rig.sent()
        assert ("clock", False) == (rig.ops("timeline")[-1]["source"], rig.ops("timeline")[-1]["running"])
