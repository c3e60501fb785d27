"""Every error message of assembly, each with the text that causes it.

`golden/<code>_<slip>.asm` goes in, `golden/<code>_<slip>.txt` is what the user reads; a number at
the end of the name is the memory size that it is fitted to. After a change of the wording:
NEURALC_REGENERATE=1 pytest tests/asm, and read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from neuralc.errors import ModelErrors
from neuralc.lang import asm
from neuralc.source import Source

FOLDER = Path(__file__).parent / "golden"
TEXTS = sorted(FOLDER.glob("*.asm"))


def message(path: Path) -> str:
    size = re.search(r"_(\d+)$", path.stem)
    source = Source(path.name, path.read_text(encoding="utf-8"))
    if size:
        program = asm.parse(source)
        with pytest.raises(ModelErrors) as caught:
            asm.fit(program, int(size[1]))
    else:
        with pytest.raises(ModelErrors) as caught:
            asm.parse(source)
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


def test_no_golden_file_is_left_over() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == {p.stem for p in TEXTS}


def test_all_codes_that_are_listed_have_a_message() -> None:
    listed = set(re.findall(r"E4\d\d", asm.__doc__ or ""))
    assert listed == {path.stem.split("_")[0] for path in TEXTS} - {"several"}
