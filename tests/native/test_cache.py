"""Compiled kernels on disk: found again, never believed when damaged, safe among many writers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc.backends.native import compiled

TEXT = """
define void @run(ptr %to, ptr %a, ptr %b, i64 %start, i64 %stop) {
entry:
  %x = add i64 %start, NUMBER
  store i64 %x, ptr %to
  ret void
}
"""


class Maker:
    """Writes a module and counts how often."""

    def __init__(self, number: int) -> None:
        self.number, self.count = number, 0

    def __call__(self) -> tuple[str, dict[str, Any]]:
        self.count += 1
        return TEXT.replace("NUMBER", str(self.number)), {"number": self.number}


def result(code: compiled.Compiled) -> int:
    cell = np.zeros(1, dtype=np.int64)
    code.run(cell.ctypes.data, 0, 0, 2, 0)
    return int(cell[0])


def test_the_second_time_it_is_read(tmp_path: Path) -> None:
    make = Maker(40)
    first = compiled.load(b"content", make, tmp_path)
    second = compiled.load(b"content", make, tmp_path)
    assert make.count == 1
    assert result(first) == result(second) == 42
    assert second.facts == {"number": 40}


def test_other_content_is_another_kernel(tmp_path: Path) -> None:
    assert result(compiled.load(b"one", Maker(1), tmp_path)) == 3
    assert result(compiled.load(b"two", Maker(2), tmp_path)) == 4


def test_another_version_is_another_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled.load(b"content", Maker(1), tmp_path)
    monkeypatch.setattr(compiled, "_circumstances", lambda: ("newer",))
    assert result(compiled.load(b"content", Maker(2), tmp_path)) == 4


@pytest.mark.parametrize("damage", ["short", "changed", "other", "empty"])
def test_a_damaged_file_is_made_anew(damage: str, tmp_path: Path) -> None:
    compiled.load(b"content", Maker(40), tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes(
        {"short": content[:-9], "changed": content[:-9] + b"x" * 9,
         "other": content.replace(b"neuralc", b"strange"), "empty": b""}[damage]
    )  # fmt: skip
    make = Maker(40)
    assert result(compiled.load(b"content", make, tmp_path)) == 42
    assert make.count == 1
    assert path.read_bytes()[:20] == content[:20]


def test_many_writers(tmp_path: Path) -> None:
    found: list[int] = []

    def write() -> None:
        found.append(result(compiled.load(b"content", Maker(40), tmp_path)))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [42] * 8
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert result(compiled.load(b"content", Maker(40), blocked / "folder")) == 42


def test_where_kernels_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEURALC_CACHE", str(tmp_path))
    assert compiled.cache_folder() == tmp_path
    monkeypatch.delenv("NEURALC_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiled.cache_folder() == tmp_path / "neuralc" / "kernels"
