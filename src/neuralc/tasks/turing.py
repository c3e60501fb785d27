"""Tasks of the Turing machine: invert a string of bits, prepend a zero, subtract one.

A tape of five cells holds a string of 1 to 4 bits, then blanks; the machine must have halted.
Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428 and its data generator.

What is different here: strings of one bit belong to all tasks (the generator gives them for the
decrement only), and numbers may have leading zeros, as in the data published with the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from neuralc.tasks.task import Instance, Task

CELLS, BLANK = 5, 2
Bits = list[int]


def strings() -> Iterator[Instance]:
    """Give all strings of 1 to 4 bits."""
    for length in range(1, CELLS):
        for bits in product((0, 1), repeat=length):
            yield {"initial_tape": _tape(list(bits))}


def positive_numbers() -> Iterator[Instance]:
    """Give all strings of 1 to 4 bits but those of zeros: none of these can be decremented."""
    return (instance for instance in strings() if 1 in instance["initial_tape"])


def inverted(bits: Bits) -> Bits:
    """Return the string with every bit flipped."""
    return [1 - bit for bit in bits]


def prepended(bits: Bits) -> Bits:
    """Return the string with a zero before it."""
    return [0, *bits]


def decremented(bits: Bits) -> Bits:
    """Return the number minus one in as many bits, the highest first."""
    number = sum(bit << place for place, bit in enumerate(reversed(bits))) - 1
    return [number >> place & 1 for place in reversed(range(len(bits)))]


def _tape(bits: Bits) -> list[int]:
    return bits + [BLANK] * (CELLS - len(bits))


def _bits(instance: Instance) -> Bits:
    return [symbol for symbol in instance["initial_tape"] if symbol != BLANK]


def _reference(function: Callable[[Bits], Bits]) -> Callable[[Instance], Instance]:
    return lambda given: {"final_tape": _tape(function(_bits(given))), "final_is_halted": 1}


def _ends(instance: Instance) -> tuple[int, int, int]:
    """Return the length, the first and the last bit."""
    bits = _bits(instance)
    return len(bits), bits[0], bits[-1]


def _borrow(instance: Instance) -> tuple[int, int]:
    """Return the length, and how far a decrement has to go: the zeros at the end."""
    bits = _bits(instance)
    return len(bits), bits[::-1].index(1)


def _hypers(states: int, configurations: int) -> dict[str, int]:
    return {
        "numTapeSymbols": 3,
        "numHeadStates": states,  # with the halting state
        "tapeLength": CELLS,
        "numTimesteps": configurations,
    }


TASKS = (
    Task("turing-invert", "turing", _hypers(2, 6), strings, _reference(inverted), _ends, 14),
    Task("turing-prepend", "turing", _hypers(3, 6), strings, _reference(prepended), _ends, 14),
    Task(
        "turing-decrement", "turing", _hypers(3, 9), positive_numbers, _reference(decremented),
        _borrow, 14,
    ),
)  # fmt: skip
