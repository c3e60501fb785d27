"""Learning: the open choices of a model, found by gradients or by solvers, judged exactly.

Importing this is cheap: the processes of solvers do, and most of them need no PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuralc.learning.run import learn as learn

__all__ = ["learn"]


def __getattr__(name: str) -> Any:
    """Load `learn` when it is first used."""
    if name != "learn":
        raise AttributeError(f"neuralc.learning has no attribute {name!r}")
    from neuralc.learning.run import learn

    globals()["learn"] = learn
    return learn
