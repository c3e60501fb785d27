"""The tasks of the register machine: what is drawn is what the descriptions say, no more, no less.

Each kind of inputs is described a second time in `ram_inputs`.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, permutations, product

import numpy as np
import pytest

from neuralc.errors import DataError
from neuralc.tasks.ram import TASKS, RamTask
from neuralc.tasks.ram.task import FLAT
from tests.tasks.ram_inputs import VALID, linked, numbers, weights

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
        "list_search": (15, 8), "walk_bst": (30, 8), "dijkstra": (100, 22),
    }  # fmt: skip
    for name, task in TASKS.items():
        assert task.name == task.routine == name
        assert task.biases[0] == "general"
        assert task.bias in task.biases


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
    # Memories as numbers of base 15: address and list, six cells, tell them apart.
    assert len(np.unique(given[:, :6] @ 15 ** np.arange(6))) == inputs.size
    assert all(VALID["copy-general"](row) for row in given[::97].tolist())


def test_large_sizes_are_counted_right() -> None:
    """Count once more, by listing what can be listed: orders, marked nodes, sorted values."""
    orders = {n: sum(1 for _ in permutations(range(7), n)) for n in range(2, 8)}
    assert TASKS["listk"].size("general") == sum(
        19**n * orders[n] * (1 if n == 2 else len(range(1, n - 1))) for n in orders
    )
    assert TASKS["list_search"].size("general") == sum(
        slots * sum(len(set(vs)) for vs in product(range(1, 15), repeat=n - 1)) * 14
        for n, slots in ((2, 20), (3, 60), (4, 120), (5, 120))
    )
    assert TASKS["walk_bst"].size("general") == sum(
        orders[n] * sum(len(set(vs)) for vs in combinations_with_replacement(range(29), n))
        for n in range(3, 7)
    )
    sorted_lists = [np.ones(29, int)]  # of n + 1 numbers, by the last one
    for _ in range(7):
        sorted_lists.append(np.cumsum(sorted_lists[-1]))
    assert TASKS["merge"].size("general") == sum(
        int(sorted_lists[a - 1].sum() * sorted_lists[b - 1].sum())
        for a, b in product(range(2, 9), range(1, 8))
        if a + b <= 9
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
