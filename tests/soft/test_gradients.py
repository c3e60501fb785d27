"""Gradients of the soft execution against differences: choices, inputs, the functions it calls."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor
from torch.autograd import gradcheck

from neuralc.backends.soft import SoftModule, logspace, runtime
from neuralc.backends.soft.module import Precision
from neuralc.backends.soft.parameters import softmaxes
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.nodes import Int, Program
from neuralc.learning.train import negative_log_likelihood
from tests.machines.solved import ALL, machine
from tests.random_models import Features, programs, random_assignment, random_program
from tests.soft.cases import CASES, program_of
from tests.soft.models import CHAIN, LOOK, model
from tests.soft.reference import inputs_of, one_hot

STEP = 1e-5
PRECISIONS: tuple[Precision, ...] = ("linear", "log")


def task(program: Program, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return inputs and targets that some choices give, a part of them not observed."""
    rng = np.random.default_rng(seed)
    runs = [random_assignment(program, seed + k) for k in range(2)]
    decls = program.of("input")
    names = {decl.name for decl in decls}
    sure = [one_hot(program, {e: v for e, v in run.items() if e[0] in names}) for run in runs]
    found = [evaluate(program, run, Integers()) for run in runs]
    targets = {}
    for decl in program.of("output"):
        array = np.array([[out[decl.name, at] for at in np.ndindex(decl.shape)] for out in found])
        array[rng.random(array.shape) < 0.2] = -1
        targets[decl.name] = torch.from_numpy(array.reshape(len(runs), *decl.shape))
    return inputs_of(program, sure), targets


def loss_of(module: SoftModule, inputs: Any, targets: Any, logits: Tensor) -> Tensor:
    """Return the loss of each row of logits."""
    module.logits = torch.nn.Parameter(logits)
    return negative_log_likelihood(module, module.prepare(inputs), targets)


def check_choices(program: Program, precision: Precision, seed: int = 0) -> None:
    """All differences come from one batch: a restart for each shifted logit."""
    module = SoftModule(program, precision=precision).double()
    inputs, targets = task(program, seed)
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, module.choices.total, generator=generator, dtype=torch.float64)
    shift = STEP * torch.eye(module.choices.total, dtype=torch.float64)
    with torch.no_grad():
        high = loss_of(module, inputs, targets, logits + shift)
        low = loss_of(module, inputs, targets, logits - shift)
    loss = loss_of(module, inputs, targets, logits)
    if not loss.requires_grad:  # no choice reaches what is observed
        torch.testing.assert_close(high, low)
        return
    (gradient,) = torch.autograd.grad(loss, module.logits)
    differences = (high - low) / (2 * STEP)
    torch.testing.assert_close(
        gradient[0], differences, rtol=1e-5, atol=1e-6, msg=lambda m: f"{m}\n{program}"
    )


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gradients_of_the_choices(precision: Precision) -> None:
    @given(program=programs())
    @settings(max_examples=2 * settings().max_examples)
    def run(program: Program) -> None:
        check_choices(program, precision)

    run()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gradients_of_the_choices_on_seeds(precision: Precision) -> None:
    for seed in range(200):
        check_choices(random_program(seed, Features(tight=bool(seed % 2))), precision, seed)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gradients_of_the_inputs(precision: Precision) -> None:
    for seed in range(25):
        program = random_program(seed, Features(statements=8))
        module = SoftModule(program, precision=precision).double()
        generator = torch.Generator().manual_seed(seed)
        module.logits.data = torch.randn(module.logits.shape, generator=generator).double()
        names = [decl.name for decl in program.of("input")]
        shapes = [(1, *decl.shape, decl.type.size) for decl in program.of("input")]  # type: ignore[union-attr]
        given = [
            torch.rand(shape, generator=generator).add(0.1).double().requires_grad_()
            for shape in shapes
        ]

        def outputs(
            *given: Tensor, names: list[str] = names, module: SoftModule = module
        ) -> tuple[Tensor, ...]:
            inputs = {
                name: x / x.sum(-1, keepdim=True) for name, x in zip(names, given, strict=True)
            }
            found = module(inputs).values()
            # of log-probabilities only the probable ones: those of impossible values are a floor
            return tuple(x.exp() if module.precision == "log" else x for x in found)

        if any(x.requires_grad for x in outputs(*given)):
            assert gradcheck(outputs, given, eps=1e-6, atol=1e-6), program


def grads_of(module: SoftModule, inputs: Any, weights: list[Tensor]) -> dict[str, Tensor]:
    """Return the gradients of all parameters and inputs, for random weights of the results."""
    inputs = {name: x.detach().clone().requires_grad_() for name, x in inputs.items()}
    outputs, observed = module.run(inputs)
    sources = {**dict(module.named_parameters()), **inputs}
    ends = [*outputs.values(), *observed]
    pairs = [(x, w) for x, w in zip(ends, weights, strict=True) if x.requires_grad]
    if not pairs:
        return {}
    before = [w.clone() for _, w in pairs]
    found = torch.autograd.grad(
        [x for x, _ in pairs], [*sources.values()], [w for _, w in pairs],
        allow_unused=True, materialize_grads=True,
    )  # fmt: skip
    for (_, one), other in zip(pairs, before, strict=True):
        assert torch.equal(one, other), "what comes in is left alone"
    return dict(zip(sources, found, strict=True))


