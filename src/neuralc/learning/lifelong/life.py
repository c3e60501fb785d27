"""A lifetime: a learner is shown batches of the tasks that a schedule draws, and is examined.

What the loop needs to go on is saved in a folder every few seconds; a run that was interrupted
ends exactly as one that was not. A finished run is read back and not made again. What a learner is
made of is not known here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc import saved
from neuralc.errors import FileError, NeuralcError, SolutionError
from neuralc.ir.examples import Examples
from neuralc.learning.interrupts import held_back
from neuralc.learning.lifelong.learner import Array, Learner, right
from neuralc.learning.lifelong.result import Final, Life
from neuralc.learning.lifelong.schedule import Schedule
from neuralc.learning.lifelong.task import Task

Progress = Callable[[int, int, str], None]
EVERY = 20.0  # seconds between checkpoints
CHUNK = 2500  # examples that are predicted at once: bounds the memory
DAMAGE = (KeyError, ValueError, RuntimeError, TypeError, AttributeError, IndexError)


def live(
    learner: Learner, tasks: Sequence[Task], schedule: Schedule, *, steps: int, batch: int,
    seed: int, evaluate_at: Collection[int], out: str | Path | None = None,
    progress: Progress | None = None, evaluate_rows: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Life:  # fmt: skip
    """Let a learner live through a sequence of tasks.

    Args:
        learner: newly made. Afterwards it is as the run has left it, also where the run was only
            read back.
        tasks: all tasks; their held-out examples are for measuring only.
        schedule: which task is shown at which step.
        steps: how many batches are shown.
        batch: training examples in each; those of a task are shuffled, and again when all of them
            were shown.
        seed: of the tasks that are drawn and of the order of their examples.
        evaluate_at: numbers of steps after which all tasks met so far are measured; after the last
            step they always are.
        out: a folder for checkpoints and for the result; None: nothing is saved.
        progress: called with steps made, all steps, and a remark.
        evaluate_rows: measure on the first so many held-out examples; at the end on all. None: on
            all of them.
        settings: what the learner was made from, as JSON can hold it. A checkpoint of other
            settings, tasks or data, or of another seed, is not used.

    Raises:
        NeuralcError: numbers that cannot be, a schedule with a gap or that does not fit the tasks.
        SolutionError: what `out` holds is damaged.
        KeyboardInterrupt: after a checkpoint was saved.

    """
    _check(tasks, schedule, steps, batch, evaluate_at, evaluate_rows)
    run = _Run(
        learner, {task.name: task for task in tasks}, schedule, steps, batch,
        {*evaluate_at, steps}, evaluate_rows, Path(out) if out is not None else None,
        progress or (lambda *_: None), np.random.default_rng(seed),
    )  # fmt: skip
    if run.out is not None:
        run.fingerprint = _fingerprint(learner, tasks, schedule, {
            "steps": steps, "batch": batch, "seed": seed, "evaluate_at": sorted(run.points),
            "evaluate_rows": evaluate_rows, "settings": dict(settings or {}),
        })  # fmt: skip
        finished = run.load("life")
        if finished is not None:
            return run.read_back(finished)
        run.load("checkpoint")
    return run.go(seed)


@dataclasses.dataclass
class _Run:
    """A run and where it is; see `live`."""

    learner: Learner
    tasks: dict[str, Task]
    schedule: Schedule
    steps: int
    batch: int
    points: set[int]
    rows: int | None
    out: Path | None
    progress: Progress
    rng: np.random.Generator
    fingerprint: str = ""
    done: int = 0
    queues: dict[str, Array] = dataclasses.field(default_factory=dict)
    shown: dict[str, int] = dataclasses.field(default_factory=dict)
    losses: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    final: dict[str, Final] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    def go(self, seed: int) -> Life:
        """Make the steps that are left, and keep the result."""
        clock = saved_at = time.monotonic()
        before = self.seconds
        try:
            while True:
                self.seconds = before + time.monotonic() - clock
                if self.due():
                    self.measure()
                if self.done == self.steps:
                    break
                if time.monotonic() - saved_at > EVERY:
                    self.save("checkpoint", {})
                    saved_at = time.monotonic()
                with held_back():
                    self.step()
        except KeyboardInterrupt:
            self.save("checkpoint", {})
            raise
        self.seconds = before + time.monotonic() - clock
        life = Life(
            self.learner.name, seed, self.steps, self.history, self.final,
            self.learner.programs(), self.shown, self.seconds,
        )  # fmt: skip
        self.save("life", {"life": life.to_json()})
        if self.out is not None:
            saved.remove(self.out, "checkpoint")
        return life

    # ---- one step

    def step(self) -> None:
        """Show one batch."""
        name = self.schedule.draw(self.done, self.rng)
        assert name is not None, "the schedule has no gap"
        loss = self.learner.step(name, self.next_rows(name))
        self.losses.setdefault(name, []).append(float(loss))
        self.shown[name] = self.shown.get(name, 0) + self.batch
        self.done += 1
        self.progress(self.done, self.steps, self.remark(name))

    def next_rows(self, name: str) -> Array:
        """Return the numbers of the examples of a batch, int64 [B], each as often as any other."""
        queue = self.queues.get(name, np.empty(0, np.int64))
        while len(queue) < self.batch:
            order = self.rng.permutation(self.tasks[name].train.count)
            queue = np.concatenate([queue, order.astype(np.int64)])
        self.queues[name] = queue[self.batch :]
        return queue[: self.batch]

    def remark(self, name: str) -> str:
        """Return what progress says: the task, and how well those met are done."""
        if not self.history:
            return name
        accuracy = self.history[-1]["accuracy"].values()
        return f"{name}, mean accuracy {sum(accuracy) / len(accuracy):.1%}"

    # ---- examinations

    def due(self) -> bool:
        """Tell whether the tasks are to be measured now."""
        last = self.history[-1]["step"] if self.history else 0
        return self.done in self.points and last < self.done

    def measure(self) -> None:
        """Measure all tasks met so far; after the last step on all their held-out examples."""
        accuracy, final = {}, {}
        for name in self.shown:
            task = self.tasks[name]
            at_end = self.done == self.steps
            count = task.test.count if at_end else min(self.rows or task.test.count,
                                                       task.test.count)  # fmt: skip
            ok = _right(self.learner, task, count)
            accuracy[name] = float(ok[: self.rows].mean())
            if at_end:
                final[name] = Final(int(ok.sum()), len(ok))
        loss = {name: float(np.mean(values)) for name, values in self.losses.items()}
        with held_back():
            self.history.append({"step": self.done, "accuracy": accuracy, "loss": loss})
            self.final, self.losses = final, {}

    # ---- checkpoints

    def save(self, name: str, more: Mapping[str, Any]) -> None:
        """Save everything that the rest of the run depends on."""
        if self.out is None:
            return
        with held_back():
            tensors, numbers = self.learner.state()
            kept = {f"learner.{key}": value for key, value in tensors.items()}
            for k, task in enumerate(self.tasks):
                if task in self.queues:
                    kept[f"queue.{k}"] = torch.from_numpy(self.queues[task].copy())
            content = {
                "fingerprint": self.fingerprint, "step": self.done, "seconds": self.seconds,
                "random": self.rng.bit_generator.state, "shown": self.shown,
                "losses": self.losses, "history": self.history, "learner": numbers, **more,
            }  # fmt: skip
            saved.write(self.out, name, content, kept)

    def load(self, name: str) -> dict[str, Any] | None:
        """Go on from what was saved by a run like this one; None where there is none.

        Raises:
            SolutionError: it is damaged.

        """
        assert self.out is not None
        if not (self.out / f"{name}.json").exists():
            return None
        content, tensors = saved.read(self.out, name)
        if content.get("fingerprint") != self.fingerprint:
            return None
        try:
            self.restore(content, tensors)
        except DAMAGE as error:
            raise SolutionError(
                f"{self.out / name}.json is damaged: {error}\n  hint: remove it to begin anew"
            ) from None
        return content

    def restore(self, content: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Go back to a checkpoint; KeyError, ValueError, ... where it does not fit."""
        names = list(self.tasks)
        self.learner.restore(
            {k.removeprefix("learner."): v for k, v in tensors.items() if k.startswith("learner.")},
            content["learner"],
        )
        self.queues = {names[int(k.removeprefix("queue."))]: v.numpy().copy()
                       for k, v in tensors.items() if k.startswith("queue.")}  # fmt: skip
        self.rng.bit_generator.state = content["random"]
        self.done, self.seconds = int(content["step"]), float(content["seconds"])
        self.shown, self.losses = dict(content["shown"]), dict(content["losses"])
        self.history = list(content["history"])
        if not 0 <= self.done <= self.steps or not set(self.shown) <= set(names):
            raise ValueError("its numbers do not fit")

    def read_back(self, content: Mapping[str, Any]) -> Life:
        """Return the result of a run that was finished before."""
        try:
            life = Life.from_json(content["life"])
        except DAMAGE as error:
            raise SolutionError(
                f"{self.out}/life.json is damaged: {error}\n  hint: remove it to begin anew"
            ) from None
        self.progress(self.steps, self.steps, "read back")
        return life


