"""What generated code says of itself: lines of the model, and each instruction as a formula."""

from __future__ import annotations

from dataclasses import dataclass

from neuralc.backends.native.code import Band, Group
from neuralc.backends.native.nests import Access, Nest, Table
from neuralc.backends.native.plan import Instruction, Item, Loss, Transfer
from neuralc.backends.native.steps import Step
from neuralc.source import Source

NAMES = "ijklmnopqrst"


@dataclass
class Commenter:
    """Names the line of the model that instructions come from, whenever that changes."""

    source: Source | None
    line: int = 0
    back: bool = False

    def lines(self, item: Item) -> list[str]:
        """Return the comments before an instruction."""
        found = []
        node = item.node
        if node is not None and (node.line, item.back) != (self.line, self.back) and node.line:
            self.line, self.back = node.line, item.back
            text = f"line {node.line}"
            rows = self.source.text.split("\n") if self.source else []
            if 0 < node.line <= len(rows):
                shown = "".join(c for c in rows[node.line - 1].strip() if c.isprintable())
                text = f"{node.line}: {shown}"
            found.append(f"  ; {'gradient of ' if item.back else ''}{text}")
        return [*found, *(f"  ;   {line}" for line in told(item.instruction))]


def told(instruction: Instruction) -> list[str]:
    """Return an instruction with the names of its buffers, or those that it consists of."""
    if isinstance(instruction, Group):
        return [line for part in instruction.parts for line in told(part)]
    if isinstance(instruction, Band):
        inner = [line for part in instruction.parts for line in told(part)]
        return [f"row by row, {instruction.count}:", *(f"  {line}" for line in inner)]
    return [_told(instruction)]


def _told(instruction: Nest | Table | Step | Transfer | Loss) -> str:
    match instruction:
        case Transfer(external=external, buffer=buffer, store=store):
            arrow = "->" if store else "<-"
            return f"{_clean(buffer.name)} {arrow} {external.role} {_clean(external.name)}"
        case Loss(value=value):
            return f"loss -= log({_clean(value.name)}[target])"
        case Nest(out=out, add=add, terms=terms):
            names = [" * ".join(_clean(a.buffer.name) for a in term) for term in terms]
            return f"{_clean(out.buffer.name)} {'+=' if add else '='} {' + '.join(names)}"
        case Table(out=out, add=add, factors=factors):
            names = [_clean(a.buffer.name) for a in factors]
            return f"{_clean(out.buffer.name)} {'+=' if add else '='} table of {', '.join(names)}"
        case Step(operands=operands):
            names = [_clean(a.buffer.name) for a in operands]
            kind = type(instruction).__name__
            return f"{names[0]} {'+=' if instruction.add else '='} {kind}({', '.join(names[1:])})"


def described(instruction: Nest | Table | Step) -> str:
    """Return what a function does, in terms of its arguments."""
    match instruction:
        case Nest(sizes=sizes, free=free, out=out, add=add, terms=terms):
            loops = ", ".join(f"{n} < {size}" for n, size in zip(NAMES, sizes, strict=False))
            numbers = iter(range(1, 100))
            products = [
                " * ".join(_element(f"p{next(numbers)}", a) for a in term) for term in terms
            ]
            total = (
                f"sum over {', '.join(NAMES[free : len(sizes)])} of " if free < len(sizes) else ""
            )
            sign = "+=" if add else "="
            right = " + ".join(products)
            return f"{loops or 'once'}: {_element('p0', out)} {sign} {total}{right}"
        case Table(sizes=sizes, entries=entries, chains=chains) if chains:
            return f"{len(entries)} results of {len(chains)} running sums, times {sizes}"
        case Table(sizes=sizes, entries=entries):
            count = sum(len(group) for _, group in entries)
            return f"table of {count} products into {len(entries)} sums, times {sizes}"
        case Step(sizes=sizes):
            return f"{type(instruction).__name__} on {sizes}"


def _element(name: str, access: Access) -> str:
    if access.buffer.array is not None:
        name = "constant"
    parts = [
        letter if stride == 1 else f"{stride} {letter}"
        for letter, stride in zip(NAMES, access.strides, strict=False) if stride
    ]  # fmt: skip
    return f"{name}[{' + '.join(parts) or '0'}]"


def _clean(name: str) -> str:
    return "".join(c if c.isalnum() or c == "_" else "_" for c in name)
