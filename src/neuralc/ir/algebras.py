"""Three algebras for the interpreter: integers, distributions in numpy, and traced integers.

The first two are the definitions that the exact and the soft execution are held to. The third
follows which open choices an exact result depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from neuralc.ir.nodes import Network, Table

NetworkFunction = Callable[[Network, Sequence[Any]], Any]


def no_networks(network: Network, args: Sequence[Any]) -> Any:
    """Refuse: for programs that have no neural functions."""
    raise ValueError(f"no function was given for the network {network.name}")


class Integers:
    """Exact values. `networks` maps a network and its arguments to a class."""

    def __init__(self, networks: NetworkFunction = no_networks) -> None:
        self.networks = networks

    def constant(self, value: int, size: int) -> int:
        assert 0 <= value < size, f"{value} is not in 0..{size - 1}"
        return value

    def widen(self, value: int, size: int) -> int:
        return value

    def apply(self, table: Table, args: Sequence[int]) -> int:
        return table(*args)

    def network(self, network: Network, args: Sequence[Any]) -> Any:
        return self.networks(network, args)

    def support(self, selector: int, size: int) -> Sequence[int]:
        return (selector,)

    def mix(self, selector: int, arms: Mapping[int, int]) -> int:
        return arms[selector]


Array = np.ndarray[Any, np.dtype[np.float64]]


class Distributions:
    """Soft values: float64 vectors of probabilities; arguments are taken as independent.

    Source: forward marginals, Gaunt et al., "TerpreT" (2016), arXiv:1608.04428, section 3.
    """

    def __init__(self, networks: NetworkFunction = no_networks) -> None:
        self.networks = networks

    def constant(self, value: int, size: int) -> Array:
        return np.asarray(np.eye(size)[value])

    def widen(self, value: Array, size: int) -> Array:
        # Of an element of a param with limits, what is cut off has no chance.
        return value if value.ndim != 1 else np.pad(value, (0, max(0, size - len(value))))[:size]

    def apply(self, table: Table, args: Sequence[Array]) -> Array:
        result = np.zeros(table.size)
        for numbers in product(*map(range, table.sizes)):
            chance = np.prod([arg[n] for arg, n in zip(args, numbers, strict=True)])
            result[table(*numbers)] += chance
        return result

    def network(self, network: Network, args: Sequence[Any]) -> Any:
        return self.networks(network, args)

    def support(self, selector: Array, size: int) -> Sequence[int]:
        # Beyond the limit of a param, which has no chance, a branch need not make sense.
        return [k for k in range(size) if selector[k] != 0]

    def mix(self, selector: Array, arms: Mapping[int, Array]) -> Array:
        return np.asarray(sum(selector[k] * arm for k, arm in arms.items()))


Traced = tuple[Any, frozenset[Any]]


class Dependencies:
    """Exact values, each with the set of given elements that it depends on."""

    def __init__(self, networks: NetworkFunction = no_networks) -> None:
        self.exact = Integers(networks)

    def constant(self, value: int, size: int) -> Traced:
        return value, frozenset()

    def widen(self, value: Traced, size: int) -> Traced:
        return value

    def apply(self, table: Table, args: Sequence[Traced]) -> Traced:
        return table(*(n for n, _ in args)), frozenset().union(*(d for _, d in args))

    def network(self, network: Network, args: Sequence[Traced]) -> Traced:
        found = self.exact.network(network, [n for n, _ in args])
        return found, frozenset().union(*(d for _, d in args))

    def support(self, selector: Traced, size: int) -> Sequence[int]:
        return (selector[0],)

    def mix(self, selector: Traced, arms: Mapping[int, Traced]) -> Traced:
        number, because = arms[selector[0]]
        return number, because | selector[1]
