"""What a player can set, apart from the generators, so that listing it loads neither arrays nor models."""

from __future__ import annotations

from dataclasses import dataclass

from composer.generators.base import choice, param

KEYS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
BANDS: dict[str, tuple[tuple[str, str], ...]] = {
    "piano": (("Piano", "piano"),),
    "piano+bass": (("Piano", "piano"), ("Bass", "bass")),
    "melody": (("Lead", "lead"),),
    "piano+melody": (("Piano", "piano"), ("Lead", "lead")),
    "piano+drums": (("Piano", "piano"), ("Drums", "drums")),
    "piano+bass+drums": (("Piano", "piano"), ("Bass", "bass"), ("Drums", "drums")),
    "drums": (("Drums", "drums"),),
}
"""What the machine may be: part names with the model's instruments."""


@dataclass(frozen=True, slots=True)
class AnticipationParams:
    """Hold what a player can set."""

    band: str = choice("piano", tuple(BANDS), "which instruments the machine plays")
    lead: int = param(1, "half quarters by which the machine hears late; below 0 it has heard ahead", -16, 4, 1)
    wait: int = param(1, "bars it listens before it joins in", 0, 8, 1)
    temperature: float = param(0.9, "how freely notes are chosen", 0.0, 2.0, 0.05)
    top_p: float = param(0.95, "share of the likeliest choices that are considered", 0.05, 1.0, 0.05)
    harmony: float = param(0.3, "how freely chords are chosen", 0.0, 2.0, 0.05)
    listening: float = param(0.5, "how much the counted harmony model says beside its own ear", 0.0, 4.0, 0.1)
    density: float = param(0.0, "fewer (below 0) or more notes, 1 for about twice as many as usual", -3.0, 3.0, 0.25)
    key: str = choice("auto", ("auto", *KEYS), "major key, or its relative minor")
    scale: str = choice(
        "free", ("free", "key"), "which pitches may be chosen: any, or those of the key; drums are free"
    )
    chord_mask: float = param(0.0, "how strictly notes keep to the chord, 1 for its tones only", 0.0, 1.0, 0.05)
    low: int = param(0, "lowest pitch it chooses; drums are free", 0, 115, 1)
    high: int = param(127, "highest pitch it chooses; drums are free", 12, 127, 1)
    repetition: float = param(0.0, "avoid (below 0) or repeat the pitches just played", -1.0, 1.0, 0.1)
    velocity: int = param(0, "softer (below 0) or louder than it would play", -40, 40, 4)
    pitch_temperature: float = param(1.0, "how freely pitches are chosen, times temperature", 0.0, 2.0, 0.05)
    pitch_top_p: float = param(1.0, "share of the likeliest pitches, where less than top_p", 0.05, 1.0, 0.05)
    rhythm_temperature: float = param(1.0, "how freely onsets are chosen, times temperature", 0.0, 2.0, 0.05)
    rhythm_top_p: float = param(1.0, "share of the likeliest onsets, where less than top_p", 0.05, 1.0, 0.05)
    model: str = param("anticipation", "folder of the model, or its name under models/")


@dataclass(frozen=True, slots=True)
class MarkovParams:
    """Hold what a musician can set."""

    order: int = param(4, "notes the phrases look back", 1, 8, 1)
    density: float = param(0.5, "how much it plays, 0 to 1", 0.0, 1.0, 0.05)
    register: int = param(60, "middle pitch of its chords when nobody plays there", 48, 84, 1)
    harmony: float = param(0.9, "how strictly phrases obey chord and key, 0 to 1", 0.0, 1.0, 0.05)
    answers: bool = param(True, "play a line of its own while the player rests")
    viewpoint: str = choice(
        "interval+rhythm",
        ("interval+rhythm", "pitch+rhythm", "degree+rhythm", "interval", "pitch", "degree"),
        "what is learned of a note: its interval, pitch or degree of the key, linked with the rhythm or apart from it",
    )
    ending: str = choice(
        "chord", ("open", "chord", "tonic", "cadence"), "where phrases end: anywhere, chord, tonic, tonic by step"
    )
    phrase: int = param(2, "bars in a phrase", 1, 8, 1)
    key: str = choice("auto", ("auto", *KEYS), "major key, or its relative minor; auto takes the key it hears")
    chords: str = param("", "chords that are played instead of those it hears, one a bar: C Am F G7")
    corpus: str = param("", "folder of MIDI files to learn from, besides your playing")
    yours: float = param(0.5, "share of your manner beside the corpus, once you have played a little", 0.0, 1.0, 0.05)
    shadow: int = param(0, "tones of the chord that join each of your notes at once", 0, 3, 1)


