"""Files as the published checkpoints' code reads them through mido."""

from collections import Counter
from io import BytesIO
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.cli import main
from composer.errors import FileError
from composer.midi import amt_files, files
from composer.tokenizers import amt, load
from composer.tokenizers.amt_compound import compounds, events

ON, OFF, PROGRAM = 0x90, 0x80, 0xC0
GOLDEN_EVENTS = [
    (0, 10050, 14132),
    (0, 10000, 27420),
    (25, 10050, 14132),
    (50, 10999, 11070),
    (75, 10025, 14136),
    (100, 10025, 14265),
]
GOLDEN_INTERARRIVAL = [4132, 17420, 33932, 25, 4132, 25, 20644, 1070, 25, 20644, 4136, 25, 20776, 4265, 999, 17582]


def track(*timed):
    """Return a track of (tick, message) in order."""
    line, before = mido.MidiTrack(), 0
    for tick, message in timed:
        line.append(message.copy(time=tick - before))
        before = tick
    return line


def message(*data):
    return mido.Message.from_bytes(data)


def tempo(us):
    return mido.MetaMessage("set_tempo", tempo=us)


@pytest.fixture
def golden(tmp_path):
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks = [
        track((0, tempo(500_000)), (960, tempo(400_000))),
        track(
            (0, message(PROGRAM, 24)),
            (0, message(ON, 60, 80)),
            (240, message(ON, 60, 80)),
            (480, message(ON, 60, 0)),
            (720, message(OFF, 60, 0)),
            (720, message(ON, 64, 80)),
            (840, message(PROGRAM, 25)),
            (960, message(OFF, 64, 0)),
            (960, message(ON, 65, 80)),
        ),
        track(
            (0, message(ON | 9, 36, 80)),
            (1, message(OFF | 9, 36, 0)),
            (480, message(ON | 1, 70, 80)),
            (14880, message(OFF | 1, 70, 0)),
        ),
    ]
    path = tmp_path / "golden.mid"
    file.save(path)
    return path


def run(capsys, *argv):
    status = main([str(word) for word in argv])
    return status, capsys.readouterr()


class TestGolden:
    @pytest.mark.parametrize("name", ["amt", "amt-reference"])
    def test_events(self, capsys, golden, name):
        status, said = run(capsys, "tokenize", golden, "--tokenizer", name)

        assert 0 == status
        assert [token for triple in GOLDEN_EVENTS for token in triple] == [int(word) for word in said.out.split()]

    def test_interarrival(self, capsys, golden):
        _, said = run(capsys, "tokenize", golden, "--tokenizer", "amt-interarrival")

        assert GOLDEN_INTERARRIVAL == [int(word) for word in said.out.split()]

    def test_what_the_published_code_writes(self, capsys, golden, tmp_path):
        run(capsys, "tokenize", golden, "--tokenizer", "amt-reference")
        (tmp_path / "ids").write_text(" ".join(str(token) for triple in GOLDEN_EVENTS for token in triple))
        status, _ = run(
            capsys, "detokenize", tmp_path / "ids", "--tokenizer", "amt-reference", "-o", tmp_path / "out.mid"
        )
        written = mido.MidiFile(tmp_path / "out.mid")

        assert (0, 50) == (status, written.ticks_per_beat)
        assert [(0, 24), (9, 0), (2, 0), (3, 25)] == [(t[0].channel, t[0].program) for t in written.tracks]
        assert [(0, 72), (25, 72)] == [(m.time, m.velocity) for m in written.tracks[0][1:3]]
        assert {64} == {m.velocity for t in written.tracks for m in t if m.type == "note_off"}
        assert {"program_change", "note_on", "note_off", "end_of_track"} == {m.type for t in written.tracks for m in t}

    @pytest.mark.parametrize("name", ["amt", "amt-reference"])
    def test_writing_and_reading_keeps_the_triples(self, capsys, tmp_path, name):
        ids = [token for triple in GOLDEN_EVENTS for token in triple]
        (tmp_path / "ids").write_text(" ".join(map(str, ids)))
        run(capsys, "detokenize", tmp_path / "ids", "--tokenizer", name, "-o", tmp_path / "out.mid")
        _, said = run(capsys, "tokenize", tmp_path / "out.mid", "--tokenizer", name)

        assert sorted(GOLDEN_EVENTS) == sorted(amt.triples([int(word) for word in said.out.split()]))

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.tuples(st.integers(0, 60_000), st.integers(0, 999), st.integers(114, 128), st.integers(0, 127)),
            min_size=1,
            unique_by=lambda n: n[2:],  # two notes of one pitch and instrument are free to swap their ends
        ).filter(lambda notes: 55_025 not in {n[0] for n in notes})
    )
    def test_a_file_of_the_published_code_keeps_the_triples(self, tmp_path_factory, fields):
        """An event of 275.13 s or later is folded to the beginning, and read from there."""
        written = [amt.event(*f) for f in fields]
        path, tokenizer = tmp_path_factory.getbasetemp() / "written.mid", load("amt-reference")
        amt_files.write(tokenizer.decode_tracks(amt.tokens(written)), path, force=True)

        assert Counter(map(amt.as_event_by_value, written)) == Counter(events(compounds(amt_files.messages(path))))

    def test_what_no_file_can_hold_is_one_sentence(self, capsys, tmp_path):
        (tmp_path / "ids").write_text("999999999999 10010 11060")
        for name in ("amt", "amt-reference"):
            status, said = run(capsys, "detokenize", tmp_path / "ids", "--tokenizer", name, "-o", tmp_path / "out.mid")

            assert (1, 1) == (status, said.err.count("\n"))
            assert "a MIDI file ends at 268435455" in said.err
            assert not (tmp_path / "out.mid").exists()

    def test_too_many_instruments_for_the_published_code_are_one_sentence(self, capsys, tmp_path):
        (tmp_path / "ids").write_text(" ".join(str(t) for i in range(16) for t in amt.event(i, 1, i, 60)))
        status, said = run(
            capsys, "detokenize", tmp_path / "ids", "--tokenizer", "amt-reference", "-o", tmp_path / "out.mid"
        )

        assert 2 == status
        assert "15 instruments" in said.err


