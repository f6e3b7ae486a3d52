"""OpenScore: who sings and who accompanies, where the first bar line is, and what the texture sounds like."""

import logging

import pytest

from composer.errors import FileError
from composer.midi import files
from composer.music import Meter, Note, Part, Score
from composer.music.chords import Chord, Key
from composer.training.openscore import cycle, lieder, quartets, top_line, voice_and_piano

CHORDS = ((48, 64, 67, 72), (41, 65, 69, 72), (43, 65, 71, 74), (48, 64, 67, 72)) * 3
PIANO = tuple(Note(1920 * bar, pitch, 1920) for bar, chord in enumerate(CHORDS) for pitch in chord)
TUNE = tuple(
    Note(1920 * bar + 960 * half, pitch, 960)
    for bar, pair in enumerate(((76, 79), (77, 72), (74, 71), (72, 76)) * 3)
    for half, pitch in enumerate(pair)
)


def part(name, *pitches, program=52):
    return Part(name, tuple(Note(480 * i, pitch, 480) for i, pitch in enumerate(pitches)), 0, program)


@pytest.fixture
def folder(tmp_path):
    lied = Score((Part("Singstimme", TUNE, 0, 52), Part("Pianoforte", PIANO, 1)))
    files.write(lied, tmp_path / "3_Lieder-1_Abend-lc1.mid")
    files.write(lied, tmp_path / "3_Lieder-2_Morgen-lc2.mid")
    return tmp_path


def test_a_lied_is_a_voice_and_a_piano(folder):
    song = next(lieder(folder))

    assert TUNE == song.score.part("MELODY").notes
    assert tuple(sorted(PIANO)) == song.score.part("PIANO").notes
    assert ("lieder", False, 4) == (song.corpus, song.performed, song.beats_per_bar)


def test_chords_and_key_are_written_down_by_ear(folder):
    song = next(lieder(folder))

    assert [(0, 1920, Chord(0)), (1920, 3840, Chord(5)), (5760, 9600, Chord(0))] == [
        song.chords[0],
        song.chords[1],
        song.chords[3],
    ]
    assert 7 == song.chords[2][2].root
    assert Key(0) == song.key


def test_all_songs_of_a_cycle_are_in_one_split(folder):
    assert 1 == len({song.split for song in lieder(folder)})
    assert [2, 0, 0] == sorted((len(list(lieder(folder, s))) for s in ("train", "validation", "test")), reverse=True)


def test_a_song_that_stands_alone_is_its_own_work(tmp_path):
    assert "3_Lieder" == cycle(tmp_path / "3_Lieder-1_Abend-lc1.mid")
    assert "Der_Zwerg" == cycle(tmp_path / "_-Der_Zwerg-lc1.mid")


def test_files_that_cannot_be_used_are_counted(folder, caplog):
    (folder / "_-Damaged-lc3.mid").write_bytes(b"MThd")
    files.write(Score((part("Soprano", 72), part("Alto", 60))), folder / "_-Choir-lc4.mid")

    with caplog.at_level(logging.WARNING):
        assert 2 == len(list(lieder(folder)))
    assert "2 of the files" in caplog.text


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FileError, match="no song of this set"):
        next(lieder(tmp_path))


@pytest.mark.parametrize("name", ["Klavier", "PIANO.", "Pianoforte", "Cembalo", "Guitarre"])
def test_the_piano_is_known_by_its_name(name):
    melody, piano = voice_and_piano([part(name, 60, program=52), part("Gesang", 72)])

    assert ([72], [name]) == ([n.pitch for n in melody.notes], [p.name for p in piano])


def test_a_piano_without_a_name_is_known_by_its_program():
    _, piano = voice_and_piano([part("a", 72), part("b", 48, program=0)])

    assert ["b"] == [p.name for p in piano]


def test_of_several_voices_the_highest_sings():
    melody, _ = voice_and_piano(
        [part("Tenor", 60), part("Soprano", 76), part("Bass", 48, program=43), part("Piano", 50)]
    )

    assert [76] == [n.pitch for n in melody.notes]


def test_a_voice_that_hardly_sings_is_passed_over():
    melody, _ = voice_and_piano([part("Ossia", 88), part("Voice", 70, 72, 74), part("Piano", 50)])

    assert [70, 72, 74] == [n.pitch for n in melody.notes]


def test_a_singer_goes_before_an_instrument():
    melody, _ = voice_and_piano([part("Violino", 90, program=40), part("Canto", 70), part("Piano", 50)])

    assert [70] == [n.pitch for n in melody.notes]


def test_a_melody_is_the_top_line_and_never_overlaps():
    notes = [Note(0, 60, 960), Note(0, 64, 960), Note(480, 65, 480)]

    assert (Note(0, 64, 480), Note(480, 65, 480)) == top_line(notes)


def test_a_quartet_is_a_melody_over_three_that_may_be_told_apart(tmp_path):
    names = (("Violin 1", 76, 40), ("Violin 2", 67, 40), ("Viola", 60, 41), ("Violoncello", 48, 42))
    parts = tuple(Part(name, (Note(0, pitch, 480),), i, program) for i, (name, pitch, program) in enumerate(names))
    files.write(Score(parts), tmp_path / "Haydn-Quartet-sq1.mid")
    files.write(Score(parts[:3]), tmp_path / "Haydn-Trio-sq2.mid")
    (song,) = quartets(tmp_path)

    assert {"MELODY": [76], "PIANO": [48, 60, 67], "LEFT": [48], "RIGHT": [60, 67]} == {
        part.name: [note.pitch for note in part.notes] for part in song.score.parts
    }
    assert ("quartets", False) == (song.corpus, song.performed)


def test_a_pickup_leads_into_a_bar_line(tmp_path):
    moved = Score((Part("Voice", tuple(n.shift(480) for n in TUNE)), Part("Piano", tuple(n.shift(480) for n in PIANO))))
    files.write(
        moved.with_part(Part("Voice", (Note(0, 67, 480), *moved.parts[0].notes), 0, 52)), tmp_path / "_-A-lc1.mid"
    )
    (song,) = lieder(tmp_path)

    assert [1440, 1920] == [note.onset for note in song.score.part("MELODY").notes[:2]]
    assert (Meter(0, 4, 4),) == song.score.meters


def test_real_lieder_have_voice_piano_and_chords(real_set):
    songs = list(zip(range(3), lieder(real_set("openscore-lieder-midi", "Dichterliebe")), strict=False))

    assert 3 == len(songs)
    for _, song in songs:
        known = sum(end - start for start, end, _ in song.chords)
        assert min(len(song.score.part(name).notes) for name in ("MELODY", "PIANO")) > 20
        assert known > 0.6 * song.score.end


def test_a_real_quartet_has_all_its_parts(real_set):
    song = next(quartets(real_set("openscore-quartets-midi", "Wolf,_Hugo-Italian")))

    assert min(len(part.notes) for part in song.score.parts) > 500
