"""Stochastic superoptimisation: make a right program of the register machine faster on examples.

Chains anneal the original, the best so far, or a program that stops at once, by exact execution;
see `superoptimise_chain`. What is found is right on all examples, which is no proof for others.

Source: Schkufza, Sharma and Aiken, "Stochastic superoptimization" (2013).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.backends.exact import Executor
from neuralc.backends.search import superoptimise_moves as moving
from neuralc.backends.search.superoptimise_chain import compiled
from neuralc.errors import DataError
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Program

import os
HALT = float(os.environ.get("HALT", "1"))
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Scored:
    places: Array
    wanted: Array
    weights: Array
    counts: Array
    clock: Array
    found: Array

    @property
    def parts(self):
        return self.places, self.wanted, self.weights, self.counts, self.clock, self.found


class Superoptimiser:
    def __init__(self, program, examples, cost="steps"):
        self.program, self.examples = program, examples
        self.executor = Executor(program, threads=1)
        self.chain = None
        self.params = None

    def setup(self, choices):
        ex = self.executor
        params = {k: np.asarray(v)[None] for k, v in choices.items()}
        kernel, arrays, places = ex.single(params, self.examples)
        N = self.examples.count
        lay = ex.kernel.layout
        names = list(ex.kernel.arguments[4:])
        offs, total = {}, 0
        for d in lay.outputs:
            offs[d.name] = total
            total += N * lay.found[d.name].count
        found = np.zeros(total, np.int64)
        for d in lay.outputs:
            n = lay.found[d.name].count
            arrays[names.index(lay.found[d.name].ident)] = found[
                offs[d.name] : offs[d.name] + N * n
            ]
        rows = []
        for e in range(N):
            r = []
            for d in lay.outputs:
                w = self.examples.outputs[d.name][e].ravel()
                n = lay.found[d.name].count
                ks = np.flatnonzero(w >= 0)
                r += [(offs[d.name] + e * n + k, w[k], (HALT if d.name=="final_halted" else 1.0 / len(ks))) for k in ks]
            rows.append(r)
        S = max(map(len, rows))
        P = np.zeros((N, S), np.int64)
        W = P.copy()
        G = np.zeros((N, S))
        C = np.array([len(r) for r in rows])
        for e, r in enumerate(rows):
            for j, (a, b, c) in enumerate(r):
                P[e, j], W[e, j], G[e, j] = a, b, c
        clock = offs["steps"] + np.arange(N)
        flat = moving.row(choices).astype(
            np.min_scalar_type(max(self.program.decl["instruction"].shape[0], 11) - 1)
        )
        decls = {n: int(np.prod(self.program.decl[n].shape)) for n in moving.PARAMS}
        at = 0
        for n, c in decls.items():
            arrays[places[n]] = flat[at : at + c]
            at += c
        return kernel, arrays, flat, Scored(P, W, G, C, clock, found)
