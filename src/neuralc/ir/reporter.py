"""Collects the errors of one program: one for each cause, each with a place.

Knows nothing of what is being checked. A node without a span (a program built by hand) gets a
place in an empty source, so that every error can be shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Protocol

from neuralc.errors import SourceError
from neuralc.ir.nodes import Program
from neuralc.source import Source, Span


class Placed(Protocol):
    """Anything that may know where it was written."""

    @property
    def span(self) -> Span | None:
        """The place, if known."""


class Reporter:
    """The errors found so far, in the order of finding.

    `poisoned` are the names whose elements the checker lost track of, because of an error that
    is already reported; nothing more is said about whether they are set.
    """

    def __init__(self, program: Program) -> None:
        """Start without errors."""
        self.errors: list[SourceError] = []
        self.poisoned: set[str] = set()
        self.attempts = 0
        self._seen: set[tuple[str, object]] = set()
        self._nowhere = Span(Source(program.name, ""), 0, 0)

    def add(
        self, code: str, message: str, *places: Placed | None, label: str = "", hint: str
    ) -> None:
        """Report an error at the first of the places that knows its span, once for each span."""
        self.attempts += 1
        known = [place for place in places if place is not None]
        span = next((place.span for place in known if place.span is not None), None)
        key = (code, span if span is not None else id(known[0]) if known else message)
        if key not in self._seen:
            self._seen.add(key)
            span = span or self._nowhere
            self.errors.append(SourceError(code, message, span, label=label, hint=hint))


def close_to(name: str, names: Iterable[str]) -> str | None:
    """Return the known name that was probably meant."""
    return next(iter(get_close_matches(name, sorted(names), 1)), None)