def check_generated(module: SoftModule, seed: int, examples: int = 3) -> None:
    """Compare the generated backward code with autograd on the forward code."""
    generator = torch.Generator().manual_seed(seed)
    module.logits.data = torch.randn(module.logits.shape, generator=generator).double()
    inputs: dict[str, Tensor] = {}
    for decl in module.program.of("input"):
        size = decl.type.size if isinstance(decl.type, Int) else prod(decl.type.shape)
        x = torch.rand(examples, *decl.shape, size, generator=generator, dtype=torch.float64) + 0.1
        inputs[decl.name] = x / x.sum(-1, keepdim=True)
    outputs, observed = module.run(inputs)
    weights = [
        torch.randn(x.shape, generator=generator).double() for x in [*outputs.values(), *observed]
    ]
    generated = grads_of(module, inputs, weights)
    training, module._training = module._training, None
    plain = grads_of(module, inputs, weights)
    module._training = training
    assert generated.keys() == plain.keys()
    for name, wanted in plain.items():
        torch.testing.assert_close(generated[name], wanted, rtol=1e-9, atol=1e-11, msg=name)


def test_the_generated_backward_is_that_of_autograd_on_random_programs() -> None:
    for seed in range(250):
        program = random_program(seed, Features(statements=12 + seed % 30, tight=bool(seed % 2)))
        check_generated(SoftModule(program, restarts=2).double(), seed)


@pytest.mark.parametrize("name", CASES)
def test_the_generated_backward_of_small_programs(name: str) -> None:
    check_generated(SoftModule(program_of(name), restarts=2).double(), 0)


@pytest.mark.parametrize("text", [LOOK, CHAIN], ids=["LOOK", "CHAIN"])
def test_the_generated_backward_with_networks(text: str) -> None:
    check_generated(model(text).compile(restarts=2, dtype="float64", seed=0), 0)


@pytest.mark.parametrize("name", [name for name in ALL if name != "maze"])
def test_the_generated_backward_of_the_machines(name: str) -> None:
    solved = ALL[name]
    program = machine(solved.machine, solved.hypers).program
    check_generated(SoftModule(program, restarts=2).double(), 0)


# ---- the functions of the runtime


def rand(*shape: int, low: float = 0.05) -> Tensor:
    """Return random distributions along the last dimension."""
    generator = torch.Generator().manual_seed(sum(shape))
    x = torch.rand(shape, generator=generator, dtype=torch.float64) + low
    return (x / x.sum(-1, keepdim=True)).requires_grad_()


def shared(soft: Any, first: Tensor, *pairs: Tensor) -> Tensor:
    """Return what generated code writes out unless it is about logarithms."""
    if soft is logspace:
        result: Tensor = soft.share(1, first, *pairs)
        return result
    return torch.addcmul(torch.addcmul(first, *pairs[:2]), *pairs[2:])


X, Y = (2, 1, 6), (1, 3, 4)  # they broadcast; the last dimension is the value
Function = Callable[..., Any]
BOTH: list[tuple[str, Function, list[tuple[int, ...]]]] = [
    ("add modulo", lambda soft, x, y: soft.add(x, y, 2, 7, 7), [X, Y]),
    ("add, short modulus", lambda soft, x, y: soft.add(x, y, 1, 5, 5), [X, Y]),
    ("add, no modulus", lambda soft, x, y: soft.add(x, y, 3, 0, 13), [X, Y]),
    ("subtract", lambda soft, x, y: soft.add(x, y, 3, 0, 9, sign=-1), [X, Y]),
    ("subtract modulo", lambda soft, x, y: soft.add(x, y, 3, 8, 8, sign=-1), [X, Y]),
    ("minimum", lambda soft, x, y: soft.minimum(x, y, 4), [X, Y]),
    ("minimum, wide", lambda soft, x, y: soft.minimum(x, y, 8), [X, Y]),
    ("maximum", lambda soft, x, y: soft.maximum(x, y, 7), [X, Y]),
    ("equal", lambda soft, x, y: soft.equal(x, y, (0, 1), 2), [X, Y]),
    ("equal, values", lambda soft, x, y: soft.equal(x, y, (3, 1), 4), [X, Y]),
    ("less", lambda soft, x, y: soft.less(x, y, (0, 1), 2), [X, Y]),
    ("less, turned", lambda soft, x, y: soft.less(y, x, (2, 0), 3), [X, Y]),
    (
        "scatter",
        lambda soft, x, y: soft.scatter([x, y], torch.arange(24).flip(0) % 5, 6),
        [X, Y],
    ),
    ("mixture", lambda soft, w, x, y: soft.mixture(w, [x, y]), [(2, 3, 2), (2, 1, 4), (3, 4)]),
    ("blend", lambda soft, w, x, y: soft.blend(x, y, w[..., :1], w[..., 1:]),
     [(2, 3, 2), (2, 1, 4), (3, 4)]),
    ("share", lambda soft, w, x, y: shared(soft, x, w[..., :1], y, w[..., 1:], x),
     [(2, 3, 2), (2, 1, 4), (3, 4)]),
    ("circle", lambda soft, x, y: soft.circle(x, y, 7), [X, Y]),
    ("circle of one shape", lambda soft, x, y: soft.circle(x, y, 6), [(2, 6), (2, 6)]),
    ("circle of a large prime", lambda soft, x, y: soft.circle(x, y, 17), [X, Y]),
    ("running", lambda soft, x: soft.running(x, False, False), [X]),
    ("running, strict", lambda soft, x: soft.running(x, False, True), [X]),
    ("running down", lambda soft, x: soft.running(x, True, False), [X]),
    ("running down, strict", lambda soft, x: soft.running(x, True, True), [X]),
    ("stack", lambda soft, x, y: soft.stack([x, y]), [(2, 1, 4), (1, 3, 4)]),
    ("join", lambda soft, x, y: soft.join([x, y], -2, (3, 2), ORDER), [(2, 3, 4), (1, 2, 4)]),
    ("join, straight", lambda soft, x, y: soft.join([x, y], -2, (1, 2), None), [(2, 1, 4), (2, 4)]),
    ("features", lambda soft, x, y: soft.features([x, y]), [X, Y]),
    ("widen", lambda soft, x: soft.widen(x, 9), [X]),
    ("normalise", lambda soft, x: soft.normalise(x), [X]),
]  # fmt: skip
ORDER = torch.tensor([4, 0, 2, 1, 3])


