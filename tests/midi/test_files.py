"""MIDI files: what reading makes of them, what writing puts there, and how damage is told."""

import errno
import os
import random
import struct
from contextlib import suppress

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from composer.errors import FileError
from composer.midi import files
from composer.music import Meter, Note, Part, Score, Tempo

END = b"\x00\xff\x2f\x00"


def chunk(name, data):
    return name + struct.pack(">I", len(data)) + data


def smf(*tracks, kind=1, division=480):
    header = struct.pack(">HHh", kind, len(tracks), division)
    return chunk(b"MThd", header) + b"".join(chunk(b"MTrk", track) for track in tracks)


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "song.mid"
        path.write_bytes(data)
        return files.read(path)

    return read


def notes(score):
    return [(n.onset, n.duration, n.pitch, n.velocity) for part in score.parts for n in part.notes]


def test_running_status_and_a_note_on_of_velocity_0(read):
    score = read(smf(b"\x00\x90\x3c\x50\x60\x3c\x00\x00\x3e\x51\x60\x3e\x00" + END, kind=0, division=96))

    assert [(0, 480, 60, 80), (480, 480, 62, 81)] == notes(score)


def test_times_are_rescaled_to_480_ticks_a_quarter(read):
    score = read(smf(b"\x01\x90\x3c\x50\x81\x40\x80\x3c\x00" + END, division=192))

    assert [(3, 480, 60, 80)] == notes(score)


def test_a_note_of_no_length_lasts_one_tick(read):
    assert [(0, 1, 60, 80)] == notes(read(smf(b"\x00\x90\x3c\x50\x00\x80\x3c\x00" + END)))


def test_a_note_without_an_end_lasts_to_the_end_of_its_track(read):
    assert [(0, 100, 60, 80)] == notes(read(smf(b"\x00\x90\x3c\x50\x64\xff\x2f\x00")))


def test_overlapping_equal_pitches_end_in_the_order_in_which_they_began(read):
    score = read(smf(b"\x00\x90\x3c\x01\x0a\x90\x3c\x02\x0a\x80\x3c\x00\x0a\x80\x3c\x00" + END))

    assert [(0, 20, 60, 1), (10, 20, 60, 2)] == notes(score)


def test_a_part_for_every_channel_of_a_type_0_file(read):
    on = b"\x00\xc1\x28\x00\x90\x3c\x50\x00\x91\x3e\x50\x00\x99\x24\x50\x0a\x80\x3c\x00\x00\x81\x3e\x00\x00\x89\x24\x00"
    score = read(smf(b"\x00\xff\x03\x04Tune" + on + END, kind=0))

    assert [("Acoustic Grand Piano", 0, 0), ("Violin", 1, 40), ("Drums", 9, 0)] == [
        (p.name, p.channel, p.program) for p in score.parts
    ]


def test_track_names_become_unique_part_names(read):
    track = b"\x00\xff\x03\x02Vn\x00\x90\x3c\x50\x0a\x80\x3c\x00" + END

    assert ["Vn", "Vn 2", "Vn 3"] == [part.name for part in read(smf(track, track, track)).parts]


def test_a_name_that_is_not_utf_8_is_latin_1(read):
    track = b"\x00\xff\x03\x04Fl\xf6t\x00\x90\x3c\x50\x0a\x80\x3c\x00" + END

    assert read(smf(track)).parts[0].name == "Flöt"


def test_a_program_chosen_in_another_track_counts(read):
    score = read(smf(b"\x00\xc3\x0d" + END, b"\x00\x93\x3c\x50\x0a\x83\x3c\x00" + END))

    assert [13] == [part.program for part in score.parts]


def test_tempo_and_meter_changes_wherever_they_stand(read):
    tempo = b"\x00\xff\x51\x03\x0a\x2c\x2b\x83\x60\xff\x51\x03\x07\xa1\x20" + END
    meter = b"\x83\x60\xff\x58\x04\x06\x03\x18\x08" + END
    score = read(smf(tempo, meter))

    assert (Tempo(0, 90.0), Tempo(480, 120.0)) == score.tempos
    assert (Meter(0), Meter(480, 6, 8)) == score.meters


