"""The register machine in JAX, written for JAX: what `machines/ram.py` means, as a scan over turns.

One machine is written, and `vmap` makes it many. It is there to be measured against, and has the
forms that were found fast: one circular convolution for all sums, maximum and minimum from running
sums, no table; the gradient of a read is a product and not, as JAX would have it, a product of
matrices with nothing to sum, which takes ten times as long as all the rest. Tried and several times
slower: products and sums instead of products of matrices, and restarts and examples as the last
dimensions. Where no form is the fastest at all sizes, all of them are offered, see `Form`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

OPERATIONS = 11
STOP, ZERO, INC, ADD, SUB, DEC, MIN, MAX, READ, WRITE, JEZ = range(OPERATIONS)


class Form(NamedTuple):
    """How the machine is computed.

    `restarts`: "vmap", or "map", one after the other, each with all its examples, which needs less
    memory. `convolution`: "direct", a product with a circulant matrix, or "fft". `memory`: "whole",
    or "lazy", which keeps what was written instead of the memory after each turn. `kept`: for the
    gradient, "all", or "states", from which each turn is computed again.
    """

    restarts: str
    convolution: str
    memory: str = "whole"
    kept: str = "all"


class Choices(NamedTuple):
    """The probabilities of a program: of lines `(M, 11 + 3 R)`, and of where it starts."""

    lines: jax.Array
    registers: jax.Array
    line: jax.Array


class Writes(NamedTuple):
    """What was written: chances by turn and cell, values by turn, what is left of the start."""

    kept: jax.Array
    weights: jax.Array
    values: jax.Array

    def with_one(self, written: jax.Array, value: jax.Array, turn: jax.Array) -> Writes:
        """Return what is there after one more write."""
        return Writes(
            self.kept * (1 - written),
            (self.weights * (1 - written)).at[turn].set(written),
            self.values.at[turn].set(value),
        )


class State(NamedTuple):
    """The machine between two turns; `memory` is that of the start where writes are kept."""

    memory: jax.Array
    registers: jax.Array
    line: jax.Array
    halted: jax.Array
    writes: Writes | None


@dataclass(frozen=True)
class Machine:
    """The register machine of some size."""

    cells: int
    registers: int
    turns: int
    form: Form

    def final_memory(self, params: Mapping[str, jax.Array], start: jax.Array) -> jax.Array:
        """Return the distributions of all cells at the end, `(P, B, M, M)`.

        Args:
            params: the probabilities of all choices by their names in the model, P first.
            start: distributions of all cells at the start, `(B, M, M)`.

        """
        parts = [params[name] for name in ("instruction", "first", "second", "target")]
        choices = Choices(
            jnp.concatenate(parts, -1), params["initial_registers"], params["initial_line"]
        )
        examples = jax.vmap(self.run, (None, 0))
        if self.form.restarts == "map":
            return jax.lax.map(lambda one: examples(one, start), choices)
        return jax.vmap(examples, (0, None))(choices, start)

    def run(self, choices: Choices, start: jax.Array) -> jax.Array:
        """Return the final memory `(M, M)` of one run from `start`."""
        writes = None
        if self.form.memory == "lazy":
            nothing = jnp.zeros((self.turns, self.cells), start.dtype)
            writes = Writes(jnp.ones(self.cells, start.dtype), nothing, nothing)
        halted = jnp.zeros((), start.dtype)
        state = State(start, choices.registers, choices.line, halted, writes)
        turns = jnp.arange(self.turns)
        turn = jax.checkpoint(self.turn) if self.form.kept == "states" else self.turn
        state, _ = jax.lax.scan(lambda s, t: (turn(choices, s, t), None), state, turns)
        if state.writes is None:
            return state.memory
        kept, weights, values = state.writes
        return kept[:, None] * state.memory + weights.T @ values

    def turn(self, choices: Choices, s: State, t: jax.Array) -> State:
        """Return the state after one turn; what has stopped stays as it is."""
        r = self.registers
        fetched = s.line @ choices.lines
        ends = np.cumsum([OPERATIONS, r, r])
        op, first, second, target = jnp.split(fetched, ends)
        x = row(first, s.registers)
        y = row(second, s.registers)
        silent = op[STOP] + op[ZERO] + op[WRITE] + op[JEZ]  # their result is 0
        out = self.convolved(x, self.kernel(op, y)) + self.extremes(op, x, y)
        out = out + op[READ] * self.read(s, x) + self.only(0, silent)
        out = out / out.sum()
        going = 1 - s.halted
        written, target = going * op[WRITE] * x, going * target
        registers = s.registers * (1 - target)[:, None] + target[:, None] * out
        jump = op[JEZ] * x[0]
        line = s.halted * s.line + going * (jump * y + (1 - jump) * jnp.roll(s.line, 1))
        line = line / line.sum()
        halted = s.halted + going * op[STOP]
        if s.writes is not None:
            return State(s.memory, registers, line, halted, s.writes.with_one(written, y, t))
        memory = s.memory * (1 - written)[:, None] + written[:, None] * y
        return State(memory, registers, line, halted, None)

    def read(self, s: State, x: jax.Array) -> jax.Array:
        """Return what is in the cell `x`."""
        if s.writes is None:
            return row(x, s.memory)
        chances = row(x, s.writes.weights.T)
        kept = row(x * s.writes.kept, s.memory)
        return kept + row(chances, s.writes.values)

    def only(self, value: int, chance: jax.Array) -> jax.Array:
        """Return a distribution with this chance of one value and nothing else."""
        return jnp.asarray(np.eye(self.cells)[value], chance.dtype) * chance

    def kernel(self, op: jax.Array, y: jax.Array) -> jax.Array:
        """Return the mixture of what is added to the first argument."""
        minus = jnp.roll(jnp.flip(y), 1)
        steps = self.only(1, op[INC]) + self.only(self.cells - 1, op[DEC])
        return op[ADD] * y + op[SUB] * minus + steps

    def convolved(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """Return the distribution of `(x + y) % M`."""
        m = self.cells
        if self.form.convolution == "fft":
            return jnp.fft.irfft(jnp.fft.rfft(x) * jnp.fft.rfft(y), m)
        # a tiling cut into rows of M + 1 turns y by one more in each: without a gather, nor the
        # scatter that is its gradient
        turned = jnp.tile(y, m + 1).reshape(m, m + 1)[:, :m]
        return row(jnp.roll(jnp.flip(x), 1), turned)

    def extremes(self, op: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
        """Return the share of MIN and MAX, which together are `x + y`."""
        upto = np.triu(np.ones((self.cells, self.cells)))
        below = upto - np.eye(self.cells)
        largest = x * (y @ jnp.asarray(upto, y.dtype)) + y * (x @ jnp.asarray(below, x.dtype))
        return op[MIN] * (x + y) + (op[MAX] - op[MIN]) * largest


@jax.custom_vjp
def row(x: jax.Array, matrix: jax.Array) -> jax.Array:
    """Return `x @ matrix`, where each machine has its own matrix."""
    return x @ matrix


def _forth(x: jax.Array, matrix: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return x @ matrix, (x, matrix)


def _back(kept: tuple[jax.Array, jax.Array], g: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, matrix = kept
    return matrix @ g, x[:, None] * g


row.defvjp(_forth, _back)
