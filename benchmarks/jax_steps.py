"""A step of training in JAX: the loss of each restart and the gradient of all logits, jitted.

The same loss as that of `learning/train.py`. There are several forms for each case; the fastest is
measured, after its loss and gradient have been compared with PyTorch's in float64. JAX is held to
one thread, and is imported only where somebody asks for it. Forms that lost at all sizes are tried
only where the variable NEURALC_BENCH_SLOW is set.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from benchmarks.native_case import SLOW, Case
from neuralc.backends.native.helpers import TINY
from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.lower import Lowered, lower
from neuralc.learning.train import negative_log_likelihood

FLAGS = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
CLOSE = 1e-9
Loss = Callable[..., tuple[Any, Any]]


def missing() -> str | None:
    """Return why nothing can be measured with JAX, None if it can."""
    os.environ.setdefault("XLA_FLAGS", FLAGS)  # read when it is imported
    os.environ.setdefault("NPROC", "1")  # the threads that XLA starts
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import jax
    except ImportError as error:
        return f"jax is not installed: {error}"
    del jax
    return None


@dataclass(frozen=True)
class Step:
    """A compiled step of training.

    `run` makes a step and waits for it; it returns losses `(P,)` and gradients `(P, total)`.
    `seconds` were spent on tracing, compiling, and the first step.
    """

    form: str
    run: Callable[[], tuple[Any, Any]]
    seconds: float


def fastest(case: Case, module: SoftModule) -> Step:
    """Return a checked step in the form that is the fastest for a case, float32."""
    forms = machine_forms(case, module) if case.size else graph_forms(case, module)
    steps = {name: compiled(name, loss, case, module, np.float32) for name, loss in forms.items()}
    rounds = [{name: seconds(step.run) for name, step in steps.items()} for _ in range(5)]
    best = min(steps, key=lambda name: min(times[name] for times in rounds))
    check(best, forms[best], case, module)
    return steps[best]


def seconds(call: Callable[[], object]) -> float:
    """Return the seconds of work of a call."""
    began = process_time()
    call()
    return process_time() - began


def check(form: str, loss: Loss, case: Case, module: SoftModule) -> None:
    """Assert that loss and gradient are those of PyTorch, in float64."""
    import jax

    plain = SoftModule(case.program, restarts=case.restarts).double()
    plain.logits.data = module.logits.data.double()
    wanted = negative_log_likelihood(plain, plain.prepare(case.inputs), case.targets)
    wanted.sum().backward()
    with jax.enable_x64(True):
        losses, gradient = compiled(form, loss, case, module, np.float64).run()
        assert losses.dtype == gradient.dtype == np.float64
    np.testing.assert_allclose(losses, wanted.detach(), rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(gradient, plain.logits.grad, rtol=0, atol=CLOSE)


def compiled(form: str, loss: Loss, case: Case, module: SoftModule, kind: Any) -> Step:
    """Compile a loss with its gradient, and make one step."""
    import jax

    began = process_time()
    function = jax.jit(jax.value_and_grad(loss, has_aux=True))
    sizes = {name: module.program.decl[name].type.size for name in (*case.inputs, *case.targets)}
    given = [
        {name: jax.numpy.asarray(hot(np.asarray(x), sizes[name]).astype(kind))
         for name, x in arrays.items()}
        for arrays in (case.inputs, case.targets)
    ]  # fmt: skip
    logits = jax.numpy.asarray(module.logits.detach().numpy().astype(kind))

    def run() -> tuple[Any, Any]:
        (_, losses), gradient = jax.block_until_ready(function(logits, *given))
        return losses, gradient

    run()
    return Step(form, run, process_time() - began)


def hot(numbers: np.ndarray, size: int) -> np.ndarray:
    """Return one-hot rows, and zeros where a number is -1, which is not observed."""
    rows: np.ndarray = np.eye(size + 1)[:, :size][numbers]
    return rows


def probabilities(module: SoftModule, logits: Any) -> dict[str, Any]:
    """Return the probabilities of all choices, `(P, *shape, size)`."""
    import jax

    if not module.choices.free:
        wall = np.where(module.choices.allowed, 0.0, -1e4)
        logits = logits + wall.astype(logits.dtype)
    return {
        b.name: jax.nn.softmax(logits[:, b.start : b.stop].reshape(-1, *b.shape, b.size))
        for b in module.choices.blocks
    }


def cost(found: Any, goal: Any) -> Any:
    """Return the loss of each restart, `(P,)`, of an output `(P, B, *shape, size)` and one-hots."""
    import jax.numpy as jnp

    chances = (found * goal).sum(-1)
    terms = -jnp.log(chances + TINY) * goal.sum(-1)
    return terms.sum(tuple(range(2, terms.ndim))).mean(1)


def machine_forms(case: Case, module: SoftModule) -> dict[str, Loss]:
    """Return the losses of the register machine that are worth trying."""
    from benchmarks.jax_machine import Form, Machine

    assert case.size is not None
    cells = case.size[0]
    sums = ("direct", "fft") if SLOW in os.environ else ("fft",)
    ways = [(r, c) for r in ("vmap", "map")[: 1 + (case.restarts > 1)] for c in sums]
    forms = [Form(*way) for way in ways]
    if cells >= 64:
        forms = [Form(r, "fft", m, k) for r in ("vmap", "map") for m, k in
                 (("whole", "all"), ("lazy", "states"))]  # fmt: skip

    def loss_of(form: Form) -> Loss:
        def loss(logits: Any, inputs: Any, targets: Any) -> tuple[Any, Any]:
            params = probabilities(module, logits)
            machine = Machine(*case.size, form)  # type: ignore[misc]
            final = machine.final_memory(params, inputs["initial_memory"])
            losses = cost(final, targets["final_memory"])
            return losses.sum(), losses

        return loss

    return {" ".join(form): loss_of(form) for form in forms}


def graph_forms(case: Case, module: SoftModule) -> dict[str, Loss]:
    """Return the losses of any model that are worth trying."""
    lowered = lower(case.program)
    orders = ("first", "last") if SLOW in os.environ else ("last",)
    ways = [(lanes, products) for lanes in orders for products in ("dot", "fused")]
    return {" ".join(way): graph_loss(module, lowered, *way) for way in ways}


def graph_loss(module: SoftModule, lowered: Lowered, lanes: str, products: str) -> Loss:
    """Return the loss of a tensor program without observations, computed in one way."""
    from benchmarks.jax_graph import Run, order_of
    from neuralc.backends.soft.graph import B, P

    assert not lowered.observed
    graph = lowered.graph
    dims = {(node.op, node.attrs[0]): node.dims for node in graph.nodes
            if node.op in ("param", "input")}  # fmt: skip

    def loss(logits: Any, inputs: Any, targets: Any) -> tuple[Any, Any]:
        import jax.numpy as jnp

        params = probabilities(module, logits)
        given = {("param", name): x for name, x in params.items()}
        given |= {("input", name): x for name, x in inputs.items()}
        stored = {
            key: x.transpose(order_of(dims[key], lanes)) for key, x in given.items() if key in dims
        }
        names = list(targets)
        roots = [lowered.outputs[name] for name in names]
        found = Run(graph, stored, logits.dtype, lanes, products).run(roots)
        total = jnp.zeros(len(logits), logits.dtype)
        for name, root, x in zip(names, roots, found, strict=True):
            own = graph.nodes[root].dims
            x = x.transpose(np.argsort(order_of(own, lanes)))
            absent = tuple(k for k, lead in enumerate((P, B)) if lead not in own)
            total = total + cost(jnp.expand_dims(x, absent), targets[name])
        return total.sum(), total

    return loss
