"""Stochastic superoptimisation (experiment)."""

from __future__ import annotations
from dataclasses import dataclass
from typing import Any
import numpy as np
from neuralc.backends.exact import Executor
from neuralc.backends.search import superoptimise_moves as moving
from neuralc.backends.search.superoptimise_chain import compiled
import os

HALT = float(os.environ.get("HALT", "1"))
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Scored:
    columns: Array
    strides: Array
    wanted: Array
    weights: Array
    clock: int
    found: Array

    @property
    def parts(self):
        return self.columns, self.strides, self.wanted, self.weights, self.clock, self.found


class Superoptimiser:
    def __init__(self, program, examples):
        self.program, self.examples = program, examples
        self.executor = Executor(program, threads=1)

    def setup(self, choices, order):
        ex = self.executor
        params = {k: np.asarray(v)[None] for k, v in choices.items()}
        exs = self.examples.take(order)
        kernel, arrays, places = ex.single(params, exs)
        N = exs.count
        lay = ex.kernel.layout
        names = list(ex.kernel.arguments[4:])
        total = sum(N * lay.found[d.name].count for d in lay.outputs)
        found = np.zeros(total, np.int64)
        at = 0
        cols = []
        strides = []
        wanted = []
        weights = []
        for d in lay.outputs:
            n = lay.found[d.name].count
            arrays[names.index(lay.found[d.name].ident)] = found[at : at + N * n]
            if d.name == "steps":
                clock = at
            w = exs.outputs[d.name].reshape(N, n)
            g = np.where(w >= 0, 1 / np.maximum(1, (w >= 0).sum(1, keepdims=True)), 0) * (
                HALT if d.name == "final_halted" else 1
            )
            for k in np.flatnonzero((w >= 0).any(0)):
                cols.append(at + k)
                strides.append(n)
                wanted.append(w[:, k])
                weights.append(g[:, k])
            at += N * n
        flat = moving.row(choices).astype(
            np.min_scalar_type(max(self.program.decl["instruction"].shape[0], 11) - 1)
        )
        at = 0
        for n in moving.PARAMS:
            c = int(np.prod(self.program.decl[n].shape))
            arrays[places[n]] = flat[at : at + c]
            at += c
        return (
            kernel,
            arrays,
            flat,
            Scored(
                np.array(cols),
                np.array(strides),
                np.stack(wanted, 1).copy(),
                np.stack(weights, 1).copy(),
                clock,
                found,
            ),
        )
