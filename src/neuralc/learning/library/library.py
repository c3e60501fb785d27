"""A library of neural functions in a folder: what one task has learned, the next one uses.

Functions have a name, a signature and numbered versions; tasks are kept with the examples to
re-score them on. Whatever changes is written in one step or not at all. A library that does not
exist yet is empty, and nothing is written before something is saved.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor, nn

from neuralc.errors import FileError, NeuralcError
from neuralc.files import write_atomic
from neuralc.ir.nodes import Network
from neuralc.learning.library import functions as parts
from neuralc.learning.library.functions import Array, Weights, check_same, part, whole
from neuralc.learning.library.index import Entry, Index, Learned, Version
from neuralc.learning.library.saving import (
    Given,
    check_base,
    check_new,
    prepare,
    versions,
    weights_of,
)
from neuralc.learning.library.store import Store
from neuralc.learning.library.tasks import Lesson, Score, rescored
from neuralc.learning.model import Model
from neuralc.learning.solution import Solution
from neuralc.nn.library.library import RoutineLibrary

KEPT = 1000  # examples of a task


@dataclasses.dataclass(frozen=True, eq=False)
class Function:
    """A function of a library: its signature and its versions; weights are read when asked for.

    Call it on arrays, one for each input, `[E, *shape]`: it gives `[E, size]` probabilities, or
    real numbers where its result is a tensor.
    """

    network: Network
    versions: tuple[Version, ...]
    store: Store

    @property
    def name(self) -> str:
        """The name that models call it by."""
        return self.network.name

    @property
    def version(self) -> int:
        """The number of the current version."""
        return self.versions[-1].number

    def weights(self, version: int | None = None) -> Weights:
        """Return the weights of a version, named as in the body; None: of the current one.

        Raises:
            NeuralcError: there is no such version.
            SolutionError: the file is damaged.

        """
        number = self.version if version is None else version
        for known in self.versions:
            if known.number == number:
                return weights_of(self.store, self.network, known.digest)
        raise NeuralcError(
            f"{self.name} has no version {number}\n  hint: there are 1..{self.version}"
        )

    def module(self, version: int | None = None) -> nn.Module:
        """Return the body with the weights of a version, see `backends/soft/networks.py`."""
        return parts.body_of(self.network, self.weights(version))

    def __call__(self, *arguments: Any) -> Array:
        """Apply the current version.

        Raises:
            DataError: a wrong shape or type, or a number out of range.

        """
        return parts.apply(self.network, self.weights(), arguments)

    def __str__(self) -> str:
        """Return the signature."""
        return parts.signature(self.network)


class Library:
    """Neural functions and the tasks they were learned in, in a folder.

    What another process saves is seen at once: nothing is remembered here but the folder.

    Source: the library of Gaunt et al., "Differentiable Programs with Neural Libraries" (2017),
    arXiv:1611.02109, section 3.
    """

    def __init__(self, folder: str | Path, *, examples: int = KEPT) -> None:
        """Open the library of a folder; one that does not exist is empty and not made yet.

        Args:
            folder: such as "runs/digits".
            examples: how many examples of each task are kept, at most.

        Raises:
            FileError: it is a file, or cannot be read.
            SolutionError: it holds something else, is damaged, or is of a newer version.

        """
        if isinstance(examples, bool) or not isinstance(examples, int) or examples < 1:
            raise NeuralcError(f"examples is a positive number, found {examples!r}")
        self.folder, self.examples = Path(folder), examples
        self.store = Store(self.folder)

    @staticmethod
    def open(folder: str | Path) -> Library:
        """Open a library that must exist; raises FileError where there is none."""
        library = Library(folder)
        if not library.store.exists:
            raise FileError(
                f"there is no library in {folder}\n"
                "  hint: neuralc learn … --library FOLDER makes one"
            )
        return library

    @staticmethod
    def standard(n: int = 128, **sizes: int) -> RoutineLibrary:
        """Return a library of another kind: routines, programs of known function.

        It is a new one, in no folder.

        Args:
            n: the number of values.
            sizes: see `RoutineLibrary.standard`.

        """
        return RoutineLibrary.standard(n, **sizes)

    # ---- what there is

    @property
    def functions(self) -> dict[str, Function]:
        """All functions by name."""
        entries = self.store.read().functions
        return {name: self._function(entry) for name, entry in entries.items()}

    @property
    def tasks(self) -> dict[str, Learned]:
        """All tasks by name, in the order in which they were learned."""
        return dict(self.store.read().tasks)

    def __getitem__(self, name: str) -> Function:
        """Return a function; raises NeuralcError where there is none of this name."""
        return self._function(_entry(self.store.read(), name, self.folder))

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a function of this name."""
        return name in self.store.read().functions

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the functions."""
        return iter(self.store.read().functions)

    def __len__(self) -> int:
        """Return how many functions there are."""
        return len(self.store.read().functions)

    def __repr__(self) -> str:
        """Return the folder and the names."""
        return f"Library({str(self.folder)!r}: {', '.join(self) or 'empty'})"

    def history(self, name: str) -> tuple[Version, ...]:
        """Return all versions of a function, the oldest first."""
        return self[name].versions

    def networks(self, model: Model) -> Weights:
        """Return the weights of a model's functions, as `learn` takes them in `networks`.

        Functions that the library does not have are left out.

        Raises:
            NeuralcError: a function of the same name has another signature.

        """
        return self.taken(model)[0]

    def taken(self, model: Model) -> tuple[Weights, dict[str, int]]:
        """Return what `networks` gives, and the version of each of these functions."""
        index = self.store.read()
        weights: Weights = {}
        versions = {}
        for network in model.program.networks:
            entry = index.functions.get(network.name)
            if entry is not None:
                check_same(entry.network, network, str(self.folder))
                own = weights_of(self.store, network, entry.current.digest)
                weights |= whole(network.name, own)
                versions[network.name] = entry.current.number
        return weights, versions

    def _function(self, entry: Entry) -> Function:
        return Function(entry.network, entry.versions, self.store)

    # ---- changes

    def add(
        self, name: str, source: Solution | Function | tuple[Network, Mapping[str, Tensor]]
    ) -> Function:
        """Save a function, or a new version of one, that was trained without the library.

        Args:
            name: of the function.
            source: a solution whose model has a function of this name; or a function of another
                library; or the signature and the weights as in its body, `(1, …)` each.

        Raises:
            NeuralcError: there is no such function, its weights do not fit, or the library has
                one of this name with another signature.
            FileError: it cannot be written.

        """
        if isinstance(source, Solution):
            network = source.model.program.network.get(name)
            if network is None:
                known = ", ".join(source.model.program.network) or "none"
                raise NeuralcError(
                    f"the solution has no function {name!r}\n  hint: its functions are {known}"
                )
            source = network, part(source.weights, name)
        if isinstance(source, Function):
            source = source.network, source.weights()
        network, weights = source
        self.save_tasks({name: (dataclasses.replace(network, name=name), weights)}, [])
        return self[name]

    def save_tasks(
        self, functions: Given, tasks: Sequence[Lesson], *, replace: bool = False,
        base: Mapping[str, int] | None = None,
    ) -> dict[str, int]:  # fmt: skip
        """Save functions and tasks, all of them in one step or nothing.

        Args:
            functions: for each name its signature and its weights as in its body: `weights.0` and
                so on, `(1, …)` each. One that the library has gets a new version, unless its
                weights are the same.
            tasks: what was learned. Each is scored here, with these functions and else those of
                the library.
            replace: whether a task may take the place of one of the same name.
            base: the versions that the training began with, where that matters: it is refused to
                save over what another process has saved since.

        Returns:
            The current version of each function of the library.

        Raises:
            NeuralcError: weights that do not fit, a function of another signature, two tasks of
                one name, or another process has saved.
            FileError: it cannot be written; the library is what it was.

        """
        ready = prepare(self.store, functions, tasks, self.examples)
        rests = {**ready.base, **(base or {})}

        def change(now: Index) -> Index:
            check_base(now, rests, self.folder)
            if not replace:
                for one in ready.tasks:
                    check_new(now, one.learned.name, self.folder)
            return ready.added_to(now)

        return versions(self.store.change(change, ready.files).functions)

    def remove(self, name: str, *, force: bool = False) -> list[str]:
        """Remove a function with all its versions; return the tasks that are removed with it.

        Args:
            name: of the function.
            force: remove also the tasks that use it.

        Raises:
            NeuralcError: there is no such function, or a task uses it.
            FileError: it cannot be written.

        """
        gone: list[str] = []

        def change(now: Index) -> Index:
            _entry(now, name, self.folder)
            gone[:] = now.users(name)
            if gone and not force:
                raise NeuralcError(
                    f"{name} is used by {_counted(gone)}\n"
                    "  hint: --force (force=True) removes these tasks, too"
                )
            return Index(
                {k: entry for k, entry in now.functions.items() if k != name},
                {k: task for k, task in now.tasks.items() if k not in gone},
            )

        self.store.change(change, {})
        return gone

    def remove_task(self, name: str) -> None:
        """Forget a task with its examples; functions stay as they are.

        Raises:
            NeuralcError: there is no such task.
            FileError: it cannot be written.

        """

        def change(now: Index) -> Index:
            if name not in now.tasks:
                known = ", ".join(now.tasks) or "none"
                raise NeuralcError(
                    f"there is no task {name!r} in {self.folder}\n  hint: the tasks are {known}"
                )
            return Index(now.functions, {k: v for k, v in now.tasks.items() if k != name})

        self.store.change(change, {})

    def export(self, name: str, file: str | Path, *, version: int | None = None) -> None:
        """Write a version of a function into a file of its own, `.safetensors`.

        Weights are named as in the body; the signature stands in the metadata of the file.

        Raises:
            NeuralcError: there is no such function or version, or the file has another ending.
            FileError: it cannot be written.

        """
        function, file = self[name], Path(file)
        if file.suffix != ".safetensors":
            raise NeuralcError(f"cannot export to {file}\n  hint: name a file .safetensors")
        number = function.version if version is None else version
        signature = json.dumps(parts.to_json(function.network))
        metadata = {"name": name, "version": str(number), "signature": signature}
        write_atomic(file, save(function.weights(version), metadata))

    # ---- has any task become worse?

    def check(self) -> list[Score]:
        """Score all tasks with the functions as they are now, in the order they were learned.

        Raises:
            SolutionError: a file is damaged.

        """
        index = self.store.read()
        weights = {
            name: weights_of(self.store, entry.network, entry.current.digest)
            for name, entry in index.functions.items()
        }
        scores = []
        for task in index.tasks.values():
            own = {name: weights[name] for name in task.functions}
            tensors = self.store.tensors(task.examples)
            scores.append(rescored(task, index, own, tensors, self.folder))
        return scores


def _entry(index: Index, name: str, folder: Path) -> Entry:
    if name not in index.functions:
        known = ", ".join(index.functions) or "none"
        raise NeuralcError(
            f"there is no function {name!r} in {folder}\n  hint: the functions are {known}"
        )
    return index.functions[name]


def _counted(names: list[str]) -> str:
    return f"{len(names)} task{'' if len(names) == 1 else 's'}: {', '.join(names)}"
