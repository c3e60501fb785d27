"""PTX run on a GPU by CUDA's driver, in the context and on the stream that torch works in.

Knows kernels as what is launched, not what they compute. Nothing here can be tested without a GPU;
what a launch does is little, therefore.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from neuralc.backends.native import ptx
from neuralc.backends.native.llvm import Target
from neuralc.backends.native.ptx import WARP, Ptx
from neuralc.errors import NeuralcError

if TYPE_CHECKING:
    from neuralc.backends.native.kernel import Kernel

FILL = 256  # threads for each multiprocessor, so that it has something to do while some wait
LOG = 4096  # bytes of what the driver has to say of PTX
ERROR_LOG, ERROR_LOG_SIZE = 5, 6  # CU_JIT_ERROR_LOG_BUFFER and its size


class Gpu:
    """A GPU that torch knows by its number."""

    def __init__(self, index: int) -> None:
        """Find out what it is."""
        self.index = index
        self.chip = ptx.chip(*torch.cuda.get_device_capability(index))
        self.enough = FILL * torch.cuda.get_device_properties(index).multi_processor_count
        self.driver = driver()
        self.context = self.driver.context(index)
        self.functions: dict[int, tuple[Ptx, ctypes.c_void_p]] = {}

    def target(self, real: str) -> Target:
        """Return what a kernel is written for."""
        return ptx.thread(real, self.chip)

    def load(self, content: bytes, make: Callable[[], tuple[str, dict[str, Any]]]) -> Ptx:
        """Return the PTX for some content, see `compiled.load`."""
        return ptx.load(content, make, self.chip)

    def run(
        self, kernel: Kernel, args: Sequence[int], addresses: Sequence[int], tasks: int, warps: int
    ) -> None:
        """Do all tasks and wait for them.

        Args:
            kernel: made with `target` and `load`.
            args: restarts, examples, chunks of examples, steps.
            addresses: of the external arrays, on this GPU, in their order.
            tasks: their number; there is a thread for each, if there are warps enough.
            warps: at most so many, each with memory of its own.

        Raises:
            NeuralcError: the driver refuses, or there is not enough memory.

        """
        assert isinstance(kernel.code, Ptx)
        device = torch.device("cuda", self.index)
        blocks = min(warps, -(-tasks // WARP))
        room = kernel.size * kernel.target.bytes
        try:
            arena = torch.empty(blocks * room, dtype=torch.uint8, device=device)
            words, table = (
                torch.tensor(x, dtype=torch.int64, device=device) for x in (args, addresses)
            )
        except torch.OutOfMemoryError as error:
            reason = str(error).splitlines()[0]
            raise NeuralcError(f"a kernel's {blocks * room} bytes on {device}: {reason}") from None
        stream = ctypes.c_void_p(torch.cuda.current_stream(device).cuda_stream)
        values = [ctypes.c_uint64(t.data_ptr()) for t in (arena, words, table)]
        values.append(ctypes.c_uint64(tasks))
        spots = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        with self.driver.within(self.context):
            function = self.function(kernel.code)
            self.driver.call("cuLaunchKernel", function, blocks, 1, 1, WARP, 1, 1, 0, stream,
                             spots, None)  # fmt: skip
            self.driver.call("cuStreamSynchronize", stream)

    def function(self, code: Ptx) -> ctypes.c_void_p:
        """Return the entry of some PTX, turned into machine code when it is first asked for."""
        if id(code) not in self.functions:
            self.functions[id(code)] = code, self.driver.entry(code.text)
        return self.functions[id(code)][1]


@cache
def gpu(index: int) -> Gpu:
    """Return a GPU of torch's."""
    return Gpu(index)


class Driver:
    """CUDA's driver, by the functions of its library."""

    def __init__(self, library: Any) -> None:
        """Wake the driver up."""
        self.library = library
        self.call("cuInit", 0)

    def call(self, name: str, *args: Any) -> None:
        """Call a function.

        Raises:
            NeuralcError: it says that something is wrong.

        """
        code = getattr(self.library, name)(*args)
        if code:
            raise NeuralcError(f"CUDA: {self.words(code)} ({name})")

    def words(self, code: int) -> str:
        """Return what an error means."""
        text = ctypes.c_char_p()
        self.library.cuGetErrorString(code, ctypes.byref(text))
        return text.value.decode() if text.value else f"error {code}"

    def context(self, index: int) -> ctypes.c_void_p:
        """Return the context of a GPU, the one that torch works in."""
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), index)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        return context

    @contextmanager
    def within(self, context: ctypes.c_void_p) -> Iterator[None]:
        """Work in a context for a while."""
        self.call("cuCtxPushCurrent_v2", context)
        try:
            yield
        finally:
            self.call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def entry(self, text: bytes) -> ctypes.c_void_p:
        """Return the entry `launch` of some PTX as a function that can be launched."""
        module, function = ctypes.c_void_p(), ctypes.c_void_p()
        log = ctypes.create_string_buffer(LOG)
        options = (ctypes.c_int * 2)(ERROR_LOG, ERROR_LOG_SIZE)
        values = (ctypes.c_void_p * 2)(ctypes.addressof(log), LOG)
        try:
            self.call("cuModuleLoadDataEx", ctypes.byref(module), text, 2, options, values)
        except NeuralcError as error:
            said = log.value.decode(errors="replace").strip()
            raise NeuralcError(f"{error}\n{said}" if said else str(error)) from None
        self.call("cuModuleGetFunction", ctypes.byref(function), module, b"launch")
        return function


@cache
def driver() -> Driver:
    """Return CUDA's driver.

    Raises:
        NeuralcError: there is none, or it does not work.

    """
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        return Driver(ctypes.CDLL(name))
    except OSError as error:
        raise NeuralcError(
            f"the driver of CUDA cannot be loaded: {error}\n  hint: --engine torch"
        ) from None
