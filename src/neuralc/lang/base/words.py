"""The words of assembly texts, and how they make up statements; not what these mean.

Statements end with a line or with `;`, comments begin with `#` or `//`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from neuralc.source import Source, Span

WORD = re.compile(
    r"""(?P<space>[ \t\r\f]+ | (?:\#|//)[^\n]*) | (?P<end>[\n;])
      | (?P<number>[0-9][\w.]*) | (?P<name>[A-Za-z_]\w*) | (?P<sign>[=:(),@?-])""",
    re.VERBOSE | re.ASCII,
)
NUMBERED = re.compile(r"r([0-9]+)", re.ASCII)
"""A register with a number for a name."""

MOST_DIGITS = 15  # far beyond every memory


class Word(NamedTuple):
    """A word; `kind` is a group of `WORD`."""

    kind: str
    text: str
    span: Span

    @property
    def number(self) -> int | None:
        """The K of a register `rK`."""
        match = NUMBERED.fullmatch(self.text)
        return int(match[1][:MOST_DIGITS]) if match else None

    @property
    def name(self) -> str:
        """The text; of a register `rK` without leading zeros."""
        return self.text if self.number is None else f"r{self.number}"


def statements(source: Source) -> list[tuple[list[Word], Span | None]]:
    """Return the words of every statement that has any, and the first that is none."""
    found: list[tuple[list[Word], Span | None]] = []
    words: list[Word] = []
    junk: Span | None = None
    at, end = 0, len(source.text)
    while at <= end:
        match = WORD.match(source.text, at)
        kind = "end" if at == end else match.lastgroup if match else None
        stop = match.end() if match else at + 1
        span = Span(source, at, min(stop, end))
        if kind == "end":
            if words or junk:
                found.append((words, junk))
            words, junk = [], None
        elif kind is None:
            junk = junk or span
        elif kind != "space":
            words.append(Word(kind, span.text, span))
        at = stop
    return found
