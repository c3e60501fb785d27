"""An `Assembly` as a listing that people can read and `parse` reads back to an equal one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from neuralc.ir.assembly import ARITY, OPERATIONS, RESULT, Assembly, Line
from neuralc.lang.asm.words import ANY
from neuralc.lang.base.words import NUMBERED


def text(assembly: Assembly) -> str:
    """Return the listing of a program: registers and their start, then the numbered lines.

    Names of registers are comments, since numbers say which register it is.
    """
    lines = _registers(assembly)
    if assembly.start:
        lines += ["", f"start {assembly.start}"]
    return "\n".join([*lines, "", *_lines(assembly)]) + "\n"


def _registers(assembly: Assembly) -> list[str]:
    starts = ["?" if value is None else str(value) for value in assembly.registers]
    declared = [f"var r{r} = {start}" for r, start in enumerate(starts)]
    return _columns([declared, [_comment(name) for name in _names(assembly)]])


def _lines(assembly: Assembly) -> list[str]:
    labels = _labels(assembly)
    width = len(str(len(assembly.lines) - 1))
    names = _names(assembly)
    numbers = [f"r{r}" for r in range(len(assembly.registers))]
    wide = max(len(line.operation) for line in assembly.lines)
    targets = [_target(line, numbers) for line in assembly.lines]
    parts = [_operation(line, numbers, wide) for line in assembly.lines]
    remarks = [_comment(_meaning(line, names)) for line in assembly.lines]
    columns = [[f"{k:{width}}:" for k in range(len(parts))], labels, targets, parts, remarks]
    return _columns([column for column in columns if any(column)])


def _columns(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows of a table, one blank between the columns and two before a remark."""
    widths = [max(map(len, column), default=0) for column in columns]
    return [
        " ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]


def _target(line: Line, names: Sequence[str]) -> str:
    if line.target is None and line.operation == "STOP":
        return ""
    return f"{_name(line.target, names)} ="


def _operation(line: Line, names: Sequence[str], width: int = 0) -> str:
    """Return the instruction and its arguments; what it does not look at only if it is given."""
    arguments = [line.first, line.second]
    while len(arguments) > ARITY[line.operation] and arguments[-1] is None:
        arguments.pop()
    words = [_name(argument, names) for argument in arguments]
    return " ".join([f"{line.operation:{width}}", *words])


def _meaning(line: Line, names: Sequence[str]) -> str:
    """Return what a line does in names, nothing that it does not look at; "" without names."""
    arguments = [line.first, line.second][: ARITY[line.operation]]
    results = [line.target] if line.operation in RESULT else []
    if not any(names[one] for one in arguments + results if one is not None):
        return ""
    words = [f"{_name(one, names)} =" for one in results]
    return " ".join([*words, line.operation, *(_name(one, names) for one in arguments)])


def _name(register: int | None, names: Sequence[str]) -> str:
    return ANY if register is None else names[register] or f"r{register}"


def _names(assembly: Assembly) -> list[str]:
    """Return the names that say more than the number; "" for the others."""
    plain = [" ".join(name.split()) for name in assembly.names]
    plain += [""] * (len(assembly.registers) - len(plain))
    return ["" if NUMBERED.fullmatch(name) else name for name in plain]


def _labels(assembly: Assembly) -> list[str]:
    """Return the label of each line with its colon; "" where there is none that can be written."""
    labels = [""] * len(assembly.lines)
    for line, name in assembly.labels.items():
        word = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)
        register = name == ANY or NUMBERED.fullmatch(name)
        if word and not register and name not in (*OPERATIONS, "var") and line < len(labels):
            labels[line] = f"{name}:"
    return [label if labels.index(label) == k else "" for k, label in enumerate(labels)]


def _comment(remark: str) -> str:
    return f" # {remark}" if remark else ""
