"""A GPU played by the CPU: the code that its threads would run, one thread after the other.

The text is the very text that PTX is made of, compiled for this processor. Threads exchange
nothing, so that their order is of no matter, and that is checked: whatever is not a thread's own is
NaN before it runs, and must be untouched after.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.backends.native import ptx
from neuralc.backends.native.compiled import Compiled, compiled, kept
from neuralc.backends.native.kernel import Kernel
from neuralc.backends.native.llvm import Target

SHARE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 3)


@dataclass
class Emulated:
    """What `cuda.Gpu` is for a GPU: `enough` threads, `warps` at most."""

    enough: int = 70
    warps: int = 3
    runs: int = 0

    def target(self, real: str) -> Target:
        """Return what a kernel is written for."""
        return ptx.thread(real, ptx.PLAIN)

    def load(self, content: bytes, make: Callable[[], tuple[str, dict[str, Any]]]) -> Compiled:
        """Return the code for some content."""
        return Compiled(*kept(b"emulated" + content, make, compiled))

    def run(
        self, kernel: Kernel, args: Sequence[int], addresses: Sequence[int], tasks: int, warps: int
    ) -> None:
        """Do all tasks, thread by thread."""
        self.runs += 1
        assert isinstance(kernel.code, Compiled)
        share = SHARE(kernel.code.engine.get_function_address("share"))
        warps = min(warps, self.warps, -(-tasks // ptx.WARP))
        kind = np.float32 if kernel.target.real == "float" else np.float64
        arena = np.empty((warps, kernel.size // ptx.WARP, ptx.WARP), kind)
        words, table = (np.array(x, dtype=np.int64) for x in (args, addresses))
        threads = warps * ptx.WARP
        for thread in range(threads):
            arena.fill(np.nan)
            share(arena.ctypes.data, words.ctypes.data, table.ctypes.data, tasks, thread, threads)
            arena[thread // ptx.WARP, :, thread % ptx.WARP] = np.nan
            assert np.isnan(arena).all(), f"thread {thread} wrote what is another's"
