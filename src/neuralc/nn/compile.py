"""A program becomes a module: text, a routine's name, or assembly, put into a register machine."""

from __future__ import annotations

from neuralc import routines
from neuralc.engines import Engine
from neuralc.files import read_text
from neuralc.ir.assembly import Assembly
from neuralc.lang import asm
from neuralc.lang.pyasm.function import Program
from neuralc.nn.machine import RegisterMachine
from neuralc.nn.turns import Halting, Mixing
from neuralc.nn.weights import SHARP, write
from neuralc.source import Source


def compile(
    program: Assembly | Program | str, memory: int, *, sharpness: float = SHARP,
    registers: int | None = None, max_steps: int = 1000, restarts: int = 1,
    mixing: Mixing = "rows", halting: Halting = "exact", threshold: float = 0.9,
    engine: Engine = "torch",
) -> RegisterMachine:  # fmt: skip
    """Compile a program to the weights of the differentiable register machine.

    Args:
        program: a function decorated with `neuralc.program`, assembly text or a parsed one, or the
            name of a routine that comes with neuralc.
        memory: M, the number of cells, values and lines.
        sharpness: see `weights.write`; the default is exact.
        registers: R; None: as many as the program has.
        max_steps, restarts, mixing, halting, threshold, engine: see `RegisterMachine`.

    Returns:
        A `torch.nn.Module`: memory distributions in, memory distributions out.

    Raises:
        ModelErrors: what is wrong with a text.
        NeuralcError: the program does not fit the memory.

    """
    found = assembly_of(program, memory)
    machine = RegisterMachine(
        memory, max(registers or 0, len(found.registers)), max_steps=max_steps, restarts=restarts,
        mixing=mixing, halting=halting, threshold=threshold, engine=engine,
    )  # fmt: skip
    return write(machine, found, sharpness=sharpness)


def assembly_of(program: Assembly | Program | str, memory: int) -> Assembly:
    """Return a program as assembly that fits a memory; see `compile`."""
    if isinstance(program, str):
        if program in routines.names():
            program = asm.parse(Source(program, read_text(routines.path(program))))
        else:
            program = asm.parse(Source("program", program))
    found = program if isinstance(program, Assembly) else program.compile(memory).assembly
    asm.fit(found, memory)
    return found
