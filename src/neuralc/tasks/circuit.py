"""Tasks of the circuit: a controlled swap, a full adder, the sum of two numbers of two bits.

All inputs are there to learn from, nothing is held out. Wires that hold no input begin as 0.
Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428 and its data generator.

What is different here: the published generator calls the full adder `adder` and the two-bit adder
`full_adder`, draws the latter's examples with replacement (8 draws of 16 inputs do not determine
it), and gives the shift five gates where the report's table has four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from neuralc.tasks.task import Instance, Task

Bits = list[int]


def wires(bits: int, width: int) -> Iterator[Instance]:
    """Give all values of the first `bits` of `width` wires."""
    for values in product((0, 1), repeat=bits):
        yield {"initial_wires": [*values, *[0] * (width - bits)]}


def shifted(bits: Bits) -> Bits:
    """Swap the second and third bit where the first one is 1."""
    control, a, b = bits
    return [control, b, a] if control else [control, a, b]


def counted(bits: Bits) -> Bits:
    """Return how many of three bits are 1, as carry and sum."""
    total = sum(bits)
    return [total >> 1, total & 1]


def added(bits: Bits) -> Bits:
    """Return the sum of two numbers of two bits as three bits, the highest first."""
    total = 2 * bits[0] + bits[1] + 2 * bits[2] + bits[3]
    return [total >> place & 1 for place in (2, 1, 0)]


def _task(
    name: str, bits: int, width: int, gates: int, outputs: int, function: Callable[[Bits], Bits]
) -> Task:
    return Task(
        name,
        "circuit",
        {"numGates": gates, "numWires": width, "numOutputs": outputs},
        partial(wires, bits, width),
        lambda given: {"final_wires": function(given["initial_wires"][:bits])},
    )


TASKS = (
    _task("circuit-shift", 3, 4, 4, 3, shifted),
    _task("circuit-full-adder", 3, 4, 5, 2, counted),
    _task("circuit-two-bit-adder", 4, 5, 8, 3, added),
)
