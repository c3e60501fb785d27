"""The definition that the exact execution is held to: the interpreter, one pair at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuralc.backends.exact import Executor, Site
from neuralc.backends.exact.sites import sites
from neuralc.ir.algebras import Integers
from neuralc.ir.evaluate import evaluate
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Network, Program, Real
from tests.exact.turing import candidates

Arrays = Mapping[str, np.ndarray[Any, Any]]


def interpreted(
    program: Program,
    params: Arrays,
    inputs: Arrays,
    networks: Mapping[Site, np.ndarray[Any, Any]] | None = None,
) -> tuple[dict[str, np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
    """Return the outputs [C, E, *shape], -1 where nothing is set, and whether observations hold."""
    programs = next((len(a) for a in params.values()), 1)
    examples = next((len(a) for a in inputs.values()), 1)
    decls = program.of("output")
    outputs = {d.name: np.full((programs, examples, *d.shape), -1) for d in decls}
    holds = np.ones((programs, examples), bool)
    for c in range(programs):
        for e in range(examples):
            given = _elements({name: a[c] for name, a in params.items()})
            for decl in program.of("input"):
                array = inputs.get(decl.name)
                for index in np.ndindex(decl.shape):
                    real = isinstance(decl.type, Real)
                    # a tensor is stood for by where it comes from
                    value = (decl.name, index) if real else int(array[(e, *index)])  # type: ignore[index]
                    given[decl.name, index] = value
            store = evaluate(program, given, Integers(_lookup(networks or {}, c, e)))
            for (name, index), value in store.items():
                if name in outputs:
                    outputs[name][(c, e, *index)] = value
                elif name.startswith("observe "):
                    holds[c, e] &= value == index[0]
    return outputs, holds


def _elements(arrays: Arrays) -> dict[Any, Any]:
    return {
        (name, index): int(array[index])
        for name, array in arrays.items()
        for index in np.ndindex(np.shape(array))
    }


def _lookup(networks: Mapping[Site, np.ndarray[Any, Any]], c: int, e: int) -> Any:
    def call(network: Network, args: Sequence[Any]) -> int:
        tensors = [arg for arg in args if isinstance(arg, tuple)]
        numbers = [arg for arg in args if not isinstance(arg, tuple)]
        classes = networks[Site(network.name, tuple(name for name, _ in tensors))]
        where = [i for _, index in tensors for i in index]
        return int(classes[(c if len(classes) > 1 else 0, e, *where, *numbers)])

    return call


def draw(
    program: Program, programs: int, examples: int, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any], dict[Site, Any]]:
    """Return random choices, inputs and classes for a program."""
    inputs = {
        d.name: rng.integers(0, d.type.size, (examples, *d.shape))
        for d in program.of("input")
        if isinstance(d.type, Int)
    }
    networks = {}
    for k, site in enumerate(sites(program)):
        kind = program.network[site.network].output
        assert isinstance(kind, Int)
        copies = programs if k % 2 else 1
        networks[site] = rng.integers(0, kind.size, (copies, examples, *site.shape(program)))
    return candidates(program, programs, rng), inputs, networks


def check(program: Program, *, jit: bool, seed: int = 0, pairs: tuple[int, int] = (3, 4)) -> None:
    """Compare with the interpreter: outputs, and scores where some targets are not observed."""
    rng = np.random.default_rng(seed)
    params, inputs, networks = draw(program, *pairs, rng)
    programs = pairs[0] if params else 1
    examples = pairs[1] if inputs or networks else 1
    wanted, holds = interpreted(program, params, inputs or {"": np.zeros(examples)}, networks)
    executor = Executor(program, jit=jit)
    found = executor.run(params, inputs, networks)
    assert found.keys() == wanted.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, wanted[name], err_msg=name)
    # targets: what the first program gives, so that it solves all, with gaps
    targets = {name: np.where(rng.random(a[0].shape) < 0.3, -1, a[0]) for name, a in wanted.items()}
    solved = holds.copy()
    for name, target in targets.items():
        equal = (target < 0) | (target == wanted[name])
        solved &= equal.reshape(programs, examples, -1).all(axis=2)
    score = executor.score(params, Examples(inputs, targets, examples), networks)
    np.testing.assert_array_equal(score, solved)
