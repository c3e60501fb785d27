"""Everything that a user can get wrong, as a tree of exceptions.

    NeuralcError
      SourceError      a model text that cannot mean anything: code, place, label, hint
      ModelErrors      all the SourceErrors of one text, reported in one go
      HyperError       hyper-parameters that are missing, unknown or not integers
      DataError        examples of the wrong names, shapes or ranges
      FileError        a file that cannot be read or written
      SolutionError    a saved solution or checkpoint that is damaged or too new
      MissingExtra     an optional dependency that is not installed
      Declined         an execution that cannot run this model, with all its reasons
      Contradiction    examples that no program of the model can be right on
      SolverFailed     a solver whose process ended without an answer

The command line prints `str(error)` on stderr and exits with 2 (`Contradiction`: 3). An
exception outside this tree is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.source import Span


class NeuralcError(Exception):
    """Anything that a user can get wrong; the message shows the value, the place, a way out."""


class SourceError(NeuralcError):
    """A stretch of a model text that cannot mean anything, shown with the place and a hint."""

    def __init__(self, code: str, message: str, span: Span, *, label: str = "", hint: str) -> None:
        """Keep the parts, so that an editor or a page can lay them out in its own way."""
        self.code, self.message, self.span, self.label, self.hint = code, message, span, label, hint
        super().__init__(f"{code}: {message}\n{span.shown(label)}\n  hint: {hint}")


class ModelErrors(NeuralcError):
    """All the errors of one model text, in the order of the text."""

    def __init__(self, errors: Sequence[SourceError]) -> None:
        """Sort and deduplicate the errors; `errors` must not be empty."""
        unique = {str(error): error for error in errors}
        self.errors = sorted(unique.values(), key=lambda e: (e.span.start, e.code))
        count = len(self.errors)
        tail = "" if count == 1 else f"\n\n{count} errors"
        super().__init__("\n\n".join(map(str, self.errors)) + tail)


class HyperError(NeuralcError):
    """Hyper-parameters that are missing, unknown or not integers."""


class DataError(NeuralcError):
    """Examples whose names, shapes or ranges do not fit the model."""


class FileError(NeuralcError):
    """A file that cannot be read or written."""


class SolutionError(NeuralcError):
    """A saved solution or checkpoint that is damaged, or made by a newer version."""


class MissingExtra(NeuralcError):
    """An optional dependency that is not installed; names the extra."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        """Say what needs the package and how to get it."""
        self.package, self.extra, self.purpose = package, extra, purpose
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed.\n"
            f'  hint: pip install "neuralc[{extra}]"'
        )


class Declined(NeuralcError):
    """An execution that cannot run this model; `reasons` are all of them."""

    def __init__(self, execution: str, reasons: Sequence[str]) -> None:
        """List the reasons."""
        self.reasons = tuple(reasons)
        super().__init__(f"{execution} cannot run this model: " + "; ".join(self.reasons))


class Contradiction(NeuralcError):
    """Examples that no program of the model can be right on, all at once.

    `instances` are the numbers (from 0) of a smallest set of examples that contradict each other,
    or the model; it is empty where the model has no right program whatever the examples are.
    """

    def __init__(self, message: str, instances: Sequence[int]) -> None:
        """Keep the numbers of the instances."""
        self.instances = tuple(instances)
        super().__init__(message)


class SolverFailed(NeuralcError):
    """A solver whose process ended without an answer, for want of memory or by a defect."""
