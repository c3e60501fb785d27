"""Whether a program fits a size of memory: its lines, its constants and its first line."""

from __future__ import annotations

from neuralc.errors import ModelErrors, SourceError
from neuralc.ir.assembly import Assembly
from neuralc.lang.asm.text import text
from neuralc.lang.asm.words import Declaration, Instruction, Item, Start, read
from neuralc.source import Source, Span


def smallest_memory(assembly: Assembly) -> int:
    """Return the smallest memory size that a program fits; -1 is the largest value of each."""
    constants = [value for value in assembly.registers if value is not None]
    needed = [value + 1 if value >= 0 else -value for value in constants]
    return max(len(assembly.lines), assembly.start + 1, *needed, 1)


def fit(assembly: Assembly, memory: int) -> None:
    """Check that a program can run on a memory of this size.

    Every line needs a number, and every constant must be a value: 0 .. memory - 1, or negative
    counted from the end, down to -memory.

    Args:
        assembly: the program; where it was not written as assembly text, places are shown in its
            listing.
        memory: M, cells, values and lines of the machine.

    Raises:
        ModelErrors: what does not fit, each with its line.

    """
    hint = f"use a memory of at least {smallest_memory(assembly)} cells"
    errors = [
        SourceError("E410", f"{what} does not fit a memory of {memory} cells", span, hint=hint)
        for what, span in _misfits(assembly, memory)
    ]
    if errors:
        raise ModelErrors(errors)


def _misfits(assembly: Assembly, memory: int) -> list[tuple[str, Span]]:
    memory = max(memory, 0)
    written = _Places(assembly.source) if assembly.source else None
    listing = _Places(Source("listing", text(assembly)))
    found: list[tuple[str, Span]] = []
    count = len(assembly.lines)
    if count > memory:
        place = assembly.lines[memory].span or listing.lines[memory]
        found.append((f"line {memory}, of {count} lines,", place))
    for r, value in enumerate(assembly.registers):
        # The number of a line is too large only where the line itself is.
        if value is None or -memory <= value < memory or 0 <= value < count:
            continue
        name = assembly.names[r] if r < len(assembly.names) else ""
        place = (written and written.constants.get((name, value))) or listing.constants[
            f"r{r}", value
        ]
        found.append((f"the constant {value}", place))
    if assembly.start >= memory and assembly.start >= count:
        start = (written and written.start) or listing.start
        assert start is not None
        found.append((f"the first line, {assembly.start},", start))
    return found


class _Places:
    """Where a text says what: empty where the text is in another language."""

    def __init__(self, source: Source) -> None:
        """Read the text again, only for the places."""
        items: list[Item] = read(source).items
        self.lines = [item.span for item in items if isinstance(item, Instruction)]
        self.start = next((item.span for item in items if isinstance(item, Start)), None)
        self.constants = {
            (item.name.text, item.value): item.span
            for item in items
            if isinstance(item, Declaration)
        }
