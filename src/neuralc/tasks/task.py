"""What a task is: a machine, all valid inputs, the right outputs, and which of them to learn from.

A task is plain data. It knows neither the model language nor who solves it: it names a machine
and gives instances as data files hold them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuralc.errors import DataError
from neuralc.files import write_atomic

Instance = dict[str, Any]
"""One example: a number or nested lists for each name."""


@dataclass(frozen=True)
class Drawn:
    """Examples to learn from, and the rest of the domain, which is held out."""

    train: list[Instance]
    test: list[Instance]


@dataclass(frozen=True, eq=False)
class Task:
    """A function on a bounded domain that a machine is to be programmed for.

    Attributes:
        name: such as "turing-invert".
        machine: the name of the model.
        hypers: its hyper-parameters.
        inputs: gives every valid input once, always in the same order.
        reference: from an input to the right outputs.
        kind: from an input to what sort of input it is; training examples are drawn from all
            sorts evenly, so that none that decides something is left out by chance.
        examples: how many to learn from where nobody says; None: all, nothing is held out.

    """

    name: str
    machine: str
    hypers: Mapping[str, int]
    inputs: Callable[[], Iterable[Instance]]
    reference: Callable[[Instance], Instance]
    kind: Callable[[Instance], Hashable] = lambda _: None
    examples: int | None = None

    def domain(self) -> list[Instance]:
        """Return all valid inputs with the right outputs."""
        return [{**given, **self.reference(given)} for given in self.inputs()]

    def draw(self, seed: int = 0, count: int | None = None) -> Drawn:
        """Draw distinct training examples of all kinds; the rest is held out.

        Args:
            seed: of the draw; the same seed gives the same examples.
            count: how many to learn from; None: as many as the task says.

        Raises:
            DataError: there are not that many.

        """
        domain = self.domain()
        default = len(domain) if self.examples is None else self.examples
        wanted = default if count is None else count
        if not 0 < wanted <= len(domain):
            raise DataError(
                f"{self.name}: cannot draw {wanted} distinct examples\n"
                f"  hint: the task has {len(domain)} inputs"
            )
        order = np.random.default_rng(seed).permutation(len(domain)).tolist()
        kinds = [self.kind(instance) for instance in domain]
        seen: Counter[Hashable] = Counter()
        turn: dict[int, int] = {}  # every kind gives its first, then every kind its second, ...
        for k in order:
            turn[k] = seen[kinds[k]]
            seen[kinds[k]] += 1
        chosen = set(sorted(order, key=turn.__getitem__)[:wanted])
        return Drawn(
            [domain[k] for k in range(len(domain)) if k in chosen],
            [domain[k] for k in range(len(domain)) if k not in chosen],
        )


def write(
    task: Task, folder: str | Path, *, seed: int = 0, count: int | None = None
) -> tuple[Path, Path]:
    """Write a task as files for `neuralc learn MACHINE --hypers FILE --data FILE`.

    Args:
        task: the task.
        folder: where to; it is made if need be.
        seed: of the draw.
        count: training examples; None: as many as the task says.

    Returns:
        The files with the hyper-parameters and with the data; the latter holds a batch "train"
        and, if anything is held out, a batch "test".

    Raises:
        DataError: there are not that many examples.
        FileError: a file cannot be written.

    """
    drawn = task.draw(seed, count)
    batches = [
        {"batch_name": name, "hypers": task.name, "instances": instances}
        for name, instances in (("train", drawn.train), ("test", drawn.test))
        if instances
    ]
    hypers, data = (Path(folder) / f"{task.name}_{what}.json" for what in ("hypers", "data"))
    write_atomic(hypers, json.dumps({task.name: dict(task.hypers)}, indent=1) + "\n")
    write_atomic(data, json.dumps(batches) + "\n")
    return hypers, data