def read_life(folder: str | Path) -> Life:
    """Return the result of a finished run.

    Args:
        folder: the `out` of `live`.

    Raises:
        FileError: there is none.
        SolutionError: it is damaged.

    """
    path = Path(folder) / "life.json"
    if not path.exists():
        raise FileError(f"there is no finished run in {folder}\n  hint: it would have a life.json")
    content, _ = saved.read(Path(folder), "life")
    try:
        return Life.from_json(content["life"])
    except DAMAGE as error:
        raise SolutionError(f"{path} is damaged: {error}") from None


def _right(learner: Learner, task: Task, count: int) -> Array:
    """Return which of the first `count` held-out examples come out right, bool [count]."""
    parts = []
    for start in range(0, count, CHUNK):
        some = task.test.take(slice(start, min(start + CHUNK, count)))
        found = learner.predict(task.name, some)
        parts.append(right(dataclasses.replace(task, test=some), found))
    return np.concatenate(parts)


# ---- what the result depends on


def _fingerprint(
    learner: Learner, tasks: Sequence[Task], schedule: Schedule, numbers: Mapping[str, Any]
) -> str:
    """Return a digest of everything that decides the result, the untrained learner included."""
    digest = hashlib.sha256()
    tensors, state = learner.state()
    points = {name: [list(map(float, p)) for p in ps] for name, ps in schedule.points.items()}
    plain = [learner.name, points, dict(numbers), state, [
        [task.name, task.model.source.text, task.model.hypers, repr(task.model.program.networks)]
        for task in tasks
    ]]  # fmt: skip
    digest.update(json.dumps(plain, sort_keys=True, default=str).encode())
    for name in sorted(tensors):
        _add(digest, name, tensors[name].detach().cpu().contiguous().numpy())
    for task in tasks:
        for kind, examples in (("train", task.train), ("test", task.test)):
            for name, array in _arrays(examples).items():
                _add(digest, f"{kind}.{name}", array)
    return digest.hexdigest()