def test_tempos_and_meters_that_cannot_be_are_passed_over(read):
    score = read(
        smf(
            b"\x00\xff\x51\x03\x00\x00\x00\x00\xff\x51\x01\x05\x00\xff\x58\x04\x00\x02\x18\x08\x00\xff\x58\x02\x04\xff"
            + END
        )
    )

    assert Score() == score


def test_smpte_time_keeps_its_seconds(read):
    """25 frames of 40 ticks: a thousand ticks a second; at 60 quarters a minute from the first second on."""
    tempo = b"\x87\x68\xff\x51\x03\x0f\x42\x40" + END
    score = read(
        smf(tempo, b"\x83\x74\x90\x3c\x50\x87\x68\x80\x3c\x00" + END, division=struct.unpack(">h", b"\xe7\x28")[0])
    )

    assert (Tempo(0, 120.0), Tempo(960, 60.0)) == score.tempos
    assert [(480, 720, 60, 80)] == notes(score)


def test_sysex_foreign_chunks_padding_and_wrong_key_signatures_are_passed_over(read):
    track = b"\x00\xf0\x03\x7e\x7f\xf7\x00\xff\x59\x02\x40\x07\x00\x90\x3c\x50\x0a\x80\x3c\x00" + END + b"\0\xf4"
    data = smf(track)

    assert [(0, 10, 60, 80)] == notes(read(data[:14] + chunk(b"XFIH", b"abc") + data[14:] + b"\n"))


def test_a_file_in_a_riff_wrapper(read):
    data = smf(b"\x00\x90\x3c\x50\x0a\x80\x3c\x00" + END)

    assert [(0, 10, 60, 80)] == notes(read(b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + data))


def test_a_cut_track_is_read_up_to_the_cut_with_a_warning(read, caplog):
    data = smf(END, b"\x00\x90\x3c\x50\x64\x80\x3c\x00\x00\x90\x3e\x50" + END)

    assert [(0, 100, 60, 80)] == notes(read(data[:-6]))
    assert "song.mid is cut off in track 2" in caplog.text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"ID3 this is a song", "is not a MIDI file"),
        (b"MThd\0\0\0\x06\0\x01", "ends inside its header"),
        (smf(), "has no tracks"),
        (smf(END, kind=2), "type 2"),
        (smf(END, kind=7), "type 7"),
        (smf(END, division=0), "counts time in a way"),
        (smf(END, division=-1), "counts time in a way"),
        (smf(b"\x00\x3c\x50\x00" + END), "has no event at byte"),
        (smf(b"\x00\xf4" + END), "has no event at byte"),
        (smf(b"\x00\x90\x3c\xd0" + END), "data byte above 127"),
        (smf(b"\xff\xff\xff\xff\x7f\x90\x3c\x50" + END), "more than four bytes"),
        (smf(b"\xff\xff\xff\x7f\x90\x3c\x50" + END, division=1), "lasts longer"),
    ],
)
def test_damage_is_told_with_the_name_of_the_file(read, data, reason):
    with pytest.raises(FileError, match=rf"song\.mid .*{reason}"):
        read(data)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        files.read(tmp_path / "none.mid")
    with pytest.raises(FileError, match="Is a directory"):
        files.read(tmp_path)


@pytest.mark.parametrize("seed", range(300))
def test_junk_never_crashes_the_reader(read, seed):
    """Random bytes after a header, and a good file with random bytes in it, are a score or a FileError."""
    chance = random.Random(seed)
    data = bytearray(
        smf(chance.randbytes(chance.randrange(200)), kind=seed % 2, division=chance.randrange(-32768, 32768))
    )
    if seed % 3 == 0:
        data = bytearray(smf(b"\x00\xff\x51\x03\x0a\x2c\x2b\x00\x90\x3c\x50\x64\x80\x3c\x00" * 5 + END))
        for _ in range(8):
            data[chance.randrange(14, len(data))] = chance.randrange(256)
    with suppress(FileError):
        assert read(bytes(data)).end <= files.LAST_TICK + 1


SONG = Score(
    (Part("Lead", (Note(0, 60, 480, 90), Note(480, 62, 240, 91)), 0, 73), Part("Kit", (Note(0, 36, 10),), 9)),
    (Tempo(0, 90.0), Tempo(960, 101.5)),
    (Meter(0, 3, 4), Meter(1440, 6, 8)),
)


def test_a_written_score_reads_back_the_same(tmp_path):
    files.write(SONG, tmp_path / "a.mid")

    assert SONG == files.read(tmp_path / "a.mid")


