"""The tasks that are measured: a machine, its sizes, and examples.

Sizes and examples are those of the published data files of TerpreT, written down as functions of a
few inputs, so that nothing has to be downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.ir.examples import Examples, bind
from neuralc.learning.model import Model

Instances = list[dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """A machine, its hyper-parameters, and examples of what it should learn."""

    name: str
    machine: str
    hypers: Mapping[str, int]
    instances: Instances

    def model(self) -> Model:
        """Return the parsed model."""
        return Model.load(self.machine, self.hypers)

    def examples(self) -> Examples:
        """Return the examples as arrays."""
        return bind(self.model().program, self.instances)


def _turing(name: str, states: int, moments: int, pairs: Mapping[str, str]) -> Task:
    """Return a task on tapes of five cells; a word is followed by blanks, which are 2."""
    hypers = {"numTapeSymbols": 3, "numHeadStates": states, "tapeLength": 5,
              "numTimesteps": moments}  # fmt: skip
    instances = [
        {"initial_tape": _tape(word), "final_tape": _tape(result), "final_is_halted": 1}
        for word, result in pairs.items()
    ]
    return Task(f"turing {name}", "turing", hypers, instances)


def _tape(word: str) -> list[int]:
    return [int(symbol) for symbol in word.ljust(5, "2")]


WORDS = ("1101", "111", "100", "000", "0101")
NUMBERS = ("1101", "0110", "0001", "0100", "1100")
# the task: memory[0] = memory[memory[0] + 1]
MEMORIES = ([1, 4, 2, 1, 0], [2, 2, 3, 1, 0], [2, 1, 1, 3, 0], [1, 4, 3, 1, 0], [0, 2, 1, 2, 0])

TASKS = {
    task.name: task
    for task in (
        _turing("invert", 2, 6, {w: w.translate(str.maketrans("01", "10")) for w in WORDS}),
        _turing("prepend", 4, 6, {w: f"0{w}" for w in WORDS}),
        _turing("decrement", 4, 9, {w: f"{int(w, 2) - 1:04b}" for w in NUMBERS}),
        Task(
            "circuit swap", "circuit", {"numGates": 3, "numWires": 3, "numOutputs": 2},
            [{"initial_wires": [a, b, 0], "final_wires": [b, a]} for a in (0, 1) for b in (0, 1)],
        ),
        Task(
            "basic_block access", "basic_block",
            {"numBlocks": 4, "numRegisters": 2, "numTimesteps": 5, "maxInt": 5},
            [{"initial_memory": m, "final_memory": [m[m[0] + 1], *m[1:]], "final_is_halted": 1}
             for m in MEMORIES],
        ),
        Task(
            "assembly access", "assembly",
            {"const_maxInt": 5, "const_numRegisters": 2, "const_numTimesteps": 5,
             "const_numBlocks": 5},
            [{"initial_envMemory": m, "final_envMemory_0": m[m[0] + 1], "final_block": 0}
             for m in MEMORIES],
        ),
    )
}  # fmt: skip


def grids(count: int, size: int) -> Examples:
    """Return random images of `size` x `size` and random sums, for `grid2x2_add`."""
    rng = np.random.default_rng(0)
    pixels = rng.random((count, 4, size, size), dtype=np.float32)
    return Examples({"images": pixels}, {"result": rng.integers(0, 19, count)}, count)
