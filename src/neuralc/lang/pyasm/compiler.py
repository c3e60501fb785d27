"""The compiler from end to end: text, check, blocks, calls, lines."""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.errors import HyperError, ModelErrors, SourceError
from neuralc.lang.pyasm import read
from neuralc.lang.pyasm.calls import Linked, link
from neuralc.lang.pyasm.check import check
from neuralc.lang.pyasm.compiled import Compiled
from neuralc.lang.pyasm.emit import emit
from neuralc.lang.pyasm.flow import Flow, Number, Step, Stop, Supply
from neuralc.lang.pyasm.inline import inline, prune
from neuralc.lang.pyasm.lower import lower
from neuralc.lang.pyasm.syntax import Definition, too_deep
from neuralc.lang.pyasm.tidy import optimise
from neuralc.source import Source, Span

MAIN = ""
"""The key of what is put around the entry: arguments from the memory, the result back."""


def compile(
    source: Source, *, memory: int, entry: str | None = None, stack: int | None = None
) -> Compiled:
    """Compile a Python text; it is read, never executed.

    Args:
        source: the text of a file.
        memory: M, cells, values and lines of the machine.
        entry: the function to run; None: the one with a parameter `mem` that no other calls, or
            without such the one that no other calls.
        stack: how many cells at the end of the memory recursion may use, one of them for the
            status; None: half of the memory. Without recursion none is used.

    Raises:
        ModelErrors: all that is wrong with the text, or that does not fit the memory.
        HyperError: a memory or a stack of an impossible size.

    """
    try:
        definitions = read.read(source)
        return translate(definitions, read.entry(definitions, entry, source), memory, stack)
    except RecursionError:
        raise too_deep(source) from None


def translate(
    definitions: Mapping[str, Definition], entry: str, memory: int, stack: int | None
) -> Compiled:
    """Compile functions that are read already; see `compile`."""
    if memory < 2:
        raise HyperError(f"the memory has at least 2 cells, not {memory}")
    if stack is None:
        stack = memory - memory // 2
    if not 0 <= stack <= memory:
        raise HyperError(f"the stack is a part of the memory, 0 … {memory} cells, not {stack}")
    reached = read.reached(definitions, entry)
    errors = check(definitions, reached, memory)
    if errors:
        raise ModelErrors(errors)
    supply = Supply()
    flows: dict[str, Flow] = {}
    for key in reached:
        flows[key], found = lower(definitions, key, memory, supply)
        errors += found
    if errors:
        raise ModelErrors(errors)
    for flow in flows.values():
        optimise(flow, memory)
    flows[MAIN] = _main(definitions[entry], supply)
    inline(flows, MAIN, supply)
    for flow in flows.values():
        optimise(flow, memory)
    prune(flows, MAIN)
    linked = link(flows, MAIN, supply, memory, stack)
    if linked.frame:
        _check_stack(definitions[entry], linked, memory, stack)
    optimise(linked.flow, memory)
    return _finished(definitions[entry], linked, memory, stack)


def _main(definition: Definition, supply: Supply) -> Flow:
    """Return what the machine runs: the entry with its arguments, then the end."""
    block = supply.block((), definition.node.name)
    span = definition.text.span(definition.node)
    count = 0 if definition.has_memory else len(definition.parameters)
    arguments = tuple(supply.local() for _ in range(count))
    for k, argument in enumerate(arguments):
        block.steps.append(Step("READ", argument, (Number(k),), span))
    result = None if definition.has_memory else supply.local()
    block.steps.append(Step("CALL", result, arguments, span, definition.key))
    if result is not None:
        block.steps.append(Step("WRITE", None, (Number(0), result), span))
    block.end, block.span = Stop(), span
    return Flow(block.number, {block.number: block})


def _finished(definition: Definition, linked: Linked, memory: int, stack: int) -> Compiled:
    source = definition.text.source
    assembly, starts = emit(linked.flow, memory, source)
    count = len(assembly.lines)
    if count > memory:
        span = assembly.lines[memory].span or definition.text.span(definition.node)
        error = SourceError(
            "E521",
            f"the program has {count} lines, and a machine with {memory} cells has {memory}",
            span,
            label=f"line {memory} would be here",
            hint=f"use a memory of at least {count} cells",
        )
        raise ModelErrors([error])
    after: dict[int, Span] = {}
    for block, span in linked.calls.items():
        if linked.frame and block in starts:
            after.setdefault(starts[block], span)
    traps = {starts[one] + 1 for one in linked.traps if one in starts}
    return Compiled(
        assembly,
        memory,
        definition.node.name,
        None if definition.has_memory else len(definition.parameters),
        stack if linked.frame else 0,
        after,
        frozenset(traps),
    )


def _check_stack(definition: Definition, linked: Linked, memory: int, stack: int) -> None:
    """Refuse a stack that is too small for any call, or that lies on the arguments."""
    needed = linked.frame + 1
    if stack < needed:
        error = SourceError(
            "E522",
            f"a stack of {stack} cells holds no call",
            next(iter(linked.calls.values())),
            label=f"saves up to {linked.frame} numbers",
            hint=f"reserve at least {needed} cells (`stack`): one is for the status",
        )
        raise ModelErrors([error])
    data = 0 if definition.has_memory else max(len(definition.parameters), 1)
    if memory - stack < data:
        raise ModelErrors([definition.text.error(
            "E522",
            f"a stack of {stack} of {memory} cells lies on the arguments and the result",
            definition.node,
            hint=f"use a larger memory, or reserve at most {memory - data} cells (`stack`)",
        )])  # fmt: skip
