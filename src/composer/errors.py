"""The errors a user can meet. Each message says what was asked, what is possible and what to do."""

from __future__ import annotations


class ComposerError(Exception):
    """Stop a command with one sentence on stderr and exit status 1."""

    exit_status = 1


class UsageError(ComposerError):
    """Refuse a wrong flag, name or value; exit status 2."""

    exit_status = 2


class FileError(ComposerError):
    """Report a file or folder that cannot be read, understood or written."""


class PortError(ComposerError):
    """Report a MIDI system or port that is missing, taken or lost."""


class ModelError(ComposerError):
    """Report a model folder that is missing, damaged or of another shape."""
