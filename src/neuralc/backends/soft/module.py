"""A compiled model as a `torch.nn.Module`: distributions in, distributions out, differentiable.

All restarts are one batch: the first dimension `P` of every open choice and of every network.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neuralc.backends.soft import logspace, runtime
from neuralc.backends.soft.constants import Constants
from neuralc.backends.soft.emit import emit
from neuralc.backends.soft.graph import B, P
from neuralc.backends.soft.lower import lower
from neuralc.backends.soft.networks import build_network
from neuralc.backends.soft.parameters import Choices, softmaxes
from neuralc.backends.soft.training import Training, can_cut
from neuralc.ir.nodes import Int, Network, Program

Precision = Literal["linear", "log"]


class SoftModule(nn.Module):
    """The soft execution of a program.

    Attributes:
        logits: unnormalised log-probabilities of all open choices, shape `(P, total)`, in nats;
            `choices` tells which columns belong to which Param.
        networks: the neural functions by name, each with parameters of shape `(P, …)`.

    Source:
        Forward marginals of Gaunt et al., "TerpreT" (2016), arXiv:1608.04428, with gates and
        independent loops as axes, and all restarts in one batch.

    """

    def __init__(
        self, program: Program, *, restarts: int = 1, precision: Precision = "linear",
        bodies: Mapping[str, Callable[[int], nn.Module]] | None = None,
        carried: Collection[str] = (),
    ) -> None:  # fmt: skip
        """Compile a checked program.

        Args:
            program: the program.
            restarts: P, the number of independent copies of all parameters.
            precision: "linear" for probabilities; "log" for log-probabilities throughout, slower
                and for long programs whose probabilities underflow.
            bodies: for some networks a function that makes their module from the number of
                restarts, instead of the body that the model declares.
            carried: inputs that differ between restarts, such as the state before a turn: their
                tensors are `(P, B, *shape, size)`. A program without Params and networks takes any
                number of restarts of them.

        """
        super().__init__()
        lowered = self._lowered = lower(program, carried)
        self.carried = frozenset(carried)
        self._constants = Constants(log=precision == "log")
        self.program, self.precision = program, precision
        self.expected = [number for _, number in lowered.observed]
        ends = [*lowered.outputs.values(), *(node for node, _ in lowered.observed)]
        dims = [lowered.graph.nodes[end].dims for end in ends]
        self._leads = [(P in d, B in d) for d in dims]
        self.choices = Choices(program)
        self.logits = nn.Parameter(torch.zeros(restarts, self.choices.total))
        bodies = bodies or {}
        self.networks = _Networks()
        for network in program.networks:
            make = bodies.get(network.name)
            self.networks[network.name] = (
                make(restarts) if make else build_network(network, restarts)
            )
        generated = precision == "linear" and can_cut(lowered)
        self._training = Training(lowered, self._constants) if generated else None

    @cached_property
    def source(self) -> str:
        """The PyTorch code that `forward` runs where no gradient is wanted."""
        log = self.precision == "log"
        program = self.program
        return emit(self._lowered, self._constants, program.source, log=log, real=_real(program))

    @cached_property
    def _forward(self) -> Callable[..., Any]:
        return _function(self.source, self.precision)

    @property
    def restarts(self) -> int:
        """P, the number of restarts."""
        return self.logits.shape[0]

    def probabilities(self) -> dict[str, Tensor]:
        """Return the probabilities of all open choices: name -> `(P, *shape, size)`."""
        return softmaxes(self.logits, self.choices)

    def forward(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Run softly.

        Args:
            inputs: per input either integers `(B, *shape)`, or distributions
                `(B, *shape, size)` in floating point; real tensors `(B, *shape, *tensor)`. Those
                that are carried have P before B.

        Returns:
            Per output the distribution, shape `(P, B, *shape, size)`; log-probabilities where
            the precision is "log".

        """
        return self.run(self.prepare(inputs))[0]

    def prepare(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return inputs as tensors of the module's dtype and device, integers as one-hot rows."""
        like = self.logits
        ready: dict[str, Tensor] = {}
        for decl in self.program.of("input"):
            value = torch.as_tensor(inputs[decl.name], device=like.device)
            rank = 1 + (decl.name in self.carried) + len(decl.shape)
            if not isinstance(decl.type, Int):
                ready[decl.name] = value.to(like.dtype).flatten(rank)
                continue
            if value.dim() == rank:
                value = nn.functional.one_hot(value.long(), decl.type.size)
            value = value.to(like.dtype)
            ready[decl.name] = logspace.from_linear(value) if self.precision == "log" else value
        return ready

    def run(self, inputs: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Run on prepared inputs; return outputs and observed distributions, with P and B."""
        params = self.probabilities()
        if self.precision == "log":
            params = {name: logspace.from_linear(p) for name, p in params.items()}
        networks: dict[str, Any] = dict(self.networks.items())
        if self.precision == "log":
            networks = {
                name: _Logarithm(module, self.program.network[name])
                for name, module in networks.items()
            }
        if self._training is not None and torch.is_grad_enabled():
            outputs, observed = self._training(params, inputs, networks, self.logits)
        else:
            forward = self._forward  # written now, if it is the first time, with its constants
            constants = self._constants.tensors(self.logits)
            outputs, observed = forward(params, inputs, networks, constants)
        name, value = next(iter(inputs.items()), ("", None))
        carried = name in self.carried
        batch = 1 if value is None else value.shape[int(carried)]
        restarts = value.shape[0] if value is not None and carried else self.restarts
        whole = [
            full(value, lead, (restarts, batch))
            for value, lead in zip([*outputs.values(), *observed], self._leads, strict=True)
        ]
        return dict(zip(outputs, whole, strict=False)), whole[len(outputs) :]


def full(value: Tensor, lead: tuple[bool, bool], sizes: tuple[int, int]) -> Tensor:
    """Give a distribution the dimensions P and B, of these sizes, that it does not depend on."""
    if value.shape[:2] == sizes and all(lead):
        return value
    for place, there in enumerate(lead):
        value = value if there else value.unsqueeze(place)
    return value.expand(*sizes, *value.shape[2:])


def _real(program: Program) -> frozenset[str]:
    """Return the names of inputs and networks that give real numbers, not distributions."""
    inputs = (decl.name for decl in program.of("input") if not isinstance(decl.type, Int))
    networks = (n.name for n in program.networks if not isinstance(n.output, Int))
    return frozenset((*inputs, *networks))


class _Networks(nn.ModuleDict):
    """Networks by name: `ModuleDict` itself refuses names that its attributes have."""

    def __setitem__(self, key: str, module: nn.Module) -> None:
        self._modules[key] = module


class _Logarithm:
    """A network in log space: it takes and gives logarithms of probabilities, and real numbers."""

    def __init__(self, module: nn.Module, network: Network) -> None:
        self.module, self.network = module, network

    def __call__(self, x: Tensor, *, restarts: bool) -> Tensor:
        kinds = self.network.inputs
        sizes = [kind.size if isinstance(kind, Int) else prod(kind.shape) for kind in kinds]
        parts = x.split(sizes, -1)
        x = torch.cat(
            [part.exp() if isinstance(kind, Int) else part
             for part, kind in zip(parts, kinds, strict=True)], -1
        )  # fmt: skip
        found: Tensor = self.module(x, restarts=restarts)
        return logspace.from_linear(found) if isinstance(self.network.output, Int) else found


def _function(source: str, precision: Precision) -> Callable[..., Any]:
    """Turn code that `emit` wrote into a function; nothing in it comes from outside."""
    scope: dict[str, Any] = {
        "torch": torch, "soft": logspace if precision == "log" else runtime, "__builtins__": {},
    }  # fmt: skip
    exec(compile(source, "<neuralc soft execution>", "exec"), scope)  # noqa: S102  (our own code)
    function: Callable[..., Any] = scope["forward"]
    return function
