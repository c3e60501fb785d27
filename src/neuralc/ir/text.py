"""The IR as text that people can read, and back: `read(show(program)) == program`.

    program "add one"
    hyper n = 3
    table inc(3) -> 3 = 1 2 0
    param k: 3[2] limits 2 3
    input x: 3
    output y: 3
    fix k[0] = 1

    for t in range(0, 2, 1):
        with k[t] as i of 3:
            if i == 0:
                ...
    switch x of 3:
        case 0, 1:
            y = inc(x)
        case 2:
            pass
    observe y = 2

Declarations come first, then the statements, indented by four spaces. A chain of one operator is
one node: `(a + b) + c` is not `a + b + c`. A bare name is a loop or gate variable where one is in
scope, otherwise an element; `x[]` and `$x` say so explicitly. Names that are not plain words are
quoted as in JSON. Values of tables: `0..7` counts up or down, `5*9` is nine times 5.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from neuralc.ir.nodes import (
    Body,
    Call,
    Decl,
    For,
    Gate,
    If,
    Network,
    Num,
    Observe,
    Op,
    Program,
    Ref,
    Set,
    Statement,
    Switch,
    Sym,
    Table,
    Value,
    symbols,
)
from neuralc.ir.reader import read
from neuralc.ir.words import INFIX, KEYWORDS, NAME, Scope

__all__ = ["read", "show", "show_value"]


def show(program: Program) -> str:
    """Return the text of a program; spans and the source are left out."""
    lines = [f"program {json.dumps(program.name)}"]
    lines += [f"hyper {_name(name)} = {value}" for name, value in program.hypers]
    lines += [_table(table) for table in program.tables]
    lines += [_network(network) for network in program.networks]
    lines += [_decl(decl) for decl in program.decls]
    for fixed in program.fixed:
        index = f"[{', '.join(map(str, fixed.index))}]" if fixed.index else ""
        lines.append(f"fix {_name(fixed.name)}{index} = {fixed.value}")
    lines.append("")
    for statement in program.body:
        lines += _statement(statement, frozenset())
    return "\n".join(lines).rstrip() + "\n"


def show_value(value: Value) -> str:
    """Return a value or a static expression as a person would write it, for messages."""
    return _value(value, symbols(value))


def _pack(values: Sequence[int]) -> str:
    """Return integers in a short form: `0..3 7 5*9`."""
    parts: list[str] = []
    start = 0
    while start < len(values):
        best, end = "", start + 1
        for step in (0, 1, -1):
            stop = start + 1
            while stop < len(values) and values[stop] - values[stop - 1] == step:
                stop += 1
            if stop > max(end, start + 2):
                end = stop
                best = f"..{values[stop - 1]}" if step else f"*{stop - start}"
        parts.append(f"{values[start]}{best}")
        start = end
    return " ".join(parts)


def _name(name: str) -> str:
    plain = NAME.fullmatch(name) and name not in KEYWORDS
    return name if plain else json.dumps(name)


def _table(table: Table) -> str:
    sizes = ", ".join(map(str, table.sizes))
    return f"table {_name(table.name)}({sizes}) -> {table.size} = {_pack(table.values)}".rstrip()


def _network(network: Network) -> str:
    inputs = ", ".join(map(str, network.inputs))
    hidden = f" hidden {' '.join(map(str, network.hidden))}" if network.hidden else ""
    body = "" if network.body == "mlp" else f" body {json.dumps(network.body)}"
    return f"network {_name(network.name)}({inputs}) -> {network.output}{hidden}{body}"


def _decl(decl: Decl) -> str:
    shape = f"[{', '.join(map(str, decl.shape))}]" if decl.shape else ""
    limits = "" if decl.limits is None else f" limits {_pack(decl.limits)}".rstrip()
    return f"{decl.kind} {_name(decl.name)}: {decl.type}{shape}{limits}"


def _statement(statement: Statement, scope: Scope) -> list[str]:
    match statement:
        case Set(target=target, value=value):
            return [f"{_value(target, scope)} = {_value(value, scope)}"]
        case Observe(ref=ref, value=number):
            return [f"observe {_value(ref, scope)} = {number}"]
        case For(var=var, start=start, stop=stop, step=step, body=body):
            bounds = f"{_value(start, scope)}, {_value(stop, scope)}, {step}"
            head = f"for {_name(var)} in range({bounds}):"
            return [head, *_body(body, scope | {var})]
        case Gate(var=var, size=size, value=value, body=body):
            head = f"with {_value(value, scope)} as {_name(var)} of {size}:"
            return [head, *_body(body, scope | {var})]
        case If(condition=condition, then=then, orelse=orelse):
            lines = [f"if {_value(condition, scope)}:", *_body(then, scope)]
            return [*lines, "else:", *_body(orelse, scope)] if orelse else lines
        case Switch(value=value, size=size, cases=cases):
            lines = [f"switch {_value(value, scope)} of {size}:"]
            for case in cases:
                values = " " + ", ".join(map(str, case.values)) if case.values else ""
                inner = [f"case{values}:", *_body(case.body, scope)]
                lines += ["    " + line for line in inner]
            return lines if cases else [*lines, "    pass"]


def _body(body: Body, scope: Scope) -> list[str]:
    lines = [line for statement in body for line in _statement(statement, scope)]
    return ["    " + line for line in lines or ["pass"]]


def _value(value: Value, scope: Scope, *, inside: bool = False) -> str:
    """Return an expression; `inside` another operator it gets parentheses."""
    match value:
        case Num(value=number):
            return str(number)
        case Sym(name=name):
            return _name(name) if name in scope else f"${_name(name)}"
        case Ref(name=name, index=index):
            if not index:
                return f"{_name(name)}[]" if name in scope else _name(name)
            return f"{_name(name)}[{', '.join(_value(i, scope) for i in index)}]"
        case Call(function=name, args=args):
            return f"{_name(name)}({', '.join(_value(a, scope) for a in args)})"
        case Op(op=op, args=args) if op in INFIX and len(args) > 1:
            text = f" {op} ".join(_value(a, scope, inside=True) for a in args)
            return f"({text})" if inside else text
        case Op(op=op, args=args):
            return f"{op}({', '.join(_value(a, scope) for a in args)})"
