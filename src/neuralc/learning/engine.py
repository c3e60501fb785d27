"""Which engine runs a model softly: PyTorch, or kernels generated for it.

Both mean the same; `native` is many times faster on a CPU, and a kernel is compiled first, which
takes about as long as a hundred steps in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from neuralc.engines import Engine
from neuralc.errors import Declined

if TYPE_CHECKING:
    from torch import nn

    from neuralc.backends.soft import SoftModule
    from neuralc.backends.soft.module import Precision
    from neuralc.ir.nodes import Program

WORTH = 100  # steps of learning from which on a kernel is worth compiling
LARGE = 5000  # operations of a program from which on a kernel takes minutes to compile


def worthwhile(engine: Engine, steps: int) -> Engine:
    """Return the engine to ask for: "auto" is torch where steps are too few to compile for."""
    return "torch" if engine == "auto" and steps < WORTH else engine


def soft_module(
    program: Program, engine: Engine, *, restarts: int, precision: Precision, device: str,
    bodies: Mapping[str, Callable[[int], nn.Module]] | None = None,
) -> SoftModule:  # fmt: skip
    """Return the soft execution of a program by an engine.

    Args:
        program: the program.
        engine: "auto" is native wherever that can be on a CPU.
        restarts: P.
        precision: "linear" or "log".
        device: where it will run; kernels are for "cpu" and "cuda".
        bodies: modules to use for some networks, see `SoftModule`.

    Raises:
        Declined: kernels are asked for, and it cannot be run by them.

    """
    from neuralc.backends.soft import SoftModule

    def plain() -> SoftModule:
        return SoftModule(program, restarts=restarts, precision=precision, bodies=bodies)

    if engine == "torch" or (engine == "auto" and device.split(":")[0] != "cpu"):
        return plain()

    from neuralc.backends.native import NativeModule

    try:
        NativeModule.check(precision, device)
        module = NativeModule(program, restarts=restarts, precision=precision, bodies=bodies)
    except Declined:
        if engine == "native":
            raise
        return plain()
    return plain() if engine == "auto" and module.operations > LARGE else module


def told(module: SoftModule) -> str:
    """Return in words which engine runs a module."""
    from neuralc.backends.native import NativeModule

    if isinstance(module, NativeModule):
        return f"engine: native, a kernel of {module.operations} operations"
    return "engine: torch"
