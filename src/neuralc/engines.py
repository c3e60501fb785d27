"""What can run a model softly, by name: generated kernels, PyTorch, or whichever is faster."""

from __future__ import annotations

from typing import Literal, get_args

Engine = Literal["auto", "native", "torch"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
