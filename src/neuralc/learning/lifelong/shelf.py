"""The library of a lifetime: which functions it begins with, and what it gives back at the end.

The versions it begins with are written down in the folder of the run, so that a call that goes on
begins with the same ones, whatever was saved since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from neuralc.errors import NeuralcError, SolutionError
from neuralc.files import read_text, write_atomic
from neuralc.ir.nodes import Network
from neuralc.learning.library.functions import check_same
from neuralc.learning.library.library import Library
from neuralc.learning.library.tasks import Lesson
from neuralc.learning.lifelong.programs import ProgramLearner
from neuralc.learning.lifelong.result import Life
from neuralc.learning.lifelong.sequence import Lifetime
from neuralc.learning.lifelong.task import Task

FILE = "begun_with.json"


@dataclass(frozen=True, eq=False)
class Shelf:
    """A library in the hands of one run.

    Attributes:
        library: the library; note: the file that says with what the run began.
        run: a digest of the run; base: version of each function at the beginning, 0 for none.
        saved: whether the run has saved already.

    """

    library: Library
    note: Path
    run: str
    base: Mapping[str, int]
    saved: bool

    def networks(self) -> dict[str, dict[str, Tensor]]:
        """Return the weights that the run begins with, of the functions that there were."""
        return {name: self.library[name].weights(number)
                for name, number in self.base.items() if number}  # fmt: skip

    def save(self, life: Life, learner: ProgramLearner, lifetime: Lifetime) -> dict[str, int]:
        """Save all functions, and the tasks that were found, in one step; only once for a run.

        Returns:
            The current version of each function of the library; empty if nothing is saved now.

        Raises:
            NeuralcError: another process has saved since the run began.
            FileError: it cannot be written.

        """
        missed = lifetime.missed(life)
        found = [task for task in lifetime.tasks if task.name not in missed]
        if self.saved or not found:
            return {}
        choices = learner.choices()
        lessons = [Lesson(task.name, task.model, choices[task.name], task.test) for task in found]
        known = networks_of(found)
        weights = learner.weights()
        functions = {name: (network, weights[name]) for name, network in known.items()}
        base = {name: self.base[name] for name in known}
        versions = self.library.save_tasks(functions, lessons, base=base)
        _write(self.note, self.run, self.base, saved=True)
        return versions


def begin(lifetime: Lifetime, out: Path) -> Shelf | None:
    """Open the library of a lifetime; None where it has none.

    Args:
        lifetime: the lifetime.
        out: the folder of the run.

    Raises:
        NeuralcError: it has a task of one of these names, or another function of one of the names.
        SolutionError: the library, or the note of an earlier call, is damaged.

    """
    if lifetime.library is None:
        return None
    library, note = Library(lifetime.library), out / FILE
    run = _digest(lifetime)
    before = _read(note, run)
    if before is not None:
        return Shelf(library, note, run, before["base"], before["saved"])
    taken = library.tasks
    for task in lifetime.tasks:
        if task.name in taken:
            raise NeuralcError(
                f"{lifetime.path}: task {task.name!r}: a task of this name is in the library "
                f"{lifetime.library} already\n"
                "  hint: give another name, or another library; neuralc library remove "
                "FOLDER NAME --task forgets the old one"
            )
    base = {}
    functions = library.functions
    for name, network in networks_of(lifetime.tasks).items():
        if name in functions:
            check_same(functions[name].network, network, str(lifetime.library))
        base[name] = functions[name].version if name in functions else 0
    _write(note, run, base, saved=False)
    return Shelf(library, note, run, base, saved=False)


def networks_of(tasks: Sequence[Task]) -> dict[str, Network]:
    """Return the networks of some tasks by name."""
    return {network.name: network for task in tasks for network in task.model.program.networks}


def _digest(lifetime: Lifetime) -> str:
    """Return what tells runs apart: the description with its seed."""
    parts = [read_text(lifetime.path), str(lifetime.seed), str(lifetime.library)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write(note: Path, run: str, base: Mapping[str, int], *, saved: bool) -> None:
    content = {"run": run, "base": dict(base), "saved": saved}
    write_atomic(note, json.dumps(content, indent=1) + "\n")


def _read(note: Path, run: str) -> dict[str, Any] | None:
    """Return what an earlier call of the same run wrote down, or None."""
    if not note.exists():
        return None
    try:
        content = json.loads(read_text(note))
        if content["run"] != run:
            return None
        base = {str(name): int(number) for name, number in content["base"].items()}
        return {"base": base, "saved": bool(content["saved"])}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SolutionError(f"{note} is damaged\n  hint: remove it to begin anew") from None
