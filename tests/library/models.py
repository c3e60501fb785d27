"""Small models that share functions, their data, and what a folder holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np

from neuralc.learning import learn
from neuralc.learning.library.library import Library
from neuralc.learning.model import Model
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution
from neuralc.source import Source
from tests.learning.tasks import image_data, see
from tests.soft.models import model

FAST = Settings(restarts=3, steps=60, network_rate=0.02, stop="first")

# The larger of two classes: the function SEE of `see`, and another program around it.
LARGER = """
    @Learn([Tensor(3)], 3, hid_sizes=[8])
    def SEE(image): pass

    @Runtime([3, 3], 3)
    def MAX(a, b): return max(a, b)

    images = InputTensor(3)[3]
    pick = Param(3)[2]
    total = Output(3)
    seen = Var(3)[2]

    for k in range(2):
        with pick[k] as i:
            seen[k].set_to(SEE(images[i]))
    total.set_to(MAX(seen[0], seen[1]))
"""

# Two functions, of which the program uses one.
EITHER = """
    @Learn([Tensor(3)], 3, hid_sizes=[8])
    def SEE(image): pass
    @Learn([Tensor(3)], 3, hid_sizes=[4])
    def OTHER(image): pass

    images = InputTensor(3)[3]
    which = Param(2)
    total = Output(3)
    if which == 0:
        total.set_to(SEE(images[0]))
    else:
        total.set_to(OTHER(images[0]))
"""

# One image, read or not; big enough for a convolutional network.
PICTURE = """
    @Learn([Tensor(4, 4)], 2, hid_sizes=[4])
    def READ(image): pass

    image = InputTensor(4, 4)
    twice = Param(2)
    total = Output(2)
    once = Var(2)
    once.set_to(READ(image))
    if twice == 0:
        total.set_to(once)
    else:
        total.set_to(0)
"""

larger, either = model(LARGER), model(EITHER)
WIDER = model(LARGER.replace("[8]", "[16]"))
BIGGER = model(LARGER.replace("Tensor(3)", "Tensor(4)"))


def larger_data(count: int = 40, seed: int = 0) -> dict[str, Any]:
    """Return images and the larger class of the last two."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, (count, 3))
    images = np.eye(3)[classes] * 2 + rng.normal(size=(count, 3, 3)) * 0.2
    return {"images": images, "total": classes[:, 1:].max(1)}


def first_data(count: int = 40, seed: int = 0) -> dict[str, Any]:
    """Return images and the class of the first."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, (count, 3))
    images = np.eye(3)[classes] * 2 + rng.normal(size=(count, 3, 3)) * 0.2
    return {"images": images, "total": classes[:, 0]}


def convolutional(net: str | None) -> Model:
    """Return the model of `picture_data` with another body."""
    return Model.load(Source("picture.py", dedent(PICTURE)), net=net)


def picture_data(count: int = 40, seed: int = 0) -> dict[str, Any]:
    """Return pictures that are dark in the left half or in the right one, and which."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 2, count)
    images = rng.normal(size=(count, 4, 4)) * 0.1
    images[classes == 0, :, :2] += 1
    images[classes == 1, :, 2:] += 1
    return {"image": images, "total": classes}


def learn_sum(folder: Library | Path, **changes: Any) -> Solution:
    """Learn the first task."""
    given = {"settings": FAST, "accept": 0.9, "task": "sum", "test": image_data(30, 1), **changes}
    return learn(see, image_data(), library=folder, **given)


def state(folder: Path) -> dict[str, str]:
    """Return every file below a folder with a digest of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
