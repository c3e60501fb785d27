"""Text of LLVM turned into machine code in memory, kept on disk under a digest of what it is.

The digest covers what the code is for, the processor, the compiler and this very package, and the
file says again what it is of: whoever finds another thing there compiles anew. Files take their
place whole, so several writers do no harm.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from neuralc.errors import FileError
from neuralc.files import write_atomic

FORMAT = b"neuralc kernel 1\n"
SPEED = 3


class Compiled:
    """Machine code and its entry `run`; it stays in memory as long as this object."""

    def __init__(self, code: bytes, facts: dict[str, Any]) -> None:
        """Load object code; `facts` are what its writer wants to know of it again."""
        self.facts = facts
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()
        address = self.engine.get_function_address("run")
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        kind = ctypes.CFUNCTYPE(None, pointer, pointer, pointer, number, number)
        self.run: Callable[..., Any] = kind(address)  # without the interpreter's lock


def load(
    content: bytes, make: Callable[[], tuple[str, dict[str, Any]]], folder: Path | None = None
) -> Compiled:
    """Return the code for some content, from the folder if it is there, else made and kept there.

    Args:
        content: all that the code depends on, besides this package, the compiler, the processor.
        make: returns the text of the module, and facts that JSON can hold.
        folder: where code is kept; None: see `cache_folder`.

    """
    return Compiled(*kept(content, make, compiled, folder))


def kept(
    content: bytes, make: Callable[[], tuple[str, dict[str, Any]]],
    translate: Callable[[str], bytes], folder: Path | None = None,
) -> tuple[bytes, dict[str, Any]]:  # fmt: skip
    """Return code and facts as `load` does; `translate` makes code of the text of a module."""
    folder = cache_folder() if folder is None else folder
    digest = hashlib.sha256("\n".join(_circumstances()).encode() + content).hexdigest()
    path = folder / f"{digest}.kernel"
    found = _read(path, digest)
    if found is None:
        text, facts = make()
        found = translate(text), facts
        body = json.dumps(facts).encode() + b"\n" + found[0]
        head = FORMAT + digest.encode() + hashlib.sha256(body).digest()
        try:
            write_atomic(path, head + body)
        except FileError:
            pass  # a folder that cannot be written to costs time, not the result
    return found


def compiled(text: str) -> bytes:
    """Return the object code of a module."""
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.verify()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    optimise(module, machine)
    return bytes(machine.emit_object(module))


def assembly(text: str) -> str:
    """Return the assembly of a module, for looking at."""
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    optimise(module, machine)
    return str(machine.emit_assembly(module))


def optimise(module: Any, machine: Any) -> None:
    """Tidy up: what is a vector is one already, so nothing is to be made one."""
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)


def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(),
        opt=SPEED, reloc="pic", codemodel="small", jit=True,
    )  # fmt: skip


@cache
def vector_bytes() -> int:
    """Return the size of the vectors of this processor."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx2") else 16


@cache
def _circumstances() -> tuple[str, ...]:
    """Return what code depends on besides its content: the compiler, the processor, and us."""
    features = llvm.get_host_cpu_features().flatten()
    version = ".".join(map(str, llvm.llvm_version_info))
    ours = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        ours.update(path.read_bytes())
    own = ours.hexdigest()
    return (llvmlite.__version__, version, llvm.get_host_cpu_name(), features, str(SPEED), own)


def cache_folder() -> Path:
    """Return where compiled kernels are kept: `NEURALC_CACHE`, or below the user's cache."""
    own = os.environ.get("NEURALC_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "neuralc" / "kernels"


def _read(path: Path, digest: str) -> tuple[bytes, dict[str, Any]] | None:
    """Return code and facts from a file, None if there is none or it is not what it should be."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    head = FORMAT + digest.encode()
    check, body = content[len(head) : len(head) + 32], content[len(head) + 32 :]
    if not content.startswith(head) or hashlib.sha256(body).digest() != check:
        return None
    facts, _, code = body.partition(b"\n")
    return code, json.loads(facts)
