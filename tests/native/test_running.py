"""Sums of ranges as running sums: the same numbers, where there is something to save."""

from __future__ import annotations

import numpy as np
import pytest

from neuralc.backends.native.running import Chain, chained


def summed(chains: tuple[Chain, ...], x: np.ndarray, count: int) -> np.ndarray:
    """Return what running sums make of numbers."""
    found = np.zeros(count)
    for chain in chains:
        for length, result in chain.results:
            found[result] += sum(x[chain.at(k)[0]] for k in range(length))
    return found


@pytest.mark.parametrize("kind", ["upto", "below", "from", "both", "random"])
def test_the_same_sums(kind: str) -> None:
    rng, n = np.random.default_rng(0), 24
    ones = np.tri(n, dtype=bool)
    ones = {
        "upto": ones, "below": ones & ~np.eye(n, dtype=bool), "from": ones.T,
        "both": np.hstack([ones, ones.T]), "random": np.zeros((n, n), bool),
    }[kind]  # fmt: skip
    if kind == "random":  # ranges from a few places, some of them twice
        for row in ones:
            low = rng.integers(0, 2)
            row[low : low + rng.integers(8, n - 2)] = True
    x = rng.normal(size=ones.shape[1])
    chains = chained(*np.nonzero(ones), n)
    assert chains is not None
    np.testing.assert_allclose(summed(chains, x, n), ones @ x, atol=1e-12)
    assert sum(chain.work for chain in chains) < ones.sum() // 2
    for chain in chains:
        lengths = [length for length, _ in chain.results]
        assert lengths == sorted(set(lengths))


def test_where_nothing_is_saved() -> None:
    rng = np.random.default_rng(1)
    assert chained(*np.nonzero(np.eye(9, dtype=bool)), 9) is None
    assert chained(*np.nonzero(rng.random((9, 9)) < 0.6), 9) is None
    twice = np.array([0, 0, 0, 0, 0, 0, 0, 0])
    assert chained(twice, np.array([0, 1, 2, 2, 3, 4, 5, 6]), 1) is None
