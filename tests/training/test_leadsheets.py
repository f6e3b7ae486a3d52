"""Lead sheets and solos: symbols become chords, repeats are played, beats become quarters, pickups lead into bars."""

import logging
import zipfile

import pytest

from composer.music import Meter, Note
from composer.music.chords import Chord, Key
from composer.training.leadsheets import openewld, quality_of, tune, velocities, wjazzd

HEAD = """<score-partwise><part-list><score-part id="P1"><part-name/></score-part></part-list><part id="P1">"""
ATTRIBUTES = """<attributes><divisions>2</divisions><key><fifths>{}</fifths></key>
<time><beats>3</beats><beat-type>4</beat-type></time></attributes>"""
REPEAT = """<barline location="right"><repeat direction="backward"/></barline>"""


def note(letter, eighths, tie=""):
    tied = f"""<tie type="{tie}"/>""" if tie else ""
    return f"""<note><pitch><step>{letter}</step><octave>4</octave></pitch>
<duration>{eighths}</duration>{tied}</note>"""


def symbol(letter, kind):
    return f"<harmony><root><root-step>{letter}</root-step></root><kind>{kind}</kind></harmony>"


def sheet(folder, name, *measures):
    body = "".join(f"""<measure number="{i}">{content}</measure>""" for i, content in enumerate(measures, start=1))
    path = folder / "dataset" / "Somebody" / name / f"{name}.mxl"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr(
            "META-INF/container.xml", """<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>"""
        )
        pack.writestr("a.xml", f"{HEAD}{body}</part></score-partwise>")
    return folder


def waltz(folder, fifths=0):
    return sheet(
        folder,
        "Waltz",
        ATTRIBUTES.format(fifths) + symbol("C", "major") + note("E", 6),
        symbol("G", "dominant") + note("D", 4) + symbol("G", "dominant-ninth") + note("F", 2),
        symbol("A", "minor") + note("C", 6),
    )


def only(songs):
    (song,) = songs
    return song


def test_a_lead_sheet_is_a_melody_with_chords(tmp_path):
    song = only(openewld(waltz(tmp_path)))

    assert (Note(0, 64, 1440), Note(1440, 62, 960), Note(2400, 65, 480), Note(2880, 60, 1440)) == (
        song.score.part("MELODY").notes
    )
    assert ((0, 1440, Chord(0)), (1440, 2880, Chord(7, "7")), (2880, 4320, Chord(9, "min"))) == song.chords
    assert ((Meter(0, 3),), "openewld", False) == (song.score.meters, song.corpus, song.performed)


def test_the_signature_and_the_last_chord_are_the_key(tmp_path):
    assert Key(9, "minor") == only(openewld(waltz(tmp_path))).key


def test_a_pickup_ends_on_the_first_bar_line(tmp_path):
    pickup = ATTRIBUTES.format(0) + note("G", 2)
    song = only(openewld(sheet(tmp_path, "Pickup", pickup, symbol("C", "major") + note("E", 6))))

    assert [960, 1440] == [n.onset for n in song.score.part("MELODY").notes]
    assert ((1440, 2880, Chord(0)),) == song.chords


def test_repeats_are_played(tmp_path):
    song = only(openewld(sheet(tmp_path, "Again", ATTRIBUTES.format(0) + symbol("C", "major") + note("E", 6) + REPEAT)))

    assert [0, 1440] == [n.onset for n in song.score.part("MELODY").notes]


def test_tied_notes_are_one(tmp_path):
    tied = (ATTRIBUTES.format(0) + note("E", 6, "start"), note("E", 6, "stop"))

    assert (Note(0, 64, 2880),) == only(openewld(sheet(tmp_path, "Tied", *tied))).score.part("MELODY").notes


def test_no_chord_is_unknown(tmp_path):
    measures = (ATTRIBUTES.format(0) + symbol("C", "none") + note("E", 6), symbol("C", "major") + note("E", 6))

    assert ((1440, 2880, Chord(0)),) == only(openewld(sheet(tmp_path, "None", *measures))).chords


def test_a_damaged_sheet_is_counted(tmp_path, caplog):
    waltz(tmp_path)
    (tmp_path / "dataset" / "Broken.mxl").write_bytes(b"PK")

    with caplog.at_level(logging.WARNING):
        assert 1 == len(list(openewld(tmp_path)))
    assert "1 of the files" in caplog.text