MESSAGES = st.one_of(
    st.tuples(st.just(ON), st.integers(0, 127), st.integers(0, 127)).map(lambda d: message(*d)),
    st.tuples(st.just(OFF), st.integers(0, 127), st.integers(0, 127)).map(lambda d: message(*d)),
    st.integers(1, 0xFFFFFF).map(tempo),
    st.just(message(0xF0, 1, 2, 0xF7)),
    st.just(mido.MetaMessage("text", text="la")),
)
TRACKS = st.lists(st.lists(st.tuples(st.integers(0, 5000), MESSAGES), max_size=25), min_size=1, max_size=4)


def as_mido_plays(file):
    """Return the channel messages with the running sum of the seconds of every message, as the published code reads."""
    seconds, played = 0.0, []
    for each in file:
        seconds += each.time
        if not each.is_meta and each.type != "sysex":
            played.append((seconds, tuple(each.bytes())))
    return played


@given(TRACKS, st.integers(1, 960))
def test_the_order_and_the_rounding_are_those_of_mido(tmp_path_factory, deltas, division):
    file = mido.MidiFile(type=1, ticks_per_beat=division)
    for line in deltas:
        file.tracks.append(mido.MidiTrack(each.copy(time=delta) for delta, each in line))
        file.tracks[-1].append(mido.MetaMessage("end_of_track", time=len(line) * 77))
    buffer = BytesIO()
    file.save(file=buffer)
    path = tmp_path_factory.getbasetemp() / "any.mid"
    path.write_bytes(buffer.getvalue())

    assert as_mido_plays(mido.MidiFile(path)) == amt_files.messages(path)


def test_patterns_and_frames_are_refused(tmp_path):
    path = tmp_path / "odd.mid"
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks.append(track((0, message(ON, 60, 1))))
    file.save(path)
    data = bytearray(path.read_bytes())

    path.write_bytes(data[:9] + b"\x02" + data[10:])
    with pytest.raises(FileError, match="type 2"):
        amt_files.messages(path)
    path.write_bytes(data[:12] + b"\xe7\x28" + data[14:])
    with pytest.raises(FileError, match="SMPTE"):
        amt_files.messages(path)


def test_a_file_by_messages_and_by_score_is_the_same_music(golden):
    """Ties may stand in another order, and what a program change does to a sounding note differs."""
    by_messages = {t[0] for t in events(compounds(amt_files.messages(golden)))}

    assert by_messages == {t.time for t in amt.triples(load("amt").encode(files.read(Path(golden))))}
