"""A step of training in JAX: the loss of each restart and the gradient of all logits.

The same loss as that of `learning/train.py`, jitted, for one thread. Several forms are offered, and
whoever measures takes the fastest. Imported only where JAX is there; `missing` tells.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from time import process_time
from typing import Any

import numpy as np
import torch

from neuralc.backends.soft import SoftModule
from neuralc.learning.train import TINY

FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
Arrays = Mapping[str, Any]


def missing() -> str | None:
    """Return why nothing can be measured with JAX, None if it can."""
    os.environ.setdefault("XLA_FLAGS", FLAGS)  # read when it is imported
    os.environ.setdefault("NPROC", "1")  # the threads that XLA starts
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import jax
    except ImportError as error:
        return f"jax is not installed: {error}; pip install 'neuralc[jax]'"
    del jax
    return None


@dataclass(frozen=True)
class Step:
    """A compiled step of training."""

    form: str
    call: Callable[[], Any]
    seconds: float  # to trace and compile it, and for the first step

    def run(self) -> Any:
        """Make a step and wait for it; return losses `(P,)` and gradients `(P, total)`."""
        import jax

        return jax.block_until_ready(self.call())


def compiled(form: str, loss: Callable[..., Any], *args: np.ndarray) -> Step:
    """Compile a function that returns a sum and all losses, and make one step."""
    import jax

    began = process_time()
    function = jax.jit(jax.value_and_grad(loss, has_aux=True))
    given = [jax.numpy.asarray(arg) for arg in args]

    def call() -> Any:
        (_, losses), gradient = function(*given)
        return losses, gradient

    step = Step(form, call, 0.0)
    step.run()
    return Step(form, call, process_time() - began)


def probabilities(module: SoftModule, logits: Any) -> dict[str, Any]:
    """Return the probabilities of all choices, `(P, *shape, size)`, of a matrix of logits."""
    import jax

    if not module.choices.free:
        wall = np.where(module.choices.allowed, 0.0, -1e4)
        logits = logits + wall.astype(logits.dtype)
    return {
        b.name: jax.nn.softmax(logits[:, b.start : b.stop].reshape(-1, *b.shape, b.size))
        for b in module.choices.blocks
    }
