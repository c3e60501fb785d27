"""The definition that the soft execution is held to: the interpreter on distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neuralc.backends.soft import SoftModule
from neuralc.backends.soft.module import Precision
from neuralc.ir.algebras import Distributions
from neuralc.ir.evaluate import Element, evaluate
from neuralc.ir.nodes import Decl, Int, Network, Program

Array = np.ndarray[Any, Any]
Given = Mapping[Element, Array]
IMPOSSIBLE = -1e4  # a logit that gives probability 0, in any precision


def array_of(given: Given, decl: Decl) -> Array:
    """Return the elements of one variable as an array [*shape, size]."""
    rows = [given[decl.name, at] for at in np.ndindex(decl.shape)]
    return np.array(rows, dtype=np.float64).reshape(*decl.shape, -1)


def logits_of(module: SoftModule, choices: Sequence[Given]) -> Tensor:
    """Return the logits of a program for each of several distributions over its choices."""
    rows = {
        decl.name: np.stack([array_of(given, decl) for given in choices])
        for decl in module.program.of("param")
    }
    logs = {name: np.log(np.maximum(row, 1e-300)) for name, row in rows.items()}
    sure = {name: np.where(rows[name] == 0, IMPOSSIBLE, log) for name, log in logs.items()}
    return torch.from_numpy(module.choices.join(sure)) if sure else module.logits.detach().double()


def module_of(
    program: Program, choices: Sequence[Given], precision: Precision = "linear",
    kind: type[SoftModule] = SoftModule,
) -> SoftModule:  # fmt: skip
    """Return a float64 module; restart `p` has the choices `choices[p]`."""
    module = kind(program, restarts=len(choices), precision=precision).double()
    module.logits.data = logits_of(module, choices)
    return module


def inputs_of(program: Program, examples: Sequence[Given]) -> dict[str, Tensor]:
    """Return the inputs of several examples, as distributions or real tensors."""
    found = {}
    for decl in program.of("input"):
        array = np.stack([array_of(given, decl) for given in examples])
        shape = getattr(decl.type, "shape", None)
        found[decl.name] = torch.from_numpy(
            array if shape is None else array.reshape(*array.shape[:-1], *shape)
        )
    return found


def results_of(
    module: SoftModule, inputs: Mapping[str, Any]
) -> tuple[dict[str, Array], list[Array]]:
    """Return outputs [P, B, *shape, size] and what is observed [P, B, size], as probabilities."""
    outputs, observed = module.run(module.prepare(inputs))
    with torch.no_grad():  # other code runs when no gradients are wanted
        plain, plainly = module.run(module.prepare(inputs))
    for one, other in zip([*outputs.values(), *observed], [*plain.values(), *plainly], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)
    outputs, observed = plain, plainly
    log = module.precision == "log"
    return (
        {name: (x.exp() if log else x).numpy() for name, x in outputs.items()},
        [(x.exp() if log else x).numpy() for x in observed],
    )


def network_of(module: SoftModule, restart: int) -> Any:
    """Return the networks of one restart as a function on arrays, for the interpreter."""

    def call(network: Network, args: Sequence[Any]) -> Array:
        row = torch.from_numpy(np.concatenate([np.asarray(arg).reshape(-1) for arg in args]))
        with torch.no_grad():
            found: Tensor = module.networks[network.name](row[None], restarts=False)
        return found[restart, 0].numpy()

    return call


def expected(
    program: Program, given: Given, networks: Any = None
) -> tuple[dict[str, Array], list[Array]]:
    """Return outputs [*shape, size] and observed values [size] of the interpreter."""
    algebra = Distributions(networks) if networks else Distributions()
    found = evaluate(program, given, algebra)
    outputs = {decl.name: array_of(found, decl) for decl in program.of("output")}
    seen = {
        int(name.split()[1]): v for (name, _), v in found.items() if name.startswith("observe ")
    }
    return outputs, [seen[k] for k in sorted(seen)]


def compare(
    program: Program, choices: Sequence[Given], examples: Sequence[Given],
    precision: Precision = "linear", module: SoftModule | None = None, tolerance: float = 1e-9,
) -> None:  # fmt: skip
    """Hold every restart on every example to the interpreter; mass is conserved."""
    module = module or module_of(program, choices, precision)
    outputs, observed = results_of(module, inputs_of(program, examples))
    for p, chosen in enumerate(choices):
        networks = network_of(module, p) if program.networks else None
        for b, example in enumerate(examples):
            wanted, seen = expected(program, {**chosen, **example}, networks)
            for name, array in wanted.items():
                close(outputs[name][p, b], array, tolerance, f"{name} of {program}")
            assert len(observed) == len(seen)
            for one, other in zip(observed, seen, strict=True):
                close(one[p, b], other, tolerance, f"observed in {program}")
    for decl in program.of("output"):
        total = outputs[decl.name].sum(-1)
        close(total, np.ones_like(total), tolerance, f"mass of {decl.name} in {program}")


def close(found: Array, wanted: Array, tolerance: float, where: str) -> None:
    """Compare absolutely."""
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance, err_msg=where)


def one_hot(program: Program, values: Mapping[Element, int]) -> dict[Element, Array]:
    """Return values as distributions that are sure of them."""
    found = {}
    for (name, at), value in values.items():
        kind = program.decl[name].type
        assert isinstance(kind, Int)
        found[name, at] = np.eye(kind.size)[value]
    return found
