"""What one call of `learn` takes from a library, and what it gives back.

Everything that can be refused is refused before learning begins; the library changes once, at the
end, and only if a program was found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch

from neuralc.errors import NeuralcError
from neuralc.ir.examples import Examples
from neuralc.learning.decided import with_networks
from neuralc.learning.library.functions import PREFIX, Weights, part
from neuralc.learning.library.index import check_name
from neuralc.learning.library.library import Library
from neuralc.learning.library.saving import check_new
from neuralc.learning.library.tasks import Lesson, sample, used_functions
from neuralc.learning.model import Model
from neuralc.learning.solution import Solution


@dataclasses.dataclass(frozen=True, eq=False)
class Session:
    """A task that is being learned with a library.

    Attributes:
        library: the library.
        task: its name; replace: whether it may take the place of one of this name.
        model: the model.
        networks: weights to start from, those given by the user included.
        base: the versions of the functions that were taken.

    """

    library: Library
    task: str
    replace: bool
    model: Model
    networks: Weights
    base: Mapping[str, int]

    @property
    def old(self) -> frozenset[str]:
        """The functions that come from the library."""
        return frozenset(self.base)

    @staticmethod
    def begin(
        library: Library | str | Path, task: str | None, model: Model,
        networks: Mapping[str, torch.Tensor], *, replace: bool = False, out: Path | None = None,
    ) -> Session:  # fmt: skip
        """Take the functions of a model from a library.

        Args:
            library: or its folder.
            task: a name for what is learned; None: that of the model.
            model: the model.
            networks: other weights to start from, named as in a solution.
            replace: whether the task may take the place of one of the same name.
            out: the folder of the solution, which must be another one.

        Raises:
            NeuralcError: two tasks of one name, a function of another signature, or more than one
                function that is not trained yet.
            FileError: the library cannot be written.
            SolutionError: it is damaged, or of a newer version.

        """
        if not isinstance(library, Library):
            library = Library(library)
        if out is not None and out.resolve() == library.folder.resolve():
            raise NeuralcError(
                f"{out} is the library, and cannot be the folder of the solution, too\n"
                "  hint: name another one in out (--out)"
            )
        name = check_name(Path(model.source.name).stem if task is None else task)
        if not replace:
            check_new(library.store.read(), name, library.folder)
        weights, base = library.taken(model)
        for known in base:
            if part(networks, known):
                raise NeuralcError(
                    f"{known} is in the library {library.folder}, and in networks, too\n"
                    "  hint: leave it out of networks, or out of the library"
                )
        _check_untrained(library, model, {**networks, **weights})
        library.store.check_writable()
        return Session(library, name, replace, model, {**networks, **weights}, base)

    def end(self, solution: Solution, train: Examples, held_out: Examples | None) -> Solution:
        """Save what was learned, if it was, and return the solution with a word on it.

        Functions that the program found does not use are left as they are: nothing was learned of
        them. The same goes for weights that did not change.

        Raises:
            NeuralcError: another process has saved in the meantime.
            FileError: the library cannot be written; it is what it was.

        """
        report, folder = solution.report, self.library.folder
        if not (report.solved and report.train_right >= report.accept * report.train_count):
            return self._said(solution, f"not solved: {folder} is unchanged")
        examples = train if held_out is None else held_out
        lesson = Lesson(
            self.task, self.model, solution.choices, examples, held_out=held_out is not None
        )
        module = with_networks(self.model, solution.weights)
        some = sample(examples, self.library.examples)
        used = used_functions(self.model, module, solution.choices, some)
        functions = {
            name: (self.model.program.network[name], part(solution.weights, name)) for name in used
        }
        base = {**dict.fromkeys(self.model.program.network, 0), **self.base}
        versions = self.library.save_tasks(functions, [lesson], replace=self.replace, base=base)
        states = [self._state(name, versions, used) for name in self.model.program.network]
        words = f"task {self.task!r} is saved in {folder}"
        return self._said(solution, ": ".join([words, *([", ".join(states)] if states else [])]))

    def _state(self, name: str, versions: Mapping[str, int], used: list[str]) -> str:
        """Say what has become of a function."""
        if name not in used:
            return f"{name} unchanged, the program does not use it"
        if name not in self.base:
            return f"{name} version {versions[name]} (new)"
        same = versions[name] == self.base[name]
        return f"{name} version {versions[name]}" + (" (unchanged)" if same else "")

    @staticmethod
    def _said(solution: Solution, words: str) -> Solution:
        report = dataclasses.replace(solution.report, library=words)
        return dataclasses.replace(solution, report=report)


def _check_untrained(library: Library, model: Model, known: Mapping[str, torch.Tensor]) -> None:
    """Refuse a task with two new functions."""
    new = [network.name for network in model.program.networks if not part(known, network.name)]
    if len(new) > 1:
        raise NeuralcError(
            f"{' and '.join(new)} are not in the library {library.folder} yet; a task may add one "
            "function at most: between two untrained functions nothing breaks the symmetry, so "
            "neither learns what it is for (Gaunt et al. 2017, section 3)\n"
            f"  hint: learn a simpler task first, in which only one of them occurs; or give "
            f"weights to start from in networks, such as {PREFIX}{new[0]}.weights.0"
        )
