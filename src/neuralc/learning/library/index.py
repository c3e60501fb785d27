"""What the folder of a library says of itself: functions, their versions, tasks learned.

Everything but tensors; those lie in files that are named here by their digests. All of it is
plain data: nothing that was read is executed, and whatever does not fit is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neuralc.errors import NeuralcError
from neuralc.ir.nodes import Network
from neuralc.learning.library.functions import from_json, to_json

DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Version:
    """One state of a function's weights.

    Attributes:
        number: from 1.
        task: the task that it was learned in; empty where it was added by hand.
        digest: of the file of its weights.

    """

    number: int
    task: str
    digest: str


@dataclass(frozen=True)
class Entry:
    """A function with all its versions, the current one last."""

    network: Network
    versions: tuple[Version, ...]

    @property
    def current(self) -> Version:
        """The version that is used."""
        return self.versions[-1]


@dataclass(frozen=True)
class Learned:
    """A task that was learned.

    Attributes:
        name: of the task.
        source: name of the text of the model; text: the text; hypers: its hyper-parameters; net:
            the body of all its functions in place of what the text says, or empty.
        choices: the program: for each `param` integers, nested as its shape.
        program: the same as readable source.
        functions: those that the program uses, with the version then.
        right, count: of the examples that are kept, how many came out right when it was learned.
        held_out: whether these were kept from learning.
        examples: digest of their file.

    """

    name: str
    source: str
    text: str
    hypers: Mapping[str, int]
    net: str
    choices: Mapping[str, Any]
    program: str
    functions: Mapping[str, int]
    right: int
    count: int
    held_out: bool
    examples: str

    @property
    def accuracy(self) -> float:
        """The share of the kept examples that came out right when it was learned."""
        return self.right / self.count


@dataclass(frozen=True)
class Index:
    """All functions and tasks by name."""

    functions: Mapping[str, Entry] = field(default_factory=dict)
    tasks: Mapping[str, Learned] = field(default_factory=dict)

    @property
    def digests(self) -> frozenset[str]:
        """The files of tensors that belong to it."""
        weights = {v.digest for entry in self.functions.values() for v in entry.versions}
        return frozenset(weights | {task.examples for task in self.tasks.values()})

    def users(self, name: str) -> list[str]:
        """Return the tasks that use a function."""
        return [task.name for task in self.tasks.values() if name in task.functions]


def to_content(index: Index) -> dict[str, Any]:
    """Return an index as JSON can hold it."""
    return {
        "functions": {
            name: to_json(entry.network) | {"versions": [vars(v) for v in entry.versions]}
            for name, entry in index.functions.items()
        },
        "tasks": {
            name: {k: dict(v) if isinstance(v, Mapping) else v for k, v in vars(task).items()}
            for name, task in index.tasks.items()
        },
    }


def from_content(content: Mapping[str, Any]) -> Index:
    """Return an index from JSON; KeyError, TypeError or ValueError where it is none."""
    functions = {}
    for name, item in content["functions"].items():
        versions = tuple(Version(**_kinds(Version, row)) for row in item["versions"])
        numbers = [version.number for version in versions]
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"the versions of {name} are {numbers}")
        functions[name] = Entry(from_json(name, item), versions)
    tasks = {}
    for name, item in content["tasks"].items():
        task = Learned(**_kinds(Learned, item))
        if task.name != name or not 0 <= task.right <= task.count or not task.count:
            raise ValueError(f"the numbers of task {name} are wrong")
        for used, number in task.functions.items():
            if not 1 <= number <= len(functions[used].versions):
                raise ValueError(f"there is no version {number} of {used}")
        tasks[name] = task
    index = Index(functions, tasks)
    if not all(DIGEST.fullmatch(digest) for digest in index.digests):
        raise ValueError("a digest is none")
    return index


def check_name(name: Any) -> str:
    """Return a name that a task can have.

    Raises:
        NeuralcError: it is no text, or empty, too long, or cannot be printed.

    """
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 200:
        raise NeuralcError(
            f"a task's name is a printable text of 1 to 200 characters, found {str(name)[:50]!r}"
        )
    return name


_NAMES = {"int": int, "str": str, "bool": bool}


def _kinds(what: type, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a dataclass, each of the type that it is declared with."""
    for name, kind in what.__annotations__.items():
        value = row[name]
        wanted = _NAMES.get(kind, dict)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise TypeError(f"{name} is no {kind}")
    for value in (*row.get("hypers", {}).values(), *row.get("functions", {}).values()):
        if type(value) is not int:
            raise TypeError(f"{value!r} is no integer")
    return dict(row)
