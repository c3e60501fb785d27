"""Inputs of the routines that were made by hand: what must come out, after how many steps.

A case is the first cells (the others are 0), the cells that are asked for, and the steps with STOP.
Shortest and longest inputs are among them: their steps are those published with the tasks.
"""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One run."""

    cells: list[int]
    wanted: dict[int, int]
    steps: int


class Routine(NamedTuple):
    """What is known about a routine: its size, its registers at the start, some runs."""

    memory: int
    lines: int
    registers: str
    cases: list[Case]


def cells(first: int, *values: int) -> dict[int, int]:
    """Return the values of cells that follow each other."""
    return dict(enumerate(values, first))


ROUTINES = {
    "access": Routine(10, 5, "0 0 ?", [
        Case([3, 0, 0, 6, 4, 1, 7, 9, 4, 1], {0: 4}, 5),
        Case([8, 1, 2, 3, 4, 5, 6, 7, 8, 0], {0: 0}, 5),
        Case([0, 7], {0: 7}, 5),
    ]),
    "increment": Routine(7, 7, "0 ? 6 0 0 ?", [
        Case([4], cells(0, 5, 0), 9),
        Case([1, 2, 3, 4, 6], cells(0, 2, 3, 4, 5, 0, 0), 33),
        Case([1] * 6, cells(0, *[2] * 6, 0), 39),
    ]),
    "swap": Routine(10, 9, "0 1 ? ? 2", [
        Case([0, 2, 1, 1, 6], {2: 6, 4: 1}, 9),
        Case([5, 1, 9, 8, 7, 6, 5, 4, 3], {3: 4, 7: 8}, 9),
        Case([1, 1, 4, 5, 6], {3: 5}, 9),
    ]),
    "listk": Routine(20, 10, "0 1 2 6 0 2 ?", [
        Case([3, 1, 2, 5, 2, 7, 1, 9, 13], {2: 2}, 9),
        Case([7, 3, 2, 0, 16, 3, 11, 9, 12, 5, 13], {2: 11}, 17),
        Case([3, 5, 2, 5, 8, 7, 9, 9, 10, 11, 11, 13, 12], {2: 12}, 25),
        Case([3, 6, 2, 5, 8, 7, 9, 9, 10, 11, 11, 13, 12, 15, 19], {2: 19}, 29),
    ]),
    "addition": Routine(15, 8, "6 2 0 1 0 0", [
        Case([9, 0], {0: 9}, 5),
        Case([0, 12], {0: 12}, 53),
        Case([6, 5], {0: 11}, 25),
    ]),
    "bubble_sort": Routine(21, 21, "18 16 8 0 0 0 0 1 0 0", [
        Case([13], cells(0, 13), 6),
        Case([2, 3, 20], cells(0, 2, 3, 20), 22),
        Case([9, 5, 9], cells(0, 5, 9, 9), 55),
        Case([20, 12, 1], cells(0, 1, 12, 20), 91),
        Case([7, 7], cells(0, 7, 7), 15),
    ]),
    "copy": Routine(15, 8, "1 0 ? 7 0 1 ?", [
        Case([4, 10], {4: 10}, 10),
        Case([9, 3, 1, 14, 1, 5], cells(9, 3, 1, 14, 1, 5), 34),
    ]),
    "reverse": Routine(15, 12, "1 ? 5 0 1 0 11 ?", [
        Case([3, 8, 9], cells(3, 9, 8), 26),
        Case([7, 1, 2, 3, 4, 5, 14], cells(7, 14, 5, 4, 3, 2, 1), 66),
    ]),
    "permutation": Routine(15, 12, "-1 ? 4 0 0 0 11 ?", [
        Case([2, 1, 0, 5, 9], cells(0, 9, 5), 28),
        Case([3, 1, 6, 5, 2, 4, 0, 11, 12, 13, 14, 7, 8], cells(0, 13, 11, 8, 7, 12, 14), 72),
    ]),
    "merge": Routine(30, 27, "0 1 2 ? ? ? 14 0 3 18 20 26 ?", [
        Case([3, 6, 8, 5, 4, 0, 9, 0], cells(8, 9, 5, 4, 0), 35),
        Case([3, 6, 8, 9, 5, 0, 1, 0], cells(8, 9, 5, 1, 0), 36),
        Case([3, 12, 14, 29, 9, 8, 7, 6, 5, 3, 1, 0, 2, 0],
             cells(14, 29, 9, 8, 7, 6, 5, 3, 2, 1, 0), 106),
        Case([3, 7, 12, 7, 7, 2, 0, 8, 7, 7, 1, 0], cells(12, 8, 7, 7, 7, 7, 2, 1, 0), 80),
    ]),
    "linear_search": Routine(15, 8, "6 0 1 0 0 1 0", [
        Case([7, 7, 3], {0: 1}, 6),
        Case([12, *range(1, 14)], {0: 12}, 61),
        Case([4, 2, 9, 4, 1], {0: 3}, 16),
    ]),
    "list_search": Routine(15, 10, "0 1 2 8 0 2 ? ?", [
        Case([5, 8, 2, 0, 9, 3, 8], {2: 5}, 9),
        Case([3, 14, 2, 9, 1, 0, 7, 5, 14, 11, 3, 7, 2], {2: 7}, 27),
        Case([3, 6, 2, 5, 1, 7, 6, 0, 6], {2: 5}, 15),
    ]),
    "walk_bst": Routine(30, 11, "0 1 2 8 0 2 ? ?", [
        Case([9, 1, 0, 0, 0, 0, 0, 0, 0, 17], {1: 17}, 7),
        Case([6, 1, 2, 1, 0, 0, 13, 0, 12, 8, 0, 0, 20, 9, 15, 25], {1: 8}, 19),
        Case([6, 1, 2, 0, 0, 0, 13, 0, 12, 8, 0, 0, 20, 9, 15, 25], {1: 20}, 13),
    ]),
    "dijkstra": Routine(100, 56, "55 39 33 31 18 15 11 4 0 0 0 0 0 0 0 0 0 1 -1 1 0 0", [
        Case([49, 14, 19, 22, 25, 28, *[0] * 8, 2, 2, 4, 5, 0, 3, 1, 0, 5, 1, 0, 5, 6],
             cells(49, 0, 0, 2, 0, 3, 0, 5, 0, 4, 0), 529),
    ]),
}  # fmt: skip
