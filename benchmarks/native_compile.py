"""A step of training by `torch.compile`: the loss, traced as one graph, with the gradient of it.

What is compiled is the plain forward code of a model under autograd; its hand-written backward is
one opaque call and leaves nothing to compile. Needs a C++ compiler.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Mapping
from time import process_time
from types import FrameType

import torch
from torch import Tensor

from neuralc.backends.native.helpers import TINY
from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.module import full
from neuralc.backends.soft.parameters import Choices

LIMIT = 240  # seconds of the clock


class TookTooLong(BaseException):
    """Nothing on the way catches it, as Dynamo does with exceptions."""


def compiled(
    module: SoftModule, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> tuple[Callable[[], Tensor], float] | str:
    """Return a step and how many seconds of work its compilation was, or why there is none.

    A step returns the losses `(P,)` and leaves the gradient with the logits of the module.
    """
    if shutil.which("g++") is None:
        return "there is no g++"
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    forward = module._forward  # written now, with its constants, not while it is traced
    constants = module._constants.tensors(module.logits)
    leads = module._leads
    sizes = module.restarts, next(iter(targets.values())).shape[0]
    hot = {
        name: torch.nn.functional.one_hot(
            target.clamp_min(0), module.program.decl[name].type.size
        ).to(module.logits)
        for name, target in targets.items()
    }
    there = {name: (target >= 0).to(module.logits) for name, target in targets.items()}

    def loss(logits: Tensor) -> Tensor:
        params = probabilities(logits, module.choices)
        outputs, _ = forward(params, inputs, {}, constants)
        total = 0.0
        for (name, value), lead in zip(outputs.items(), leads, strict=False):
            if name in hot:
                chance = (full(value, lead, sizes) * hot[name]).sum(-1)
                terms = (chance + TINY).log() * there[name]
                total = total - terms.flatten(1).sum(1) / sizes[1]
        return total

    torch._dynamo.reset()
    fast = torch.compile(loss, fullgraph=True, dynamic=False)

    def step() -> Tensor:
        module.logits.grad = None
        found = fast(module.logits)
        found.sum().backward()
        return found

    return within(step)


def within(step: Callable[[], Tensor]) -> tuple[Callable[[], Tensor], float] | str:
    """Make a first step, for `LIMIT` seconds at most."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    began = process_time()
    try:
        step()
    except TookTooLong:
        return f"not compiled within {LIMIT} s"
    except torch._dynamo.exc.TorchDynamoException as error:
        return f"failed: {str(error).splitlines()[0]}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return step, process_time() - began


def probabilities(logits: Tensor, choices: Choices) -> dict[str, Tensor]:
    """Return the probabilities of all choices: name -> `(P, *shape, size)`."""
    return {name: part.softmax(-1) for name, part in choices.split(choices.masked(logits)).items()}
