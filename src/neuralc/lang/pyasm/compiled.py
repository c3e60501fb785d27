"""What compiling a program gives: the lines, and what a runner needs to speak about a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from neuralc.ir.assembly import Assembly
from neuralc.source import Span


@dataclass(frozen=True)
class Compiled:
    """A compiled program.

    Attributes:
        assembly: the lines and registers; each line points at the Python text that it is for.
        memory: M, the size that it was compiled for.
        entry: the function that it runs.
        arguments: how many numbers it takes, in the cells from 0 on; its result is then in cell 0.
            None: it works on the memory.
        stack: how many cells at the end of the memory belong to the call stack; 0: there is no
            recursion.
        calls: for the values that the status cell may hold after an overflow, the call.
        traps: the lines of the STOPs that end a run after an overflow.

    """

    assembly: Assembly
    memory: int
    entry: str
    arguments: int | None = None
    stack: int = 0
    calls: Mapping[int, Span] = field(default_factory=dict, compare=False, repr=False)
    traps: frozenset[int] = frozenset()

    @property
    def status(self) -> int | None:
        """The cell that says how a run ended: 0 where the stack was large enough.

        It is the lowest cell of the stack; None: there is no stack.
        """
        return self.memory - self.stack if self.stack else None

    def overflow(self, final_memory: Sequence[int]) -> str | None:
        """Return a message where a run ended because the stack was full.

        Args:
            final_memory: what the cells hold after the run, `[memory]`.

        Returns:
            `stack overflow at line 7: fib(n - 1)`, or None where the stack was large enough.

        """
        value = int(final_memory[self.status]) if self.status is not None else 0
        if not value:
            return None
        call = self.calls.get(value)
        if call is None:
            return "stack overflow"
        text = " ".join(call.text.split())
        return f"stack overflow at line {call.line}: {text}"
