"""Where generators of a test keep what they have learned."""

import pytest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return the folder of what is learned, which is the test's own."""
    monkeypatch.setenv("COMPOSER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
