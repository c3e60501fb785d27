"""Gradient descent on all restarts at once.

A `Trainer` holds everything that changes while learning, so that a checkpoint is its `state` and
a run can go on from there with the same result. It does not know files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.soft import SoftModule
from neuralc.ir.examples import Examples
from neuralc.learning.settings import Settings

TINY = 1e-15  # keeps log finite; its square must still fit float32 as a gradient


def negative_log_likelihood(
    module: SoftModule, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> Tensor:
    """Return the loss of each restart, in nats, shape `(P,)`.

    Args:
        module: the compiled model.
        inputs: prepared inputs, see `SoftModule.prepare`.
        targets: int64 `(B, *shape)` for each output, -1 where it is not observed.

    Source: sum over observed outputs, mean over examples; Gaunt et al. (2016), section 5.

    """
    outputs, observed = module.run(inputs)
    log = module.precision == "log"
    total = torch.zeros(module.restarts, device=module.logits.device, dtype=module.logits.dtype)
    for name, target in targets.items():
        shape = (module.restarts, *target.shape)  # without inputs, one result is for all examples
        index = target.clamp_min(0).unsqueeze(-1).expand(*shape, 1)
        chance = outputs[name].expand(*shape, -1).gather(-1, index).squeeze(-1)
        loss = -(chance if log else (chance + TINY).log())
        if bool((target < 0).any()):
            loss = loss * (target >= 0)
        total = total + loss.flatten(1).sum(1) / target.shape[0]
    for distribution, number in zip(observed, module.expected, strict=True):
        chance = distribution[..., number]
        total = total - (chance if log else (chance + TINY).log()).mean(1)
    return total


class Trainer:
    """The state of a run and one step of it."""

    def __init__(self, module: SoftModule, examples: Examples, settings: Settings) -> None:
        """Draw the restarts: log of a Dirichlet sample for each choice."""
        self.module, self.settings = module, settings
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.order = np.random.default_rng(settings.seed)
        self.step_number = 0
        module.logits.data = self.fresh(settings.restarts).to(module.logits)
        self.mean_square = torch.zeros_like(module.logits)
        self.momentum = torch.zeros_like(module.logits)
        weights = list(module.networks.parameters())
        self.network_optimizer = (
            torch.optim.Adam(weights, lr=settings.network_rate, foreach=True) if weights else None
        )
        self.examples = examples
        self.inputs = module.prepare(examples.inputs)
        device = module.logits.device
        self.targets = {
            name: torch.as_tensor(t, device=device) for name, t in examples.outputs.items()
        }
        self.queue = np.zeros(0, dtype=np.int64)
        self.loss = torch.full((settings.restarts,), math.inf)

    def fresh(self, count: int) -> Tensor:
        """Return logits of new restarts, float64 `(count, total)`."""
        shape = (count, self.module.choices.total)
        if self.settings.concentration == 1.0:
            gamma = -torch.rand(shape, generator=self.generator, dtype=torch.float64).log()
        else:
            seed = int(torch.randint(2**31, (1,), generator=self.generator))
            rng = np.random.default_rng(seed)
            gamma = torch.from_numpy(rng.standard_gamma(self.settings.concentration, shape))
        logits = gamma.clamp_min(1e-12).log()
        parts = [
            x - x.logsumexp(-1, keepdim=True) for x in self.module.choices.split(logits).values()
        ]
        return torch.cat([part.flatten(1) for part in parts], 1) if parts else logits

    def batch(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the examples of the next step."""
        size = self.settings.batch
        if size is None or size >= self.examples.count:
            return self.inputs, self.targets
        if len(self.queue) < size:
            self.queue = self.order.permutation(self.examples.count)
        chosen = torch.from_numpy(self.queue[:size])
        self.queue = self.queue[size:]
        return (
            {name: x[chosen] for name, x in self.inputs.items()},
            {name: x[chosen] for name, x in self.targets.items()},
        )

    def step(self) -> None:
        """Make one step of every restart."""
        module = self.module
        module.logits.grad = None
        for weight in module.networks.parameters():
            weight.grad = None
        loss = negative_log_likelihood(module, *self.batch())
        objective = loss.sum()
        if self.settings.entropy:
            bonus = math.exp(-self.settings.entropy_decay * self.step_number)
            objective = objective - self.settings.entropy * bonus * self.entropy()
        if objective.requires_grad:  # else nothing that is open reaches an output
            objective.backward()
        self.loss = loss.detach()
        if module.logits.requires_grad:
            self.clip()
            self.descend()
        if self.network_optimizer is not None:
            self.network_optimizer.step()
        self.step_number += 1

    def entropy(self) -> Tensor:
        """Return the entropy of all choices of all restarts, in nats."""
        probabilities = self.module.probabilities().values()
        parts = [-(p * (p + TINY).log()).sum() for p in probabilities]
        return torch.stack(parts).sum()

    def clip(self) -> None:
        """Scale the gradient of each restart to the norm that is allowed, noise included."""
        gradient = self.module.logits.grad
        if gradient is None:  # no open choices, or none that reaches an output
            gradient = self.module.logits.grad = torch.zeros_like(self.module.logits)
        gradient.nan_to_num_(0.0, 0.0, 0.0)
        if self.settings.noise:
            scale = math.sqrt(self.settings.noise * (1 + self.step_number) ** -0.55)
            noise = torch.randn(gradient.shape, generator=self.generator)
            gradient += scale * noise.to(gradient)
        norm = gradient.norm(dim=1, keepdim=True)
        gradient *= (self.settings.clip / (norm + 1e-30)).clamp_max(1.0)
        for weight in self.module.networks.parameters():
            if weight.grad is not None:
                weight.grad.nan_to_num_(0.0, 0.0, 0.0)

    @torch.no_grad()
    def descend(self) -> None:
        """Update the choices by RMSProp or Adam."""
        logits, gradient = self.module.logits, self.module.logits.grad
        assert gradient is not None
        decay = self.settings.decay if self.settings.optimizer == "rmsprop" else 0.999
        self.mean_square.mul_(decay).addcmul_(gradient, gradient, value=1 - decay)
        if self.settings.optimizer == "rmsprop":
            scale = self.mean_square.sqrt().add_(1e-10)
            logits.addcdiv_(gradient, scale, value=-self.settings.rate)
            return
        t = self.step_number + 1
        self.momentum.mul_(0.9).add_(gradient, alpha=0.1)
        scale = (self.mean_square / (1 - decay**t)).sqrt_().add_(1e-8)
        logits.addcdiv_(self.momentum, scale, value=-self.settings.rate / (1 - 0.9**t))

    # ---- restarts come and go

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the restarts only; models without networks."""
        assert not self.module.program.networks
        self.module.logits.data = self.module.logits.data[rows]
        self.mean_square, self.momentum = self.mean_square[rows], self.momentum[rows]
        self.loss = self.loss[rows]

    def replace(self, rows: Tensor, logits: Tensor) -> None:
        """Begin anew with these logits in some rows."""
        self.module.logits.data[rows] = logits.to(self.module.logits)
        self.mean_square[rows] = 0
        self.momentum[rows] = 0

    # ---- checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that changes: tensors by name, and what JSON can hold."""
        tensors = {
            "logits": self.module.logits.detach(),
            "mean_square": self.mean_square,
            "momentum": self.momentum,
            "loss": self.loss,
            "generator": self.generator.get_state(),
            "queue": torch.from_numpy(self.queue.copy()),
        }
        tensors |= {f"networks.{k}": v for k, v in self.module.networks.state_dict().items()}
        if self.network_optimizer is not None:
            for k, entry in self.network_optimizer.state_dict()["state"].items():
                tensors |= {f"adam.{k}.{name}": value for name, value in entry.items()}
        tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        return tensors, {"step": self.step_number, "order": self.order.bit_generator.state}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; raises KeyError or RuntimeError where it does not fit."""
        self.module.logits.data = tensors["logits"].to(self.module.logits)
        self.mean_square = tensors["mean_square"].to(self.module.logits)
        self.momentum = tensors["momentum"].to(self.module.logits)
        self.loss = tensors["loss"].to(self.module.logits)
        self.generator.set_state(tensors["generator"])
        self.queue = tensors["queue"].numpy().copy()
        prefix = "networks."
        weights = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        self.module.networks.load_state_dict(weights)
        if self.network_optimizer is not None:
            entries: dict[int, dict[str, Tensor]] = {}
            for name, value in tensors.items():
                if name.startswith("adam."):
                    _, k, what = name.split(".")
                    entries.setdefault(int(k), {})[what] = value.clone()
            groups = self.network_optimizer.state_dict()["param_groups"]
            self.network_optimizer.load_state_dict({"state": entries, "param_groups": groups})
        self.step_number = int(numbers["step"])
        self.order.bit_generator.state = numbers["order"]
