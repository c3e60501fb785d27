"""The tensor program as one differentiable operation: forward and backward, both generated.

Networks are applied before it and stay with autograd: their outputs are sources, as are
probabilities and inputs. A program whose networks look at values that depend on the choices cannot
be cut there; it runs by autograd.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neuralc.backends.soft import runtime
from neuralc.backends.soft.backward import SOURCES, Backward
from neuralc.backends.soft.constants import Constants
from neuralc.backends.soft.emit import Printer
from neuralc.backends.soft.graph import Node
from neuralc.backends.soft.lower import Lowered

Function = Callable[..., Any]


def can_cut(lowered: Lowered) -> bool:
    """Tell whether no network looks at a value that depends on choices or on other networks.

    A program whose ends depend on nothing has nothing to differentiate.
    """
    live = lowered.graph.live(_ends(lowered))
    for node in live:
        if node.op == "network":
            above = {other.op for other in lowered.graph.live([node.args[0]])}
            if above & {"param", "network"}:
                return False
    return any(node.op in SOURCES for node in live)


def _ends(lowered: Lowered) -> list[int]:
    return [*lowered.outputs.values(), *(node for node, _ in lowered.observed)]


def _cut(lowered: Lowered) -> list[Node]:
    """Return the live nodes with networks taken as sources."""
    needed = set(_ends(lowered))
    for node in reversed(lowered.graph.nodes):
        if node.number in needed and node.op != "network":
            needed.update(node.args)
    return [node for node in lowered.graph.nodes if node.number in needed]


class Training:
    """Runs a tensor program for training."""

    def __init__(self, lowered: Lowered, constants: Constants) -> None:
        """Write the code that applies the networks; the rest is written when it is needed."""
        self.lowered, self.constants = lowered, constants
        self.nodes = _cut(lowered)
        self.sources = [node for node in self.nodes if node.op in SOURCES]
        self.read = self._reading()
        self.compiled: dict[tuple[bool, ...], Function] = {}

    def __call__(
        self, params: Mapping[str, Tensor], inputs: Mapping[str, Tensor],
        networks: Mapping[str, Any], like: Tensor,
    ) -> tuple[dict[str, Tensor], list[Tensor]]:  # fmt: skip
        """Return outputs and observed distributions, as the plain forward code does."""
        read = self.readings(inputs, networks, like)
        given = []
        for node in self.sources:
            if node.op == "network":
                given.append(next(read))
            else:
                given.append((params if node.op == "param" else inputs)[node.attrs[0]])
        wanted = tuple(value.requires_grad for value in given)
        if wanted not in self.compiled:
            self.compiled[wanted] = self._function(wanted)
        constants = self.constants.tensors(like)
        found = _Whole.apply(self.compiled[wanted], constants, *given)  # type: ignore[no-untyped-call]
        count = len(self.lowered.outputs)
        return dict(zip(self.lowered.outputs, found, strict=False)), list(found[count:])

    def readings(
        self, inputs: Mapping[str, Tensor], networks: Mapping[str, Any], like: Tensor
    ) -> Iterator[Tensor]:
        """Apply all networks; return what they say, in the order of the sources."""
        if self.read is None:
            return iter(())
        return iter(self.read(inputs, networks, self.constants.tensors(like)))

    def _reading(self) -> Function | None:
        """Return a function that applies all networks."""
        ends = [node.number for node in self.sources if node.op == "network"]
        if not ends:
            return None
        printer = Printer(self.lowered, self.constants)
        printer.lines.append("def forward(inputs, networks, constants):")
        printer.write(self.lowered.graph.live(ends))
        printer.lines.append(f"    return {', '.join(printer.names[end] for end in ends)},")
        return _compiled("\n".join(printer.lines))

    def _function(self, wanted: tuple[bool, ...]) -> Function:
        """Return the function from sources to outputs and their backward function."""
        printer = Printer(self.lowered, self.constants, training=True)
        for k, node in enumerate(self.sources):
            printer.names[node.number] = f"s{k}"
        given = "".join(f"s{k}, " for k in range(len(wanted)))
        printer.lines.append(f"def forward(constants, {given}):")
        printer.write(self.nodes)
        ends = list(enumerate(_ends(self.lowered)))
        asked = frozenset(n.number for n, want in zip(self.sources, wanted, strict=True) if want)
        nodes = {node.number: node for node in self.nodes}
        array = self.lowered.graph.array
        backward = Backward(nodes, printer.names, self.constants.code, array, asked)
        body = backward.write([(node, f"e{k}") for k, node in ends])
        arguments = ", ".join(f"e{k}" for k, _ in ends)
        printer.lines += [f"    def backward({arguments}):", *(f"        {line}" for line in body)]
        grads = [backward.grads.get(n.number, "None") if n.number in asked else "None"
                 for n in self.sources]  # fmt: skip
        printer.lines.append(f"        return {', '.join(grads)},")
        values = ", ".join(f"{printer.names[node]}.detach()" for _, node in ends)
        printer.lines.append(f"    return ({values},), backward")
        return _compiled("\n".join(shared(printer.lines)))


VIEW = re.compile(r"[a-z_]\w*(?:\[\d+\])?(?:\.(?:unsqueeze|flatten)\([\d, -]*\)|\.mT)+", re.I)


def shared(lines: Sequence[str]) -> list[str]:
    """Return code in which a view that occurs several times is made once, where it is first used.

    For small batches making views takes as long as computing. No name is given a second value, and
    what is changed in place is seen through its views too.
    """
    plain = [line for line in lines if "lambda" not in line]  # its arguments are known only there
    count = Counter(view for line in plain for view in VIEW.findall(line))
    names: dict[str, str] = {}
    result: list[str] = []
    for line in lines:
        if "lambda" in line:
            result.append(line)
            continue
        indent = line[: len(line) - len(line.lstrip())]
        for view in dict.fromkeys(VIEW.findall(line)):
            if count[view] > 1 and view not in names:
                names[view] = f"v{len(names)}_"
                result.append(f"{indent}{names[view]} = {view}")
        result.append(VIEW.sub(lambda found: names.get(found[0], found[0]), line))
    return result


class _Whole(torch.autograd.Function):
    """The whole program as one node of autograd's graph."""

    @staticmethod
    def forward(
        ctx: Any, function: Function, constants: Sequence[Tensor], *given: Tensor
    ) -> tuple[Tensor, ...]:
        found, ctx.function = function(constants, *given)
        return tuple(found)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        return (None, None, *ctx.function(*grads))


def _compiled(source: str) -> Function:
    """Turn code that was written here into a function; nothing in it comes from outside."""
    scope: dict[str, Any] = {"torch": torch, "soft": runtime, "__builtins__": {}}
    exec(compile(source, "<neuralc training>", "exec"), scope)  # noqa: S102  (our own code)
    function: Function = scope["forward"]
    return function
