"""Gradient descent on all restarts of a model, each judged by exact execution.

One run from its first step to its `Solution`, with checkpoints to go on from. Knows nothing of
other solvers; `run.py` is what users call.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuralc import saved
from neuralc.backends.soft import SoftModule
from neuralc.errors import SolutionError
from neuralc.ir.examples import Examples
from neuralc.learning.dead import dead_choices
from neuralc.learning.engine import told
from neuralc.learning.interrupts import held_back
from neuralc.learning.model import Model
from neuralc.learning.networks import load_weights, row_weights, shared_bodies, spread_weights
from neuralc.learning.score import Judge, network_function
from neuralc.learning.settings import Settings
from neuralc.learning.solution import DAMAGE, Report, Solution
from neuralc.learning.train import Trainer

Array = np.ndarray[Any, Any]
Progress = Callable[[int, int, str], None]
SAVE_EVERY = 20.0  # seconds between checkpoints
WORK_WORTH_COMPILING = 300  # programs x examples of one judgement


def descend(
    model: Model, train: Examples, held_out: Examples | None, settings: Settings, *,
    out: Path | None, progress: Progress, networks: Mapping[str, torch.Tensor],
    deadline: float | None, old: frozenset[str] = frozenset(),
    tell: Callable[[str], None] = lambda words: None,
) -> Solution:  # fmt: skip
    """Learn by gradients until done or, on the clock of `time.monotonic`, until the deadline.

    Arguments, results and errors are those of `learn`; the solution is not yet saved. `old` are
    the networks that come from a library. `tell` is told which engine runs the model.

    Raises:
        KeyboardInterrupt: after a checkpoint was saved, if `out` is given.

    """
    with torch_threads(settings.threads):
        run = GradientRun(model, train, settings, out, networks, deadline, old=old)
        tell(told(run.module))
        run.resume()
        try:
            run.loop(progress)
            return run.solution(held_out, progress)
        except KeyboardInterrupt:
            run.save()
            raise


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(count, os.cpu_count() or 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class GradientRun:
    """One run: the trainer, and what was found so far."""

    model: Model
    train: Examples
    settings: Settings
    out: Path | None
    networks: Mapping[str, torch.Tensor]
    deadline: float | None = None
    old: frozenset[str] = frozenset()
    seconds: float = 0.0
    attempts: int = 0
    alive: list[int] = field(default_factory=list)
    born: list[int] = field(default_factory=list)
    solved: list[int] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    best: tuple[float, float] = (-1.0, 0.0)
    found: dict[str, torch.Tensor] = field(default_factory=dict)
    found_choices: dict[str, Array] = field(default_factory=dict)
    ends: dict[str, Array] = field(default_factory=dict)
    module: SoftModule = field(init=False)
    trainer: Trainer = field(init=False)
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        s = self.settings
        self.module = self.model.compile(
            restarts=s.restarts, device=s.device, precision=s.precision, seed=s.seed,
            engine=s.engine_used,
            bodies=shared_bodies(self.model.program) if s.shared else None,
        )  # fmt: skip
        if self.networks:
            spread_weights(self.module, self.networks)
        self.trainer = Trainer(self.module, self.train, s, self.old)
        work = s.restarts * self.train.count
        self.judge = Judge(self.model.program, self.train, jit=work > WORK_WORTH_COMPILING)
        self.attempts = s.restarts
        self.alive = list(range(s.restarts))
        self.born = [0] * s.restarts
        self.ends = self.module.choices.best(self.module.logits)

    # ---- the loop

    def loop(self, progress: Progress) -> None:
        """Step and judge until done; at a KeyboardInterrupt the state is that between two steps."""
        began = last_saved = time.monotonic()
        spent = self.seconds
        try:
            while self.due() or not self.done():
                if not self.due():
                    with held_back():
                        self.trainer.advance(self.until_due())
                    continue
                self.check()
                self.seconds = spent + time.monotonic() - began
                progress(self.trainer.step_number, self.settings.steps, self.remark())
                if time.monotonic() - last_saved > SAVE_EVERY:
                    self.save()
                    last_saved = time.monotonic()
        finally:
            self.seconds = spent + time.monotonic() - began

    def due(self) -> bool:
        """Tell whether the restarts are to be judged before the next step."""
        step = self.trainer.step_number
        checked = self.history[-1]["step"] if self.history else 0
        last = step == self.settings.steps or self.late()
        return bool(step > checked and (step % self.settings.check_every == 0 or last))

    def until_due(self) -> int:
        """Return how many steps there are until the restarts are judged again."""
        step = self.trainer.step_number
        every = self.settings.check_every
        return min(every - step % every, self.settings.steps - step)

    def done(self) -> bool:
        """Tell whether nothing is left to do."""
        enough = self.settings.stop == "first" and self.solved
        over = self.trainer.step_number >= self.settings.steps or self.late()
        return bool(over or not self.alive or enough)

    def late(self) -> bool:
        """Tell whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def check(self) -> None:
        """Discretise every restart, run it exactly, and note what is right."""
        choices = self.module.choices.best(self.module.logits)
        with self.trainer.perception.averaged():
            shares = self.judge.right(choices, self.module)  # the first time this may take a while
            with held_back():
                self.note(choices, shares)

    def note(self, choices: Mapping[str, Array], shares: Array) -> None:
        """Keep what is best, and go on with restarts that are not solved yet."""
        trainer, module = self.trainer, self.module
        for name, value in choices.items():
            self.ends[name][self.alive] = value
        losses = trainer.loss.double().cpu().numpy()
        order = sorted(range(len(shares)), key=lambda p: (shares[p], -losses[p]), reverse=True)
        if (score := (float(shares[order[0]]), -float(losses[order[0]]))) > self.best:
            self.best, self.found = score, row_weights(module, order[0])
            self.found_choices = {name: value[order[0]] for name, value in choices.items()}
        rows = [p for p in range(len(shares)) if shares[p] >= self.settings.accept]
        self.solved += [self.alive[p] for p in rows if self.alive[p] not in self.solved]
        self.history.append(
            {
                "step": trainer.step_number,
                "solved": len(self.solved),
                "best_loss": float(np.min(losses)),
                "median_loss": float(np.median(losses)),
                "best_share": float(np.max(shares)),
            }
        )
        if rows and not self.model.program.networks:
            left = [p for p in range(len(shares)) if p not in rows]
            self.alive = [self.alive[p] for p in left]
            self.born = [self.born[p] for p in left]
            trainer.keep(torch.tensor(left, dtype=torch.int64))
        if self.alive and self.settings.replace != "never" and self.module.choices.total:
            self.renew()

    def renew(self) -> None:
        """Replace restarts that are decided and wrong."""
        trainer, module = self.trainer, self.module
        with torch.no_grad():
            parts = [p.amax(-1).flatten(1) for p in module.probabilities().values()]
            sure = torch.cat(parts, 1).mean(1)
        age = torch.tensor([trainer.step_number - born for born in self.born])
        rows = torch.nonzero((age >= self.settings.patience) & (sure.cpu() > 0.97)).flatten()
        rows = torch.tensor([p for p in rows.tolist() if self.alive[p] not in self.solved])
        if not len(rows):
            return
        logits = trainer.fresh(len(rows)).float()
        others = [p for p in range(len(self.alive)) if p not in rows.tolist()]
        if self.settings.replace == "perturb" and others:
            best = min(others, key=lambda p: float(trainer.loss[p]))
            logits = module.logits.detach()[best].cpu() + logits
        trainer.replace(rows, logits)
        for p in rows.tolist():
            self.born[p] = trainer.step_number
        self.attempts += len(rows)

    def remark(self) -> str:
        """Return a few words on where the run stands."""
        loss = self.history[-1]["best_loss"] if self.history else float("nan")
        return f"{len(self.solved)} of {self.settings.restarts} solved, best loss {loss:.3f} nats"

    # ---- the result

    def polish(self, single: SoftModule, progress: Progress) -> None:
        """Train the networks on through the program that was found, which stays as it is."""
        began = time.monotonic()
        logits = single.logits.detach().clone()
        settings = dataclasses.replace(self.settings, restarts=1)
        trainer = Trainer(single, self.train, settings, self.old)
        best = {name: value[0] for name, value in single.choices.best(logits).items()}
        trainer.fix(best)
        total = self.settings.polish
        for step in range(total):
            if self.late():
                break
            trainer.step()
            if (step + 1) % self.settings.check_every == 0:
                loss = float(trainer.loss[0])
                progress(step + 1, total, f"polishing the networks, loss {loss:.3f} nats")
        trainer.perception.take_average()
        single.logits.data = logits
        self.seconds += time.monotonic() - began

    def solution(self, held_out: Examples | None, progress: Progress) -> Solution:
        """Return the best program, judged on the held-out examples."""
        polish = self.settings.polish if self.model.program.networks else 0
        single = self.model.compile(engine=self.settings.engine_for(polish) if polish else "torch")
        if not self.found:
            self.found = row_weights(self.module, 0)
        load_weights(single, self.found)
        if polish:
            self.polish(single, progress)
        choices = {name: value[0] for name, value in single.choices.best(single.logits).items()}
        with torch.no_grad():
            sure = {
                name: p[0].amax(-1).double().numpy() for name, p in single.probabilities().items()
            }
        right = self._right(single, self.train, choices)
        test = self._right(single, held_out, choices) if held_out is not None else 0
        networks = network_function(single)
        dead = dead_choices(self.model.program, choices, self.train, networks)
        report = Report(
            "gradient", self.settings.seed, self.settings.restarts, self.attempts,
            len(self.solved), self.trainer.step_number, right, self.train.count,
            test, held_out.count if held_out is not None else 0, self.seconds,
            self.settings.accept, "found" if self.solved else "unknown",
        )  # fmt: skip
        weights = {name: value.detach().clone() for name, value in single.named_parameters()}
        return Solution(
            self.model, choices, sure, weights, report, frozenset(dead), self.history, self.ends
        )

    def _right(self, module: SoftModule, examples: Examples, choices: Mapping[str, Any]) -> int:
        jit = examples.count > WORK_WORTH_COMPILING
        judge = Judge(self.model.program, examples, jit=jit)
        share = judge.right({name: value[None] for name, value in choices.items()}, module)
        return round(float(share[0]) * examples.count)

    # ---- checkpoints

    def fingerprint(self) -> str:
        """Return a digest of everything that the result depends on."""
        digest = hashlib.sha256()
        parts = [self.model.source.text, self.model.hypers, dataclasses.asdict(self.settings),
                 sorted(self.old), self.model.net]  # fmt: skip
        digest.update(json.dumps(parts, sort_keys=True).encode())
        for arrays in (self.train.inputs, self.train.outputs):
            for name in sorted(arrays):
                digest.update(np.ascontiguousarray(arrays[name]).tobytes())
        for name in sorted(self.networks):
            digest.update(self.networks[name].numpy(force=True).tobytes())
        return digest.hexdigest()

    def save(self) -> None:
        """Write a checkpoint, if there is a folder for it."""
        if self.out is None:
            return
        tensors, numbers = self.trainer.state()
        tensors |= {f"found.{name}": value for name, value in self.found.items()}
        content = {
            "fingerprint": self.fingerprint(), "trainer": numbers, "seconds": self.seconds,
            "attempts": self.attempts, "alive": self.alive, "born": self.born,
            "solved": self.solved, "history": self.history, "best": list(self.best),
            "ends": {name: value.tolist() for name, value in self.ends.items()},
        }  # fmt: skip
        saved.write(self.out, "checkpoint", content, tensors)

    def resume(self) -> None:
        """Go on from the checkpoint in the folder, if there is one of this very run."""
        if self.out is None or not (self.out / "checkpoint.json").exists():
            return
        content, tensors = saved.read(self.out, "checkpoint")
        try:
            if content["fingerprint"] != self.fingerprint():
                return
            prefix = "found."
            self.found = {
                k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)
            }
            self.trainer.restore(tensors, content["trainer"])
            self.seconds, self.attempts = float(content["seconds"]), int(content["attempts"])
            self.alive, self.born = list(content["alive"]), list(content["born"])
            self.solved, self.history = list(content["solved"]), list(content["history"])
            self.ends = {name: np.array(value) for name, value in content["ends"].items()}
            self.best = (float(content["best"][0]), float(content["best"][1]))
            self.verify()
        except DAMAGE as error:
            raise SolutionError(
                f"{self.out / 'checkpoint.json'} is damaged: {error!r}\n"
                "  hint: delete it to begin anew"
            ) from None

    def verify(self) -> None:
        """Raise ValueError, KeyError or TypeError where a checkpoint cannot be of this run."""
        count, steps = self.settings.restarts, self.settings.steps
        times = [self.trainer.step_number, *self.born, *(row["step"] for row in self.history)]
        for numbers, end in (((*self.alive, *self.solved), count), (times, steps + 1)):
            if any(type(number) is not int or not 0 <= number < end for number in numbers):
                raise ValueError(f"a number is none of 0..{end - 1}")
        losses = [row[name] for row in self.history for name in ("best_loss", "median_loss")]
        if not all(isinstance(loss, float) for loss in losses):
            raise TypeError("a loss is no number")
        if not all(isinstance(row["solved"], int) for row in self.history):
            raise TypeError("a count is no number")
        wanted = (len(self.alive), self.module.choices.total)
        trainer = self.trainer
        for part in (self.module.logits, trainer.mean_square, trainer.momentum):
            if tuple(part.shape) != wanted or len(self.born) != len(self.alive):
                raise ValueError("the restarts are not as many as their numbers")
        queue = trainer.queue
        if queue.ndim != 1 or queue.dtype != np.int64 or (queue >= self.train.count).any():
            raise ValueError("the queue of examples is none")
        ends = self.module.choices.best(self.module.logits)
        for name, value in ends.items():
            found = self.ends[name]
            if found.shape != (count, *value.shape[1:]) or found.dtype.kind != "i":
                raise ValueError(f"the choices of {name} are of another shape")

    def forget(self) -> None:
        """Remove the checkpoint of a run that has ended."""
        if self.out is not None:
            saved.remove(self.out, "checkpoint")
