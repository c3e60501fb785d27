"""How the networks of a model are trained: what they are shown, their steps, and their average.

Shared by everything that trains networks through programs. Knows neither programs nor labels: the
gradients are there when `step` is called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.ir.nodes import Program, Real
from neuralc.learning.augmentation import SMALLEST, augment
from neuralc.learning.interrupts import held_back
from neuralc.learning.settings import Settings

EARLY = 10  # an average over n steps begins as one over a tenth of the steps made


@dataclass(frozen=True)
class Recipe:
    """How networks are trained; the attributes are those of `Settings`."""

    network_rate: float = 1e-3
    average: float = 0.0
    input_noise: float = 0.0
    augment: bool = False

    @staticmethod
    def of(settings: Settings) -> Recipe:
        """Return the part of settings that is about networks."""
        return Recipe(
            settings.network_rate, settings.average, settings.input_noise, settings.augment
        )


def images_of(program: Program) -> dict[str, tuple[int, ...]]:
    """Return the inputs that are images, with the shape of one: (h, w) or (channels, h, w)."""
    found = {d.name: d.type.shape for d in program.of("input") if isinstance(d.type, Real)}
    return {name: shape for name, shape in found.items()
            if len(shape) in (2, 3) and min(shape[-2:]) >= SMALLEST}  # fmt: skip


def vary(
    program: Program, inputs: Mapping[str, Tensor], recipe: Recipe, generator: torch.Generator
) -> dict[str, Tensor]:
    """Return a batch as the networks are shown it in training: changed a little, with noise.

    Args:
        program: whose inputs they are.
        inputs: prepared inputs, see `SoftModule.prepare`: tensors `(B, *shape, n)`.
        recipe: what is done. Noise comes to all tensors, small changes to images only.
        generator: of the random amounts; not used where nothing is done.

    Source of the noise: C. Bishop, "Training with noise is equivalent to Tikhonov regularization",
    Neural Computation 7 (1995).

    """
    shown = dict(inputs)
    if recipe.augment:
        for name, shape in images_of(program).items():
            pictures = shown[name].reshape(-1, *shape)
            shown[name] = augment(pictures, generator).reshape(shown[name].shape)
    if recipe.input_noise:
        for decl in program.of("input"):
            if isinstance(decl.type, Real):
                noise = torch.randn(shown[decl.name].shape, generator=generator)
                noise = noise.to(shown[decl.name])
                shown[decl.name] = shown[decl.name] + recipe.input_noise * noise
    return shown


def check_images(program: Program, recipe: Recipe) -> None:
    """Refuse to augment where there is no image.

    Raises:
        NeuralcError: the program has none.

    """
    if recipe.augment and not images_of(program):
        raise NeuralcError(
            f"augment: the model {program.name} has no input of images\n"
            f"  hint: an image is an InputTensor(h, w) or InputTensor(channels, h, w) of at least "
            f"{SMALLEST} x {SMALLEST}; leave augment out for other models"
        )


class NetworkTraining:
    """Adam for each network, and a running average of the weights.

    The average reads better than the weights of any single step, and a change of task shakes it
    less; it is what should be judged, saved and used.

    Source: B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging" (1992);
    here with weights that fall off exponentially.
    """

    def __init__(
        self, networks: Mapping[str, nn.Module], recipe: Recipe,
        rates: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        """Begin with the networks as they are.

        Args:
            networks: by name; all their parameters are trained.
            recipe: how.
            rates: learning rates of some networks, where they are not that of the recipe.

        """
        self.recipe = recipe
        self.networks = {n: body for n, body in networks.items() if [*body.parameters()]}
        self.rates = dict.fromkeys(networks, recipe.network_rate) | dict(rates or {})
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.means: dict[str, list[Tensor]] = {}
        self.steps: dict[str, int] = {}
        for name in self.networks:
            self.begin(name)

    def begin(self, name: str) -> None:
        """Forget all steps of one network, for instance because it was drawn anew."""
        weights = list(self.networks[name].parameters())
        self.optimizers[name] = torch.optim.Adam(weights, lr=self.rates[name], foreach=True)
        self.means[name] = [weight.detach().clone() for weight in weights]
        self.steps[name] = 0

    def clear(self) -> None:
        """Forget the gradients."""
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)

    def step(self, names: Collection[str] | None = None) -> None:
        """Make a step of some networks (None: all) with the gradients that are there."""
        for name in self.networks if names is None else names:
            self.optimizers[name].step()
            self.steps[name] += 1
            if not self.recipe.average:
                continue
            n = self.steps[name]
            kept = min(self.recipe.average, n / (n + EARLY))
            for mean, weight in zip(self.means[name], self._weights(name), strict=True):
                mean.lerp_(weight, 1 - kept)

    def _weights(self, name: str) -> list[Tensor]:
        return [weight.detach() for weight in self.networks[name].parameters()]

    # ---- the average

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the networks have their average weights within the block, where there is no step."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        if not self.recipe.average:
            return
        with held_back():  # Ctrl-C must not find half of it done
            for name, network in self.networks.items():
                for mean, weight in zip(self.means[name], network.parameters(), strict=True):
                    now = weight.clone()
                    weight.copy_(mean)
                    mean.copy_(now)

    @torch.no_grad()
    def take_average(self) -> None:
        """Go on from the average: the weights are replaced by it."""
        if not self.recipe.average:
            return
        for name, network in self.networks.items():
            for mean, weight in zip(self.means[name], network.parameters(), strict=True):
                weight.copy_(mean)

    # ---- checkpoints

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return everything that changes but the weights: tensors, and what JSON can hold."""
        tensors: dict[str, Tensor] = {}
        for name, optimizer in self.optimizers.items():
            for k, entry in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.adam.{k}.{part}": value for part, value in entry.items()}
            if self.recipe.average:
                tensors |= {f"{name}.mean.{k}": mean for k, mean in enumerate(self.means[name])}
        kept = {name: value.detach().clone().contiguous() for name, value in tensors.items()}
        return kept, {"steps": dict(self.steps)}

    def restore(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Go back to a state; raises KeyError, ValueError or RuntimeError where it does not fit."""
        for name, optimizer in self.optimizers.items():
            self.steps[name] = int(numbers["steps"][name])
            entries: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                if key.startswith(f"{name}.adam."):
                    k, part = key.removeprefix(f"{name}.adam.").split(".")
                    entries.setdefault(int(k), {})[part] = value.clone()
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": entries, "param_groups": groups})
            if self.recipe.average:
                for number, mean in enumerate(self.means[name]):
                    saved = tensors[f"{name}.mean.{number}"]
                    if saved.shape != mean.shape:
                        raise ValueError(f"the average of {name} is of another shape")
                    mean.copy_(saved)
