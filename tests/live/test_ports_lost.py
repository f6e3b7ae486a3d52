"""What happens to notes when a port raises, disappears and comes back."""

from composer.errors import PortError
from composer.live.clock import ManualClock
from composer.live.engine import Engine, Setup


class FragilePort:
    """A port whose cable can be pulled: `raises` while it still seems alive, `gone` when it has disappeared."""

    api = "test"

    def __init__(self, name):
        self.name = name
        self.raises = self.gone = False
        self.sent = []

    def open(self):
        if self.gone:
            raise PortError(f"there is no port {self.name}")
        return self

    def send(self, data):
        if self.raises or self.gone:
            raise PortError("the cable is out")
        self.sent.append(bytes(data))

    def alive(self):
        return not self.gone

    def close(self):
        return


class Stage:
    def __init__(self):
        self.clock, self.events = ManualClock(), []
        self.source, self.target = FragilePort("in"), FragilePort("out")
        self.engine = Engine(self.clock, self.source.open, self.target.open, self.events.append, Setup(60))

    def plan(self, *notes):
        rows = [[onset, duration, pitch, 80, 0, pitch] for onset, duration, pitch in notes]
        self.engine.command({"op": "plan", "from": 0, "notes": rows})
        self.engine.command({"op": "start", "tick": 0})

    def run(self, seconds):
        for _ in range(round(seconds * 100)):
            self.engine.poll(self.clock.now())
            self.clock.advance(0.01)

    def ops(self, *names):
        return [event for event in self.events if event["op"] in names]


ON, OFF = bytes((0x90, 60, 80)), bytes((0x80, 60, 64))


def test_a_note_off_that_the_port_refused_is_sent_when_it_takes_messages_again():
    stage = Stage()
    stage.plan((0, 480, 60))
    stage.run(0.5)
    stage.target.raises = True
    stage.run(2)
    stage.target.raises = False
    stage.run(0.2)

    assert [ON, OFF] == stage.target.sent


def test_a_note_that_the_port_refused_is_dropped_and_never_ended():
    stage = Stage()
    stage.target.raises = True
    stage.plan((0, 480, 60))
    stage.run(0.5)
    stage.target.raises = False
    stage.run(2)

    assert [] == stage.target.sent
    assert [{"op": "dropped", "id": 60, "reason": "port"}] == stage.ops("dropped")


def test_a_port_that_refuses_is_told_once():
    stage = Stage()
    stage.target.raises = True
    stage.plan((0, 480, 60), (10, 480, 62))
    stage.run(2)

    assert 1 == len(stage.ops("error"))


def test_a_lost_port_is_told_and_time_goes_on_and_its_notes_end_when_it_is_back():
    stage = Stage()
    stage.plan((0, 4800, 60))
    stage.run(0.5)
    stage.target.gone = True
    stage.run(2.5)
    stage.target.gone = False
    stage.run(1.5)
    tick = stage.ops("timeline")[-1]["tick"]

    assert ["lost", "back"] == [event["state"] for event in stage.ops("port")]
    assert [ON, OFF] == stage.target.sent
    assert 1900 < tick < 2170


def test_keys_held_when_the_in_port_is_lost_are_told_to_end():
    stage = Stage()
    stage.engine.receive(ON, 0.0)
    stage.source.gone = True
    stage.run(1.5)

    assert ["on", "off"] == [event["op"] for event in stage.ops("on", "off")]


def test_what_a_port_could_not_end_is_counted_at_exit():
    stage = Stage()
    stage.plan((0, 4800, 60))
    stage.run(0.5)
    stage.target.raises = True
    stage.engine.command({"op": "quit"})

    assert 1 == stage.events[-1]["stats"]["sounding_at_exit"]
