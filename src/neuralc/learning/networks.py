"""The networks of restarts, one for each or one for all, and weights that go in and come out.

Restarts of a module have networks of their own, unless a `Shared` body stands in: it reads every
image once and lets all restarts see the same. The gradients of all restarts then meet in one set
of weights; who trains them decides whose word counts for how much. Weights are always given by the
names and shapes that they have in a module with one restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.networks import build_network
from neuralc.errors import NeuralcError
from neuralc.ir.nodes import Network, Program

Make = Callable[[int], nn.Module]


class Shared(nn.Module):
    """A body with one set of weights, seen by any number of restarts."""

    def __init__(self, body: nn.Module, restarts: int) -> None:
        """Wrap a body that was built for one restart."""
        super().__init__()
        self.body, self.count = body, restarts

    def forward(self, x: Tensor, *, restarts: bool) -> Tensor:
        """Apply the network: `(…, n)` to `(P, …, size)`, a view of one result.

        Args:
            x: features; where `restarts`, they have the dimension P already, and differ in it.
            restarts: whether they do.

        """
        if not restarts:
            found: Tensor = self.body(x, restarts=False)
            return found.expand(self.count, *found.shape[1:])
        own: Tensor = self.body(x.flatten(0, -2), restarts=False)[0]
        return own.reshape(*x.shape[:-1], -1)


def share(body: nn.Module) -> Make:
    """Return what `SoftModule` wants as a body: the same network for all restarts."""
    return lambda restarts: Shared(body, restarts)


def shared_bodies(program: Program) -> dict[str, Make]:
    """Return what `SoftModule` wants as bodies: each network new, and one for all restarts."""
    return {network.name: _new(network) for network in program.networks}


def _new(network: Network) -> Make:
    return lambda restarts: Shared(build_network(network, 1), restarts)


def _places(module: SoftModule) -> Iterator[tuple[str, str, int]]:
    """Yield each parameter: its name here, its name with one restart, how often it is there."""
    shared = {f"networks.{name}.body." for name, body in module.networks.items()
              if isinstance(body, Shared)}  # fmt: skip
    for name, _ in module.named_parameters():
        prefix = next((start for start in shared if name.startswith(start)), "")
        own = prefix.removesuffix("body.") + name.removeprefix(prefix)
        yield name, own, 1 if prefix else module.restarts


def row_weights(module: SoftModule, row: int) -> dict[str, Tensor]:
    """Return the parameters of one restart, as those of a module with one restart."""
    state = dict(module.named_parameters())
    return {
        own: state[name].detach().chunk(count)[row if count > 1 else 0].cpu().clone()
        for name, own, count in _places(module)
    }


def network_weights(module: SoftModule, name: str = "") -> dict[str, Tensor]:
    """Return the parameters of one network of a module with one restart, or of all."""
    prefix = f"networks.{name}." if name else "networks."
    return {
        key: value.detach().clone()
        for key, value in module.named_parameters()
        if key.startswith(prefix)
    }


def load_weights(module: SoftModule, weights: Mapping[str, Tensor]) -> None:
    """Put saved parameters into a module; raises RuntimeError where they do not fit."""
    module.load_state_dict(dict(weights), strict=True)


def spread_weights(module: SoftModule, weights: Mapping[str, Tensor]) -> None:
    """Let every restart begin with the networks of a solution; others stay as they are.

    Raises:
        NeuralcError: a network of the same name is of another shape.

    """
    state = {name: value.detach() for name, value in module.named_parameters()}
    for name, own, count in _places(module):
        if own == "logits" or own not in weights:
            continue
        given, wanted = weights[own], (len(state[name]) // count, *state[name].shape[1:])
        if not isinstance(given, torch.Tensor) or tuple(given.shape) != wanted:
            found = f"of shape {tuple(given.shape)}" if hasattr(given, "shape") else "no tensor"
            raise NeuralcError(
                f"networks: {own} is {found}, a tensor of shape {wanted} is needed\n"
                "  hint: take the weights of a solution with the same networks"
            )
        state[name] = torch.cat([given.detach().to(state[name])] * count)
    load_weights(module, state)
