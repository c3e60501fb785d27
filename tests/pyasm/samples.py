"""Valid inputs of the example programs, drawn at random, and the memory size of each."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Draw = Callable[[Random], list[int]]


def access(r: Random) -> list[int]:
    cells = [r.randrange(10) for _ in range(10)]
    return [6, *cells[1:]] if cells[0] == 9 else cells


def increment(r: Random) -> list[int]:
    return [r.randint(1, 6) for _ in range(r.randint(1, 5))]


def swap(r: Random) -> list[int]:
    n = r.randint(2, 7)
    return [r.randrange(n), r.randrange(n), *(r.randint(1, 9) for _ in range(n))]


def _linked(r: Random, values: list[int], slots: int) -> tuple[list[int], int]:
    """Return a memory with a linked list from cell 3 on, and the address of its head."""
    places = [3 + 2 * slot for slot in r.sample(range(slots), len(values))]
    cells = [0] * (3 + 2 * slots)
    for k, value in enumerate(values):
        cells[places[k]] = places[k + 1] if k + 1 < len(values) else 0
        cells[places[k] + 1] = value
    return cells, places[0]


def listk(r: Random) -> list[int]:
    n = r.randint(2, 7)
    cells, head = _linked(r, [r.randint(1, 19) for _ in range(n)], 7)
    cells[:3] = [head, r.randint(1, n), 2]
    return cells


def list_search(r: Random) -> list[int]:
    values = [r.randint(1, 14) for _ in range(r.randint(2, 5))]
    cells, head = _linked(r, values, 5)
    cells[:3] = [head, r.choice(values), 2]
    return cells


def addition(r: Random) -> list[int]:
    a = r.randint(0, 12)
    return [a, r.randint(0, 13 - a)]


def bubble_sort(r: Random) -> list[int]:
    return [r.randint(1, 20) for _ in range(r.randint(1, 8))]


def copy(r: Random) -> list[int]:
    n = r.randint(1, 5)
    return [r.randint(n + 3, 14 - n), *(r.randint(1, 14) for _ in range(n))]


def reverse(r: Random) -> list[int]:
    n = r.randint(2, 6)
    return [n + 2, *(r.randint(1, 14) for _ in range(n))]


def permutation(r: Random) -> list[int]:
    n = r.randint(2, 6)
    return [*r.sample(range(1, n + 1), n), 0, *(r.randint(1, 14) for _ in range(n))]


def merge(r: Random) -> list[int]:
    n = r.randint(1, 8)
    first = sorted((r.randint(1, 29) for _ in range(n)), reverse=True)
    second = sorted((r.randint(1, 29) for _ in range(r.randint(1, 9 - n))), reverse=True)
    return [3, 4 + n, 5 + n + len(second), *first, 0, *second, 0]


def linear_search(r: Random) -> list[int]:
    values = r.sample(range(1, 15), r.randint(2, 13))
    return [r.choice(values), *values]


def walk_bst(r: Random) -> list[int]:
    values = sorted(r.randint(1, 29) for _ in range(r.randint(3, 6)))
    slots = r.sample(range(7), len(values))
    cells, place = [0] * 30, iter(slots)

    def build(part: list[int]) -> int:
        if not part:
            return 0
        at, middle = 6 + 3 * next(place), (len(part) - 1) // 2
        cells[at] = part[middle]
        cells[at + 1] = build(part[:middle])
        cells[at + 2] = build(part[middle + 1 :])
        return at

    node = cells[0] = build(values)
    cells[1] = 1
    for step in range(2, 2 + r.randint(0, 3)):
        sides = [side for side in (1, 2) if cells[node + side]]
        if not sides:
            break
        cells[step] = r.choice(sides)
        node = cells[node + cells[step]]
    return cells


def dijkstra(r: Random) -> list[int]:
    n = r.randint(1, 6)
    lists: list[int] = []
    heads = []
    for node in range(1, n + 1):
        heads.append(n + 2 + len(lists))
        for other in r.sample(range(1, n + 1), r.randint(0, n)):
            if other != node:
                lists += [other, r.randint(1, 15)]
        lists.append(0)
    return [n + 2 + len(lists), *heads, 0, *lists]


def gcd(r: Random) -> list[int]:
    return [r.randint(1, 99), r.randint(1, 99)]


def fibonacci(r: Random) -> list[int]:
    return [r.randint(0, 11)]


def binary_search(r: Random) -> list[int]:
    values = sorted(r.randrange(60) for _ in range(r.randint(0, 20)))
    return [len(values), r.choice([*values, r.randrange(60)]), *values]


def quicksort(r: Random) -> list[int]:
    values = [r.randrange(100) for _ in range(r.randint(0, 15))]
    return [len(values), *values]


SIZES = {
    "access": 10, "increment": 7, "swap": 10, "listk": 20, "addition": 15, "bubble_sort": 21,
    "copy": 15, "reverse": 15, "permutation": 15, "merge": 30, "linear_search": 15,
    "list_search": 15, "walk_bst": 30, "dijkstra": 100, "gcd": 100, "fibonacci": 100,
    "binary_search": 60, "quicksort": 128,
}  # fmt: skip
DRAWS: dict[str, Draw] = {
    "access": access, "increment": increment, "swap": swap, "listk": listk, "addition": addition,
    "bubble_sort": bubble_sort, "copy": copy, "reverse": reverse, "permutation": permutation,
    "merge": merge, "linear_search": linear_search, "list_search": list_search,
    "walk_bst": walk_bst, "dijkstra": dijkstra, "gcd": gcd, "fibonacci": fibonacci,
    "binary_search": binary_search, "quicksort": quicksort,
}  # fmt: skip
