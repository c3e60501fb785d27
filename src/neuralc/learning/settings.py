"""How gradient learning is done: every setting, with the default that measurements chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuralc.engines import ENGINES, Engine
from neuralc.errors import NeuralcError
from neuralc.learning.engine import worthwhile

LARGEST = 1e30  # what can be computed with in float32
_WHOLE = ("restarts", "steps", "seed", "check_every", "patience", "polish", "threads")
_POSITIVE = ("restarts", "steps", "rate", "network_rate", "clip", "check_every", "concentration",
             "threads")  # fmt: skip
_NOT_NEGATIVE = ("seed", "noise", "entropy", "entropy_decay", "patience", "polish",
                 "shake", "shake_decay", "input_noise", "average")  # fmt: skip
_NAMES = {
    "optimizer": ("rmsprop", "adam"),
    "stop": ("all", "first"),
    "replace": ("never", "fresh", "perturb"),
    "precision": ("linear", "log"),
    "engine": ENGINES,
}


@dataclass(frozen=True)
class Settings:
    """Settings of a run; nothing else decides what it does.

    Attributes:
        restarts: independent random starts, all in one batch.
        steps: optimiser steps at most.
        seed: of every random choice.
        optimizer: of the choices; the networks always use Adam.
        rate: learning rate of the choices; network_rate: of the networks' weights; library_rate:
            of those that come from a library, None: `rate` / 100.
        augment: train on images that are turned, shifted and scaled a little (`augmentation.py`).
        input_noise: standard deviation of Gaussian noise on tensors (such as images, whose pixels
            are from 0 to 1) in training; with an average, 0.4 reads digits better than none.
        average: networks are judged and kept as a running average of their weights over about
            1 / (1 - average) steps, such as 0.995; 0: as the last step left them.
        shared: all restarts read with one copy of the networks instead of one each, which costs as
            much as one restart. Those that explain the examples best have most say in its training.
        decay: of RMSProp's mean of squares.
        clip: the gradient of each restart is scaled down to this norm.
        noise: variance of Gaussian gradient noise at step 0; it falls as (1 + step) ** -0.55.
        entropy: weight of a bonus for undecided choices at step 0; falls as
            exp(-entropy_decay * step).
        shake: scale of Gumbel noise on the choices at step 0, with which each step tries nearly
            discrete programs; falls as exp(-shake_decay * step). Helps where mixtures of programs
            explain what no program does: for MATH 2 makes of no exact restart in 40 some 10.
        concentration: of the Dirichlet distribution that the choices start from.
        batch: examples per step; None: all of them.
        check_every: steps between discretising all restarts and running them exactly.
        stop: "all": go on until every restart is exact; "first": stop when one is.
        accept: share of the training examples that a restart must get right to count as
            solved; below 1 only for models with networks.
        replace: what to do with restarts that are decided and wrong: nothing, a fresh start, or a
            perturbed copy of the best undecided restart. Each replacement is a further attempt
            and is counted as one.
        patience: steps that a restart is given before it may be replaced.
        polish: further steps of the best restart's networks alone, through its discretised
            program, when the search is over.
        precision: "linear" or "log", see `SoftModule`.
        device: where tensors live.
        engine: "torch", "native" for kernels generated for the model, or "auto": native on a CPU
            where the model allows it and there are steps enough to be worth compiling for.
        threads: of torch while learning, restored afterwards. The tensors of a step are small:
            on a machine that does anything else besides, two threads are slower than one, by far.

    Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428, section 5: RMSProp at 0.1, clipping,
    decaying noise and entropy bonus, Dirichlet starts.
    """

    restarts: int = 100
    steps: int = 500
    seed: int = 0
    optimizer: Literal["rmsprop", "adam"] = "rmsprop"
    rate: float = 0.1
    network_rate: float = 1e-3
    library_rate: float | None = None
    augment: bool = False
    input_noise: float = 0.0
    average: float = 0.0
    shared: bool = False
    decay: float = 0.9
    clip: float = 1.0
    noise: float = 0.0
    entropy: float = 0.0
    entropy_decay: float = 0.005
    shake: float = 0.0
    shake_decay: float = 0.003
    concentration: float = 1.5
    batch: int | None = None
    check_every: int = 10
    stop: Literal["all", "first"] = "all"
    accept: float = 1.0
    replace: Literal["never", "fresh", "perturb"] = "never"
    patience: int = 150
    polish: int = 0
    precision: Literal["linear", "log"] = "linear"
    device: str = "cpu"
    engine: Engine = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that cannot mean anything."""
        for name in _WHOLE:
            self._number(name, whole=True)
        for name in (*_POSITIVE, *_NOT_NEGATIVE, "accept", "decay"):
            self._number(name)
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise NeuralcError(f"{name} must be positive, found {getattr(self, name)}")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise NeuralcError(f"{name} must not be negative, found {getattr(self, name)}")
        if self.library_rate is not None:
            self._number("library_rate")
            if self.library_rate <= 0:
                raise NeuralcError(f"library_rate must be positive, found {self.library_rate}")
        if self.batch is not None and (not isinstance(self.batch, int) or self.batch <= 0):
            raise NeuralcError(f"batch is a number of examples, or None, found {self.batch!r}")
        if not 0 < self.accept <= 1:
            raise NeuralcError(f"accept is a share between 0 and 1, found {self.accept}")
        if self.average >= 1:
            raise NeuralcError(f"average lies between 0 and 1, found {self.average}")
        for name in ("augment", "shared"):
            if not isinstance(getattr(self, name), bool):
                raise NeuralcError(f"{name} is True or False, found {getattr(self, name)!r}")
        if not 0 < self.decay < 1:
            raise NeuralcError(f"decay lies between 0 and 1, found {self.decay}")
        for name, known in _NAMES.items():
            if getattr(self, name) not in known:
                raise NeuralcError(
                    f"{name} is one of {', '.join(known)}, found {getattr(self, name)!r}"
                )

    @property
    def library_rate_used(self) -> float:
        """The learning rate of networks that come from a library."""
        return self.rate / 100 if self.library_rate is None else self.library_rate

    @property
    def engine_used(self) -> Engine:
        """The engine to ask for."""
        return self.engine_for(self.steps)

    def engine_for(self, steps: int) -> Engine:
        """Return the engine to ask for, for so many steps."""
        return worthwhile(self.engine, steps)

    def _number(self, name: str, *, whole: bool = False) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            kind = "a whole number" if whole else "a number"
            raise NeuralcError(f"{name} must be {kind}, found {value!r}")
        if whole and value >= 2**63:
            raise NeuralcError(f"{name} must be below 2 ** 63, found {value}")
        if not whole and not abs(value) <= LARGEST:  # neither infinite nor NaN
            raise NeuralcError(f"{name} must be finite and at most {LARGEST:g}, found {value}")