AMT_BANDS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "bass": (("Bass", 1, 33),),
    "piano": (("Piano", 0, 0),),
    "drums": (("Drums", 9, 0),),
    "bass+drums": (("Bass", 1, 33), ("Drums", 9, 0)),
    "piano+bass": (("Piano", 0, 0), ("Bass", 1, 33)),
    "piano+bass+drums": (("Piano", 0, 0), ("Bass", 1, 33), ("Drums", 9, 0)),
    "strings": (("Strings", 2, 48),),
}
"""Parts of the published checkpoints: name, channel and General MIDI program."""


@dataclass(frozen=True, slots=True)
class AmtParams:
    """Hold what a musician can set."""

    band: str = choice("piano+bass", tuple(AMT_BANDS), "which instruments the machine plays")
    temperature: float = param(1.0, "how freely notes are chosen", 0.0, 2.0, 0.05)
    top_p: float = param(0.95, "share of the likeliest choices that are considered", 0.05, 1.0, 0.01)
    chord: int = param(10, "notes that may begin together, the player's among them", 1, 32, 1)
    lead: int = param(2, "quarters by which the machine hears late: it needs the time to think", -16, 16, 1)
    insist: int = param(2, "how often a quarter is thought of anew while the machine is silent for a bar", 0, 8, 1)
    chords: str = param("", "chart that it is told ahead, a chord a bar over and over: C Am F G7")
    loop: str = param("", "MIDI file that goes round from the first bar, played by somebody else; told ahead")
    manner: str = choice("written", ("written", "transcribed"), "as scores sound, or as recordings (amt-large)")
    velocity: int = param(72, "how loud it plays, because the model knows no velocities", 1, 127, 1)
    model: str = param("", "folder of another converted checkpoint, or its name under models/")


@dataclass(frozen=True, slots=True)
class MusicOfChangesParams:
    """Hold what a musician can set."""

    yours: float = param(
        0.8, "share of the charts' cells that your sounds, durations and loudness fill", 0.0, 1.0, 0.05
    )
    layers: int = param(8, "most layers that may sound together", 1, 8, 1)
    pace: float = param(1.0, "how fast events follow each other, on top of the tempo that is thrown", 0.25, 4.0, 0.05)
    measure: float = param(1.0, "bars that a measure of the form 3, 5, 6 3/4, 6 3/4, 5, 3 1/8 lasts", 0.25, 1.0, 0.25)
    low: int = param(28, "lowest pitch", 0, 127, 1)
    high: int = param(100, "highest pitch", 0, 127, 1)


ORCHESTRAS = ("ensemble", "piano")
SNAPS = {"free": 1, "1/32": 60, "1/16": 120, "1/8": 240, "1/4": 480}
"""Ticks between the places at which a note may begin."""


@dataclass(frozen=True, slots=True)
class AchorripsisParams:
    """Hold what a musician can set."""

    mode: str = choice(
        "achorripsis", ("achorripsis", "st", "screens"), "matrix of cells, ST sections, or screens of Analogique A"
    )
    band: str = choice("ensemble", ORCHESTRAS, "seven timbres on seven channels, or all on one piano")
    density: float = param(1.0, "how many notes for each of yours, in the mean", 0.1, 8.0, 0.1)
    events: float = param(0.6, "mean events in a cell of the matrix, by Poisson's law", 0.1, 3.0, 0.1)
    cell: float = param(2.0, "bars of a cell, mean bars of a section, or four screens", 0.25, 8.0, 0.25)
    compass: int = param(24, "largest interval from note to note, in semitones", 3, 48, 1)
    glissando: float = param(6.0, "mean speed of glissandi, in semitones a quarter", 0.0, 48.0, 0.5)
    memory: float = param(4.0, "seconds of your playing that density, register and loudness are taken from", 1, 16, 0.5)
    snap: str = choice("free", tuple(SNAPS), "where notes may begin: anywhere, or on this note value")


