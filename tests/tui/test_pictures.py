"""Pictures of the screens, from the running program."""

import re

import pytest

from composer.tui import pictures


@pytest.mark.slow
async def test_pictures_show_the_music_and_fetch_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("COMPOSER_TAKES", str(tmp_path))
    monkeypatch.setattr(
        pictures,
        "SHOTS",
        (pictures.SHOTS[0]._replace(steps=(pictures.READY, pictures.press("space"), pictures.played(2))),),
    )
    (path,) = await pictures.take(tmp_path, "markov")
    svg = path.read_text("utf-8")

    assert set("⠛⣤⣿") & set(re.sub(r"⣿⣿", "", svg))
    assert "markov" in svg
    assert "@font-face" not in svg
    assert [] == [
        link for link in re.findall(r"https?://[^\"' )]+", svg) if "w3.org" not in link and "textualize" not in link
    ]
