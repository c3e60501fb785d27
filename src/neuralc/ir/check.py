"""What makes a program well formed: everything that `evaluate` relies on.

Three parts: the declarations (here), each statement by itself (`statements.py`), and what is set
and read on which path (`flow.py`). It does not know the language that the program was written
in, but speaks to the user in the words of the model language.

    E200 declaration         E201 unknown name        E202 cannot be set    E203 number of indices
    E204 index out of range  E205 domain too large    E206 constant         E207 number of arguments
    E208 tensor or integer   E209 size of a gate      E210 cases            E211 read before set
    E212 not on every path   E213 set twice           E214 never set        E215 fixed choice
    E216 table               E217 observation         E218 loop             E219 arithmetic
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from math import prod

from neuralc.errors import SourceError
from neuralc.ir.coarse import clean
from neuralc.ir.flow import Flow
from neuralc.ir.nodes import Decl, Fixed, Int, Network, Program, Table
from neuralc.ir.reporter import Reporter
from neuralc.ir.statements import Statements, span_of_values


class InternalError(AssertionError):
    """A pass of ours has made a program that is not well formed: a defect, not a user's error."""


def check(program: Program) -> list[SourceError]:
    """Return everything that is wrong with a program, one error for each cause.

    Returns:
        The errors in the order of finding; an empty list means that the program is well formed.

    """
    reporter = Reporter(program)
    _names(program, reporter)
    for decl in program.decls:
        _declaration(decl, reporter)
    for table in program.tables:
        _table(table, reporter)
    for network in program.networks:
        _network(network, reporter)
    if not reporter.errors:
        _fixed(program, reporter)
        Statements(program, reporter).body(program.body, {})
        if reporter.errors or not clean(program):
            Flow(program, reporter).run()
    return reporter.errors


def verify(program: Program, after: str) -> Program:
    """Return the program that a pass has made, if it is well formed.

    Args:
        program: the result of a pass.
        after: the name of the pass.

    Raises:
        InternalError: it is not; names the pass and shows what was found.

    """
    errors = check(program)
    if errors:
        found = "\n\n".join(map(str, errors))
        raise InternalError(f"the pass {after!r} broke the program {program.name!r}:\n{found}")
    return program


def _names(program: Program, reporter: Reporter) -> None:
    everything: tuple[Decl | Table | Network, ...] = (
        *program.decls,
        *program.tables,
        *program.networks,
    )
    counts = Counter(thing.name for thing in everything)
    for name, count in counts.items():
        if count > 1:
            second = [thing for thing in everything if thing.name == name][1]
            reporter.add(
                "E200", f"`{name}` is declared {count} times", second, hint="rename one of them"
            )


def _declaration(decl: Decl, reporter: Reporter) -> None:
    def wrong(message: str, hint: str) -> None:
        reporter.add("E200", f"`{decl.name}` {message}", decl, hint=hint)

    if any(length < 0 for length in decl.shape):
        wrong(f"has a negative length: {list(decl.shape)}", "lengths are 0 or more")
        return
    count = prod(decl.shape)
    if isinstance(decl.type, Int):
        # A Param may have no values, in a part of a model that its hyper-parameters switch off.
        if decl.type.size < 1 and count and decl.kind != "param":
            wrong(f"has {decl.type.size} values", "a variable needs at least one value")
    elif any(length < 1 for length in decl.type.shape):
        wrong(f"is an empty tensor: {decl.type}", "every side of a tensor is at least 1")
    elif decl.kind == "param":
        wrong("is a Param of real numbers", "a Param is a choice among whole numbers: Param(4)")
    if decl.limits is None:
        return
    if decl.kind != "param" or not isinstance(decl.type, Int):
        wrong("has limits, but is no Param", "only a Param may have elements of several sizes")
    elif len(decl.limits) != count:
        wrong(f"has {len(decl.limits)} limits for {count} elements", "give one for each element")
    elif any(not 1 <= limit <= decl.type.size for limit in decl.limits):
        bad = next(n for n in decl.limits if not 1 <= n <= decl.type.size)
        wrong(f"has an element with {bad} values", f"each has 1 to {decl.type.size} values")


def _table(table: Table, reporter: Reporter) -> None:
    if len(table.values) != prod(table.sizes):
        reporter.add(
            "E216",
            f"`{table.name}` has {len(table.values)} values for {prod(table.sizes)} arguments",
            table,
            hint="a table has one value for each combination of arguments",
        )
        return
    if min(table.values, default=0) >= 0 and max(table.values, default=-1) < table.size:
        return
    for args, result in zip(product(*map(range, table.sizes)), table.values, strict=True):
        if not 0 <= result < table.size:
            call = f"{table.name}({', '.join(map(str, args))})"
            reporter.add(
                "E216",
                f"{call} is {result}, but the result must be in {span_of_values(table.size)}",
                table,
                hint="enlarge the result's size, or keep the result inside, for instance by % n",
            )
            return


def _network(network: Network, reporter: Reporter) -> None:
    for kind in (*network.inputs, network.output):
        sides = (kind.size,) if isinstance(kind, Int) else kind.shape
        if any(side < 1 for side in sides):
            hint = "every size is at least 1"
            reporter.add("E200", f"`{network.name}` has an empty type: {kind}", network, hint=hint)
    if any(width < 1 for width in network.hidden):
        hint = "hidden sizes are at least 1"
        text = f"`{network.name}` has an empty hidden layer: {list(network.hidden)}"
        reporter.add("E200", text, network, hint=hint)


def _fixed(program: Program, reporter: Reporter) -> None:
    seen: set[tuple[str, tuple[int, ...]]] = set()
    for fixed in program.fixed:
        problem = _wrong_choice(program, fixed)
        name = fixed.name + (str(list(fixed.index)) if fixed.index else "")
        if problem is None and (fixed.name, fixed.index) in seen:
            problem = f"{name} is fixed twice", "fix a choice once"
        seen.add((fixed.name, fixed.index))
        if problem is not None:
            reporter.add("E215", problem[0], fixed, hint=problem[1])


def _wrong_choice(program: Program, fixed: Fixed) -> tuple[str, str] | None:
    """Return what is wrong with a fixed choice and what to do about it."""
    decl = program.decl.get(fixed.name)
    if decl is None:
        return f"`{fixed.name}` is not declared", f"declare {fixed.name} = Param(...)"
    if decl.kind != "param" or not isinstance(decl.type, Int):
        return f"`{fixed.name}` is not a Param", "set_to_constant is for a Param; use set_to(...)"
    name = fixed.name + (str(list(fixed.index)) if fixed.index else "")
    if len(fixed.index) != len(decl.shape):
        hint = f"it takes {len(decl.shape)}"
        return f"`{fixed.name}` does not take {len(fixed.index)} indices", hint
    if not all(0 <= i < n for i, n in zip(fixed.index, decl.shape, strict=True)):
        return f"{name} does not exist", f"`{fixed.name}` has the shape {list(decl.shape)}"
    limit = decl.type.size
    if decl.limits is not None:
        flat = 0
        for i, n in zip(fixed.index, decl.shape, strict=True):
            flat = flat * n + i
        limit = decl.limits[flat]
    if not 0 <= fixed.value < limit:
        hint = "choose one of these, or enlarge the Param"
        return f"{name} takes {span_of_values(limit)}, not {fixed.value}", hint
    return None
