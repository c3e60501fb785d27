"""Every error message of the compiler, each with the text that causes it.

`golden/<code>_<slip>.program` goes in, compiled for 20 cells or as its first line says; `.txt`
beside it is what the user reads. After a change of the wording: NEURALC_REGENERATE=1 pytest
tests/pyasm, and read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from neuralc.errors import HyperError, ModelErrors
from neuralc.lang import pyasm
from neuralc.source import Source

FOLDER = Path(__file__).parent / "golden"
PROGRAMS = sorted(FOLDER.glob("*.program"))


def message(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    options: dict[str, Any] = {"memory": 20}
    first = text.split("\n")[0]
    for name, value in re.findall(r"(\w+)=(\w+)", first) if first.startswith("#") else ():
        options[name] = int(value) if value.isdigit() else value
    with pytest.raises(ModelErrors) as caught:
        pyasm.compile(Source(path.name, text), **options)
    return f"{caught.value}\n"


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_slip_is_explained(path: Path) -> None:
    text = message(path)
    assert f"{path.stem.split('_')[0]}: " in text
    golden = path.with_suffix(".txt")
    if os.environ.get("NEURALC_REGENERATE"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_message_has_a_place_a_caret_and_a_hint() -> None:
    for path in PROGRAMS:
        for part in message(path).split("\n\n"):
            if " errors" not in part.split("\n")[0]:
                assert "--> " in part
                assert "^" in part
                assert "hint: " in part


def test_no_golden_file_is_left_over() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == {p.stem for p in PROGRAMS}


def test_all_codes_that_are_listed_have_a_message() -> None:
    listed = set(re.findall(r"E5\d\d", pyasm.__doc__ or ""))
    assert listed - {"E510"} == {path.stem.split("_")[0] for path in PROGRAMS}


@pytest.mark.parametrize("count", [100, 300, 1000, 3000])
def test_too_deep(count: int) -> None:
    """Whatever the depth at which Python's stack ends: a program, or this error."""
    text = f"def f(a):\n    return {'(' * 50}a{' + a' * count}{')' * 50}\n"
    codes: list[str] = []
    try:
        pyasm.compile(Source("f.py", text), memory=5000)
    except ModelErrors as error:
        codes = [one.code for one in error.errors]
    assert codes in ([], ["E510"])
    assert (codes == []) == (count < 3000) or 100 < count < 3000


@pytest.mark.parametrize(("memory", "stack"), [(1, None), (0, None), (20, 21), (20, -1)])
def test_impossible_sizes(memory: int, stack: int | None) -> None:
    with pytest.raises(HyperError, match="memory"):
        pyasm.compile(Source("f.py", "def f(a):\n    return a\n"), memory=memory, stack=stack)


def test_a_byte_order_mark_does_not_shift_places() -> None:
    with pytest.raises(ModelErrors) as caught:
        pyasm.compile(Source("f.py", "\ufeffdef f(mem): mem[0] = ä\r\n"), memory=9)
    (error,) = caught.value.errors
    assert (error.code, error.span.text) == ("E501", "ä")
