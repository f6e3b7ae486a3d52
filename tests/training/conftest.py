"""Where tests of the readers find real music."""

import os
import tarfile
from pathlib import Path

import pytest


@pytest.fixture
def real_set(tmp_path):
    """Return a function that gives the folder of a data set, unpacking the files whose path holds one of `words`."""
    root = Path(os.environ.get("COMPOSER_DATA", Path(__file__).parents[3] / "shared" / "data"))

    def unpack(name, *words):
        if (root / name).is_dir():
            return root / name
        if not (root / f"{name}.tar.xz").exists():
            pytest.skip(f"{name} is not there (set COMPOSER_DATA to the folder with {name}.tar.xz)")
        with tarfile.open(root / f"{name}.tar.xz") as pack:
            wanted = [member for member in pack if any(word in member.name for word in words)]
            pack.extractall(tmp_path, wanted, filter="data")
        return tmp_path / name

    return unpack
