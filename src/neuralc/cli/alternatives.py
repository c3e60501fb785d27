"""How several programs for the same examples are shown, with the inputs that tell them apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from neuralc.cli.output import plain

if TYPE_CHECKING:
    from neuralc.learning.alternatives import Programs


def shown(programs: Programs) -> str:
    """Return the programs as text, each with an input on which it differs from the first."""
    parts = []
    for number, one in enumerate(programs.programs, 1):
        lines = [f"program {number}: {one.size} choices matter", one.solution.program.rstrip()]
        if one.inputs:
            lines += [
                f"differs from program 1 on {json.dumps(plain(one.inputs))}:",
                f"  program 1 gives {json.dumps(plain(one.first))}",
                f"  program {number} gives {json.dumps(plain(one.this))}",
            ]
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, _end(programs)])


def _end(programs: Programs) -> str:
    if not programs.complete:
        return "there may be others that behave differently still"
    if len(programs.programs) == 1:
        return "proved: every program that fits the examples behaves like this one on all inputs"
    return "proved: every other program that fits the examples behaves like one of these"


def described(programs: Programs) -> dict[str, Any]:
    """Return what `--json` says of the programs."""
    rows = [
        {"program": one.solution.program, "size": one.size, "inputs": one.inputs,
         "first": one.first, "this": one.this}
        for one in programs.programs
    ]  # fmt: skip
    return {"programs": rows, "complete": programs.complete}
