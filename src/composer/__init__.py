"""Composer: an instrument that listens, and plays along."""

__version__ = "0.1.0"
