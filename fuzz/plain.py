"""What needs the plain interpreter only: the checker, the text, what depends on what."""

from __future__ import annotations

from fuzz.case import Case, Mismatch, agree
from neuralc.ir.algebras import Dependencies
from neuralc.ir.check import check
from neuralc.ir.evaluate import evaluate
from neuralc.ir.text import read, show


def check_plain(case: Case) -> None:
    """Check that the checker accepts the program, and that a run sets all outputs."""
    errors = check(case.program)
    if errors:
        raise Mismatch(f"the checker refuses what can be run:\n{errors[0]}")
    for p in range(len(case.choices)):
        case.outputs(p)  # a KeyError: one is not set
    given = {**case.choices[0], **case.inputs[0]}
    nothing: frozenset[str] = frozenset()
    traced = evaluate(case.program, {k: (v, nothing) for k, v in given.items()}, Dependencies())
    agree({k: v for k, (v, _) in traced.items()}, case.truth[0][0], "traced")


def check_text(case: Case) -> None:
    """Check that the text of a program says all of it."""
    text = show(case.program)
    again = read(text)
    if again != case.program:
        raise Mismatch(f"read again it is another program:\n{show(again)}")
