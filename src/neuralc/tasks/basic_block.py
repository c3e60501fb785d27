"""Tasks of the machine of basic blocks: access to an array, decrement of one, access to a list.

The whole memory is asked for and the machine must have halted. Domains and sizes are those of the
published generator, which draws with replacement; here all training examples are distinct.
Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from neuralc.tasks import memory
from neuralc.tasks.memory import Memory
from neuralc.tasks.task import Task


def _task(
    name: str, size: int, blocks: int, steps: int, inputs: Callable[[int], Iterator[Memory]],
    function: Callable[[Memory], Memory], kind: Callable[[Memory], Hashable], examples: int,
) -> Task:  # fmt: skip
    return Task(
        name,
        "basic_block",
        {"maxInt": size, "numBlocks": blocks, "numRegisters": 2, "numTimesteps": steps},
        lambda: ({"initial_memory": cells} for cells in inputs(size)),
        lambda given: {"final_memory": function(given["initial_memory"]), "final_is_halted": 1},
        lambda given: kind(given["initial_memory"]),
        examples,
    )


TASKS = (
    _task(
        "block-access", 5, 4, 5, memory.arrays_with_index, memory.accessed,
        memory.index_and_element, 20,
    ),
    _task(
        "block-decrement", 5, 5, 18, memory.arrays_ended_by_zero, memory.decremented,
        memory.length_and_first, 16,
    ),
    _task(
        "block-list-k", 8, 8, 11, memory.linked_lists, memory.list_accessed,
        memory.index_and_layout, 40,
    ),
)  # fmt: skip
