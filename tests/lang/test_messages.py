"""Every error message of the model language, each with the text that causes it.

`golden/<code>_<slip>.model` goes in, `golden/<code>_<slip>.txt` is what the user reads. After a
change of the wording: NEURALC_REGENERATE=1 pytest tests/lang, and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuralc.errors import ModelErrors
from neuralc.lang.model import parse
from neuralc.source import Source

FOLDER = Path(__file__).parent / "golden"
MODELS = sorted(FOLDER.glob("*.model"))


def message(path: Path) -> str:
    with pytest.raises(ModelErrors) as caught:
        parse(Source(path.name, path.read_text(encoding="utf-8")))
    return f"{caught.value}\n"


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
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
    for path in MODELS:
        for part in message(path).split("\n\n"):
            if " errors" not in part.split("\n")[0]:
                assert "--> " in part
                assert "^" in part
                assert "hint: " in part


def test_no_golden_file_is_left_over() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == {p.stem for p in MODELS}
