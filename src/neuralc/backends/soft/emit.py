"""The tensor program as readable PyTorch code.

The code is a function of three arguments: `params` (name -> probabilities `[P, *shape, size]`),
`inputs` (name -> `[B, *shape, size]`) and `networks` (name -> callable). Constants come as a list.
Only names made here occur in it: those of the model are used with a number behind.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from neuralc.backends.soft.contraction import contraction
from neuralc.backends.soft.graph import Node
from neuralc.backends.soft.lower import Lowered
from neuralc.source import Source

ALGEBRA = {"min": "minimum", "max": "maximum", "eq": "equal", "less": "less"}


@dataclass
class Emitted:
    """Code and the constants that it needs: arrays of reals, and of indices."""

    source: str
    constants: list[np.ndarray]


def emit(lowered: Lowered, source: Source | None, *, log: bool = False) -> Emitted:
    """Print a tensor program as the function `forward`; in log space if `log`."""
    return _Printer(lowered, source, log).run()


@dataclass
class _Printer:
    lowered: Lowered
    source: Source | None
    log: bool
    lines: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    constants: list[np.ndarray] = field(default_factory=list)
    unbound: dict[tuple[int, int], str] = field(default_factory=dict)
    selects: Counter[tuple[int, int]] = field(default_factory=Counter)
    line: int = 0

    def run(self) -> Emitted:
        roots = [*self.lowered.outputs.values(), *(node for node, _ in self.lowered.observed)]
        live = self.lowered.graph.live(roots)
        self.selects.update((n.args[0], n.attrs[0]) for n in live if n.op == "select")
        self.lines.append("def forward(params, inputs, networks, constants):")
        for node in live:
            self.comment(node)
            self.names[node.number] = self.node(node)
        outputs = [f"{n!r}: {self.names[node]}" for n, node in self.lowered.outputs.items()]
        observed = [self.names[node] for node, _ in self.lowered.observed]
        self.lines.append(f"    return {{{', '.join(outputs)}}}, [{', '.join(observed)}]")
        return Emitted("\n".join(self.lines) + "\n", self.constants)

    def comment(self, node: Node) -> None:
        if self.source is None or node.line == self.line or node.op in ("const", "param", "input"):
            return
        self.line = node.line
        rows = self.source.text.split("\n")
        if 0 < node.line <= len(rows):
            text = "".join(c for c in rows[node.line - 1].strip() if c.isprintable())
            self.lines.append(f"    # {node.line}: {text}")

    def node(self, node: Node) -> str:
        """Write the line of a node and return its name."""
        if node.op == "select":
            return self.select(node)
        name = self.fresh(node.hint if node.op not in ("param", "input") else node.attrs[0])
        self.lines.append(f"    {name} = {self.expression(node)}")
        return name

    def fresh(self, hint: str) -> str:
        hint = "".join(c if c.isalnum() else "_" for c in hint).strip("_") or "x"
        hint = hint if not hint[0].isdigit() else f"x{hint}"
        self.used[hint] += 1
        return f"{hint}_{self.used[hint]}"

    def select(self, node: Node) -> str:
        """Write one `unbind` for all selections along a dimension: one node for the backward."""
        source, (dim, number) = node.args[0], node.attrs
        if self.selects[source, dim] == 1:
            name = self.fresh(node.hint)
            self.lines.append(f"    {name} = {self.names[source]}.select({dim}, {number})")
            return name
        if (source, dim) not in self.unbound:
            name = self.fresh(f"{self.names[source]}_at")
            self.lines.append(f"    {name} = {self.names[source]}.unbind({dim})")
            self.unbound[source, dim] = name
        return f"{self.unbound[source, dim]}[{number}]"

    def constant(self, array: np.ndarray) -> str:
        self.constants.append(array)
        return f"constants[{len(self.constants) - 1}]"

    def expression(self, node: Node) -> str:
        names = [self.names[arg] for arg in node.args]
        x = names[0] if names else ""
        match node.op, node.attrs:
            case ("param" | "input") as kind, (name,):
                return f"{kind}s[{name!r}]"
            case "const", (number,):
                array = self.lowered.graph.arrays[number]
                shape = " x ".join(map(str, array.shape)) or "scalar"
                return f"{self.constant(array)}  # {shape}"
            case "network", (name, added):
                return f"networks[{name!r}]({x}, restarts={not added})"
            case "narrow", (dim, start, length):
                return f"{x}.narrow({dim}, {start}, {length})"
            case "index", (dim, numbers, *shape):
                picked = f"{x}.index_select({dim}, {self.constant(np.asarray(numbers))})"
                return f"{picked}.unflatten({dim}, {shape[0]})" if shape else picked
            case "diagonal", (first, second):
                return f"{x}.diagonal(dim1={first}, dim2={second})"
            case "permute", (places,):
                return f"{x}.permute({places})"
            case "sum", (places,):
                return f"{x}.logsumexp({places})" if self.log else f"{x}.sum({places})"
            case "normalise", ():
                return f"soft.normalise({x})"
            case (("einsum" | "mul"), (a, b, out)):
                return contraction(names[0], names[1], a, b, out, log=self.log)
        return self.broadcast(node, names)

    def broadcast(self, node: Node, names: list[str]) -> str:
        """Write an operation whose operands broadcast."""
        rank, places, *attrs = node.attrs
        ends = node.op not in ("lerp",)
        aligned = [
            align(name, place, rank, inner=-1 in place or not ends)
            for name, place in zip(names, places, strict=True)
        ]
        match node.op, attrs:
            case "lerp", []:
                chance = align(names[2], places[2], rank, inner=False)
                a, b = (
                    align(n, p, rank, inner=True) for n, p in zip(names[:2], places, strict=False)
                )
                return f"{'soft' if self.log else 'torch'}.lerp({a}, {b}, {chance})"
            case "mixture", []:
                return f"soft.mixture({aligned[0]}, [{', '.join(aligned[1:])}])"
            case ("stack" | "features") as op, _:
                return f"soft.{op}([{', '.join(aligned)}])"
            case "join", [dim, lengths, order]:
                straight = list(order) == list(range(len(order)))
                index = None if straight else self.constant(np.asarray(order))
                return f"soft.join([{', '.join(aligned)}], {dim - rank - 1}, {lengths}, {index})"
            case "pad", [size]:
                return f"soft.widen({aligned[0]}, {size})"
            case "gather", [index, _]:
                return f"soft.gather({aligned[0]}, {self.constant(np.asarray(index))})"
            case "scatter", [index, size]:
                parts = f"[{', '.join(aligned)}]"
                return f"soft.scatter({parts}, {self.constant(np.asarray(index))}, {size})"
            case ("add" | "sub") as op, [offset, modulus, _, size]:
                sign = 1 if op == "add" else -1
                return f"soft.add({', '.join(aligned)}, {offset}, {modulus}, {size}, sign={sign})"
            case ("min" | "max") as op, [_, _, _, size]:
                return f"soft.{ALGEBRA[op]}({', '.join(aligned)}, {size})"
            case ("eq" | "less") as op, [_, _, values, size]:
                return f"soft.{ALGEBRA[op]}({', '.join(aligned)}, {values}, {size})"
        raise AssertionError(f"no code for {node.op}")


def align(name: str, places: tuple[int, ...], rank: int, *, inner: bool) -> str:
    """Return code that makes a tensor broadcast with others of `rank` dimensions and a last one.

    `places[k]` is the position of its dimension `k`, -1 for the last; `inner` tells whether it
    has that last one.
    """
    outer = [place for place in places if place != -1]
    if places and -1 in places[:-1] or outer != sorted(outer):
        order = sorted(range(len(places)), key=lambda k: places[k] if places[k] != -1 else rank)
        name = f"{name}.permute({', '.join(map(str, order))})"
        outer = sorted(outer)
    if outer:
        missing = [place for place in range(outer[0], rank) if place not in outer]
        for place in missing:
            name += f".unsqueeze({place - outer[0]})"
    if not inner:
        name += ".unsqueeze(-1)"
    return name
