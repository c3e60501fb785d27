"""A model ready for use: its program, its listing, and the executions of it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from neuralc import machines
from neuralc.engines import Engine
from neuralc.errors import HyperError, NeuralcError
from neuralc.files import read_text
from neuralc.ir.bodies import with_bodies
from neuralc.ir.nodes import Program
from neuralc.lang.model import parse
from neuralc.lang.model.listing import render
from neuralc.learning.engine import soft_module
from neuralc.source import Source

if TYPE_CHECKING:
    from torch import nn

    from neuralc.backends.soft import SoftModule

Choices = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Model:
    """A parsed model with its hyper-parameters put in.

    `net` is the body that all neural functions have in place of what the text says; None: as the
    text says.
    """

    source: Source
    program: Program
    listing: Sequence[ast.stmt] | None
    warnings: tuple[str, ...] = ()
    net: str | None = None

    @staticmethod
    def load(
        model: str | Path | Source, hypers: Mapping[str, int] | None = None, *,
        net: str | None = None,
    ) -> Model:  # fmt: skip
        """Parse a model.

        Args:
            model: a file, the name of a machine that comes with neuralc (such as "turing"), or a
                `Source`.
            hypers: the hyper-parameters.
            net: "mlp" or "cnn", for all neural functions, whatever the text says of them; see
                `with_bodies`.

        Raises:
            FileError: there is no such file and no machine of this name.
            ModelErrors: everything that is wrong with the text.
            HyperError: a hyper-parameter is missing, unknown, or not an integer.
            NeuralcError: there is no such `net`, or a function cannot have it.

        """
        if not isinstance(model, Source):
            if str(model) in machines.names():
                model = machines.path(str(model))
            model = Source(str(model), read_text(model))
        parsed = parse(model, dict(hypers or {}))
        program = parsed.program if net is None else with_bodies(parsed.program, net)
        return Model(model, program, parsed.listing, tuple(parsed.warnings), net)

    @property
    def hypers(self) -> dict[str, int]:
        """The hyper-parameters by name."""
        return dict(self.program.hypers)

    def compile(
        self, *, restarts: int = 1, device: str = "cpu", dtype: str = "float32",
        precision: Literal["linear", "log"] = "linear", seed: int | None = None,
        bodies: Mapping[str, Callable[[int], nn.Module]] | None = None, engine: Engine = "torch",
    ) -> SoftModule:  # fmt: skip
        """Return the soft execution as a `torch.nn.Module`; see `SoftModule`.

        Args:
            restarts: P, copies of all parameters.
            device: such as "cpu" or "cuda".
            dtype: "float32" or "float64".
            precision: "linear" or "log".
            seed: of the networks' weights; None: drawn from torch's global generator.
            bodies: modules to use for some networks, see `SoftModule`.
            engine: "torch"; "native" for kernels that are generated for the model, many times
                faster on a CPU; "auto" for these wherever they can run it.

        Raises:
            NeuralcError: there is no such device.
            Declined: kernels cannot run this model, or not there.

        """
        import torch

        with torch.random.fork_rng(enabled=seed is not None):
            if seed is not None:
                torch.manual_seed(seed)
            module = soft_module(
                self.program, engine, restarts=restarts, precision=precision, device=device,
                bodies=bodies,
            )  # fmt: skip
        try:
            return module.to(device=device, dtype=getattr(torch, dtype))
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise NeuralcError(f"cannot compute on {device!r}: {reason}") from None

    def kernel_source(self, device: str = "cpu") -> str:
        """Return the code of the kernel that learns: the loss and its gradient.

        Args:
            device: "cpu": text of LLVM for this machine; "cuda": PTX, with a GPU or without.

        Raises:
            Declined: kernels cannot run this model.

        """
        from neuralc.backends.native import NativeModule

        module = self.compile(engine="native")
        assert isinstance(module, NativeModule)
        return module.kernel_source(device)

    def torch_source(self, precision: Literal["linear", "log"] = "linear") -> str:
        """Return the PyTorch code that the soft execution runs."""
        return self.compile(precision=precision).source

    def show(self, choices: Choices, probabilities: Choices | None = None, dead: Any = None) -> str:
        """Return the source of the program that some choices make up, readable.

        A model without a listing of its own is shown with that of the machine whose choices have
        the same names and sizes, if there is one.
        """
        listing = self.listing if self.listing is not None else self._listing_of_machine()
        return render(self.program, listing, choices, probabilities, dead)

    def _listing_of_machine(self) -> Sequence[ast.stmt] | None:
        wanted = [(d.name, d.type, d.shape) for d in self.program.of("param")]
        for name in machines.names():
            path = machines.path(name)
            try:
                parsed = parse(Source(name, read_text(path)), self.hypers)
            except HyperError:
                continue
            if [(d.name, d.type, d.shape) for d in parsed.program.of("param")] == wanted:
                return parsed.listing
        return None
