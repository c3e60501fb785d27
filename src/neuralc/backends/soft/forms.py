"""A switch whose arms are sums, differences, minima and maxima of the same two values.

`if op == 0: z = x + y elif op == 1: z = x - y elif op == 2: z = x + 1 ...` is one circular
convolution of `x` with a mixed kernel: the chance of the first arm times `y`, plus that of the
second times `y` turned round, plus that of the third at 1. Minima and maxima share their running
sums. So there is no table, and no distribution for each arm.

Source: the arms are those of the register machine of Bunel et al., "Adaptive Neural Compilation"
(2016), arXiv:1605.07969, but any others of this kind will do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neuralc.backends.soft import algebra
from neuralc.backends.soft.algebra import Operand, Pair
from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.pushforward import cells_of, project
from neuralc.backends.soft.values import Factor, Known, Later, Product, Value, settled
from neuralc.ir.structure import Structure

Kind = Literal["constant", "shift", "turn", "add", "sub", "min", "max"]
Group = tuple[list[int], Value]
ALONE = 6  # values below which a joint table is cheaper


@dataclass(frozen=True, slots=True)
class Form:
    """What an arm is, modulo the number of values of the result.

    constant `offset`, shift `x + offset`, turn `offset - x`, add `x + y + offset`,
    sub `x - y + offset`, min and max of x and y, where `args` are x and y.
    """

    kind: Kind
    args: tuple[Product, ...]
    offset: int = 0


def merged(
    builder: Builder, choice: Product, groups: Sequence[Group], size: int
) -> tuple[Product | None, list[Group]]:
    """Return the share of the arms that are functions of the same two values, and the other arms.

    The share is what these arms contribute: its sum is the chance that one of them is taken.
    """
    forms = [form(builder, arm, size) for _, arm in groups]
    pair = _pair(forms)
    if pair is None or size < ALONE:
        return None, list(groups)
    sums = _Sums(builder, choice, size, *pair)
    left: list[Group] = []
    for (values, arm), found in zip(groups, forms, strict=True):
        own = found or _copy(arm, pair)
        if own is None or not sums.take(own, values):
            left.append((values, arm))
    return sums.share(), left


def form(builder: Builder, arm: Value, size: int) -> Form | None:
    """Return what an arm is, if it is one of the kinds that can be put together."""
    if isinstance(arm, Known) and not arm.labels:
        return Form("constant", (), int(arm.numbers))
    if not isinstance(arm, Later) or arm.call is None:
        return None
    table, parts = arm.call
    cube = np.asarray(table.values, dtype=np.int64).reshape(table.sizes)
    soft: list[Product] = []
    for part in parts:
        value = settled(part)
        if isinstance(value, Product):
            soft.append(value)
        elif value.labels:
            return None
        else:
            cube = np.take(cube, int(value.numbers), axis=len(soft))
    if any(builder.extent(value.axis) > size for value in soft):
        return None
    what = builder.structure(cube, size)
    return _form(what, tuple(soft[k] for k in what.args), size)


def _form(what: Structure, args: tuple[Product, ...], size: int) -> Form | None:
    if len(args) == 2 and args[0] == args[1]:
        return None
    match what.kind:
        case "constant":
            return Form("constant", (), what.offset)
        case "identity" | "rotation" | "permutation" | "unary":
            return _moved(cells_of(what).reshape(-1), args, size)
        case ("add" | "sub") as kind if what.modulus in (0, size):
            return Form(kind, args, what.offset)
        case ("min" | "max") as kind:
            return Form(kind, args)
    return None


def _moved(values: np.ndarray, args: tuple[Product, ...], size: int) -> Form | None:
    first, steps = int(values[0]), np.arange(len(values))
    if np.array_equal(values, (first + steps) % size):
        return Form("shift", args, first)
    if np.array_equal(values, (first - steps) % size):
        return Form("turn", args, first)
    return None


def _copy(arm: Value, pair: tuple[Product, Product]) -> Form | None:
    """Return the form of an arm that is a copy of one of the two values."""
    value = settled(arm)
    return Form("shift", (value,)) if isinstance(value, Product) and value in pair else None


def _pair(forms: Sequence[Form | None]) -> tuple[Product, Product] | None:
    """Return the two values that most arms are about, in the order in which most subtract them."""
    found: list[tuple[Product, ...]] = [f.args for f in forms if f and len(f.args) == 2]
    if not found:
        return None
    sets = Counter(frozenset(args) for args in found)
    best, _ = sets.most_common(1)[0]
    if sum(1 for f in forms if f and f.args and best.issuperset(f.args)) < 2:
        return None
    orders = Counter(f.args for f in forms if f and f.kind == "sub" and set(f.args) == best)
    args = orders.most_common(1)[0][0] if orders else next(a for a in found if set(a) == best)
    x, y = args
    return x, y


class _Sums:
    """The arms that have been put together, by what is to be done with them."""

    def __init__(
        self, builder: Builder, choice: Product, size: int, x: Product, y: Product
    ) -> None:
        self.b, self.choice, self.size = builder, choice, size
        self.pair = x, y
        self.kernel: dict[tuple[Kind, int], list[int]] = {}  # x plus what
        self.apart: dict[tuple[Kind, int, int], list[int]] = {}  # of one value, 0: x, 1: y
        self.constants: dict[int, list[int]] = {}
        self.extremes: dict[Kind, list[int]] = {}

    def take(self, form: Form, values: list[int]) -> bool:
        """Add an arm, for these values of the selector; False if it is about something else."""
        match form.kind:
            case "constant":
                self.constants.setdefault(form.offset, []).extend(values)
                return True
            case ("shift" | "turn") as kind:
                if form.args[0] not in self.pair:
                    return False
                place = self.pair.index(form.args[0])
                if kind == "shift" and not place:
                    self.kernel.setdefault((kind, form.offset), []).extend(values)
                else:
                    self.apart.setdefault((kind, place, form.offset), []).extend(values)
                return True
            case ("min" | "max") as kind if set(form.args) == set(self.pair):
                self.extremes.setdefault(kind, []).extend(values)
                return True
            case ("add" | "sub") as kind:
                fits = form.args == self.pair or kind == "add" and form.args == self.pair[::-1]
                if fits:
                    self.kernel.setdefault((kind, form.offset), []).extend(values)
                return fits
        return False

    def share(self) -> Product:
        """Compute everything."""
        b, size = self.b, self.size
        x, y = ((b.contract(value), value.axis) for value in self.pair)
        loose: list[Operand] = []
        pairs: list[Pair] = []
        if any(kind != "shift" for kind, _ in self.kernel):
            loose.append(algebra.circle(b, x, self.mixed(y), size))
        else:  # no sum: nothing to convolve
            for (_, offset), values in self.kernel.items():
                self.apart["shift", 0, offset] = values
        if self.extremes:
            chances = self.chances(list(self.extremes.values()))
            least = [kind == "min" for kind in self.extremes]
            pairs += algebra.extremes(b, x, y, size, chances, least)
        for (kind, place, offset), values in self.apart.items():
            move = algebra.rotated if kind == "shift" else algebra.turned
            moved = move(b, (x, y)[place], offset, size)
            pairs.append((self.some(values), None, moved))
        pairs += [self.sure(values, number) for number, values in self.constants.items()]
        factor, axis = algebra.total(b, loose, pairs, size)
        return Product((factor,), axis)

    def mixed(self, y: Operand) -> Operand:
        """Return the kernel: what is added to x, each with its chance."""
        pairs: list[Pair] = []
        for (kind, offset), values in self.kernel.items():
            if kind == "shift":
                pairs.append(self.sure(values, offset))
                continue
            move = algebra.rotated if kind == "add" else algebra.turned
            moved = move(self.b, y, offset, self.size)
            pairs.append((self.some(values), None, moved))
        return algebra.total(self.b, [], pairs, self.size)

    def sure(self, values: list[int], number: int) -> Pair:
        """Return the term of a number that is certain when one of these values is chosen."""
        value = self.b.one_hot(Known(np.asarray(number)), self.size)
        return self.some(values), None, (value.factors[0], value.axis)

    def some(self, values: list[int]) -> Factor:
        """Return the chance that the selector has one of these values."""
        return project(self.b, self.choice, values)

    def chances(self, groups: list[list[int]]) -> Operand:
        """Return the chances of groups of values, along an axis."""
        axis = self.b.label(len(groups))
        hit = np.zeros((self.b.extent(self.choice.axis), len(groups)), dtype=np.float32)
        for k, values in enumerate(groups):
            hit[values, k] = 1
        factors = (*self.choice.factors, self.b.const(hit, (self.choice.axis, axis)))
        gone = self.choice.summed | {self.choice.axis}
        return self.b.sum_product(factors, gone, axis), axis
