"""A jam in no time at all: the live engine with a clock moved by hand, ports in memory and no other process.

The tests of the engine are made like this. Four bars of music pass in a fraction of a second, the same every time.
"""

from composer.live.clock import ManualClock
from composer.live.link import InlineIo
from composer.live.session import Session
from composer.live.settings import Settings
from composer.live.worker import InlineWorker

NAMES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
MELODY = [64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 62, 62]


def main() -> None:
    clock = ManualClock()
    ports: list[InlineIo] = []

    def open_io(on_event):
        ports.append(InlineIo(on_event, clock))
        return ports[0]

    session = Session(Settings(generator="markov", tempo=120), clock=clock, io=open_io, worker=InlineWorker)
    session.start()

    def step() -> None:
        session.poll(clock.now())
        ports[0].poll()

    def let_pass(seconds: float) -> None:
        until = clock.now() + seconds
        while clock.now() < until:
            clock.advance(min(0.01, until - clock.now()))
            step()

    step()
    for pitch in MELODY:
        ports[0].play(bytes((0x90, pitch, 90)))
        let_pass(0.45)
        ports[0].play(bytes((0x80, pitch, 0)))
        let_pass(0.05)
    stats = session.finish()

    begun = [(seconds, data[1]) for seconds, data in ports[0].output if data[0] & 0xF0 == 0x90]
    for seconds, pitch in begun[:12]:
        print(f"{seconds:6.2f} s  {NAMES[pitch % 12]}{pitch // 12 - 1}")
    print(f"you played {stats.notes_in} notes, the machine {stats.notes_out}; {stats.sounding_at_exit} still sound")


if __name__ == "__main__":
    main()