def test_the_messages_of_a_written_file(tmp_path):
    """As mido sees it: one track of changes, one per part, offs before ons."""
    files.write(SONG, tmp_path / "a.mid", comment="made so")
    file = mido.MidiFile(tmp_path / "a.mid")

    assert (1, 480) == (file.type, file.ticks_per_beat)
    assert ["text", "set_tempo", "time_signature", "set_tempo", "time_signature", "end_of_track"] == [
        message.type for message in file.tracks[0]
    ]
    assert [
        ("track_name", 0),
        ("program_change", 0),
        ("note_on", 0),
        ("note_off", 480),
        ("note_on", 0),
        ("note_off", 240),
        ("end_of_track", 0),
    ] == [(message.type, message.time) for message in file.tracks[1]]


def test_the_comment_is_the_first_text(tmp_path):
    files.write(SONG, tmp_path / "a.mid", comment="seed 7, tempo ♩=90")
    files.write(SONG, tmp_path / "b.mid")

    assert files.comment(tmp_path / "a.mid") == "seed 7, tempo ♩=90"
    assert files.comment(tmp_path / "b.mid") is None


def test_the_same_score_gives_the_same_bytes(tmp_path):
    for name in ("a.mid", "b.mid"):
        files.write(SONG, tmp_path / name, comment="x")

    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()


def test_an_existing_file_is_replaced_only_with_force(tmp_path):
    path = tmp_path / "a.mid"
    path.write_text("mine")

    with pytest.raises(FileError, match="--force"):
        files.write(SONG, path)
    assert path.read_text() == "mine"

    files.write(SONG, path, force=True)

    assert SONG == files.read(path)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.mid"
    path.write_text("mine")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(FileError, match=r"a\.mid cannot be written: No space left"):
        files.write(SONG, path, force=True)
    assert [path] == list(tmp_path.iterdir())
    assert path.read_text() == "mine"


@pytest.mark.parametrize(("name", "reason"), [("none/a.mid", "No such file"), (".", "is a folder")])
def test_a_place_that_cannot_be_written(tmp_path, name, reason):
    with pytest.raises(FileError, match=reason):
        files.write(SONG, tmp_path / name)


def test_a_score_longer_than_a_file_can_be_is_refused(tmp_path):
    with pytest.raises(FileError, match="cannot hold"):
        files.write(Score((Part("a", (Note(1 << 30, 60, 1),)),)), tmp_path / "a.mid")
    assert [] == list(tmp_path.iterdir())


def in_order(notes):
    """Return the notes with ends that follow the order of their beginnings, pitch by pitch."""
    kept = []
    for pitch in {note.pitch for note in notes}:
        line = sorted(note for note in notes if note.pitch == pitch)
        ends = sorted(note.end for note in line)
        kept += [Note(n.onset, pitch, end - n.onset, n.velocity) for n, end in zip(line, ends, strict=True)]
    return kept


PARTS = st.builds(
    lambda name, notes, channel, program: Part(name, tuple(in_order(notes)), channel, program),
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8).map(str.strip).filter(bool),
    st.lists(
        st.builds(Note, st.integers(0, 999), st.integers(58, 62), st.integers(1, 999), st.integers(1, 127)), min_size=1
    ),
    st.integers(0, 15),
    st.integers(0, 127),
)
SCORES = st.builds(
    lambda parts, tempos, meters: Score(tuple(parts), (Tempo(0, 120.0), *tempos), (Meter(0), *meters)),
    st.lists(PARTS, max_size=4, unique_by=lambda part: part.name),
    st.lists(st.builds(Tempo, st.integers(1, 999), st.integers(4, 400).map(float)), unique_by=lambda t: t.tick),
    st.lists(
        st.builds(Meter, st.integers(1, 999), st.integers(1, 255), st.sampled_from([1, 2, 4, 8, 16, 32, 64])),
        unique_by=lambda m: m.tick,
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(SCORES)
def test_reading_undoes_writing(tmp_path, score):
    path = tmp_path / "score.mid"
    files.write(score, path, force=True)

    assert score == files.read(path)


@settings(deadline=None)
@given(st.integers(1, 0xFFFFFF))
def test_a_tempo_read_is_written_as_the_same_microseconds(us):
    assert us == files._us_per_quarter(files._qpm(us))
