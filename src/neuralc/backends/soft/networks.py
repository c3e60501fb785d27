"""Bodies of neural functions, with one set of weights per restart.

A body is a module called as `body(x, restarts=…)` on features `(…, n)`; `restarts` tells whether
the first dimension of `x` is the restarts already. It returns `(P, …, size)`: probabilities, or
real numbers where the function's result is a tensor.
"""

from __future__ import annotations

import math
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from neuralc.backends.soft.runtime import centred_softmax
from neuralc.ir.nodes import Int, Network, Real, Type

MAPS = (8, 16, 32)  # of the convolutions
END = (64,)  # hidden sizes behind them, where the model names none
HE = math.sqrt(6)
POOLED = 4  # pixels of a side that maps must have to be pooled


def build_network(network: Network, restarts: int) -> nn.Module:
    """Return the body that a network declares, randomly initialised."""
    softmax = isinstance(network.output, Int)
    sizes = [*(_width(kind) for kind in network.inputs)]
    if network.body == "cnn":
        (image,) = network.inputs
        assert isinstance(image, Real)
        return Convolutional(image.shape, network.hidden, _width(network.output), softmax, restarts)
    return MultiLayer([sum(sizes), *network.hidden, _width(network.output)], softmax, restarts)


def _width(kind: Type) -> int:
    return kind.size if isinstance(kind, Int) else prod(kind.shape)


class MultiLayer(nn.Module):
    """A fully connected ReLU network, one for each restart.

    Source: the neural functions of Gaunt et al., "Differentiable Programs with Neural Libraries"
    (2017), section 3; weights uniform in +-1/sqrt(inputs), as in `torch.nn.Linear`.
    """

    def __init__(self, sizes: list[int], softmax: bool, restarts: int, gain: float = 1.0) -> None:
        """Draw the weights, `gain` times as large; `sizes` from features to result."""
        super().__init__()
        self.softmax = softmax
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for n, m in pairwise(sizes):
            bound = 1 / math.sqrt(n)
            self.weights.append(torch.empty(restarts, n, m).uniform_(-bound, bound) * gain)
            self.biases.append(torch.empty(restarts, 1, m).uniform_(-bound, bound))

    def forward(self, x: Tensor, *, restarts: bool) -> Tensor:
        """Apply every restart's network: `(…, n)` to `(P, …, size)`."""
        count = len(self.weights[0])
        lead = x.shape[1:-1] if restarts else x.shape[:-1]
        rows = x.reshape(count if restarts else 1, -1, x.shape[-1]).expand(count, -1, -1)
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = torch.baddbmm(bias, rows, weight)
            if k + 1 < len(self.weights):
                rows = rows.relu()
        rows = rows.reshape(count, *lead, -1)
        return centred_softmax(rows) if self.softmax else rows


class Convolutional(nn.Module):
    """Three small convolutions with pooling and a fully connected end, one for each restart.

    An image of 28 x 28 becomes 32 maps of 3 x 3. Maps of less than 4 pixels are not pooled. It is
    kept small on purpose: a step takes a few times as long as one of the fully connected network
    of the paper. Batches are not normalised: an image is read the same way whatever else is there.

    Source: weights uniform in +-sqrt(6/inputs), as K. He et al., "Delving deep into rectifiers"
    (2015): with smaller ones learning from weak labels takes several times as long to begin.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        hidden: tuple[int, ...],
        size: int,
        softmax: bool,
        restarts: int,
    ) -> None:
        """Draw the weights for images of `shape`: (h, w) or (channels, h, w)."""
        super().__init__()
        self.shape = (1, *shape) if len(shape) == 2 else shape
        self.restarts = restarts
        channels, height, width = self.shape
        self.kernels, self.biases = nn.ParameterList(), nn.ParameterList()
        for n, m in pairwise((channels, *MAPS)):
            bound = HE / math.sqrt(9 * n)
            self.kernels.append(torch.empty(restarts * m, n, 3, 3).uniform_(-bound, bound))
            self.biases.append(torch.zeros(restarts * m))
            if min(height, width) >= POOLED:
                height, width = height // 2, width // 2
        sizes = [MAPS[-1] * height * width, *(hidden or END), size]
        self.end = MultiLayer(sizes, softmax, restarts, HE)

    def forward(self, x: Tensor, *, restarts: bool) -> Tensor:
        """Apply every restart's network: `(…, c * h * w)` to `(P, …, size)`."""
        count = self.restarts
        lead = x.shape[1:-1] if restarts else x.shape[:-1]
        images = x.reshape(count if restarts else 1, -1, *self.shape).expand(count, -1, *self.shape)
        # channels last: the same values in an order that makes a step twice as fast on a CPU
        maps = images.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        for kernel, bias in zip(self.kernels, self.biases, strict=True):
            last = kernel.clone(memory_format=torch.channels_last)
            maps = nn.functional.conv2d(maps, last, bias, padding=1, groups=count)
            if min(maps.shape[-2:]) >= POOLED:
                maps = nn.functional.max_pool2d(maps, 2)
            maps = maps.relu()  # after pooling, which gives the same and is less to do
        rows = maps.unflatten(1, (count, -1)).transpose(0, 1).flatten(2)
        found: Tensor = self.end(rows, restarts=True)
        return found.reshape(count, *lead, -1)
