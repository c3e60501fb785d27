"""Kernels for CUDA: what a thread computes, on a GPU played by the CPU; PTX and its assembler; and
the same on a GPU, where there is one.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.tasks import TASKS
from neuralc.backends.native import NativeModule, ptx
from neuralc.backends.native.module import REALS
from neuralc.backends.soft.graph import P
from neuralc.errors import Declined
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer
from tests.native.emulated import Emulated
from tests.native.same import both, check
from tests.native.test_gradients import solved
from tests.random_models import Features, random_program
from tests.soft.models import LOOK, model

TASK = TASKS["circuit swap"]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulated]:
    """Let modules on the CPU believe that they are on a GPU."""
    gpu = Emulated()
    monkeypatch.setattr(NativeModule, "gpu", lambda _: gpu)
    yield gpu
    assert gpu.runs


@pytest.mark.parametrize("part", range(3))
def test_random_programs(part: int, played: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0
    for seed in range(100 + part, 109, 3):
        program = random_program(seed, Features(tight=bool(seed % 2)))
        try:
            check(program, seed, None, monkeypatch, soft=seed % 3 == 0)
        except Declined:
            continue
        checked += 1
    assert checked
