"""What is to be saved of functions and tasks: checked and scored first, then put in the index.

Everything that can be wrong is found before anything is written; whether another process has
saved in the meantime is seen once more under the lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from neuralc.errors import NeuralcError, SolutionError
from neuralc.ir.nodes import Network
from neuralc.learning.library.functions import Weights, check_same, checked, whole
from neuralc.learning.library.index import Entry, Index, Version
from neuralc.learning.library.store import Store, packed
from neuralc.learning.library.tasks import Kept, Lesson, keep

Given = Mapping[str, tuple[Network, Mapping[str, Tensor]]]


class Prepared(NamedTuple):
    """What a save will do.

    `entries`: functions that are new or have a new version; `files`: new tensors by digest;
    `tasks`: to be kept, scored; `base`: the version of every function that these rest on, 0 for
    one that was not there.
    """

    entries: dict[str, Entry]
    files: dict[str, bytes]
    tasks: list[Kept]
    base: dict[str, int]

    def added_to(self, index: Index) -> Index:
        """Return the index with what is saved."""
        new = {one.learned.name: one.learned for one in self.tasks}
        return Index({**index.functions, **self.entries}, {**index.tasks, **new})


def prepare(store: Store, functions: Given, tasks: Sequence[Lesson], limit: int) -> Prepared:
    """Check functions and tasks, and score the tasks.

    Args:
        store: the library's folder.
        functions: their signatures and weights.
        tasks: what was learned.
        limit: examples that are kept of each.

    Raises:
        NeuralcError: weights that do not fit, a function of another signature, two tasks of one
            name, or a task without examples.

    """
    _check_names([task.name for task in tasks])
    before = store.read()
    wanted = {network for task in tasks for network in task.model.program.networks}
    place = str(store.folder)
    for name, (network, _) in functions.items():
        if name in before.functions:
            check_same(before.functions[name].network, network, place)
    entries, files = _grown(before, functions, tasks)
    after = {**before.functions, **entries}
    weights: Weights = {}
    for network in sorted(wanted, key=lambda one: one.name):
        if network.name in after:
            entry = after[network.name]
            check_same(entry.network, network, place)
            given = functions.get(network.name)
            own = given[1] if given else weights_of(store, entry.network, entry.current.digest)
            weights |= whole(network.name, own)
    kept = [keep(task, weights, versions(after), limit) for task in tasks]
    files |= {one.learned.examples: one.data for one in kept}
    known = versions(before.functions)
    rests = {*functions, *(network.name for network in wanted)}
    return Prepared(entries, files, kept, {name: known.get(name, 0) for name in sorted(rests)})


def _grown(
    before: Index, functions: Given, tasks: Sequence[Lesson]
) -> tuple[dict[str, Entry], dict[str, bytes]]:
    """Return the functions that are new or have a new version, and their files."""
    entries, files = {}, {}
    for name, (network, weights) in functions.items():
        if network.name != name:
            raise NeuralcError(f"the function {network.name} cannot be saved as {name!r}")
        digest, data = packed(checked(network, weights))
        known = before.functions.get(name)
        old = known.versions if known is not None else ()
        if old and old[-1].digest == digest:
            continue
        by = ", ".join(task.name for task in tasks if name in task.model.program.network)
        entries[name] = Entry(network, (*old, Version(len(old) + 1, by, digest)))
        files[digest] = data
    return entries, files


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise NeuralcError(f"two tasks are named {name!r}\n  hint: give each a name of its own")


def weights_of(store: Store, network: Network, digest: str) -> Weights:
    """Return the weights of one version.

    Raises:
        FileError: their file is missing.
        SolutionError: it is damaged, or does not belong to the function.

    """
    found = store.tensors(digest)
    try:
        return checked(network, found)
    except NeuralcError as error:
        raise SolutionError(f"{store.folder} is damaged: {error}") from None


def versions(entries: Mapping[str, Entry]) -> dict[str, int]:
    """Return the current version of each function."""
    return {name: entry.current.number for name, entry in entries.items()}


def check_base(index: Index, base: Mapping[str, int], folder: Path) -> None:
    """Refuse to save over what another process has saved since `base` was read.

    Raises:
        NeuralcError: a function is at another version.

    """
    found = versions(index.functions)
    for name, number in base.items():
        if found.get(name, 0) != number:
            was, now = (f"version {n}" if n else "not there" for n in (number, found.get(name, 0)))
            raise NeuralcError(
                f"{name} of {folder} was {was} when this began and is {now} now: another process "
                "has saved; nothing was saved here\n"
                "  hint: learn the task again, from the library as it is now"
            )


def check_new(index: Index, name: str, folder: Path) -> None:
    """Refuse a second task of one name.

    Raises:
        NeuralcError: there is one.

    """
    if name in index.tasks:
        raise NeuralcError(
            f"a task {name!r} is in {folder} already\n"
            "  hint: give another name (task=, --task), or let it take the place of that one "
            "(replace_task=True, --replace-task)"
        )
