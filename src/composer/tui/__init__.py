"""The terminal interface: a screen over a session, which it shows and commands and never waits for."""

import os

# Textual draws what has changed at ticks of this many a second, and after a pause at the second tick. At its own 60 a
# key would wait up to 33 ms for what it did to be seen. Nothing is drawn more often for it: we change the screen when
# there is something to show. Textual reads the number once, when it is imported.
os.environ.setdefault("TEXTUAL_FPS", "250")
