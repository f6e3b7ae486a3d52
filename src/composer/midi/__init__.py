"""Messages, files, ports and clock: the only package that uses mido and rtmidi.

Import the modules themselves: `files`, `stream`, `sync`, `ports`, `loopback`. Nothing is loaded here, so that a file
can be read without a MIDI system and the io process starts without what it does not need.
"""
