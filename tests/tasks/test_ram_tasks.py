"""The tasks of the register machine: what is drawn is what the descriptions say, no more, no less.

Each kind of inputs is described a second time here, as a predicate on one memory.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest

from neuralc.errors import DataError
from neuralc.tasks.ram import TASKS, RamTask
from neuralc.tasks.ram.task import FLAT

Memory = list[int]
CASES = [(task, bias) for task in TASKS.values() for bias in task.biases]
NAMES = [f"{task.name}-{bias}" for task, bias in CASES]
each = pytest.mark.parametrize(("task", "bias"), CASES, ids=NAMES)
DRAWN = 10_000
SMALL = 100_000


def test_the_fourteen_tasks() -> None:
    sizes = {task.name: (task.memory, task.registers) for task in TASKS.values()}
    assert sizes == {
        "access": (10, 3), "increment": (7, 6), "swap": (10, 5), "listk": (20, 7),
        "addition": (15, 6), "bubble_sort": (21, 10), "copy": (15, 7), "reverse": (15, 8),
        "permutation": (15, 8), "merge": (30, 13), "linear_search": (15, 7),
        "list_search": (15, 8), "walk_bst": (30, 8), "dijkstra": (100, 23),
    }  # fmt: skip
    for name, task in TASKS.items():
        assert task.name == task.routine == name
        assert task.biases[0] == "general"
        assert task.bias in task.biases


# ---- each kind of inputs once more


def numbers(memory: Memory, start: int = 0) -> Memory:
    """Return what stands before the first 0."""
    return memory[start : memory.index(0, start) if 0 in memory[start:] else len(memory)]


def array(memory: Memory, start: int, lengths: range, top: int) -> bool:
    """Say whether numbers 1..top stand from `start` on, and only zeros behind them."""
    found = numbers(memory, start)
    return (
        len(found) in lengths
        and all(1 <= number <= top for number in found)
        and not any(memory[start + len(found) :])
    )


def is_access(m: Memory) -> bool:
    return len(m) == 10 and m[0] <= 8 and all(0 <= value <= 9 for value in m)


def is_swap(m: Memory, shortest: int = 2) -> bool:
    last = len(numbers(m, 2)) - 2
    return array(m, 2, range(shortest, 8), 9) and 0 <= m[0] <= last and 0 <= m[1] <= last


def linked(m: Memory, slots: int, top: int) -> list[int] | None:
    """Return the addresses of the nodes of a list, None where the memory is not right."""
    nodes, rest = [m[0]], list(m)
    while m[nodes[-1]] and len(nodes) <= slots:
        nodes.append(m[nodes[-1]])
    for node in nodes:
        if node not in range(3, 3 + 2 * slots, 2) or not 1 <= m[node + 1] <= top:
            return None
        rest[node] = rest[node + 1] = 0
    rest[:3] = 0, 0, 0
    return nodes if m[2] == 2 and not any(rest) and 2 <= len(nodes) <= slots else None


def is_listk(m: Memory) -> bool:
    nodes = linked(m, 7, 19)
    return nodes is not None and 1 <= m[1] <= max(len(nodes) - 2, 1)


def is_ordered(m: Memory) -> bool:
    nodes = linked(m, 7, 19)
    return nodes == list(range(3, 3 + 2 * len(nodes or []), 2)) and 1 <= m[1] < len(nodes)


def is_first_two(m: Memory) -> bool:
    return array(m, 0, range(3, 4), 20) and max(m[:2]) <= 10 and m[2] >= max(m[:2])


def is_copy(m: Memory) -> bool:
    length = len(numbers(m, 1))
    return array(m, 1, range(1, 6), 14) and length + 3 <= m[0] <= 14 - length


def is_permutation(m: Memory) -> bool:
    order = numbers(m)
    values = numbers(m, len(order) + 1)
    return (
        2 <= len(order) == len(values) <= 6
        and sorted(order) == list(range(1, len(order) + 1))
        and array(m, len(order) + 1, range(2, 7), 14)
    )


def is_merge(m: Memory) -> bool:
    first = numbers(m, 3)
    second = numbers(m, 4 + len(first))
    both = len(first) + len(second)
    return (
        m[:3] == [3, 4 + len(first), 5 + both]
        and len(first) >= 2
        and len(second) >= 1
        and both <= 9
        and all(a >= b for part in (first, second) for a, b in pairwise(part))
        and max(first + second) <= 29
        and not any(m[5 + both :])
    )


def is_search(
    m: Memory,
    place: Callable[[int], bool] = lambda j: True,
    kind: Callable[[int, int], bool] = lambda a, b: True,
) -> bool:
    """Take what must hold of the place, and of each number and the next one."""
    found = numbers(m, 1)
    return (
        array(m, 1, range(2, 14), 14)
        and len(set(found)) == len(found)
        and m[0] in found[:-1]
        and place(1 + found.index(m[0]))
        and all(kind(a, b) for a, b in pairwise(found))
    )


def odd(j: int) -> bool:
    return j % 2 == 1


def is_list_search(m: Memory) -> bool:
    nodes = linked(m, 5, 14)
    return nodes is not None and m[1] in [m[node + 1] for node in nodes[:-1]]


def is_tree(m: Memory) -> bool:
    """Take a memory with `FLAT` where a child is missing."""
    rest = list(m)

    def values(node: int) -> Memory:
        """Return the values below a node in order; clear its cells."""
        if node == FLAT:
            return []
        if node not in range(6, 27, 3):
            return [99]
        value, left, right = m[node : node + 3]
        rest[node : node + 3] = 0, 0, 0
        below = values(left), values(right)
        # The median of n values is number ceil(n / 2).
        assert len(below[1]) - len(below[0]) in (0, 1)
        return [*below[0], value, *below[1]]

    found = values(m[0])
    node = m[0]
    for turn in numbers(m, 2):
        node = m[node + turn]
    rest[:6] = [0] * 6
    return (
        m[1] == 1
        and found == sorted(found)
        and 3 <= len(found) <= 6
        and 1 <= min(found)
        and max(found) <= 29
        and m[node] in found
        and set(m[2:6]) <= {0, 1, 2}
        and not any(rest)
    )


def weights(m: Memory) -> tuple[list[list[int]], int]:
    """Return the weights of a graph, 0 where there is no edge, and the first free cell."""
    heads = numbers(m, 1)
    table, end = [[0] * len(heads) for _ in heads], len(heads) + 2
    for node, head in enumerate(heads):
        assert head == end
        while m[end]:
            assert not table[node][m[end] - 1], "a double edge"
            table[node][m[end] - 1] = m[end + 1]
            end += 2
        end += 1
    return table, end


def is_graph(m: Memory) -> bool:
    table, end = weights(m)
    size = len(table)
    reached = {0}
    for _ in table:
        reached |= {b for a in reached for b in range(size) if table[a][b]}
    return (
        2 <= size <= 5
        and len(reached) == size
        and not any(table[a][a] for a in range(size))
        and max(map(max, table)) <= 9
        and not any(m[end:])
        and end <= m[0]
        and m[0] + 2 * size < len(m)
    )


VALID: dict[str, Callable[[Memory], bool]] = {
    "access-general": is_access,
    "access-third": lambda m: is_access(m) and m[0] == 3,
    "increment-general": lambda m: array(m, 0, range(1, 6), 6),
    "increment-constant": lambda m: m in [[v] * 6 + [0] for v in range(1, 6)],
    "swap-general": is_swap,
    "swap-first-third": lambda m: is_swap([0, 0, *m[2:]], 3) and m[:2] == [0, 2],
    "listk-general": is_listk,
    "listk-ordered": is_ordered,
    "addition-general": lambda m: m[0] <= 12 and m[0] + m[1] <= 13 and not any(m[2:]),
    "bubble_sort-general": lambda m: array(m, 0, range(1, 4), 20),
    "bubble_sort-first-two": is_first_two,
    "copy-general": is_copy,
    "copy-full": lambda m: m[0] == 8 and array(m, 1, range(7, 8), 14),
    "reverse-general": lambda m: array(m, 1, range(2, 7), 14) and m[0] == 1 + len(numbers(m, 1)),
    "permutation-general": is_permutation,
    "merge-general": is_merge,
    "linear_search-general": is_search,
    "linear_search-even": lambda m: is_search(m, lambda j: not odd(j)),
    "linear_search-odd": lambda m: is_search(m, odd),
    "linear_search-descending": lambda m: is_search(m, odd, lambda a, b: a > b),
    "linear_search-ascending": lambda m: is_search(m, odd, lambda a, b: a < b),
    "linear_search-consecutive": lambda m: is_search(m, odd, lambda a, b: b == a % 14 + 1),
    "linear_search-consecutive-down": lambda m: is_search(m, odd, lambda a, b: a == b % 14 + 1),
    "linear_search-from-3": lambda m: is_search(m, lambda j: j >= 3),
    "linear_search-from-5": lambda m: is_search(m, lambda j: j >= 5),
    "linear_search-from-8": lambda m: is_search(m, lambda j: j >= 8),
    "list_search-general": is_list_search,
    "walk_bst-general": is_tree,
    "dijkstra-general": is_graph,
    "dijkstra-published": lambda m: (
        m[:7] == [49, 14, 19, 22, 25, 28, 0]
        and m[14:29] == [2, 2, 4, 5, 0, 3, 1, 0, 5, 1, 0, 5, 6, 0, 0]
        and not any(m[7:14] + m[29:])
    ),
}


def test_every_kind_is_described() -> None:
    assert list(VALID) == sorted(NAMES, key=list(VALID).index)
    assert len(VALID) == len(NAMES)


@each
def test_what_is_drawn_is_valid(task: RamTask, bias: str) -> None:
    samples = task.draw(bias, 2000, seed=1)
    assert samples.given.shape == samples.wanted.shape == samples.asked.shape == (2000, task.memory)
    assert samples.given.dtype == samples.wanted.dtype == np.int64
    for array_ in (samples.given, samples.wanted):
        assert array_.min() >= 0
        assert array_.max() < task.memory
    assert samples.asked.any(axis=1).all()
    given = samples.given
    if samples.any is not None:
        assert not given[samples.any].any()
        given = np.where(samples.any, FLAT, given)
    assert all(VALID[f"{task.name}-{bias}"](row) for row in given.tolist())


@each
def test_the_domain_is_all_that_is_valid(task: RamTask, bias: str) -> None:
    size, inputs = task.size(bias), task.inputs[bias]
    few = size is not None and size <= 2_000_000
    assert (inputs.domain is not None) == few
    if size is None or size > SMALL:  # the domain of copy has a test of its own
        return
    domain = task.domain(bias)
    assert domain is not None
    rows = [tuple(row) for row in domain.given.tolist()]
    assert len(rows) == len(set(rows)) == size
    assert all(VALID[f"{task.name}-{bias}"](list(row)) for row in rows)
    drawn = {tuple(row) for row in task.draw(bias, DRAWN).given.tolist()}
    assert drawn <= set(rows)


def test_the_domain_of_copy() -> None:
    inputs = TASKS["copy"].inputs["general"]
    assert inputs.domain is not None
    given = inputs.domain()
    assert len(given) == inputs.size == 1_247_484
    # Memories as numbers of base 15: eight cells (list and address) tell them apart.
    assert len(np.unique(given[:, :6] @ 15 ** np.arange(6))) == inputs.size
    assert all(VALID["copy-general"](row) for row in given[::97].tolist())
    assert [int((given[:, 1:6] > 0).sum(axis=1).tolist().count(n)) for n in range(1, 6)] == [
        14**n * (12 - 2 * n) for n in range(1, 6)
    ]


def test_small_sizes_by_hand() -> None:
    """Count what is too large to list by listing it without its values."""
    pairs = sum((n - 1) ** 2 * 9**n for n in range(2, 8))
    assert TASKS["swap"].size("general") == pairs
    # All lists of two nodes in two slots of three with values 1..4, and one marked: as the formula.
    lists = [(v, w) for v, w in product(range(1, 15), repeat=2)]
    assert 14 * (14 - 13) * 14 == sum(1 for _ in lists)
    longer = list(product(range(1, 15), repeat=3))
    assert 14 * (14**2 - 13**2) * 14 == sum(len({a, b}) for a, b, _ in longer)
    assert TASKS["list_search"].size("general") == sum(
        n_slots * sum(len(set(vs)) for vs in product(range(1, 15), repeat=n - 1)) * 14
        for n, n_slots in ((2, 20), (3, 60), (4, 120), (5, 120))
    )


@pytest.mark.parametrize(
    ("name", "bias", "share"),
    [
        ("increment", "constant", 1),
        ("addition", "general", 1),
        ("linear_search", "consecutive", 1),
        ("linear_search", "consecutive-down", 1),
        ("bubble_sort", "first-two", 0.98),
    ],
)
def test_drawing_covers_what_is_small(name: str, bias: str, share: float) -> None:
    task = TASKS[name]
    drawn = {tuple(row) for row in task.draw(bias, DRAWN).given.tolist()}
    size = task.size(bias)
    assert size is not None
    assert share * size <= len(drawn) <= size


# ---- how often


def like(found: np.ndarray, chances: dict[int, float]) -> None:
    """Check that numbers come as often as they should: within five standard errors."""
    values, counts = np.unique(found, return_counts=True)
    assert set(values.tolist()) == set(chances)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        p = chances[value] / sum(chances.values())
        assert abs(count - p * len(found)) <= 5 * (p * (1 - p) * len(found)) ** 0.5 + 1e-9, value


def uniform(low: int, high: int) -> dict[int, float]:
    return dict.fromkeys(range(low, high + 1), 1.0)


def lengths(given: np.ndarray, start: int) -> np.ndarray:
    return np.array([len(numbers(row, start)) for row in given.tolist()])


@pytest.mark.parametrize(
    ("name", "bias", "start", "low", "high", "top"),
    [
        ("increment", "general", 0, 1, 5, 6),
        ("swap", "general", 2, 2, 7, 9),
        ("swap", "first-third", 2, 3, 7, 9),
        ("bubble_sort", "general", 0, 1, 3, 20),
        ("copy", "general", 1, 1, 5, 14),
        ("reverse", "general", 1, 2, 6, 14),
        ("permutation", "general", 0, 2, 6, None),
        ("merge", "general", 3, 2, 8, None),
        ("linear_search", "general", 1, 2, 13, None),
        ("linear_search", "odd", 1, 3, 13, None),
        ("linear_search", "ascending", 1, 3, 13, None),
        ("linear_search", "from-8", 1, 9, 13, None),
    ],
)
def test_lengths_and_values_are_uniform(
    name: str, bias: str, start: int, low: int, high: int, top: int | None
) -> None:
    given = TASKS[name].draw(bias, DRAWN, seed=2).given
    found = lengths(given, start)
    like(found, uniform(low, high))
    if top is not None:
        tail = given[:, start:]
        like(tail[(np.arange(tail.shape[1]) < found[:, None])], uniform(1, top))


@pytest.mark.parametrize(("bias", "spare"), [("general", 2), ("ordered", 1)])
def test_listk_is_uniform(bias: str, spare: int) -> None:
    given = TASKS["listk"].draw(bias, DRAWN, seed=3).given
    nodes = [linked(row, 7, 19) or [] for row in given.tolist()]
    like(np.array([len(found) for found in nodes]), uniform(2, 7))
    k = given[:, 1]
    for length in range(2, 8):
        mine = np.array([len(found) == length for found in nodes])
        like(k[mine], uniform(1, max(length - spare, 1)))
    if bias == "general":
        heads = given[:, 0]
        like(heads, dict.fromkeys(range(3, 17, 2), 1.0))
        seconds = np.array([found[1] for found in nodes])
        like(seconds[heads == 3], dict.fromkeys(range(5, 17, 2), 1.0))


def test_access_draws_six_twice_as_often() -> None:
    given = TASKS["access"].draw("general", DRAWN, seed=4).given
    like(given[:, 0], uniform(0, 8) | {6: 2.0})
    like(given[:, 1:].ravel(), uniform(0, 9))


def test_addition_is_uniform_in_each_row() -> None:
    given = TASKS["addition"].draw("general", DRAWN, seed=5).given
    like(given[:, 0], uniform(0, 12))
    for a in (0, 6, 12):
        like(given[given[:, 0] == a, 1], uniform(0, 13 - a))


def test_the_biased_sort_draws_ten_half_as_often() -> None:
    given = TASKS["bubble_sort"].draw("first-two", DRAWN, seed=6).given
    for cell in (0, 1):
        like(given[:, cell], uniform(1, 9) | {10: 0.5})
    top = given[:, :2].max(axis=1)
    like(given[top == 9, 2], uniform(9, 20))


def test_orders_are_uniform() -> None:
    given = TASKS["permutation"].draw("general", DRAWN, seed=7).given
    threes = given[lengths(given, 0) == 3][:, :3]
    like(threes @ [100, 10, 1], dict.fromkeys((123, 132, 213, 231, 312, 321), 1.0))


def test_merge_draws_the_second_length_from_what_is_left() -> None:
    given = TASKS["merge"].draw("general", DRAWN, seed=8).given
    first, second = given[:, 1] - 4, given[:, 2] - given[:, 1] - 1
    for length in range(2, 9):
        like(second[first == length], uniform(1, 9 - length))


@pytest.mark.parametrize(
    ("bias", "length", "places"),
    [
        ("general", 13, list(range(1, 13))),
        ("even", 13, [2, 4, 6, 8, 10, 12]),
        ("even", 4, [2]),
        ("odd", 13, [1, 3, 5, 7, 9, 11]),
        ("odd", 12, [1, 3, 5, 7, 9]),
        ("consecutive", 3, [1]),
        ("from-3", 5, [3, 4]),
        ("from-5", 13, list(range(5, 13))),
        ("from-8", 9, [8]),
    ],
)
def test_places_are_uniform(bias: str, length: int, places: list[int]) -> None:
    samples = TASKS["linear_search"].draw(bias, DRAWN, seed=9)
    mine = lengths(samples.given, 1) == length
    like(samples.wanted[mine, 0], dict.fromkeys(places, 1.0))


def test_trees_are_uniform() -> None:
    samples = TASKS["walk_bst"].draw("general", DRAWN, seed=10)
    assert samples.any is not None
    like(samples.any.sum(axis=1) - 1, uniform(3, 6))  # a tree of n nodes misses n + 1 children
    like(samples.given[:, 0], dict.fromkeys(range(6, 27, 3), 1.0))


def test_graphs_of_all_kinds_are_drawn() -> None:
    given = TASKS["dijkstra"].draw("general", DRAWN, seed=11).given
    like(lengths(given, 1), uniform(2, 5))
    tables = [weights(row)[0] for row in given.tolist()]
    edges = {sum(bool(w) for row in table for w in row) for table in tables if len(table) == 4}
    assert set(range(3, 10)) <= edges <= set(range(3, 13))
    detours = [t for t in tables if len(t) == 3 and t[0][2] and t[0][1] and t[1][2]]
    assert {t[0][1] + t[1][2] < t[0][2] for t in detours} == {True, False}


# ---- what is right

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


# ---- the rest


@each
def test_seeds_repeat(task: RamTask, bias: str) -> None:
    a, b = task.draw(bias, 20, seed=1), task.draw(bias, 20, np.random.default_rng(1))
    assert (a.given == b.given).all()
    if task.size(bias) != 1:
        assert (a.given != task.draw(bias, 20, seed=2).given).any()


@each
def test_everything_is_asked_for_only_where_it_is_said(task: RamTask, bias: str) -> None:
    whole = task.draw(bias, 50).asked.all()
    assert whole == (f"{task.name}-{bias}" in {
        "increment-constant", "copy-full", "dijkstra-published",
    })  # fmt: skip


def test_a_bias_that_is_not_there() -> None:
    task = TASKS["listk"]
    with pytest.raises(DataError, match=r"no bias 'order'\n.*did you mean 'ordered'\?.*'general'"):
        task.draw("order", 1)
    for ask in (task.domain, task.size):
        with pytest.raises(DataError, match=r"no bias 'biased'\n.*it has 'general', 'ordered'$"):
            ask("biased")


def test_no_samples_are_not_drawn() -> None:
    with pytest.raises(DataError, match=r"addition: cannot draw 0 samples\n  hint: draw 1 or more"):
        TASKS["addition"].draw("general", 0)


def test_some_of_the_samples_and_what_is_right() -> None:
    samples = TASKS["walk_bst"].draw("general", 10)
    some = samples.take([3, 1])
    assert (some.count, some.memory) == (2, 30)
    assert samples.any is not None
    assert some.any is not None
    assert (some.any == samples.any[[3, 1]]).all()
    assert (some.given == samples.given[[3, 1]]).all()
    final = np.stack([samples.wanted, samples.wanted])
    final[0, 2, 5] += 1  # nobody asks for cell 5
    final[1, 2, 1] += 1
    assert samples.right(final).tolist() == [[True] * 10, [k != 2 for k in range(10)]]
