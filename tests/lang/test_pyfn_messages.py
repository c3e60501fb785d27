"""Every error message of references, each with the text that causes it.

`golden/pyfn/<code>_<slip>.function` goes in, with the inputs x = 3 and a = [0, 1] and the output
y (or y and z, where the first line says so); `.txt` beside it is what the user reads. After a
change of the wording: NEURALC_REGENERATE=1 pytest tests/lang, and read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from neuralc.errors import ModelErrors, SourceError
from neuralc.lang import pyfn
from neuralc.lang.pyfn import Concrete, check_names, read, read_expression
from neuralc.source import Source

FOLDER = Path(__file__).parent / "golden" / "pyfn"
FUNCTIONS = sorted(FOLDER.glob("*.function"))
INPUTS = {"x": 3, "a": [0, 1]}


def run(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    outputs = ["y", "z"] if text.startswith("# two outputs") else ["y"]
    reference = read(Source(path.name, text))
    check_names(reference, INPUTS, outputs)
    Concrete(reference)({name: INPUTS[name] for name in reference.parameters})


def message(path: Path) -> str:
    with pytest.raises((ModelErrors, SourceError)) as caught:
        run(path)
    return f"{caught.value}\n"


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.stem)
def test_a_slip_is_explained(path: Path) -> None:
    text = message(path)
    assert f"{path.stem.split('_')[0]}: " in text
    golden = path.with_suffix(".txt")
    if os.environ.get("NEURALC_REGENERATE"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_message_has_a_place_a_caret_and_a_hint() -> None:
    for path in FUNCTIONS:
        for part in message(path).split("\n\n"):
            if " errors" not in part.split("\n")[0]:
                assert "--> " in part
                assert "^" in part
                assert "hint: " in part


def test_no_golden_file_is_left_over() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == {p.stem for p in FUNCTIONS}


def test_all_codes_that_are_listed_have_a_message() -> None:
    listed = set(re.findall(r"E3\d\d", pyfn.__doc__ or ""))
    elsewhere = {"E310", "E322"}  # below, and in tests/inspect
    assert listed - elsewhere == {path.stem.split("_")[0] for path in FUNCTIONS}


@pytest.mark.parametrize("count", [100, 200, 300, 400, 500, 600, 1000, 3000])
@pytest.mark.parametrize("begin", ["1", "x"])
def test_too_deep(begin: str, count: int) -> None:
    """Whatever the depth at which the stack ends: a result, or this error."""
    try:
        found = str(Concrete(read_expression(begin + " + 1" * count, "property"))({"x": 1}))
    except (ModelErrors, SourceError) as error:
        found = str(error)
    too_deep = "nested too deeply" in found or "too many calls" in found
    assert too_deep or found == str(count + 1)
    assert too_deep or count < 3000
    assert not too_deep or count > 100


def test_many_errors_at_once() -> None:
    with pytest.raises(ModelErrors) as caught:
        read(
            Source("f.py", "def f(x):\n    y = q\n    return y / 2\n\ndef g(x):\n    return f(r)\n")
        )
    assert [error.code for error in caught.value.errors] == ["E301", "E305", "E301"]