@dataclass(frozen=True, slots=True)
class IlliacParams:
    """Hold what a musician can set."""

    experiment: str = choice(
        "counterpoint",
        ("cantus", "counterpoint", "codes", "chain"),
        "I a cantus firmus and its setting, II counterpoint by rules, III rhythm and rows by codes, IV Markov chains",
    )
    voices: int = param(4, "voices altogether; yours is one of them while you play", 1, 4, 1)
    key: str = choice("auto", ("auto", *KEYS), "major key of the voices; auto takes the key it hears")
    rules: int = param(9, "how many of the rules below are in force, the first ones first", 0, 9, 1)
    tritones: bool = param(True, "rule 1: no voice leaps a tritone or a seventh")
    repeats: bool = param(True, "rule 2: no voice repeats a note")
    span: bool = param(True, "rule 3: no voice spans more than an octave in a phrase")
    recovery: bool = param(True, "rule 4: after a leap of more than a third a voice steps back")
    consonance: bool = param(True, "rule 5: only consonances sound together")
    unisons: bool = param(True, "rule 6: no parallel unisons")
    fifths: bool = param(True, "rule 7: no parallel fifths")
    octaves: bool = param(True, "rule 8: no parallel octaves")
    cadence: bool = param(True, "rule 9: a phrase ends on its tonic chord, which the leading tone reaches by step")
    phrase: int = param(2, "bars in a phrase", 1, 8, 1)
    pulse: float = param(1.0, "quarters between notes where it goes on by itself", 0.5, 4.0, 0.5)
    patience: float = param(4.0, "quarters you may hold or rest before it goes on by itself", 0.5, 16.0, 0.5)
    fastest: float = param(0.5, "least distance in quarters of your notes that it answers one by one", 0.25, 2.0, 0.25)
    steps: float = param(0.5, "how much the voices of I and II prefer small steps, 0 as the original", 0.0, 1.0, 0.05)
    rows: bool = param(True, "III: tone rows, begun by your notes, instead of chromatic notes at random")
    order: int = param(1, "IV: notes that a voice looks back; 0 looks at the tonic", 0, 4, 1)
    proximity: float = param(0.5, "IV: share of nearness against consonance", 0.0, 1.0, 0.05)


EMI_BANDS: dict[str, tuple[tuple[str, int], ...]] = {
    "organ": (("Organ", 19),),
    "choir": (("Soprano", 52), ("Alto", 52), ("Tenor", 52), ("Bass", 52)),
    "strings": (("Violin I", 40), ("Violin II", 40), ("Viola", 41), ("Cello", 42)),
    "piano": (("Piano", 0),),
}
"""What sings: names and General MIDI programs, from the top down."""


@dataclass(frozen=True, slots=True)
class EmiParams:
    """Hold what a musician can set."""

    corpus: str = param("", "folder of MIDI files to recombine; without one, the chorales of Bach")
    band: str = choice("organ", tuple(EMI_BANDS), "who plays: one organ or piano, or four singers or strings")
    voices: int = param(4, "voices altogether; yours is one of them while you play", 1, 4, 1)
    key: str = choice("auto", ("auto", *KEYS), "major key to play in; auto takes the key it hears, major or minor")
    phrase: int = param(2, "bars in a phrase; each ends in a cadence", 1, 8, 1)
    pace: float = param(1.0, "quarters that a beat of the originals lasts", 0.5, 4.0, 0.5)
    quotation: int = param(4, "most beats in a row that may be those of one work", 2, 16, 1)
    signatures: bool = param(True, "close phrases with patterns that recur in the works, kept whole")
    agreement: float = param(1.0, "how much your notes decide which beats are taken", 0.0, 2.0, 0.1)
    harmony: float = param(0.5, "how much the chords it hears or expects decide", 0.0, 2.0, 0.1)
    form: float = param(1.0, "how much the form decides: SPEAC, strong and weak beats", 0.0, 2.0, 0.1)
    texture: float = param(0.5, "plain chords (0) or many moving notes (1)", 0.0, 1.0, 0.05)
    freedom: float = param(0.5, "how much chance decides", 0.0, 2.0, 0.1)
