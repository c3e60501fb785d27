"""The soft execution by generated kernels: the same module as `SoftModule`, many times faster.

Networks stay in torch; a kernel takes what they say and returns the gradients of it. The memory of
a run does not grow with restarts nor examples: each thread works on a vector of them at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.native.kernel import Kernel, Kernels, Kind, extents, lanes_for, width
from neuralc.backends.soft.graph import B, P
from neuralc.backends.soft.module import SoftModule
from neuralc.errors import Declined

Array = np.ndarray[Any, Any]
REALS = {torch.float32: "float", torch.float64: "double"}
NAME = "the engine native"
ALONE = 2_000_000  # sums of products below which a second thread does not pay
TASKS = 4  # for each thread, so that none waits long for the last


class NativeModule(SoftModule):
    """A `SoftModule` that runs as machine code on the CPU."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Compile a checked program; arguments are those of `SoftModule`.

        Raises:
            Declined: it cannot be run this way.

        """
        super().__init__(*args, **kwargs)
        if self.precision != "linear":
            raise Declined(NAME, ["logarithms are for the engine torch"])
        if self._training is None:
            raise Declined(NAME, ["a network looks at what depends on the choices, or nothing is open"])
        training = self._training
        self.kernels = Kernels(training.lowered, training.nodes, self.program.source)

    def refusals(self) -> list[str]:
        """Return why the module cannot run as it is now: an empty list if it can."""
        found = []
        if self.logits.device.type != "cpu":
            found.append(f"kernels are for the CPU, not for {self.logits.device}")
        if self.logits.dtype not in REALS:
            found.append(f"kernels are for float32 and float64, not for {self.logits.dtype}")
        return found

    def run(self, inputs: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Run on prepared inputs; return outputs and observed distributions, with P and B."""
        given = self._given(inputs)
        batch = self._batch(inputs)
        found = _Run.apply(self, batch, *given)  # type: ignore[no-untyped-call]
        full = [
            self._full(value, there, batch)
            for value, there in zip(found, self._leads, strict=True)
        ]
        names = list(self.kernels.lowered.outputs)
        return dict(zip(names, full, strict=False)), full[len(names) :]

    def loss(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor | None:
        """Return the loss of each restart, with its gradient computed in the same pass.

        Arguments and result are those of `negative_log_likelihood`. None: an input wants a
        gradient, which this has not.
        """
        given = self._given(inputs)
        sources = self._sources()
        if any(v.requires_grad and P not in n.dims for v, n in zip(given, sources, strict=True)):
            return None
        batch = self._batch(inputs)
        if not inputs and targets:
            batch = next(iter(targets.values())).shape[0]
        result: Tensor = _Loss.apply(self, batch, targets, *given)  # type: ignore[no-untyped-call]
        return result

    # ---- kernels

    def _sources(self) -> Sequence[Any]:
        assert self._training is not None
        return self._training.sources

    def _given(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        if reasons := self.refusals():
            raise Declined(NAME, reasons)
        assert self._training is not None
        networks = dict(self.networks.items())
        return self._training.given(self.probabilities(), inputs, networks, self.logits)

    def _batch(self, inputs: Mapping[str, Tensor]) -> int:
        name, value = next(iter(inputs.items()), ("", None))
        return 1 if value is None else value.shape[int(name in self.carried)]

    def call(
        self, kind: Kind, batch: int, given: Sequence[Tensor], wanted: Sequence[bool],
        others: Mapping[tuple[str, str], Tensor | None],
    ) -> dict[tuple[str, str], Tensor]:  # fmt: skip
        """Run a kernel; return what it makes, by role and name.

        `others` are the external arrays besides the sources.
        """
        dtype = given[0].dtype if given else self.logits.dtype
        real, sources = REALS[dtype], self._sources()
        asked = frozenset(n.number for n, want in zip(sources, wanted, strict=True) if want)
        lanes = lanes_for(self.restarts, batch, width(real))
        kernel = self.kernels.get(kind, real, lanes, asked)
        threads, chunks = self._shares(kernel, batch)
        sizes = {"chunk": chunks, "row": kernel.rows(self.restarts), P: self.restarts, B: batch}
        inputs = {str(n.number): value for n, value in zip(sources, given, strict=True)}
        made: dict[tuple[str, str], Tensor] = {}
        arrays: list[Array | None] = []
        kept = []
        for external in kernel.plan.externals:
            key = external.role, external.name
            if external.role == "source":
                value: Tensor | None = inputs[external.name]
            elif external.role in ("seed", "target"):
                value = others[key]
            else:
                value = made[key] = torch.zeros(extents(external, sizes), dtype=dtype)
            value = None if value is None else value.detach().contiguous()
            kept.append(value)
            arrays.append(None if value is None else value.numpy())
        kernel.run(self.restarts, batch, arrays, threads, chunks)
        return {
            key: value if key[0] == "out" or not _partial(kernel, key) else value.sum(0)
            for key, value in made.items()
        }

    def end_shape(self, k: int, batch: int) -> tuple[int, ...]:
        """Return the shape of an output, or of what is observed, as the kernel gives it."""
        lowered = self.kernels.lowered
        ends = [*lowered.outputs.values(), *(number for number, _ in lowered.observed)]
        sizes = {P: self.restarts, B: batch}
        return tuple(sizes[d] if isinstance(d, str) else d for d in lowered.graph.nodes[ends[k]].dims)

    def gradients(
        self, found: Mapping[tuple[str, str], Tensor], given: Sequence[Tensor],
        wanted: Sequence[bool],
    ) -> list[Tensor | None]:  # fmt: skip
        """Return the gradient of each source, None where it is not wanted."""
        return [
            found.get(("gradient", str(node.number)), torch.zeros_like(value)).reshape(value.shape)
            if want else None
            for node, value, want in zip(self._sources(), given, wanted, strict=True)
        ]  # fmt: skip

    def goals(self, targets: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor | None]:
        """Return the targets of all outputs, None where there are none, and what is observed."""
        names = list(self.kernels.lowered.outputs)
        found: dict[tuple[str, str], Tensor | None] = {
            ("target", str(k)): targets.get(name) for k, name in enumerate(names)
        }
        for k, number in enumerate(self.expected):
            found["target", str(len(names) + k)] = torch.tensor([number])
        return found

    def _shares(self, kernel: Kernel, batch: int) -> tuple[int, int]:
        """Return how many threads to use, and in how many chunks to take the examples."""
        rows, units = kernel.rows(self.restarts), kernel.units(batch)
        threads = torch.get_num_threads()
        if kernel.work * rows * units < ALONE * threads:
            threads = 1
        if threads == 1 or rows >= TASKS * threads:
            return threads, 1
        return threads, max(1, min(units, -(-TASKS * threads // rows)))


def _partial(kernel: Kernel, key: tuple[str, str]) -> bool:
    """Tell whether an array comes in parts that are to be added up."""
    external = next(e for e in kernel.plan.externals if (e.role, e.name) == key)
    return bool(external.dims) and external.dims[0] in ("chunk", "row")


class _Run(torch.autograd.Function):
    """A run of the kernel, differentiated by another one that runs again."""

    @staticmethod
    def forward(ctx: Any, native: NativeModule, batch: int, *given: Tensor) -> tuple[Tensor, ...]:
        found = native.call("outputs", batch, given, [False] * len(given), {})
        ctx.native, ctx.batch = native, batch
        ctx.save_for_backward(*given)
        ends = range(len(found))
        return tuple(
            found["out", str(k)].reshape(native.end_shape(k, batch)) for k in ends
        )

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        given, wanted = ctx.saved_tensors, ctx.needs_input_grad[2:]
        seeds = {("seed", str(k)): grad for k, grad in enumerate(grads)}
        found = ctx.native.call("pullback", ctx.batch, given, wanted, seeds)
        return (None, None, *ctx.native.gradients(found, given, wanted))


class _Loss(torch.autograd.Function):
    """The loss of each restart; its gradient is there before anybody asks."""

    @staticmethod
    def forward(
        ctx: Any, native: NativeModule, batch: int, targets: Mapping[str, Tensor], *given: Tensor
    ) -> Tensor:
        wanted = ctx.needs_input_grad[3:]
        found = native.call("loss", batch, given, wanted, native.goals(targets))
        ctx.wanted = wanted
        grads = native.gradients(found, given, wanted)
        ctx.save_for_backward(*(g for g in grads if g is not None))
        return found["loss", ""].reshape(-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        (weight,) = grads
        saved = iter(ctx.saved_tensors)
        rows = [next(saved) if want else None for want in ctx.wanted]
        return (None, None, None, *(
            None if row is None else row * weight.reshape(-1, *[1] * (row.dim() - 1))
            for row in rows
        ))  # fmt: skip
