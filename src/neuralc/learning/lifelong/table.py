"""Tables of a description that people write: every mistake says the file, the place and the key.

Knows TOML and JSON, and nothing of what the keys mean.
"""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from neuralc.errors import FileError, NeuralcError
from neuralc.files import read_text

LONGEST = 60  # characters of a value that messages show


class Table:
    """Named values from a file, taken one by one and checked.

    Attributes:
        path: the file; place: where in it, such as "task 'ADD2X2:top'"; content: the values.

    """

    def __init__(self, path: Path, place: str, content: Any, known: Sequence[str]) -> None:
        """Keep the values; refuse keys that are not known."""
        self.path, self.place, self.content = path, place, content
        if not isinstance(content, Mapping):
            raise NeuralcError(f"{self._here()}wanted a table of keys, found {short(content)}")
        for key in content:
            if key not in known:
                self.wrong(f"there is no key {key!r}", hint=meant(key, known, "the keys are"))

    def _here(self, key: str = "") -> str:
        return "".join(f"{part}: " for part in (str(self.path), self.place, key) if part)

    def wrong(self, message: str, key: str = "", hint: str = "") -> NoReturn:
        """Refuse the table, or one of its keys."""
        tail = f"\n  hint: {hint}" if hint else ""
        raise NeuralcError(f"{self._here(key)}{message}{tail}")

    def __contains__(self, key: str) -> bool:
        """Tell whether a key is given."""
        return key in self.content

    def get(self, key: str) -> Any:
        """Return a value as it stands, None where it is not given."""
        return self.content.get(key)

    def needed(self, key: str, hint: str) -> Any:
        """Return a value that must be given."""
        if key not in self.content:
            self.wrong(f"{key!r} is missing", hint=hint)
        return self.content[key]

    def whole(self, key: str, default: int, *, least: int = 0) -> int:
        """Return a whole number."""
        value = self.content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**63:
            self.wrong(f"found {short(value)}, wanted a whole number from {least}", key)
        return value

    def number(
        self, key: str, default: float, *, most: float = math.inf, zero: bool = False
    ) -> float:
        """Return a number above 0, or from 0."""
        value = self.content.get(key, default)
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain or not 0 <= value <= most or value == math.inf or (not value and not zero):
            low = "from 0" if zero else "above 0"
            span = f" and at most {most:g}" if math.isfinite(most) else ""
            self.wrong(f"found {short(value)}, wanted a number {low}{span}", key)
        return float(value)

    def text(self, key: str, default: str) -> str:
        """Return a text that is not empty."""
        value = self.content.get(key, default)
        if not isinstance(value, str) or not value.strip():
            self.wrong(f"found {short(value)}, wanted a text", key)
        return value

    def choice(self, key: str, default: str, known: Sequence[str]) -> str:
        """Return one of the words that are known."""
        value = self.content.get(key, default)
        if value not in known:
            hint = meant(str(value), known, "it is one of")
            self.wrong(f"found {short(value)}", key, hint)
        return str(value)


def meant(word: str, known: Iterable[str], else_words: str) -> str:
    """Return a hint: the closest of the words that are known, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(word, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"{else_words} {', '.join(known)}"


def short(value: Any) -> str:
    """Return a value for a message."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def read_table(path: Path) -> Any:
    """Return what a TOML or JSON file says.

    Raises:
        FileError: there is no such file, it is of another kind, or cannot be understood.

    """
    if path.suffix not in (".toml", ".json"):
        raise FileError(f"{path}: wanted a file that ends in .toml or .json")
    text = read_text(path)
    try:
        if path.suffix == ".toml":
            return tomllib.loads(text)
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # both kinds say line and column
        kind = path.suffix[1:].upper()
        raise FileError(f"{path}: this is not {kind}: {error}") from None