@pytest.mark.parametrize(("name", "function", "shapes"), BOTH, ids=[name for name, _, _ in BOTH])
def test_gradients_of_the_runtime(
    name: str, function: Function, shapes: list[tuple[int, ...]]
) -> None:
    """In log space the same numbers come out, and the same gradients go back."""
    given = [rand(*shape) for shape in shapes]

    def linear(*x: Tensor) -> Any:
        return function(runtime, *x)

    def log(*x: Tensor) -> Any:
        return function(logspace, *map(logspace.from_linear, x)).exp()

    assert gradcheck(linear, given)
    assert gradcheck(log, given)
    torch.testing.assert_close(linear(*given), log(*given), rtol=0, atol=1e-12)


@pytest.mark.parametrize("equation", ["abc,cbd->abd", "ab,cb->ac", "ab,b->a", "a,ab->ab", "ba,b->"])
def test_gradients_of_the_product_in_log_space(equation: str) -> None:
    sizes = dict(zip("abcd", (2, 3, 4, 5), strict=True))
    inputs = equation.split("->")[0].split(",")
    given = [rand(*(sizes[name] for name in names)) for names in inputs]

    def log(*x: Tensor) -> Tensor:
        return logspace.einsum(equation, *map(logspace.from_linear, x)).exp()

    assert gradcheck(log, given)
    torch.testing.assert_close(log(*given), torch.einsum(equation, *given))


def test_the_centred_softmax_has_the_gradient_of_the_softmax() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(4, 3, 5, generator=generator, dtype=torch.float64)).requires_grad_()
    assert gradcheck(runtime.centred_softmax, (logits,))
    weight = torch.randn(4, 3, 5, generator=generator, dtype=torch.float64)
    pairs = [
        torch.autograd.grad((softmax(logits) * weight).sum(), logits)[0]
        for softmax in (runtime.centred_softmax, lambda x: x.softmax(-1))
    ]
    torch.testing.assert_close(*pairs, rtol=1e-12, atol=1e-15)


def test_the_softmax_of_all_choices_has_the_gradient_of_the_softmax() -> None:
    program = next(p for k in range(99) if (p := random_program(k)).fixed)
    module = SoftModule(program, restarts=2).double()
    logits = torch.randn(2, module.choices.total, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x: tuple(softmaxes(x, module.choices).values()), (logits,))


def test_gradients_of_nearly_discrete_choices_are_exact_in_float32() -> None:
    """The reason for centring: the usual backward cancels where one entry is close to 1."""
    generator = torch.Generator().manual_seed(0)
    exact = torch.randn(200, 6, generator=generator, dtype=torch.float64)
    exact[:, 0] += 14
    weight = torch.randn(200, 6, generator=generator, dtype=torch.float64) + 100

    def gradient(softmax: Function, dtype: torch.dtype) -> Tensor:
        logits = exact.to(dtype).requires_grad_()
        return torch.autograd.grad((softmax(logits) * weight.to(dtype)).sum(), logits)[0].double()

    right = gradient(runtime.centred_softmax, torch.float64)
    centred = gradient(runtime.centred_softmax, torch.float32)
    usual = gradient(lambda x: x.softmax(-1), torch.float32)
    assert (centred - right).norm() < 1e-4 * right.norm()
    assert (usual - right).norm() > 0.1 * right.norm()
