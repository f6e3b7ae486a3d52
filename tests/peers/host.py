"""A host that shares no code with us: rtmidi alone, in a process of its own, on JACK.

It plays what it is told into its port "play" and tells what its port "hear" receives, one JSON object a line: {"port"}
first, then {"heard" or "played": [bytes], "time": seconds of the monotonic clock}. On stdin each line is a list of
[seconds from now, [bytes]] to play. It ends when stdin does.
"""

import json
import os
import sys
import threading
import time

import rtmidi

lock = threading.Lock()


def tell(**what):
    with lock:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


def listen(ear):
    # Not by callback: on JACK's own thread that would wait for Python, and what waits there costs others messages.
    first, elapsed = float("inf"), 0.0
    while True:
        while event := ear.get_message():
            elapsed += event[1]
            first = min(first, time.monotonic() - elapsed)
            tell(heard=event[0], time=first + elapsed)
        time.sleep(0.001)


def play(out, messages):
    began = time.monotonic()
    for seconds, data in messages:
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        out.send_message(data)
        tell(played=data, time=time.monotonic())


def main():
    ear = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=f"host-ear-{os.getpid()}", queue_size_limit=8192)
    hand = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=f"host-hand-{os.getpid()}")
    ear.ignore_types(timing=False)
    ear.open_virtual_port("hear")
    hand.open_virtual_port("play")
    tell(hear=f"host-ear-{os.getpid()}:hear", play=f"host-hand-{os.getpid()}:play")
    threading.Thread(target=listen, args=(ear,), daemon=True).start()
    for line in sys.stdin:
        threading.Thread(target=play, args=(hand, json.loads(line)), daemon=True).start()
    # A client that goes without a word makes the server wait for it; a server that has gone makes the client wait.
    threading.Timer(2, os._exit, (0,)).start()
    hand.delete()
    os._exit(0)


if __name__ == "__main__":
    main()