def _add(digest: Any, name: str, array: Array) -> None:
    digest.update(f"{name} {array.dtype} {array.shape};".encode())
    digest.update(np.ascontiguousarray(array).data)


def _arrays(examples: Examples) -> dict[str, Array]:
    return dict(sorted({**examples.inputs, **examples.outputs}.items()))


def _check(
    tasks: Sequence[Task], schedule: Schedule, steps: int, batch: int,
    evaluate_at: Collection[int], rows: int | None,
) -> None:  # fmt: skip
    """Refuse a run that cannot be."""
    for what, number in (("steps", steps), ("batch", batch), ("evaluate_rows", rows)):
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if number is not None and (not whole or number < 1):
            raise NeuralcError(f"{what} is a positive whole number, found {number!r}")
    if wrong := sorted(step for step in evaluate_at if not 0 <= step <= steps):
        raise NeuralcError(f"evaluate_at: step {wrong[0]} is not in 0..{steps}")
    names = [task.name for task in tasks]
    for task in tasks:
        if names.count(task.name) > 1:
            raise NeuralcError(f"two tasks are named {task.name!r}\n  hint: rename one of them")
        for kind, examples in (("training", task.train), ("held-out", task.test)):
            if not examples.count:
                raise NeuralcError(f"the task {task.name!r} has no {kind} examples")
    if unknown := [name for name in schedule.points if name not in names]:
        raise NeuralcError(f"the schedule names {unknown[0]!r}\n  hint: the tasks are {names}")
    gap = schedule.gap(steps)
    if gap is not None:
        raise NeuralcError(
            f"at step {gap} of {steps} no task has any weight\n"
            "  hint: let the tasks of the schedule overlap, or make fewer steps"
        )


__all__ = ["Final", "Life", "live", "read_life"]
