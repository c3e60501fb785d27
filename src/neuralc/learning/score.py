"""Which discretised restarts are right: candidates run by the exact execution.

Gradients propose, this decides. A program that was judged once is not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
import torch

from neuralc.backends.exact import Executor
from neuralc.backends.exact.sites import Site, sites
from neuralc.backends.soft import SoftModule
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Int, Program

Array = np.ndarray[Any, Any]
Pick = Callable[[torch.Tensor], torch.Tensor]
CHUNK = 500  # examples whose classes are computed at once
JIT_ABOVE = 200_000  # examples x statements x programs from which compiling pays


class Judge:
    """Runs candidates exactly on fixed examples."""

    def __init__(self, program: Program, examples: Examples, *, jit: bool) -> None:
        self.program, self.examples = program, examples
        self.executor = Executor(program, jit=jit)
        self.memory: dict[bytes, float] = {}

    def right(self, choices: Mapping[str, Array], module: SoftModule) -> Array:
        """Return the share of the examples that each restart gets right, float [P].

        Args:
            choices: int [P, *shape] for each Param.
            module: the networks, with as many restarts.

        """
        if self.program.networks:
            tables = class_tables(module, self.examples.inputs)
            if choices:
                return np.asarray(self.executor.score(choices, self.examples, tables).mean(1))
            return np.array([self._alone(tables, p) for p in range(module.restarts)])
        count = len(next(iter(choices.values()))) if choices else 1
        rows = [b"".join(np.int64(c[p]).tobytes() for c in choices.values()) for p in range(count)]
        new = [p for p, row in enumerate(rows) if row not in self.memory]
        new = [p for k, p in enumerate(new) if rows[p] not in {rows[q] for q in new[:k]}]
        if new:
            picked = {name: np.asarray(c)[new] for name, c in choices.items()}
            scores = self.executor.score(picked, self.examples).mean(1)
            self.memory |= {rows[p]: float(s) for p, s in zip(new, scores, strict=True)}
        return np.array([self.memory[row] for row in rows])

    def _alone(self, tables: Mapping[Site, Array], p: int) -> float:
        """Return the share of one restart, where nothing but the networks is open."""
        own = {site: table[p : p + 1] for site, table in tables.items()}
        return float(self.executor.score({}, self.examples, own).mean())


def class_tables(module: SoftModule, inputs: Mapping[str, Array]) -> dict[Site, Array]:
    """Return the class that each network gives to each input: int [P, E, …] per site."""
    return {
        site: _table(module, site, inputs, lambda chances: chances.argmax(-1))
        for site in sites(module.program)
    }


def log_likelihoods(module: SoftModule, inputs: Mapping[str, Array]) -> tuple[Array, ...]:
    """Return the log-likelihood of each class, float [E, …, classes] per site; one restart."""
    return tuple(
        _table(module, site, inputs, lambda chances: chances.clamp_min(1e-30).log())[0]
        for site in sites(module.program)
    )


@torch.no_grad()
def _table(module: SoftModule, site: Site, inputs: Mapping[str, Array], pick: Pick) -> Array:
    """Return what `pick` makes of the chances of the classes, for every input: [P, E, …]."""
    program = module.program
    network = program.network[site.network]
    body = module.networks[site.network]
    arrays = [np.asarray(inputs[name]) for name in site.tensors]
    ranks = [len(program.decl[name].shape) for name in site.tensors]
    count = len(arrays[0]) if arrays else len(next(iter(inputs.values())))
    rows = []
    for start in range(0, count, CHUNK):
        parts = [torch.as_tensor(array[start : start + CHUNK]) for array in arrays]
        rows.append(_rows(body, network.inputs, parts, ranks, module.logits, pick))
    return np.concatenate(rows, axis=1)


def _rows(
    body: Any, kinds: Any, parts: list[torch.Tensor], ranks: list[int], like: torch.Tensor,
    pick: Pick,
) -> Array:  # fmt: skip
    """Apply a network to every combination of array elements and integers."""
    size = len(parts[0]) if parts else 1
    sizes = [kind.size for kind in kinds if isinstance(kind, Int)]
    outer = sum(ranks)
    flat: list[torch.Tensor] = []
    place = 0
    for part, rank in zip(parts, ranks, strict=True):
        part = part.flatten(1 + rank).to(like)
        shape = [size] + [1] * outer + [part.shape[-1]]
        shape[1 + place : 1 + place + rank] = part.shape[1 : 1 + rank]
        flat.append(part.reshape(shape))
        place += rank
    found = []
    for numbers in product(*map(range, sizes)):
        tensors, integers = iter(flat), iter(zip(numbers, sizes, strict=True))
        features = []
        for kind in kinds:
            if isinstance(kind, Int):
                number, n = next(integers)
                features.append(torch.eye(n)[number].to(like).reshape([1] * (outer + 1) + [n]))
            else:
                features.append(next(tensors))
        shape = list(torch.broadcast_shapes(*(f.shape[:-1] for f in features)))
        rows = torch.cat([f.expand(*shape, f.shape[-1]) for f in features], -1)
        found.append(pick(body(rows, restarts=False)))
    axis = 1 + len(shape)  # behind the restarts, the examples and the arrays
    table = torch.stack(found, axis)
    lead, classes = table.shape[:axis], table.shape[axis + 1 :]
    return np.asarray(table.reshape(*lead, *sizes, *classes).cpu().numpy())


def network_function(module: SoftModule) -> Any:
    """Return the networks of a module with one restart, for the plain interpreter."""

    @torch.no_grad()
    def classify(network: Any, args: Any) -> int:
        parts = []
        for arg, kind in zip(args, network.inputs, strict=True):
            if isinstance(kind, Int):
                parts.append(torch.eye(kind.size)[int(arg)])
            else:
                parts.append(torch.as_tensor(np.asarray(arg)).flatten())
        features = torch.cat([part.to(module.logits) for part in parts]).unsqueeze(0)
        return int(module.networks[network.name](features, restarts=False)[0, 0].argmax())

    return classify
