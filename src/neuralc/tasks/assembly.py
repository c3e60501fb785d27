"""Tasks of the assembly machine: those of the basic blocks, with jumps instead of a graph.

The whole memory is asked for (so its first cell need not be asked for once more, as
`final_envMemory_0`), and the program must have come to its end. The assembly model and
most of its data were never published: sizes agree with the report's table, instances with the
basic blocks' generator.
Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from neuralc.tasks import memory
from neuralc.tasks.memory import Memory
from neuralc.tasks.task import Task


def _task(
    name: str, size: int, lines: int, steps: int, inputs: Callable[[int], Iterator[Memory]],
    function: Callable[[Memory], Memory], kind: Callable[[Memory], Hashable], examples: int,
) -> Task:  # fmt: skip
    return Task(
        name,
        "assembly",
        {
            "const_maxInt": size,
            "const_numRegisters": 2,
            "const_numTimesteps": steps,
            "const_numBlocks": lines,
        },
        lambda: ({"initial_envMemory": cells} for cells in inputs(size)),
        lambda given: {"final_envMemory": function(given["initial_envMemory"]), "final_block": 0},
        lambda given: kind(given["initial_envMemory"]),
        examples,
    )


TASKS = (
    _task(
        "assembly-access", 5, 5, 5, memory.arrays_with_index, memory.accessed,
        memory.index_and_element, 20,
    ),
    _task(
        "assembly-decrement", 5, 7, 27, memory.arrays_ended_by_zero, memory.decremented,
        memory.length_and_first, 16,
    ),
    _task(
        "assembly-list-k", 8, 10, 16, memory.linked_lists, memory.list_accessed,
        memory.index_and_layout, 40,
    ),
)  # fmt: skip
