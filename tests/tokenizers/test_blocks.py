"""The block vocabulary: what is heard when, and in which order it stands."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from composer.tokenizers import blocks as B
from composer.tokenizers.blocks import Conditions


def rows(*notes):
    return np.array(notes, dtype=np.int64).reshape(-1, 4)


def block_rows(count, lead=1, chords=None):
    n = np.arange(count)
    chords = np.zeros(count, dtype=np.int64) if chords is None else np.array(chords)
    return B.block_events(n, n % 8, np.full(count, 8), chords, Conditions(lead))


def kinds(events):
    return "".join("BPM"[k] for k in events[:, B.KIND])


class TestPlayer:
    def test_a_note_within_its_block_keeps_its_duration(self):
        event = B.player_events(rows((480, 60, 120, 80)))[0]

        assert [2 * 12, 0, 6] == [event[B.TIME], event[B.POS], B.DURATIONS[event[B.DUR]]]

    def test_a_note_that_outlasts_its_block_is_held(self):
        assert B.player_events(rows((480, 60, 400, 80)))[0, B.DUR] == B.HELD

    def test_a_note_just_before_a_block_is_heard_at_its_beginning(self):
        event = B.player_events(rows((479 - 20, 60, 50, 80)))[0]

        assert [24, 0] == [event[B.TIME], event[B.POS]]

    @given(st.integers(0, 5000), st.integers(1, 3000), st.integers(1, 3000))
    def test_what_happens_after_a_block_was_heard_changes_nothing(self, onset, duration, other):
        block = int(B.player_block(np.array(onset)))
        heard = B.heard_at(block)
        if min(onset + duration, onset + other) >= heard:
            a, b = (B.player_events(rows((onset, 60, d, 80))) for d in (duration, other))

            assert a.tolist() == b.tolist()


class TestOrder:
    def test_lead_one_hears_a_block_before_the_machine_answers_it(self):
        player = B.player_events(rows((0, 72, 100, 80)))
        machine = B.machine_events(rows((0, 48, 100, 80), (240, 50, 100, 80)), 0)

        assert kinds(B.assemble(player, block_rows(2), machine, 1)) == "BMPBM"

    def test_lead_zero_hears_the_same_block(self):
        player = B.player_events(rows((0, 72, 100, 80)))
        machine = B.machine_events(rows((0, 48, 100, 80)), 0)

        assert kinds(B.assemble(player, block_rows(1, 0), machine, 0)) == "PBM"

    def test_a_negative_lead_hears_ahead(self):
        player = B.player_events(rows((0, 72, 100, 80), (240, 74, 100, 80), (480, 76, 100, 80)))

        assert kinds(B.assemble(player, block_rows(2, -1), rows_of_nothing(), -1)) == "PPBPB"

    def test_the_bass_comes_first_in_a_chord(self):
        machine = B.machine_events(rows((0, 64, 100, 80), (0, 48, 100, 80), (0, 55, 100, 80)), 0)
        events = B.assemble(rows_of_nothing(), block_rows(1), machine, 1)

        assert [48, 55, 64] == events[1:, B.PITCH].tolist()

    def test_notes_carry_the_running_chord(self):
        machine = B.machine_events(rows((0, 48, 100, 80), (240, 50, 100, 80)), 0)
        events = B.assemble(rows_of_nothing(), block_rows(2, chords=[1, 64]), machine, 1)

        assert [1, 1, 64, 64] == events[:, B.CHORD].tolist()


def rows_of_nothing():
    return np.zeros((0, 8), dtype=np.int64)


class TestRelativePitch:
    @given(st.integers(0, 11), st.booleans())
    def test_every_key_becomes_c_or_a_minor(self, tonic, minor):
        assert (9 if minor else 0) == (tonic + B.key_shift(tonic, minor)) % 12

    @given(st.integers(0, 108), st.integers(-12, 12))
    def test_transposing_a_chord_back_gives_the_chord(self, chord, shift):
        moved = B.transpose_chords(np.array(chord), shift)

        assert chord == int(B.transpose_chords(moved, -shift))

    def test_c_major_up_a_tone_is_d_major(self):
        assert 1 + 2 * 9 == int(B.transpose_chords(np.array(1), 2))


class TestTables:
    def test_every_event_reads_rows_of_its_own_tables(self):
        player = B.player_events(rows((0, 127, 100, 127)))
        machine = B.machine_events(rows((230, 127, 9999, 127), (220, 0, 1, 1)), B.DRUMS)
        table = B.input_rows(B.assemble(player, block_rows(3, chords=[0, 1, 108]), machine, 1))

        assert (table >= 0).all()
        assert (table < B.INPUT_ROWS).all()

    def test_targets_ask_for_the_next_event(self):
        player = B.player_events(rows((0, 72, 100, 80)))
        machine = B.machine_events(rows((20, 48, 120, 80)), 1)
        target = B.targets(B.assemble(player, block_rows(2, chords=[1, 2]), machine, 1))

        assert [1 + 4 + 1, 0, B.IGNORE] == target["machine"].tolist()  # the bass at position 1, the end, (the player)
        assert [B.IGNORE, 1, 0] == target["player"].tolist()
        assert [B.IGNORE, B.IGNORE, 2] == target["chord"].tolist()
        assert [48, 72, B.IGNORE] == target["pitch"].tolist()

    def test_durations_are_the_nearest_in_proportion(self):
        assert list(range(len(B.DURATIONS))) == B.duration_class(B.DURATIONS).tolist()
