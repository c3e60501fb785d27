"""Functions to be found: the twelve tasks of the TerpreT report and its parity chain.

A task names a machine and knows its domain and the right outputs; it does not know who solves it.
"""

from __future__ import annotations

from neuralc.tasks import assembly, basic_block, circuit, turing
from neuralc.tasks.parity import parity
from neuralc.tasks.task import Drawn, Instance, Task, write

TASKS = {
    task.name: task for family in (turing, circuit, basic_block, assembly) for task in family.TASKS
}
"""The twelve tasks by name, in the order of the report's table."""

__all__ = ["TASKS", "parity", "Task", "Drawn", "Instance", "write"]
