"""Every error message of the assembly with subroutines, each with the text that causes it.

`golden/<code>_<slip>.alm` goes in, `.txt` is what the user reads; it is linked for 16 values. After
a change of the wording: NEURALC_REGENERATE=1 pytest tests/alm, and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuralc.errors import ModelErrors
from neuralc.lang import alm
from neuralc.source import Source

FOLDER = Path(__file__).parent / "golden"
TEXTS = sorted(FOLDER.glob("*.alm"))


def linked(source: Source) -> None:
    codes = alm.parse(source)
    alm.link({code.name: code for code in codes}, [codes[0].name], 16)


def message(path: Path) -> str:
    with pytest.raises(ModelErrors) as caught:
        linked(Source(path.name, path.read_text(encoding="utf-8")))
    return f"{caught.value}\n"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_slip_is_explained(path: Path) -> None:
    text = message(path)
    code = path.stem.split("_")[0]
    if code.startswith("E"):
        assert f"{code}: " in text
    golden = path.with_suffix(".txt")
    if os.environ.get("NEURALC_REGENERATE"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_message_has_a_place_a_caret_and_a_hint() -> None:
    for path in TEXTS:
        for part in message(path).split("\n\n"):
            if " errors" not in part.split("\n")[0]:
                assert "--> " in part
                assert "^" in part
                assert "hint: " in part


def test_all_codes_are_there_and_no_golden_file_is_left_over() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == {p.stem for p in TEXTS}
    assert {p.stem[:4] for p in TEXTS if p.stem[0] == "E"} == {f"E{k}" for k in range(600, 612)}
