"""What learning gives back: a program, its networks, and how it was judged."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuralc import saved
from neuralc.backends.exact import Executor
from neuralc.backends.soft import SoftModule
from neuralc.errors import ModelErrors, NeuralcError, SolutionError
from neuralc.files import write_atomic
from neuralc.ir.evaluate import Element
from neuralc.ir.examples import Examples, bind
from neuralc.ir.nodes import Decl, Int, Program
from neuralc.learning.model import Model
from neuralc.learning.networks import load_weights
from neuralc.learning.reached import Reached
from neuralc.learning.score import class_tables
from neuralc.source import Source

Array = np.ndarray[Any, Any]
DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError,
          ArithmeticError)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """How a program was found and judged; every figure is counted, none is estimated.

    Attributes:
        solver: what found it, or came closest.
        seed: of the run.
        restarts: restarts in the batch; attempts: with those that replaced others.
        solved: restarts whose discretised program ran right on every training example (with
            networks: on the share `accept` of them).
        steps: optimiser steps made.
        train_right, train_count: training examples that the returned program gets right.
        test_right, test_count: the same for held-out examples.
        seconds: wall-clock time of learning.
        accept: see `solved`.
        status: "found": a program counts as solved; "impossible": it is proved that none can;
            "unknown": neither.
        note: what the solver said of its work, in a few words.
        others: what the other solvers reached, where several were asked.
        library: what has become of the library that was learned with; empty without one.

    Where no gradients were asked, there is one restart, solved or not.

    """

    solver: str
    seed: int
    restarts: int
    attempts: int
    solved: int
    steps: int
    train_right: int
    train_count: int
    test_right: int
    test_count: int
    seconds: float
    accept: float = 1.0
    status: str = "unknown"
    note: str = ""
    others: tuple[Reached, ...] = ()
    library: str = ""

    @property
    def train_exact(self) -> bool:
        """Whether the returned program is right on all training examples."""
        return self.train_right == self.train_count

    @property
    def test_accuracy(self) -> float | None:
        """The share of held-out examples that come out right; None without any."""
        return self.test_right / self.test_count if self.test_count else None


@dataclass(frozen=True, eq=False)
class Solution:
    """A learned program, callable on new inputs.

    `choices` and `probabilities` are `[*shape]` for each Param: the chosen values, and how sure
    the choices are. `dead` are choices that influence no output on the training examples.
    `population` are the choices that every restart ended with, `[P, *shape]`; it is not saved.
    """

    model: Model
    choices: dict[str, Array]
    probabilities: dict[str, Array]
    weights: dict[str, torch.Tensor]
    report: Report
    dead: frozenset[Element] = frozenset()
    history: list[dict[str, Any]] = field(default_factory=list)
    population: dict[str, Array] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """The program as readable source."""
        return self.model.show(self.choices, self.probabilities, self.dead.__contains__)

    def module(self) -> SoftModule:
        """Return the soft execution with the learned choices and networks, one restart."""
        module = self.model.compile()
        load_weights(module, self.weights)
        return module

    def resized(self, hypers: Mapping[str, int]) -> Solution:
        """Return the same choices and networks in the model with other hyper-parameters.

        A program that loops can so run on longer inputs than those it was learned on. The report
        and `dead` stay: they tell of the examples that were learned from.

        Args:
            hypers: those that change, such as `{"length": 31, "num_steps": 48}`.

        Raises:
            HyperError: the model has no such hyper-parameter, or it is no integer.
            ModelErrors: the model cannot be with these.
            NeuralcError: the choices or the networks would be others.

        """
        wanted = {**self.model.hypers, **hypers}
        model = Model.load(self.model.source, wanted, net=self.model.net)
        before, after = ({d.name: _kind(d) for d in program.of("param")}
                         for program in (self.model.program, model.program))  # fmt: skip
        if before != after:
            names = sorted(n for n in before | after if before.get(n) != after.get(n))
            found = f"the choices {', '.join(names)} depend on the hyper-parameters that change"
        elif self.model.program.networks != model.program.networks:
            found = "the networks depend on the hyper-parameters that change"
        else:
            return dataclasses.replace(self, model=model, history=[], population={})
        raise NeuralcError(
            f"{self.model.source.name}: {found} ({json.dumps(dict(hypers))})\n"
            "  hint: change those that say how long or how often, or learn anew"
        )

    def __call__(self, inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, Array]:
        """Run the program exactly.

        Args:
            inputs: one mapping per example (name to value), one mapping of whole arrays with a
                leading example axis, or one example alone.

        Returns:
            Per output an integer array `[E, *shape]`; for one example alone `[*shape]`.

        Raises:
            DataError: inputs of the wrong names, shapes or ranges.

        """
        program = self.model.program
        single = isinstance(inputs, Mapping) and _is_single(program, inputs)
        rows: Any = [inputs] if single else inputs
        examples = bind(program, rows, where="inputs", outputs=False)
        outputs = self.run(examples)
        return {name: value[0] for name, value in outputs.items()} if single else outputs

    def run(self, examples: Examples) -> dict[str, Array]:
        """Run the program exactly on bound examples: int `[E, *shape]` for each output."""
        executor = Executor(self.model.program, jit=examples.count > 2000)
        tables = (
            class_tables(self.module(), examples.inputs) if self.model.program.networks else None
        )
        batch = {name: value[None] for name, value in self.choices.items()}
        found = executor.run(batch, examples.inputs, tables)
        # where there is no input at all, there is one result for all examples
        return {k: np.repeat(v[0], examples.count, 0) if v.shape[1] != examples.count else v[0]
                for k, v in found.items()}  # fmt: skip

    @property
    def log(self) -> str:
        """How learning went, a line for each time the restarts were judged."""
        lines = [
            f"step {entry['step']}: {entry['solved']} of {self.report.restarts} solved, "
            f"loss {entry['best_loss']:.4f} (best) {entry['median_loss']:.4f} (median) nats"
            for entry in self.history
        ]
        facts = [f"{name}: {value}" for name, value in dataclasses.asdict(self.report).items()]
        return "\n".join([*lines, "", *facts, ""])

    def save(self, folder: str | Path) -> None:
        """Write the solution into a folder: solution.json with weights, program, history and log.

        Raises:
            FileError: it cannot be written; a solution that was there before is not lost.

        """
        folder = Path(folder)
        content = {
            "model": {
                "name": self.model.source.name,
                "text": self.model.source.text,
                "hypers": self.model.hypers,
                "net": self.model.net,
            },
            "choices": {name: value.tolist() for name, value in self.choices.items()},
            "probabilities": {name: value.tolist() for name, value in self.probabilities.items()},
            "dead": sorted([name, list(index)] for name, index in self.dead),
            "report": dataclasses.asdict(self.report),
        }
        saved.write(folder, "solution", content, self.weights)  # first: the others follow from it
        write_atomic(folder / "program.txt", self.program + "\n")
        write_atomic(folder / "history.json", json.dumps(self.history) + "\n")
        write_atomic(folder / "log.txt", self.log)

    @staticmethod
    def load(folder: str | Path) -> Solution:
        """Read a saved solution; it is data only, nothing in it is executed as Python.

        Raises:
            FileError: there is none.
            SolutionError: it is damaged, or was written by a newer version.

        """
        folder = Path(folder)
        content, weights = saved.read(folder, "solution")
        try:
            return _parsed(content, weights, folder)
        except DAMAGE as error:
            raise SolutionError(f"{folder / 'solution.json'} is damaged: {error!r}") from None
        except (ModelErrors, NeuralcError) as error:
            raise SolutionError(f"{folder / 'solution.json'} is damaged:\n{error}") from None


def _kind(decl: Decl) -> tuple[Any, ...]:
    limits = None if decl.limits is None else np.asarray(decl.limits).tolist()
    return decl.type, decl.shape, limits


def _parsed(content: dict[str, Any], weights: dict[str, torch.Tensor], folder: Path) -> Solution:
    text = content["model"]
    source = Source(str(text["name"]), str(text["text"]))
    net = text.get("net")  # not there in old files
    model = Model.load(source, {str(k): v for k, v in text["hypers"].items()}, net=net)
    params = model.program.of("param")
    choices = {decl.name: chosen(decl, content["choices"][decl.name]) for decl in params}
    probabilities = {
        decl.name: _chances(decl, content["probabilities"][decl.name]) for decl in params
    }
    solution = Solution(
        model, choices, probabilities, weights, _report(content["report"]),
        frozenset((str(name), tuple(int(i) for i in index)) for name, index in content["dead"]),
    )  # fmt: skip
    for name, index in solution.dead:
        choices[name][index]  # raises where there is no such choice
    solution.module()  # raises where the weights do not fit
    return solution


def chosen(decl: Decl, values: Any) -> Array:
    """Return the choices of a `param` out of a file; raises ValueError where they are none."""
    assert isinstance(decl.type, Int)
    found = np.array(values)
    limits = decl.type.size if decl.limits is None else np.reshape(decl.limits, decl.shape)
    if found.shape != decl.shape or (found.size and found.dtype.kind != "i"):
        raise ValueError(f"{decl.name} are no integers of shape {decl.shape}")
    if ((found < 0) | (found >= limits)).any():
        raise ValueError(f"a choice of {decl.name} is out of range")
    return found.astype(np.int64)


def _chances(decl: Decl, values: Any) -> Array:
    found = np.array(values, dtype=np.float64)
    if found.shape != decl.shape or not ((found >= 0) & (found <= 1 + 1e-6)).all():
        raise ValueError(f"the probabilities of {decl.name} are none")
    return found


def _report(content: dict[str, Any]) -> Report:
    others = tuple(Reached(*row) for row in content.get("others", ()))
    status = content.get("status", "found" if content["solved"] else "unknown")  # old: had none
    report = Report(**{**content, "status": status, "others": others})
    for part in dataclasses.fields(Report):
        if part.name != "others":
            _check_kind(part.name, getattr(report, part.name), str(part.type))
    for row in others:
        for name, kind in zip(Reached._fields, ("str", "str", "int", "float", "str"), strict=True):
            _check_kind(name, getattr(row, name), kind)
    return report


def _check_kind(name: str, value: Any, kind: str) -> None:
    kinds: dict[str, Any] = {"str": str, "int": int, "float": (int, float)}
    if not isinstance(value, kinds[kind]):
        raise TypeError(f"{name} is no {kind}")


def _is_single(program: Program, inputs: Mapping[str, Any]) -> bool:
    """Tell whether a mapping is one example: its values have no axis for examples."""
    for decl in program.of("input"):
        if decl.name in inputs:
            kind = getattr(decl.type, "shape", ())
            return _rank(inputs[decl.name]) == len(decl.shape) + len(kind)
    return not inputs


def _rank(value: Any) -> int:
    """Return the number of axes; lists may be ragged and may hold tensors."""
    if isinstance(value, list | tuple):
        return 1 + (_rank(value[0]) if value else 0)
    return value.dim() if isinstance(value, torch.Tensor) else np.ndim(value)
