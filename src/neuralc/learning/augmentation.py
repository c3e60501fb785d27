"""Small random changes of images while training: turned, shifted, scaled, slanted a little.

Each image of a batch is changed on its own. Knows no labels, no networks and no programs; used in
training only, never when something is measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError

SMALLEST = 4  # pixels of a side; in less there is nothing to move


@dataclass(frozen=True)
class Changes:
    """How far an image may be changed; every amount is drawn evenly from -range to +range.

    The default suits handwriting: what is drawn stays what it is, a 6 does not become a 9, nor a
    plus a times.

    Attributes:
        turn: degrees around the middle of the image.
        shift: share of the height and, drawn for itself, of the width; 0.07 are two pixels of 28.
        scale: share by which height and, drawn for itself, width shrink or grow.
        slant: share of the height by which the top moves against the bottom, sideways.

    """

    turn: float = 12.0
    shift: float = 0.07
    scale: float = 0.12
    slant: float = 0.15

    def __post_init__(self) -> None:
        """Refuse ranges that leave nothing of the image."""
        limits = {"turn": 180.0, "shift": 0.5, "scale": 0.9, "slant": 1.0}
        for name, limit in limits.items():
            if not 0 <= getattr(self, name) <= limit:
                raise NeuralcError(
                    f"augment: {name} lies between 0 and {limit:g}, found {getattr(self, name)}"
                )


HANDWRITING = Changes()


def augment(images: Tensor, generator: torch.Generator, changes: Changes = HANDWRITING) -> Tensor:
    """Return images that are changed a little, each in its own way.

    Args:
        images: real `(N, h, w)` or `(N, channels, h, w)`; all channels of an image change alike.
        generator: where the random amounts come from; on the CPU.
        changes: how far.

    Returns:
        Images of the same shape, bilinear between pixels; what comes in from outside is 0.

    Raises:
        NeuralcError: no images of at least 4 x 4.

    """
    if images.dim() not in (3, 4) or min(images.shape[-2:]) < SMALLEST:
        raise NeuralcError(
            f"augment: no images: shape {tuple(images.shape)}\n"
            f"  hint: (N, h, w) or (N, channels, h, w), at least {SMALLEST} x {SMALLEST}"
        )
    batch = images if images.dim() == 4 else images.unsqueeze(1)
    matrices = _matrices(len(batch), generator, changes).to(batch)
    places = nn.functional.affine_grid(matrices, list(batch.shape), align_corners=False)
    changed = nn.functional.grid_sample(batch, places, padding_mode="zeros", align_corners=False)
    return changed.reshape(images.shape)


def _matrices(count: int, generator: torch.Generator, changes: Changes) -> Tensor:
    """Return where each place of the result comes from, `(N, 2, 3)`, in halves of the image."""
    amounts = (2 * torch.rand(6, count, generator=generator) - 1).unbind()
    angle = amounts[0] * math.radians(changes.turn)
    right, down = amounts[1] * 2 * changes.shift, amounts[2] * 2 * changes.shift
    width, height = 1 + amounts[3] * changes.scale, 1 + amounts[4] * changes.scale
    slant = amounts[5] * changes.slant
    cos, sin = angle.cos(), angle.sin()
    rows = [
        width * cos, width * (slant * cos - sin), right,
        height * sin, height * (cos + slant * sin), down,
    ]  # fmt: skip
    return torch.stack(rows, 1).view(count, 2, 3)
