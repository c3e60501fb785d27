"""From choices to a program that people read: without lines that are never reached.

What makes no difference is left open: arguments that are not looked at, where STOP writes, and the
start of registers that nothing reads. Behaviour and the number of steps stay the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neuralc.ir.assembly import ARITY, OPERATIONS, Assembly, Line
from neuralc.nn.turns import FIELDS

Array = np.ndarray[Any, Any]


def tidy(choices: Mapping[str, Array], original: Assembly) -> Assembly:
    """Return choices as a program.

    Args:
        choices: of a register machine, each `[*shape]`.
        original: the program that it comes from; names of registers are taken over.

    """
    rows = list(zip(*(choices[name].tolist() for name in FIELDS), strict=True))
    start = int(choices["initial_line"])
    values = [int(value) for value in choices["initial_registers"]]
    reached = _reached(rows, values, start)
    lines = [_line(*row) if k in reached else Line("STOP") for k, row in enumerate(rows)]
    if all(lines[k].operation != "JEZ" for k in reached):  # nothing says where a line stands
        order = [k % len(rows) for k in range(start, start + len(rows)) if k % len(rows) in reached]
        lines, start = [lines[k] for k in order], 0
    else:
        lines = lines[: max(reached) + 1]
    read = {r for line in lines for r in (line.first, line.second) if r is not None}
    registers = tuple(value if r in read else None for r, value in enumerate(values))
    names = original.names if len(original.names) == len(registers) else ()
    return Assembly(tuple(lines), registers, start, names)


def _line(operation: int, first: int, second: int, target: int) -> Line:
    name = OPERATIONS[operation]
    return Line(
        name,
        first if ARITY[name] > 0 else None,
        second if ARITY[name] > 1 else None,
        None if name == "STOP" else target,
    )


def _reached(rows: list[tuple[int, ...]], values: list[int], start: int) -> set[int]:
    """Return the lines that a run may come to, all of them where a destination is computed.

    A register that no line writes that is reached so far may still be written by one that is
    reached later: then everything counts as reached.
    """
    written: set[int] = set()
    targets: set[int] = set()
    found: set[int] = set()
    waiting = [start]
    while waiting:
        k = waiting.pop()
        if k in found:
            continue
        found.add(k)
        operation, _, second, target = rows[k]
        if OPERATIONS[operation] == "STOP":
            continue
        written.add(target)
        waiting.append((k + 1) % len(rows))
        if OPERATIONS[operation] == "JEZ":
            targets.add(second)
            waiting.append(values[second])
        if written & targets:
            return set(range(len(rows)))
    return found
