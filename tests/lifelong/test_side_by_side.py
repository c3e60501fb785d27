"""Jobs in processes of their own: order, progress, and what happens when one fails."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from neuralc.errors import DataError
from neuralc.experiments.side_by_side import Tell, side_by_side


def square(number: int, tell: Tell) -> tuple[int, int]:
    tell(1, 1, f"{number} squared")
    return number * number, os.getpid()


def wait_or_fail(folder: str, number: int, tell: Tell) -> None:
    """Fail as number 0; otherwise wait to be stopped, and leave a note then."""
    note = Path(folder) / "stopped"
    if number == 0:
        time.sleep(1)
        raise DataError("no such thing")
    try:
        for _ in range(300):
            time.sleep(0.1)
            tell(0, 1, "")
    except KeyboardInterrupt:
        note.touch()
        raise


@pytest.mark.parametrize("processes", [1, 2])
def test_results_are_in_order(processes: int) -> None:
    told: list[tuple[int, int, str]] = []
    found = side_by_side(square, [(3,), (1,), (2,)], processes=processes,
                         progress=lambda *x: told.append(x))  # fmt: skip
    assert [value for value, _ in found] == [9, 1, 4]
    own = {process == os.getpid() for _, process in found}
    assert own == {processes == 1}
    if processes == 1:
        assert told == [(0, 1, "3 squared"), (1, 1, "1 squared"), (2, 1, "2 squared")]


def test_a_failure_stops_the_others(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(DataError, match="no such thing"):
        side_by_side(wait_or_fail, [(str(tmp_path), 0), (str(tmp_path), 1)], processes=2,
                     progress=lambda *_: None)  # fmt: skip
    assert (tmp_path / "stopped").exists()
    assert time.monotonic() - began < 25
