"""Constant arrays of generated code, as tensors of whatever type and device it runs on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.soft import logspace


class Constants:
    """Arrays, each kept once; `code` is how generated code names them."""

    def __init__(self, *, log: bool = False) -> None:
        """Start empty; `log`: reals are probabilities that are wanted as logarithms."""
        self.log = log
        self.arrays: list[np.ndarray] = []
        self.places: dict[tuple[str, tuple[int, ...], bytes], int] = {}
        self.cache: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}

    def code(self, array: np.ndarray) -> str:
        """Keep an array and return code for it."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.places:
            self.places[key] = len(self.arrays)
            self.arrays.append(np.array(array))
        return f"constants[{self.places[key]}]"

    def tensors(self, like: Tensor) -> list[Tensor]:
        """Return all arrays as tensors: reals in the type of `like`, indices as integers."""
        ready = self.cache.setdefault((like.device, like.dtype), [])
        for array in self.arrays[len(ready) :]:
            tensor = torch.from_numpy(array).to(like.device)
            if array.dtype.kind == "f":
                tensor = tensor.to(like.dtype)
                tensor = logspace.from_linear(tensor) if self.log else tensor
            ready.append(tensor)
        return ready
