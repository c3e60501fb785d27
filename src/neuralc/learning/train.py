"""Gradient descent on all restarts at once.

A `Trainer` holds everything that changes while learning, so that a checkpoint is its `state` and
a run can go on from there with the same result. It does not know files.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.native import NativeModule
from neuralc.backends.native.helpers import TINY
from neuralc.backends.soft import SoftModule
from neuralc.ir.examples import Examples
from neuralc.learning.perception import NetworkTraining, Recipe, check_images, vary
from neuralc.learning.settings import Settings

MEMORY = 0.9  # of the running mean of the loss
SHARPNESS = 5.0  # per nat: how fast a restart's say falls with its loss
LEAST = 1e-12  # its say at least, so that it can be divided by
PATIENCE = 0.5  # seconds of steps at once, which Ctrl-C waits for


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
    if isinstance(module, NativeModule) and (found := module.loss(inputs, targets)) is not None:
        return found
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

    def __init__(
        self, module: SoftModule, examples: Examples, settings: Settings,
        old: Collection[str] = (), perception: NetworkTraining | None = None,
    ) -> None:  # fmt: skip
        """Draw the restarts: log of a Dirichlet sample for each choice.

        Args:
            module: the compiled model.
            examples: to learn from.
            settings: how.
            old: the networks that come from a library; they learn at `library_rate`.
            perception: how the networks are trained, where others train them too.

        """
        self.module, self.settings = module, settings
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.order = np.random.default_rng(settings.seed)
        self.step_number = 0
        module.logits.data = self.fresh(settings.restarts).to(module.logits)
        self.mean_square = torch.zeros_like(module.logits)
        self.momentum = torch.zeros_like(module.logits)
        self.recipe = Recipe.of(settings)
        check_images(module.program, self.recipe)
        rates = dict.fromkeys(old, settings.library_rate_used)
        self.perception = perception or NetworkTraining(
            dict(module.networks.items()), self.recipe, rates
        )
        self.examples = examples
        self.inputs = module.prepare(examples.inputs)
        device = module.logits.device
        self.targets = {
            name: torch.as_tensor(t, device=device) for name, t in examples.outputs.items()
        }
        self.queue = np.zeros(0, dtype=np.int64)
        self.pace = PATIENCE  # seconds that a step took
        self.loss = torch.full((settings.restarts,), math.inf)
        self.mean_loss = torch.full((settings.restarts,), math.inf)  # over some batches

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
        self.learn(*self.batch())
        self.perception.step()

    def advance(self, most: int) -> None:
        """Make `most` steps, or fewer where they take long: some second then, at least one."""
        module, s = self.module, self.settings
        plain = not (s.noise or s.entropy or s.shake or s.shared or module.program.networks)
        whole = s.batch is None or s.batch >= self.examples.count
        native = module if isinstance(module, NativeModule) and plain and whole else None
        if native is None or not native.stays(self.examples.count):
            self.step()
            return
        count = max(1, min(most, int(PATIENCE / self.pace)))
        began = time.perf_counter()
        self.loss = native.descend(
            self.inputs, self.targets, self.mean_square, self.momentum,
            self.coefficients(count), adam=s.optimizer == "adam",
        ).detach()  # fmt: skip
        self.step_number += count
        self.pace = (time.perf_counter() - began) / count

    def coefficients(self, count: int) -> Tensor:
        """Return what the next steps of the optimiser multiply with, see `update.SETTINGS`."""
        s, first = self.settings, self.step_number + 1
        if s.optimizer == "rmsprop":
            row = [0.0, 1.0, s.decay, 1 - s.decay, s.rate, 1.0, 1e-10, s.clip]
            return torch.tensor([row] * count, dtype=torch.float64)
        rows = [
            [0.9, 0.1, 0.999, 0.001, s.rate / (1 - 0.9**t), 1 / (1 - 0.999**t), 1e-8, s.clip]
            for t in range(first, first + count)
        ]
        return torch.tensor(rows, dtype=torch.float64)

    def learn(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> None:
        """Make one step of the choices on a batch, and leave their gradients with the networks."""
        noise = self.shaken() if self.settings.shake and self.module.logits.requires_grad else None
        if noise is not None:
            self.module.logits.data += noise
        self._learn(inputs, targets)
        if noise is not None:
            self.module.logits.data -= noise

    def shaken(self) -> Tensor:
        """Return noise for the logits, with which each restart tries a nearly discrete program.

        A soft program is run as if its steps knew nothing of each other, and so half of two
        programs can explain what neither does. With noise on the choices they fall apart.

        Source: C. Maddison, A. Mnih, Y. Teh, "The Concrete Distribution" (2017), arXiv:1611.00712;
        E. Jang, S. Gu, B. Poole, "Categorical Reparameterization with Gumbel-Softmax" (2017),
        arXiv:1611.01144; here the noise falls with the steps, not the temperature.

        """
        logits = self.module.logits
        scale = self.settings.shake * math.exp(-self.settings.shake_decay * self.step_number)
        uniform = torch.rand(logits.shape, generator=self.generator, dtype=torch.float64)
        return (-scale * (-uniform.clamp(1e-12, 1 - 1e-12).log()).log()).to(logits)

    def _learn(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> None:
        module = self.module
        module.logits.grad = None
        self.perception.clear()
        shown = vary(module.program, inputs, self.recipe, self.generator)
        loss = negative_log_likelihood(module, shown, targets)
        weight = self.weigh(loss.detach())
        objective = (loss * weight).sum()
        if self.settings.entropy:
            bonus = math.exp(-self.settings.entropy_decay * self.step_number)
            objective = objective - self.settings.entropy * bonus * (self.entropy() * weight).sum()
        if objective.requires_grad:  # else nothing that is open reaches an output
            objective.backward()
        self.loss = loss.detach()
        if module.logits.requires_grad:
            if self.settings.shared and module.logits.grad is not None:
                module.logits.grad /= weight.unsqueeze(1)  # their own steps do not depend on it
            self.clip()
            self.descend()
        self.step_number += 1

    def weigh(self, loss: Tensor) -> Tensor:
        """Return the say of each restart in the training of the networks, `(P,)`.

        Restarts with networks of their own have all the say there. Those that share networks have
        it by what they explain: the likelihood that each gives the examples of the last batches,
        tempered.
        """
        if not self.settings.shared:
            return torch.ones_like(loss)
        fresh = self.mean_loss.isinf()
        self.mean_loss = torch.where(fresh, loss, MEMORY * self.mean_loss + (1 - MEMORY) * loss)
        return (SHARPNESS * (self.mean_loss.min() - self.mean_loss)).softmax(0).clamp_min(LEAST)

    def entropy(self) -> Tensor:
        """Return the entropy of all choices of each restart, in nats, `(P,)`."""
        probabilities = self.module.probabilities().values()
        parts = [-(p * (p + TINY).log()).flatten(1).sum(1) for p in probabilities]
        return torch.stack(parts).sum(0)

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

    def fix(self, choices: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Make these choices, int `[*shape]` each, for certain; from now on only networks learn."""
        certain = self.module.choices.certain(choices).to(self.module.logits)
        self.module.logits.data = certain.expand(self.module.restarts, -1).clone()
        self.module.logits.requires_grad_(False)

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the restarts only; models without networks."""
        assert not self.module.program.networks
        self.module.logits.data = self.module.logits.data[rows]
        self.mean_square, self.momentum = self.mean_square[rows], self.momentum[rows]
        self.loss, self.mean_loss = self.loss[rows], self.mean_loss[rows]

    def replace(self, rows: Tensor, logits: Tensor) -> None:
        """Begin anew with these logits in some rows."""
        self.module.logits.data[rows] = logits.to(self.module.logits)
        self.mean_square[rows] = 0
        self.momentum[rows] = 0
        self.mean_loss[rows] = math.inf

    # ---- checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that changes: tensors by name, and what JSON can hold."""
        tensors, numbers = self.own_state()
        tensors |= {f"networks.{k}": v for k, v in self.module.networks.state_dict().items()}
        trained, numbers["perception"] = self.perception.state()
        tensors |= {f"perception.{name}": value for name, value in trained.items()}
        return {k: v.detach().clone().contiguous() for k, v in tensors.items()}, numbers

    def own_state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the part of the state that is not about networks."""
        tensors = {
            "logits": self.module.logits.detach(),
            "mean_square": self.mean_square,
            "momentum": self.momentum,
            "loss": self.loss,
            "mean_loss": self.mean_loss,
            "generator": self.generator.get_state(),
            "queue": torch.from_numpy(self.queue.copy()),
        }
        tensors = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        return tensors, {"step": self.step_number, "order": self.order.bit_generator.state}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; raises KeyError or RuntimeError where it does not fit."""
        self.restore_own(tensors, numbers)
        self.module.networks.load_state_dict(below(tensors, "networks."))
        self.perception.restore(below(tensors, "perception."), numbers["perception"])

    def restore_own(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state, but for the networks."""
        like = self.module.logits
        if tensors["logits"].shape[1:] != like.shape[1:]:
            raise ValueError("these are the choices of another model")
        self.module.logits.data = tensors["logits"].to(like)
        self.mean_square = tensors["mean_square"].to(like)
        self.momentum = tensors["momentum"].to(like)
        self.loss, self.mean_loss = tensors["loss"].to(like), tensors["mean_loss"].to(like)
        self.generator.set_state(tensors["generator"])
        self.queue = tensors["queue"].numpy().copy()
        self.step_number = int(numbers["step"])
        self.order.bit_generator.state = numbers["order"]


def below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin so, under the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
