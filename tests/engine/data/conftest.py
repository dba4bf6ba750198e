"""A nascope home of its own for each test, and a maker of image folders."""

import random

import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def nascope_home(tmp_path, monkeypatch):
    monkeypatch.setenv("NASCOPE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def make_folder():
    """``make_folder(root, {"cat": 5, "dog": 5})``: small pictures, every one different."""

    def make(root, classes, *, size=(12, 10), seed=0):
        numbers = random.Random(seed)
        for name, count in classes.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            for place in range(count):
                colour = tuple(numbers.randrange(256) for _ in range(3))
                Image.new("RGB", size, colour).save(root / name / f"{place:03}.png")
        return root

    return make
