"""`neuralc reproduce anc-table1`: the table of adapted programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from neuralc.cli import group


def test_a_row_of_the_table(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "curves.png"
    done = CliRunner().invoke(
        group,
        ["reproduce", "anc-table1", "--task", "access", "--method", "gradient", "--seeds", "2",
         "--out", str(picture), "--json"],
    )  # fmt: skip
    assert done.exit_code in (0, 3), done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert (row["task"], row["seeds"], row["generic"]) == ("access", 2, 6)
    assert row["paper"] == {"generic": 6, "learned": 4, "ideal": 4, "success": 37}
    assert row["success"] <= 2
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["anc-table1", "--task", "sort"], "has no task 'sort'"),
        (["anc-table1", "--method", "luck"], "has no method 'luck'"),
        (["math-search", "--task", "access"], "No such option"),
    ],
)
def test_bad_input(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(group, ["reproduce", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr
