"""Text of LLVM turned into PTX, the assembly of CUDA's GPUs, on any machine.

Knows neither how PTX is run (`cuda.py`) nor whether there is a GPU: the driver makes machine code
of it where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from neuralc.backends.native.compiled import SPEED, kept, optimise
from neuralc.backends.native.llvm import Target

WARP = 32  # threads that go together
TRIPLE = "nvptx64-nvidia-cuda"
CHIPS = (50, 60, 70, 75, 80, 86, 89, 90, 100, 120)  # ten times the capability; later ones run it
PLAIN = "sm_80"  # whose code is shown where there is no GPU

ENTRY = """
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()

define ptx_kernel void @launch(ptr %arena, ptr %args, ptr %arrays, i64 %tasks) {
entry:
  %in = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %size = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %blocks = call i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
  %begin = mul i32 %block, %size
  %own = add i32 %begin, %in
  %all = mul i32 %blocks, %size
  %thread = zext i32 %own to i64
  %threads = zext i32 %all to i64
  call void @share(ptr %arena, ptr %args, ptr %arrays, i64 %tasks, i64 %thread, i64 %threads)
  ret void
}
"""


@dataclass(frozen=True)
class Ptx:
    """PTX with an entry `launch(arena, args, arrays, tasks)`, see `driver.share`."""

    text: bytes
    facts: dict[str, Any]


def chip(major: int, minor: int) -> str:
    """Return the name of what to make code for, for a GPU of this compute capability."""
    able = [c for c in CHIPS if c <= 10 * major + minor]
    return f"sm_{max(able, default=CHIPS[0])}"


def thread(real: str, name: str) -> Target:
    """Return the target of a thread on a chip."""
    return Target(real, 1, WARP, name)


def load(
    content: bytes, make: Callable[[], tuple[str, dict[str, Any]]], name: str,
    folder: Path | None = None,
) -> Ptx:  # fmt: skip
    """Return PTX for a chip and some content, kept in a folder as `compiled.load` keeps code."""
    return Ptx(*kept(content, make, lambda text: translated(text, name), folder))


def translated(text: str, name: str) -> bytes:
    """Return the PTX of a module for a chip."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(TRIPLE).create_target_machine(cpu=name, opt=SPEED)
    module = llvm.parse_assembly(text + ENTRY)
    module.verify()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    for function in ("run", "share"):
        module.get_function(function).linkage = llvm.Linkage.internal
    optimise(module, machine)
    return str(machine.emit_assembly(module)).encode()
