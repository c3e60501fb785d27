"""The report: its words and tables, the curves as numbers, and the picture."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest

from neuralc.errors import FileError, MissingExtra, NeuralcError
from neuralc.learning.lifelong.report import write_report
from neuralc.learning.lifelong.result import Final, Life
from neuralc.learning.lifelong.schedule import Schedule

SCHEDULE = Schedule({"a": [(0, 1.0), (20, 0.0)], "b": [(10, 1.0), (40, 1.0)], "c": []})


def life(seed: int = 0, last: float = 0.75, program: str = "return R1\n") -> Life:
    history: list[dict[str, Any]] = [
        {"step": 10, "accuracy": {"a": 0.5}, "loss": {"a": 1.25}},
        {"step": 20, "accuracy": {"a": 0.9, "b": 0.25}, "loss": {"a": 0.5, "b": 2.0}},
        {"step": 40, "accuracy": {"a": last, "b": 1.0}, "loss": {"b": 0.125}},
    ]
    final = {"a": Final(int(8000 * last), 8000), "b": Final(2000, 2000)}
    return Life("programs", seed, 40, history, final, {"a": program, "b": "return R2"},
                {"a": 960, "b": 1600}, 12.3)  # fmt: skip


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_words(tmp_path: Path) -> None:
    files = write_report(tmp_path / "new", [life()], SCHEDULE, title="Two tasks", picture=False)
    assert [path.name for path in files] == ["curves.csv", "report.md"]
    text = (tmp_path / "new" / "report.md").read_text("utf-8")
    assert text.startswith("# Two tasks\n\nLearner: programs. Steps: 40. Seeds: 0. Seconds: 12.")
    assert ".png" not in text
    table = rows(text)
    assert table[0] == ["task", "accuracy, %", "right", "of", "shown", "rise", "drop"]
    assert table[2] == ["a", "75.0", "6,000", "8,000", "960", "-15.0", "15.0"]
    assert table[3] == ["b", "100.0", "2,000", "2,000", "1,600", "+0.0", "0.0"]
    assert table[4:] == [["step", "a", "b"], ["---", "---:", "---:"], ["10", "50.0", ""],
                         ["20", "90.0", "25.0"], ["40", "75.0", "100.0"]]  # fmt: skip
    assert "a:\n\n```\nreturn R1\n```\n\nb:\n\n```\nreturn R2\n```\n" in text


def test_several_seeds(tmp_path: Path) -> None:
    lives = [life(3), life(4, 0.95), life(5, 0.85, "return R7")]
    write_report(tmp_path, lives, SCHEDULE, picture=False)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "Seeds: 3, 4, 5." in text
    table = rows(text)
    assert table[0][2:4] == ["lowest", "highest"]
    assert table[2] == ["a", "85.0", "75.0", "95.0", "960", "-5.0", "15.0"]
    assert "a, 2 of 3 seeds:\n\n```\nreturn R1" in text
    assert "a, 1 of 3 seeds:\n\n```\nreturn R7" in text
    assert text.index("return R1") < text.index("return R7")
    assert "b, 3 of 3 seeds" in text


def test_numbers(tmp_path: Path) -> None:
    write_report(tmp_path, [life(3), life(4)], SCHEDULE, picture=False)
    with (tmp_path / "curves.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == 10
    assert found[1] == {"seed": "3", "step": "20", "task": "a", "share": "0.0000",
                        "accuracy": "0.900000", "loss": "0.500000"}  # fmt: skip
    assert found[3]["loss"] == ""  # a was not shown between 20 and 40
    assert [row["share"] for row in found if row["step"] == "10"] == ["0.3333"] * 2


def test_picture(tmp_path: Path) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    assert matplotlib
    for lives in ([life()], [life(0), life(1, 0.2)]):
        files = write_report(tmp_path, lives, SCHEDULE)
        assert [path.name for path in files] == ["curves.png", "curves.csv", "report.md"]
        data = (tmp_path / "curves.png").read_bytes()
        assert data.startswith(b"\x89PNG")
        assert "![Accuracy of every task over time](curves.png)" in files[2].read_text("utf-8")
        first, again = data, write_report(tmp_path, lives, SCHEDULE)[0].read_bytes()
        assert first == again
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curves.csv", "curves.png", "report.md",
    ]  # fmt: skip


def test_the_schedule_is_a_band() -> None:
    pytest.importorskip("matplotlib")
    from neuralc.learning.lifelong.report import draw

    other = Schedule({**SCHEDULE.points, "a": [(0, 1.0), (40, 0.0)]})
    assert draw([life()], SCHEDULE) != draw([life()], other)


def test_without_matplotlib_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match="matplotlib"):
        write_report(tmp_path, [life()], SCHEDULE)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(NeuralcError, match="one or more lives"):
        write_report(tmp_path, [], SCHEDULE)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        write_report(tmp_path / "file", [life()], SCHEDULE, picture=False)
