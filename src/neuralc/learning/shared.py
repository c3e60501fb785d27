"""One copy of a network for all restarts of a program.

Restarts of a module have networks of their own, unless a `Shared` body stands in: it reads every
image once and lets all restarts see the same. The gradients of all restarts then meet in one set
of weights; who trains them decides whose word counts for how much.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


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
        own: Tensor = self.body(x.flatten(0, 1) if x.dim() > 2 else x, restarts=False)[0]
        return own.unflatten(0, x.shape[:2]) if x.dim() > 2 else own


def share(body: nn.Module) -> Callable[[int], nn.Module]:
    """Return what `SoftModule` wants as a body: the same network for all restarts."""
    return lambda restarts: Shared(body, restarts)
