"""A text, a stretch of it, and how to show that stretch to a person.

Knows nothing of languages: every front end and every error message points into texts with this.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """A text with a name: usually a file."""

    name: str
    text: str = field(repr=False)

    def offset(self, line: int, column: int) -> int:
        """Return the position in the text of a 1-based line and a 0-based column (characters)."""
        start = 0
        for _ in range(line - 1):
            start = self.text.index("\n", start) + 1
        return start + column


@dataclass(frozen=True, slots=True)
class Span:
    """The characters `start:end` of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """The 1-based line where the span begins."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The 1-based column where the span begins."""
        return self.start - self.source.text.rfind("\n", 0, self.start)

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def shown(self, label: str = "") -> str:
        """Return the line with the span underlined, in the manner of a compiler.

        >>> print(Span(Source("a.py", "x.set_to(y)"), 9, 10).shown("unknown"))
          --> a.py:1:10
            |
          1 | x.set_to(y)
            |          ^ unknown
        """
        text = self.source.text
        first = text.rfind("\n", 0, self.start) + 1
        line = text[first:].split("\n", 1)[0]
        column = self.start - first
        carets = "^" * max(1, min(self.end - self.start, len(line) - column))
        pad = "".join("\t" if c == "\t" else " " for c in line[:column])
        rows = [
            f"  --> {self.source.name}:{self.line}:{column + 1}",
            "    |",
            f"{self.line:3} | {line}",
            f"    | {pad}{carets} {label}".rstrip(),
        ]
        return "\n".join(rows)