@pytest.mark.parametrize(
    ("kind", "quality"),
    [
        ("major", "maj"),
        ("major-sixth", "maj"),
        ("major-ninth", "maj7"),
        ("minor", "min"),
        ("minor-sixth", "min"),
        ("minor-major-seventh", "min"),
        ("minor-11th", "min7"),
        ("dominant-13th", "7"),
        ("seventh-flat-five", "7"),
        ("half-diminished-seventh", "dim"),
        ("augmented-seventh", "aug"),
        ("suspended-fourth-seventh", "sus4"),
        ("suspended-second", "sus2"),
        ("power", "maj"),
        ("none", None),
    ],
)
def test_every_kind_has_a_nearest_quality(kind, quality):
    assert quality == quality_of(kind)


BEATS = """onset,duration,period,division,bar,beat,signature,chord,form,chorus_id,bass
0.5,0.5,4,1,0,4,'4/4',NC,I1,0,40
1.0,0.5,4,1,1,1,'4/4',D-7,A1,1,38
1.5,0.5,4,1,1,2,'4/4',D-7,A1,1,41
2.0,0.5,4,1,1,3,'4/4',G7,A1,1,
2.5,0.5,4,1,1,4,'4/4',G7,A1,1,43
3.0,0.5,4,1,2,1,'4/4',Cj7,A1,1,36
"""
SOLO = """onset,duration,period,division,bar,beat,tatum,beat_duration,signature,pitch,loud_median,chord
0.75,0.25,4,2,0,4,2,0.5,"4/4",67,60,NC
1.0,0.5,4,1,1,1,1,0.5,"4/4",65,70,D-7
"""


def solo(folder, name="ChuBerry_BodyAndSoul-1_FINAL", beats=BEATS):
    for kind, suffix, rows in (("beat", "_beattrack", beats), ("melody", "", SOLO)):
        (folder / f"mcsv_{kind}").mkdir(exist_ok=True)
        (folder / f"mcsv_{kind}" / f"{name}{suffix}.csv").write_text(rows)
    return folder


def test_the_beats_of_a_solo_are_quarters_and_its_first_bar_a_bar(tmp_path):
    song = only(wjazzd(solo(tmp_path)))

    assert (Note(1680, 67, 240, 68), Note(1920, 65, 480, 92)) == song.score.part("MELODY").notes
    assert (Meter(0, 4),) == song.score.meters
    assert (120.0, "wjazzd", True) == (song.score.tempos[0].qpm, song.corpus, song.performed)


def test_the_bass_plays_the_pitch_of_every_beat_that_has_one(tmp_path):
    assert [(1440, 40), (1920, 38), (2400, 41), (3360, 43), (3840, 36)] == [
        (note.onset, note.pitch) for note in only(wjazzd(solo(tmp_path))).score.part("BASS").notes
    ]


def test_the_chords_of_beats_are_joined(tmp_path):
    expected = ((1920, 2880, Chord(2, "min7")), (2880, 3840, Chord(7, "7")), (3840, 4320, Chord(0, "maj7")))

    assert expected == only(wjazzd(solo(tmp_path))).chords


def test_a_solo_without_bars_is_left_out(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        assert [] == list(wjazzd(solo(tmp_path, beats=BEATS.replace("4/4", "1/4"))))
    assert "1 of the files" in caplog.text


def test_solos_over_one_tune_share_a_split(tmp_path):
    solo(solo(tmp_path), "SonnyRollins_BodyAndSoul_AlternateTake_FINAL")

    assert "BodyAndSoul" == tune(tmp_path / "SonnyRollins_BodyAndSoul-2_FINAL.csv")
    assert 1 == len({song.split for song in wjazzd(tmp_path)})


def test_loudness_is_relative_to_the_solo():
    assert [68, 92, 80] == velocities(["-60", "-50", ""])
    assert [80, 80] == velocities(["", ""])


def test_a_real_sheet_and_a_real_solo_have_chords(real_set):
    sheet = next(openewld(real_set("openewld", "Guilty.mxl")))
    played = next(wjazzd(real_set("wjazzd", "ArtPepper_Anthropology")))

    assert min(len(sheet.chords), len(sheet.score.part("MELODY").notes)) > 15
    assert min(len(played.chords), *(len(part.notes) for part in played.score.parts)) > 50
