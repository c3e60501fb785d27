"""A library with one task, learned once and copied for every test that may change it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.library.models import learn_sum


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a library that holds the task `sum`; nobody may change it."""
    folder = tmp_path_factory.mktemp("library") / "seen"
    solution = learn_sum(folder)
    assert solution.report.solved, solution.report
    return folder


@pytest.fixture
def folder(learned: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copytree(learned, tmp_path / "seen"))
