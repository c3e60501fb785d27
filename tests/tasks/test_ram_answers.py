"""The tasks of the register machine: what is right after a run."""

from __future__ import annotations

from itertools import product

import pytest

from neuralc.tasks.ram import TASKS
from tests.tasks.ram_inputs import weights

RECORDED = {  # by the published program: before the run, after it, the cells asked for
    "access": (
        [3, 0, 0, 6, 4, 1, 7, 9, 4, 1],
        [4, 0, 0, 6, 4, 1, 7, 9, 4, 1],
        {0},
    ),
    "increment": ([5, 5, 5, 5, 5, 5, 0], [6, 6, 6, 6, 6, 6, 0], {0, 1, 2, 3, 4, 5, 6}),
    "swap": ([0, 2, 3, 3, 1, 1, 2, 9, 9, 0], [0, 2, 1, 3, 3, 1, 2, 9, 9, 0], {2, 4}),
    "listk": (
        [3, 2, 2, 5, 9, 7, 12, 9, 15, 11, 14, 13, 9, 0, 0, 0, 0, 0, 0, 0],
        [3, 2, 12, 5, 9, 7, 12, 9, 15, 11, 14, 13, 9, 0, 0, 0, 0, 0, 0, 0],
        {2},
    ),
    "addition": ([7, *[0] * 14], [7, *[0] * 14], {0}),
    "bubble_sort": ([1, 1, 14, *[0] * 18], [1, 1, 14, *[0] * 18], {0, 1, 2}),
    "copy": ([4, 10, *[0] * 13], [4, 10, 0, 0, 10, *[0] * 10], {4}),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_answers(name: str) -> None:
    given, wanted, asked = RECORDED[name]
    after, cells = TASKS[name].answer(given)
    assert (after, set(cells)) == (wanted, asked)


BY_HAND = {
    "swap": ([1, 0, 5, 6, 7, *[0] * 5], {2: 6, 3: 5}),
    "addition": ([4, 7, *[0] * 13], {0: 11}),
    "bubble_sort": ([9, 20, 1, *[0] * 18], {0: 1, 1: 9, 2: 20}),
    "copy": ([6, 3, 9, *[0] * 12], {6: 3, 7: 9}),
    "reverse": ([4, 7, 8, 9, *[0] * 11], {4: 9, 5: 8, 6: 7}),
    "permutation": ([3, 1, 2, 0, 7, 8, 9, *[0] * 8], {0: 9, 1: 7, 2: 8}),
    "merge": ([3, 6, 8, 9, 2, 0, 5, 0, *[0] * 22], {8: 9, 9: 5, 10: 2, 11: 0}),
    "linear_search": ([8, 3, 8, 5, *[0] * 11], {0: 2}),
    "list_search": ([7, 4, 2, 0, 4, 0, 0, 9, 6, 3, 4, *[0] * 4], {2: 9}),
    "walk_bst": ([9, 1, 1, 2, 0, 0, 7, 0, 0, 5, 12, 6, 2, 0, 15, 4, *[0] * 14], {1: 4}),
    "listk": ([5, 2, 2, 0, 8, 3, 7, *[0] * 13], {2: 8}),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_answers_by_hand(name: str) -> None:
    given, wanted = BY_HAND[name]
    after, cells = TASKS[name].answer(given)
    assert {cell: after[cell] for cell in cells} == wanted


def test_the_published_graph() -> None:
    samples = TASKS["dijkstra"].draw("published", 2)
    assert samples.wanted[1, 49:59].tolist() == [0, 0, 2, 0, 3, 0, 5, 0, 4, 0]
    assert samples.asked.all()
    assert (samples.wanted == samples.given)[:, [*range(49), *range(59, 100)]].all()


def test_distances_by_another_way() -> None:
    """Relax all edges again and again (Bellman and Ford)."""
    samples = TASKS["dijkstra"].draw("general", 500, seed=12)
    for before, after, asked in zip(
        samples.given.tolist(), samples.wanted.tolist(), samples.asked, strict=True
    ):
        table, _ = weights(before)
        best = [0, *[999] * (len(table) - 1)]
        for _ in table:
            for a, b in product(range(len(table)), repeat=2):
                if table[a][b]:
                    best[b] = min(best[b], best[a] + table[a][b])
        cells = list(range(before[0], before[0] + 2 * len(table), 2))
        assert [after[cell] for cell in cells] == best
        assert asked.nonzero()[0].tolist() == cells
