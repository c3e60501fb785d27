"""The tensor program as readable PyTorch code.

The code is a function of three arguments: `params` (name -> probabilities `[P, *shape, size]`),
`inputs` (name -> `[B, *shape, size]`) and `networks` (name -> callable). Constants come as a list.
Only names made here occur in it: those of the model are used with a number behind.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from neuralc.backends.soft.backward import TAPED
from neuralc.backends.soft.constants import Constants
from neuralc.backends.soft.contraction import (
    addition,
    align,
    contraction,
    moved,
    sizes_of,
    summed_out,
)
from neuralc.backends.soft.graph import Node
from neuralc.backends.soft.lower import Lowered
from neuralc.source import Source

Places = tuple[int, ...]
ALGEBRA = {"min": "minimum", "max": "maximum", "eq": "equal", "less": "less"}


def emit(
    lowered: Lowered, constants: Constants, source: Source | None, *, log: bool = False,
    real: frozenset[str] = frozenset(),
) -> str:  # fmt: skip
    """Print a tensor program as the function `forward`; in log space if `log`.

    `real` are the inputs and networks that give real numbers, which have no logarithms.
    """
    return Printer(lowered, constants, source, log, real).run()


@dataclass
class Printer:
    """Writes code line by line; `training` also keeps what `backward.py` needs."""

    lowered: Lowered
    constants: Constants
    source: Source | None = None
    log: bool = False
    real: frozenset[str] = frozenset()
    lines: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    unbound: dict[tuple[int, int], str] = field(default_factory=dict)
    selects: Counter[tuple[int, int]] = field(default_factory=Counter)
    line: int = 0
    training: bool = False
    reals: set[int] = field(default_factory=set)

    def run(self) -> str:
        """Return the function `forward`."""
        roots = [*self.lowered.outputs.values(), *(node for node, _ in self.lowered.observed)]
        live = self.lowered.graph.live(roots)
        self.lines.append("def forward(params, inputs, networks, constants):")
        self.write(live)
        outputs = [f"{n!r}: {self.names[node]}" for n, node in self.lowered.outputs.items()]
        observed = [self.names[node] for node, _ in self.lowered.observed]
        self.lines.append(f"    return {{{', '.join(outputs)}}}, [{', '.join(observed)}]")
        return "\n".join(self.lines) + "\n"

    def write(self, live: list[Node]) -> None:
        """Write the lines of nodes, those that have a name already left out."""
        self.selects.update((n.args[0], n.attrs[0]) for n in live if n.op == "select")
        for node in live:
            if node.number not in self.names:
                if self.log and self.is_real(node):
                    self.reals.add(node.number)
                self.comment(node)
                self.names[node.number] = self.node(node)

    def is_real(self, node: Node) -> bool:
        """Tell whether a node holds real numbers also in log space."""
        if node.op in ("input", "network"):
            return node.attrs[0] in self.real
        return any(arg in self.reals for arg in node.args)

    def comment(self, node: Node) -> None:
        """Write the line of the model that a node comes from."""
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
        if self.training and node.op == "normalise":
            x = self.names[node.args[0]]
            total = summed_out(x, (-1,), 0, node.dims[-1], self.constants.code, dims=True)
            self.lines.append(f"    {name}_sum = {total}")
            self.lines.append(f"    {name} = {x} / {name}_sum")
        elif self.training and node.op == "circle":
            code = self.expression(node).replace("soft.circle(", "soft.circled(")
            self.lines.append(f"    {name}, {name}_spectra = {code}")
        elif self.training and node.op in TAPED:
            self.taped(node, name)
        else:
            self.lines.append(f"    {name} = {self.expression(node)}")
        return name

    def taped(self, node: Node, name: str) -> None:
        """Write an operation whose gradient is left to autograd."""
        operands = list(dict.fromkeys(node.args))
        inner = dict(self.names) | {arg: f"x{k}" for k, arg in enumerate(operands)}
        outer, self.names = self.names, inner
        body = self.expression(node)
        self.names = outer
        names = ", ".join(f"x{k}" for k in range(len(operands)))
        values = ", ".join(self.names[arg] for arg in operands)
        call = f"soft.taped(lambda {names}: {body}, {values})"
        self.lines.append(f"    {name}, {name}_tape = {call}")

    def fresh(self, hint: str) -> str:
        """Return a name that is not used yet."""
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

    def expression(self, node: Node) -> str:
        """Return the right-hand side of the line of a node."""
        log = self.log and node.number not in self.reals
        names = [self.names[arg] for arg in node.args]
        if self.log and not log:  # real numbers, mixed with weights that are logarithms
            weights = ("einsum", "mul", "blend", "mixture")
            mixed = [node.op in weights and arg not in self.reals for arg in node.args]
            names = [f"{n}.exp()" if weight else n for n, weight in zip(names, mixed, strict=True)]
        x = names[0] if names else ""
        match node.op, node.attrs:
            case ("param" | "input") as kind, (name,):
                return f"{kind}s[{name!r}]"
            case "const", (number,):
                array = self.lowered.graph.arrays[number]
                shape = " x ".join(map(str, array.shape)) or "scalar"
                return f"{self.constants.code(array)}  # {shape}"
            case "network", (name, added):
                return f"networks[{name!r}]({x}, restarts={not added})"
            case "narrow", (dim, start, length):
                return f"{x}.narrow({dim}, {start}, {length})"
            case "index", (dim, numbers, *shape):
                picked = f"{x}.index_select({dim}, {self.constants.code(np.asarray(numbers))})"
                return f"{picked}.unflatten({dim}, {shape[0]})" if shape else picked
            case "diagonal", (first, second):
                return f"{x}.diagonal(dim1={first}, dim2={second})"
            case "permute", (places,):
                return f"{x}.permute({places})"
            case "sum", (places,):
                if log:
                    return f"{x}.logsumexp({places})"
                dims = self.lowered.graph.nodes[node.args[0]].dims
                return summed_out(x, places, len(dims), dims[-1], self.constants.code)
            case "normalise", ():
                return f"soft.normalise({x})"
            case (("einsum" | "mul"), (a, b, out)):
                left, right = (self.lowered.graph.nodes[arg].dims for arg in node.args)
                sizes = sizes_of((a, left), (b, right))
                return contraction(
                    names[0], names[1], a, b, out, log=log, sizes=sizes, keep=self.constants.code
                )
            case "plus", (a, b, out):
                return addition(names[0], names[1], a, b, out, log=log)
        return self.broadcast(node, names, log)

    def broadcast(self, node: Node, names: list[str], log: bool) -> str:
        """Write an operation whose operands broadcast."""
        rank, places, *attrs = node.attrs
        kind = "real_" if self.log and not log else ""
        aligned = [
            align(name, place, rank, inner=-1 in place)
            for name, place in zip(names, places, strict=True)
        ]
        match node.op, attrs:
            case "blend", [] if not log and not kind:
                first, second, *chances = range(4)
                return self.products(
                    aligned, places, 0, [(first, chances[0]), (second, chances[1])]
                )
            case "blend", []:
                return f"soft.{kind}blend({', '.join(aligned)})"
            case "share", [loose] if log:
                return f"soft.share({loose}, {', '.join(aligned)})"
            case "share", [loose]:
                pairs = [(k, k + 1) for k in range(loose, len(names), 2)]
                return self.products(aligned, places, loose, pairs)
            case "circle", [size]:
                return f"soft.circle({', '.join(aligned)}, {size})"
            case "running", [reverse, strict]:
                return f"soft.running({aligned[0]}, {reverse}, {strict})"
            case "mixture", []:
                return f"soft.{kind}mixture({aligned[0]}, [{', '.join(aligned[1:])}])"
            case ("stack" | "features") as op, _:
                return f"soft.{op}([{', '.join(aligned)}])"
            case "join", [dim, lengths, order]:
                straight = list(order) == list(range(len(order)))
                index = None if straight else self.constants.code(np.asarray(order))
                return f"soft.join([{', '.join(aligned)}], {dim - rank - 1}, {lengths}, {index})"
            case "pad", [size]:
                return f"soft.widen({aligned[0]}, {size})"
            case "gather", [index, _]:
                return moved(aligned[0], index, self.constants.code)
            case "scatter", [index, size]:
                parts = f"[{', '.join(aligned)}]"
                return f"soft.scatter({parts}, {self.constants.code(np.asarray(index))}, {size})"
            case ("add" | "sub") as op, [offset, modulus, _, size]:
                sign = 1 if op == "add" else -1
                return f"soft.add({', '.join(aligned)}, {offset}, {modulus}, {size}, sign={sign})"
            case ("min" | "max") as op, [_, _, _, size]:
                return f"soft.{ALGEBRA[op]}({', '.join(aligned)}, {size})"
            case ("eq" | "less") as op, [_, _, values, size]:
                return f"soft.{ALGEBRA[op]}({', '.join(aligned)}, {values}, {size})"
        raise AssertionError(f"no code for {node.op}")

    @staticmethod
    def products(
        names: list[str], places: tuple[Places, ...], loose: int, pairs: list[tuple[int, int]]
    ) -> str:
        """Write the first `loose` operands plus the products of pairs: one pass for each product.

        What the code has made itself, and is as large as the result, is added to in place.
        """
        everything = {place for own in places for place in own} | {-1}
        there = {place for own in places[:loose] for place in own}
        code, made = " + ".join(names[:loose]), loose > 1
        code = f"({code})" if made else code
        for left, right in pairs:
            before = made and there == everything
            there |= {*places[left], *places[right]}
            if not code:
                code = f"({names[left]} * {names[right]})"
            elif before:
                code += f".addcmul_({names[left]}, {names[right]})"
            else:
                code = f"torch.addcmul({code}, {names[left]}, {names[right]})"
            made = True
        return code
