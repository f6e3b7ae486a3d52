"""The terminal interface: a screen over a session, which it shows and commands and never waits for."""
