"""The soft execution by generated kernels: the same module as `SoftModule`, many times faster.

Networks stay in torch; a kernel takes what they say and returns the gradients of it. The memory of
a run does not grow with restarts nor examples: each thread works on a vector of them at a time, or
on a GPU on one restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from neuralc.backends.native import ptx
from neuralc.backends.native.compiled import load
from neuralc.backends.native.cuda import Gpu, gpu
from neuralc.backends.native.kernel import (
    NAME,
    TASKS,
    Kernel,
    Kernels,
    Kind,
    Laid,
    Memory,
    Pool,
    Shares,
    Variant,
    lanes_for,
    lay,
    vectors,
)
from neuralc.backends.native.plan import External
from neuralc.backends.soft.graph import B, Node, P
from neuralc.backends.soft.module import Precision, SoftModule, full
from neuralc.errors import DataError, Declined
from neuralc.ir.nodes import Int

PLACES = ("cpu", "cuda")
REALS = {torch.float32: "float", torch.float64: "double"}
MEMORY = 2 * 2**30  # bytes that all threads work in, at most
ALONE = 1_000_000  # products of vectors below which a second thread does not pay
Key = tuple[str, str]  # role and name of an external array


class NativeModule(SoftModule):
    """A `SoftModule` that runs as machine code on the CPU, or on a GPU of CUDA's."""

    def __init__(self, *args: Any, memory: Memory = "auto", **kwargs: Any) -> None:
        """Compile a checked program; arguments are those of `SoftModule`.

        Args:
            *args: of `SoftModule`.
            memory: "stored": all that a gradient needs is kept in memory; "recomputed": a part of
                it is, from which the rest is computed again, in about the square root of the
                memory; "auto": recomputed where the other does not fit.
            **kwargs: of `SoftModule`.

        Raises:
            Declined: it cannot be run this way.

        """
        super().__init__(*args, **kwargs)
        self.check(self.precision, "cpu")
        if self._training is None:
            raise Declined(NAME, ["a network looks at what depends on the choices, or on nothing"])
        nodes, source = self._training.nodes, self.program.source
        self.kernels = Kernels(self._training.lowered, nodes, source, self.choices, memory)
        self.pool = Pool(1)
        self.calls: dict[tuple[int, ...], Laid] = {}
        self.compared: tuple[dict[str, Tensor], dict[Key, Tensor]] = ({"": self.logits}, {})
        sources = self._training.sources
        self.sources: list[Node] = [node for node in sources if node.op != "param"]
        self.params = frozenset(node.number for node in sources if node.op == "param")
        self.with_logits = bool(self.params)
        own = ["logits"] if self.with_logits else []
        numbers = (str(node.number) for node in self.sources)
        self.names = [*own, *numbers]  # of what `_given` returns

    @staticmethod
    def check(precision: Precision, device: str) -> None:
        """Raise Declined where no program at all can be run."""
        reasons = []
        if precision != "linear":
            reasons.append("logarithms are for the engine torch")
        if device.split(":")[0] not in PLACES:
            reasons.append(f"kernels are for the CPU and for CUDA, not for {device}")
        elif device.startswith("cuda") and torch.version.hip:
            reasons.append("kernels are for the CPU and for CUDA, not for ROCm")
        if reasons:
            raise Declined(NAME, reasons)

    @property
    def operations(self) -> int:
        """How many operations the program consists of."""
        return len(self.kernels.nodes)

    def kernel_source(self, device: str = "cpu") -> str:
        """Return the text of the kernel for the loss and its gradient, restarts in the lanes.

        For "cuda" it is PTX for the GPU that there is, else for one that has become common.
        """
        real = REALS[self.logits.dtype]
        if device == "cpu":
            plain = Variant("loss", vectors(real), "P", self.params, MEMORY)
            return self.kernels.module(plain).text()
        there = torch.cuda.is_available()
        chip = ptx.chip(*torch.cuda.get_device_capability()) if there else ptx.PLAIN
        threads = Variant("loss", ptx.thread(real, chip), "P", self.params, MEMORY)
        return ptx.translated(self.kernels.module(threads).text(), chip).decode()

    def run(self, inputs: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[Tensor]]:
        """Run on prepared inputs; return outputs and observed distributions, with P and B."""
        batch = self._batch(inputs)
        found = _Run.apply(self, batch, *self._given(inputs))  # type: ignore[no-untyped-call]
        whole = [
            full(value, there, (self.restarts, batch))
            for value, there in zip(found, self._leads, strict=True)
        ]
        names = list(self.kernels.lowered.outputs)
        return dict(zip(names, whole, strict=False)), whole[len(names) :]

    def loss(self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor | None:
        """Return the loss of each restart, with its gradient computed in the same pass.

        Arguments and result are those of `negative_log_likelihood`. None: an input wants a
        gradient, which this has not.
        """
        given = self._given(inputs)
        if any(
            value.requires_grad and P not in node.dims
            for value, node in zip(given[self.with_logits :], self.sources, strict=True)
        ):
            return None
        batch = self._batch(inputs)
        if not inputs and targets:  # one result is for all examples
            batch = next(iter(targets.values())).shape[0]
        result: Tensor = _Loss.apply(self, batch, targets, *given)  # type: ignore[no-untyped-call]
        return result

    def descend(
        self, inputs: Mapping[str, Tensor], targets: Mapping[str, Tensor], square: Tensor,
        momentum: Tensor, settings: Tensor, *, adam: bool,
    ) -> Tensor:  # fmt: skip
        """Make steps of gradient descent without networks; return the losses before the last one.

        The logits change in place, and so do the optimiser's states.

        Args:
            inputs: prepared inputs.
            targets: as in `loss`.
            square: mean squares of the gradients, `(P, total)`.
            momentum: of Adam, `(P, total)`.
            settings: for each step what `update.SETTINGS` says, float64 `(steps, 8)`.
            adam: else it is RMSProp, without a momentum.

        """
        assert not self.program.networks
        assert self.with_logits
        given = self._given(inputs)
        batch = self._batch(inputs)
        if not inputs and targets:
            batch = next(iter(targets.values())).shape[0]
        kind: Kind = "adam" if adam else "rmsprop"
        goals = self.goals(targets)
        kernel = self.kernel(kind, batch, [False] * len(given), goals)
        others: dict[Key, Tensor] = {
            **goals,
            ("source", "settings"): settings.to(self.logits.dtype),
            ("state", "square"): square, ("state", "momentum"): momentum,
        }  # fmt: skip
        for value in (self.logits, square, momentum):
            assert value.is_contiguous()
            assert value.device == self.logits.device
        found = self.call(kernel, batch, given, others, steps=len(settings))
        return found["loss", ""].reshape(-1)

    # ---- what kernels are called with

    def refusals(self) -> list[str]:
        """Return why the module cannot run as it is now: an empty list if it can."""
        found = []
        if self.logits.device.type not in PLACES:
            found.append(f"kernels are for the CPU and for CUDA, not for {self.logits.device}")
        if self.logits.dtype not in REALS:
            found.append(f"kernels are for float32 and float64, not for {self.logits.dtype}")
        return found

    def _given(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the logits, if the program has choices, then inputs and what networks say."""
        if reasons := self.refusals():
            raise Declined(NAME, reasons)
        assert self._training is not None
        read = self._training.readings(inputs, dict(self.networks.items()), self.logits)
        said = (next(read) if n.op == "network" else inputs[n.attrs[0]] for n in self.sources)
        return [self.logits, *said] if self.with_logits else list(said)

    def _batch(self, inputs: Mapping[str, Tensor]) -> int:
        name, value = next(iter(inputs.items()), ("", None))
        return 1 if value is None else value.shape[int(name in self.carried)]

    def kernel(
        self, kind: Kind, batch: int, wanted: Sequence[bool],
        goals: Mapping[Key, Tensor] | None = None,
    ) -> Kernel:  # fmt: skip
        """Return the kernel for a batch of this size, with the gradients that are wanted.

        `goals` are what a loss compares ends with.
        """
        like = self.logits
        compared = None if goals is None else frozenset(int(k) for _, k in goals)
        about = kind, batch, tuple(wanted), compared, len(like), like.dtype, like.device, MEMORY
        if about in self.kernels.asked:
            return self.kernels.asked[about]
        real = REALS[like.dtype]
        others = zip(self.sources, wanted[self.with_logits :], strict=True)
        asked = {node.number for node, want in others if want}
        if self.with_logits and wanted[0]:
            asked |= self.params
        there = self.gpu()
        target = there.target(real) if there else vectors(real)
        lanes = P if there else lanes_for(self.restarts, batch, target.lanes)
        variant = Variant(kind, target, lanes, frozenset(asked), MEMORY, compared)  # type: ignore[arg-type]
        loader = there.load if there else load
        return self.kernels.asked.setdefault(about, self.kernels.get(variant, loader))

    def call(
        self, kernel: Kernel, batch: int, given: Sequence[Tensor], others: Mapping[Key, Tensor],
        steps: int = 0,
    ) -> dict[Key, Tensor]:  # fmt: skip
        """Run a kernel; return what it makes, by role and name.

        `others` are the external arrays besides what is given; `steps` of descent are made.
        """
        laid, there, like = self.laid(kernel, batch, steps), self.gpu(), self.logits
        sources = dict(zip(self.names, given, strict=True))
        made: dict[Key, Tensor] = {}
        addresses, kept = [], []
        for external, key, shape, count in laid.arrays:
            if external.role == "source" and key not in others:
                value = self.array(external, sources[external.name], count, like)
            elif external.role in ("source", "state", "seed", "target"):
                value = self.array(external, others[key], count, like)
                if external.role == "seed" and B not in external.dims:
                    value = value / laid.args[2]  # chunks: each adds its part of the gradient
            else:
                value = made[key] = like.new_zeros(shape)
            kept.append(value)
            addresses.append(value.data_ptr())
        if there:
            there.run(kernel, laid.args, addresses, laid.tasks, self.most_threads(kernel))
        else:
            threads = min(laid.threads, self.most_threads(kernel))
            if self.pool.threads != threads:
                self.pool = Pool(threads)
            kernel.run(laid.args, addresses, laid.tasks, self.pool)
        for key in laid.parts:
            made[key] = made[key].sum(0)
        return made

    def laid(self, kernel: Kernel, batch: int, steps: int) -> Laid:
        """Return how a kernel is called for a batch of this size; 0 steps: none of descent."""
        about = id(kernel), self.restarts, batch, steps, torch.get_num_threads()
        if about not in self.calls:
            sizes = self.restarts, batch
            shares = self.shares(kernel, *sizes, divide=not steps, gpu=self.gpu())
            self.calls[about] = lay(kernel, *sizes, shares, steps)
        return self.calls[about]

    @staticmethod
    def array(external: External, value: Tensor, count: int, like: Tensor) -> Tensor:
        """Return a tensor as what a kernel reads, which looks at nothing but its address."""
        kind, here = like.dtype if external.real else torch.int64, like.device
        if value.numel() != count:
            found = " x ".join(map(str, value.shape))
            raise DataError(
                f"{external.role} {external.name} of the kernel has {count} numbers, "
                f"found {found}\n  hint: all inputs and targets are for the same examples"
            )
        if value.dtype == kind and value.device == here and value.is_contiguous():
            return value
        return value.detach().to(here, kind).contiguous()

    def gpu(self) -> Gpu | None:
        """Return the GPU that the module is on, if it is on one."""
        return gpu(self.logits.device.index) if self.logits.is_cuda else None

    def stays(self, batch: int) -> bool:
        """Tell whether steps are made best within a kernel, which shares out no examples."""
        there = self.gpu()
        return self.with_logits and (not there or batch == 1 or self.restarts >= there.enough)

    @staticmethod
    def most_threads(kernel: Kernel) -> int:
        """Return how many threads, or warps of a GPU, may work at once in the memory for them."""
        return max(1, MEMORY // (kernel.size * kernel.target.bytes))

    @staticmethod
    def shares(
        kernel: Kernel, restarts: int, batch: int, *, divide: bool, gpu: Gpu | None = None
    ) -> Shares:
        """Return how a run is shared out among threads; `divide`: examples may be, too."""
        rows, units = kernel.rows(restarts), kernel.units(batch)
        if gpu:
            return Shares(1, rows, max(1, min(units, gpu.enough // rows)) if divide else 1)
        threads = torch.get_num_threads()
        if threads > 1 and kernel.work * rows * units < ALONE * threads:
            threads = 1
        if threads == 1 or rows >= TASKS * threads or not divide:
            return Shares(threads, rows, 1)
        return Shares(threads, rows, max(1, min(units, -(-TASKS * threads // rows))))

    def end_shape(self, k: int, batch: int) -> tuple[int, ...]:
        """Return the shape of an output, or of what is observed, as the kernel gives it."""
        lowered = self.kernels.lowered
        ends = [*lowered.outputs.values(), *(number for number, _ in lowered.observed)]
        sizes = {P: self.restarts, B: batch}
        dims = lowered.graph.nodes[ends[k]].dims
        return tuple(sizes[d] if isinstance(d, str) else d for d in dims)

    def gradients(
        self, found: Mapping[Key, Tensor], given: Sequence[Tensor], wanted: Sequence[bool]
    ) -> list[Tensor | None]:
        """Return the gradient of each source, None where it is not wanted."""
        result: list[Tensor | None] = []
        for name, value, want in zip(self.names, given, wanted, strict=True):
            gradient = found.get(("gradient", name)) if want else None
            if want and gradient is None:  # no end depends on it
                gradient = torch.zeros_like(value)
            result.append(None if gradient is None else gradient.reshape(value.shape))
        return result

    def goals(self, targets: Mapping[str, Tensor]) -> dict[Key, Tensor]:
        """Return the targets, and what is observed, by the ends that are compared with them."""
        before, known = self.compared
        if len(before) == len(targets) and all(targets.get(k) is v for k, v in before.items()):
            return known
        names = list(self.kernels.lowered.outputs)
        for name, target in targets.items():
            kind = self.program.decl[name].type
            assert isinstance(kind, Int)
            if target.numel() and int(target.max()) >= kind.size:
                raise DataError(
                    f"a target of {name} is {int(target.max())}\n"
                    f"  hint: its values are 0 to {kind.size - 1}"
                )
        found: dict[Key, Tensor] = {
            ("target", str(k)): targets[name] for k, name in enumerate(names) if name in targets
        }
        for k, number in enumerate(self.expected):
            found["target", str(len(names) + k)] = torch.tensor([number], device=self.logits.device)
        self.compared = dict(targets), found
        return found


class _Run(torch.autograd.Function):
    """A run of the kernel, differentiated by another one that runs again."""

    @staticmethod
    def forward(ctx: Any, native: NativeModule, batch: int, *given: Tensor) -> tuple[Tensor, ...]:
        kernel = native.kernel("outputs", batch, [False] * len(given))
        found = native.call(kernel, batch, given, {})
        ctx.native, ctx.batch = native, batch
        ctx.save_for_backward(*given)
        return tuple(
            found["out", str(k)].reshape(native.end_shape(k, batch)) for k in range(len(found))
        )

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        given, wanted, native = ctx.saved_tensors, ctx.needs_input_grad[2:], ctx.native
        seeds = {("seed", str(k)): grad for k, grad in enumerate(grads)}
        found = native.call(native.kernel("pullback", ctx.batch, wanted), ctx.batch, given, seeds)
        return (None, None, *native.gradients(found, given, wanted))


class _Loss(torch.autograd.Function):
    """The loss of each restart; its gradient is there before anybody asks."""

    @staticmethod
    def forward(
        ctx: Any, native: NativeModule, batch: int, targets: Mapping[str, Tensor], *given: Tensor
    ) -> Tensor:
        wanted = ctx.needs_input_grad[3:]
        goals = native.goals(targets)
        found = native.call(native.kernel("loss", batch, wanted, goals), batch, given, goals)
        ctx.rows = native.gradients(found, given, wanted)
        return found["loss", ""].reshape(-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        (weight,) = grads
        return (None, None, None, *(
            None if row is None else row * weight.view(-1, *[1] * (row.dim() - 1))
            for row in ctx.rows
        ))  # fmt: skip
