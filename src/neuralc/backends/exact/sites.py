"""Where a program calls its neural functions, and what the exact execution declines.

A network is applied outside, once to each element of the arrays that its tensor arguments come
from; the program then only looks classes up. Knows nothing of how networks compute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    Int,
    Network,
    Observe,
    Program,
    Real,
    Ref,
    Set,
    Statement,
    Switch,
    Value,
    children,
    walk,
)

# What Python itself allows is 20 and 100, the kernel's own loops included.
MAX_LOOPS, MAX_BLOCKS = 18, 90


@dataclass(frozen=True, slots=True)
class Site:
    """A network, with the input arrays that its tensor arguments come from, in their order.

    Its table of classes is an integer array [C or 1, E, *shape of each tensor array in turn,
    *sizes of the integer arguments in turn].
    """

    network: str
    tensors: tuple[str, ...]

    def shape(self, program: Program) -> tuple[int, ...]:
        """Return the shape of the table of classes, without programs and examples."""
        arrays = [program.decl[name].shape for name in self.tensors]
        sizes = [t.size for t in program.network[self.network].inputs if isinstance(t, Int)]
        return (*(n for shape in arrays for n in shape), *sizes)

    def count(self, program: Program) -> int:
        """Return the number of classes for one program and one example."""
        return math.prod(self.shape(program))


def sites(program: Program) -> tuple[Site, ...]:
    """Return the places where networks are called, each once, in the order of the program."""
    found = [site_of(program, call) for call in calls(program) if call.function in program.network]
    return tuple(dict.fromkeys(found))


def site_of(program: Program, call: Call) -> Site:
    """Return the site of one call of a network."""
    inputs = program.network[call.function].inputs
    tensors = [
        arg.name
        for arg, kind in zip(call.args, inputs, strict=True)
        if isinstance(kind, Real) and isinstance(arg, Ref)
    ]
    return Site(call.function, tuple(tensors))


def declines(program: Program) -> list[str]:
    """Return why a program has no exact execution: an empty list, if it has one."""
    reasons: dict[str, None] = {}
    for decl in program.decls:
        if isinstance(decl.type, Real) and decl.kind != "input":
            reasons[f"{decl.kind} {decl.name} is a {decl.type}, not a whole number"] = None
    loops, blocks = _depth(program.body)
    if loops > MAX_LOOPS or blocks > MAX_BLOCKS:
        reasons[f"{loops} loops or {blocks} blocks within one another are too many"] = None
    for call in calls(program):
        network = program.network.get(call.function)
        if network is not None:
            reasons.update(dict.fromkeys(_declines_call(program, network, call)))
    return list(reasons)


def _depth(body: Body) -> tuple[int, int]:
    """Return how many loops, and how many indented blocks, lie within one another."""
    loops = blocks = 0
    for statement in body:
        for inner in children(statement):
            deeper = _depth(inner)
            loops = max(loops, deeper[0] + isinstance(statement, For))
            blocks = max(blocks, deeper[1] + (not isinstance(statement, Gate)))
    return loops, blocks


def _declines_call(program: Program, network: Network, call: Call) -> list[str]:
    reasons = []
    if isinstance(network.output, Real):
        reasons.append(f"network {network.name} gives a {network.output}, not a class")
    for arg, kind in zip(call.args, network.inputs, strict=True):
        if not isinstance(kind, Real):
            continue
        if not isinstance(arg, Ref) or program.decl[arg.name].kind != "input":
            what = arg.name if isinstance(arg, Ref) else "a computed value"
            reasons.append(f"network {network.name} takes {what}, which is not an input")
    return reasons


def calls(program: Program) -> list[Call]:
    """Return all calls of a program, inner ones after the call that they are an argument of."""
    found: list[Call] = []
    for statement in walk(program.body):
        for value in _values(statement):
            _collect(value, found)
    return found


def _values(statement: Statement) -> tuple[Value, ...]:
    match statement:
        case Set(value=value) | Gate(value=value) | Switch(value=value):
            return (value,)
        case Observe(ref=ref):
            return (ref,)
        case _:
            return ()


def _collect(value: Value, found: list[Call]) -> None:
    if isinstance(value, Call):
        found.append(value)
        for arg in value.args:
            _collect(arg, found)
