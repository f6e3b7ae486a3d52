"""Whatever happens in whatever order: every note begun is ended exactly once, and nothing sounds afterwards."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from composer.errors import PortError
from composer.live.clock import ManualClock
from composer.live.engine import Engine, Setup

KEYS = st.tuples(st.integers(0, 1), st.integers(60, 62))


class Port:
    """A port that raises or is gone when it is told to be."""

    api = name = "test"

    def __init__(self, world):
        self.world = world
        self.sent = []

    def send(self, data):
        if self.world["state"] != "well":
            raise PortError("the cable is out")
        self.sent.append(bytes(data))

    def alive(self):
        if self.world["state"] == "mad":
            raise RuntimeError("the driver crashed")
        return self.world["state"] != "gone"

    def close(self):
        if self.world["state"] == "mad":
            raise RuntimeError("the driver crashed")


class Stage:
    """An engine on a manual clock whose ports share one fate."""

    def __init__(self, sync):
        self.world, self.clock, self.events = {"state": "well"}, ManualClock(), []
        self.port = Port(self.world)
        self.id = 0
        self.engine = Engine(self.clock, self.open, self.open, self.events.append, Setup(240, sync=sync))

    def open(self):
        if self.world["state"] != "well":
            raise PortError("there is no such port")
        return self.port

    def do(self, action):
        kind, value = action
        if kind == "wait":
            self.wait(value)
        elif kind == "port":
            self.world["state"] = value
        elif kind == "receive":
            self.engine.receive(bytes(value), self.clock.now())
        elif kind == "echo":
            for data in self.port.sent[-value:]:
                self.engine.receive(data, self.clock.now())
        elif kind == "plan":
            self.engine.command({"op": "plan", "from": value[0], "notes": [self.row(*note) for note in value[1]]})
        else:
            self.engine.command({"op": kind, **value})

    def row(self, key, onset, duration):
        self.id += 1
        return [onset, duration, key[1], 80, key[0], self.id]

    def wait(self, seconds):
        until = self.clock.now() + seconds
        while (wait := self.engine.poll(self.clock.now())) is not None and self.clock.now() + wait < until:
            self.clock.advance(wait)
        self.clock.advance(until - self.clock.now())

    def sounding(self):
        """Return the keys that sound, judged by what left; AssertionError when a note-off has no note-on."""
        sounding = Counter()
        for data in self.port.sent:
            key = (data[0] & 0x0F, data[1])
            if data[0] & 0xF0 == 0x90:
                assert not sounding[key], "a key began while it sounded"
                sounding[key] = 1
            elif data[0] & 0xF0 == 0x80:
                assert sounding[key], "a note-off without its note-on"
                sounding[key] = 0
        return +sounding


NOTES = st.lists(st.tuples(KEYS, st.integers(0, 4000), st.integers(1, 2000)), max_size=8)
CLOCKS = st.sampled_from([(0xF8,), (0xFA,), (0xFB,), (0xFC,), (0xF2, 8, 0), (0xF2, 0, 0)])
MESSAGES = st.one_of(
    CLOCKS,
    st.tuples(st.sampled_from([0x80, 0x90]), st.integers(60, 62), st.integers(0, 127)),
    st.tuples(st.just(0xB0), st.sampled_from([64, 120, 121, 123]), st.integers(0, 127)),
    st.lists(st.integers(0, 255), max_size=4),
)
ACTIONS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.001, 0.02, 0.1, 0.5, 1.5])),
    st.tuples(st.just("plan"), st.tuples(st.integers(0, 4000), NOTES)),
    st.tuples(st.just("receive"), MESSAGES),
    st.tuples(st.just("echo"), st.integers(1, 3)),
    st.tuples(st.just("port"), st.sampled_from(["well", "raising", "gone", "mad"])),
    st.tuples(st.just("start"), st.fixed_dictionaries({"tick": st.integers(0, 2000), "count_in": st.integers(0, 100)})),
    st.tuples(st.just("tempo"), st.fixed_dictionaries({"qpm": st.sampled_from([30, 120, 999, 0, -1])})),
    st.tuples(st.just("sync"), st.fixed_dictionaries({"source": st.sampled_from(["internal", "clock", "moon"])})),
    st.tuples(st.just("send"), st.fixed_dictionaries({"data": MESSAGES})),
    st.tuples(st.sampled_from(["stop", "panic", "meter", "dance"]), st.just({})),
)
STORIES = st.lists(ACTIONS, max_size=40)
SYNC = st.sampled_from(["internal", "clock"])


@settings(max_examples=300, deadline=None)
@given(SYNC, STORIES)
def test_nothing_sounds_after_quit(sync, story):
    stage = Stage(sync)
    for action in story:
        stage.do(action)
    stage.world["state"] = "well"
    stage.wait(3)
    stage.engine.command({"op": "quit"})
    stage.wait(1)

    assert not stage.sounding()
    assert 0 == stage.events[-1]["stats"]["sounding_at_exit"]


@settings(max_examples=200, deadline=None)
@given(SYNC, STORIES)
def test_nothing_sounds_after_stop(sync, story):
    stage = Stage(sync)
    for action in story:
        stage.do(action)
    stage.world["state"] = "well"
    stage.wait(3)
    stage.engine.command({"op": "stop"})

    assert not stage.sounding()


@settings(max_examples=200, deadline=None)
@given(STORIES)
def test_with_a_port_that_works_quit_alone_is_enough(story):
    stage = Stage("internal")
    for action in story:
        if action[0] != "port":
            stage.do(action)
    stage.engine.command({"op": "quit"})

    assert not stage.sounding()


@settings(max_examples=200, deadline=None)
@given(SYNC, STORIES)
def test_every_note_of_the_plan_is_reported_at_most_once_and_what_is_sent_was_reported(sync, story):
    stage = Stage(sync)
    for action in story:
        if action[0] not in ("send", "receive"):
            stage.do(action)
    fates = Counter(event["id"] for event in stage.events if event["op"] in ("sent", "dropped"))
    sent = sum(event["op"] == "sent" for event in stage.events)
    ons = sum(data[0] & 0xF0 == 0x90 for data in stage.port.sent)

    assert set(fates.values()) <= {1}
    assert ons == sent


@settings(max_examples=100, deadline=None)
@given(STORIES)
def test_the_same_story_gives_the_same_output(story):
    first, second = Stage("internal"), Stage("internal")
    for action in story:
        first.do(action)
        second.do(action)

    assert first.port.sent == second.port.sent
    assert first.events == second.events
