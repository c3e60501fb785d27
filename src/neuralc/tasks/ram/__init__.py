"""The fourteen tasks of adaptive neural compilation: functions on the memory of `machines/ram.py`.

Each draws inputs of all kinds ("general") or of a narrow kind (a bias), with the right outputs.
They know neither the programs that solve them nor who runs or adapts these.

Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, and the experiments
published with it. Where those draw in an odd way, so do we; the module of the task says where.
"""

from __future__ import annotations

from collections.abc import Mapping

from neuralc.tasks.ram import arrays, graphs, lists, moves, search, sorting, trees
from neuralc.tasks.ram.task import Inputs, RamTask

TASKS: Mapping[str, RamTask] = {
    task.name: task
    for task in (
        arrays.ACCESS,
        arrays.INCREMENT,
        arrays.SWAP,
        lists.LISTK,
        arrays.ADDITION,
        sorting.BUBBLE_SORT,
        moves.COPY,
        moves.REVERSE,
        moves.PERMUTATION,
        sorting.MERGE,
        search.LINEAR_SEARCH,
        lists.LIST_SEARCH,
        trees.WALK_BST,
        graphs.DIJKSTRA,
    )
}
"""The tasks by name; first the six that the paper adapts, in the order of its table."""

__all__ = ["TASKS", "RamTask", "Inputs"]
