"""Where branches come together: the end of a gate, of a switch, of a static choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from neuralc.backends.soft import algebra
from neuralc.backends.soft.build import CHANCES, Builder
from neuralc.backends.soft.fuse import fused
from neuralc.backends.soft.pushforward import project, widened
from neuralc.backends.soft.store import Key, Layer, Piece
from neuralc.backends.soft.terms import closed_terms, lowered, spread, summed, taken_sum
from neuralc.backends.soft.values import (
    Factor,
    Joined,
    Known,
    Label,
    Later,
    Masked,
    Product,
    Sum,
    Term,
    Value,
    raw,
    same,
    settled,
)


def common(
    builder: Builder, layers: Sequence[Layer], sizes: Callable[[str], int | None]
) -> Iterator[tuple[str, Key, tuple[Label, ...], list[Value]]]:
    """Yield what every branch has set: variable, key, labels of its ranges, a value per branch."""
    first, *rest = layers
    for name in first.pieces:
        if not all(name in layer.pieces for layer in rest):
            continue
        tables = [layer.pieces[name] for layer in layers]
        if any(table.keys() != tables[0].keys() for table in tables[1:]):
            keys = [key for table in tables for key in table]
            dims = [any(isinstance(key[d], int) for key in keys) for d in range(len(keys[0]))]
            if not any(dims):
                dims = [True] * len(dims)
            tables = [_split(builder, table, dims) for table in tables]
        for key, piece in tables[0].items():
            if all(key in table for table in tables):
                values = [
                    _relabelled(builder, table[key], piece.labels, sizes(name)) for table in tables
                ]
                yield name, key, piece.labels, values


def _split(builder: Builder, table: dict[Key, Piece], dims: Sequence[bool]) -> dict[Key, Piece]:
    """Cut ranges into single elements along these dimensions."""
    result: dict[Key, Piece] = {}
    for key, piece in table.items():
        place = next((d for d, k in enumerate(key) if dims[d] and isinstance(k, tuple)), None)
        if place is None:
            result[key] = piece
            continue
        span = key[place]
        assert isinstance(span, tuple)
        nth = sum(isinstance(k, tuple) for k in key[:place])
        label = piece.labels[nth]
        rest = piece.labels[:nth] + piece.labels[nth + 1 :]
        cut = {
            (*key[:place], i, *key[place + 1 :]): Piece(
                _selected(builder, piece.value, label, i - span[0]), rest
            )
            for i in range(*span)
        }
        result |= _split(builder, cut, dims)
    return result


def _selected(builder: Builder, value: Value, label: Label, index: int) -> Value:
    return Later(lambda: builder.taken(settled(value), label, index))


def _relabelled(
    builder: Builder, piece: Piece, labels: tuple[Label, ...], size: int | None
) -> Value:
    if piece.labels == labels:
        return piece.value

    def make() -> Value:
        value: Value = raw(piece.value)
        for old, new in zip(piece.labels, labels, strict=True):
            everything = Known(np.arange(builder.extent(old)), (new,))
            if old == new:
                continue
            if isinstance(value, Sum) and size is not None:
                value = taken_sum(builder, value, old, everything, size)
            else:
                value = builder.taken(settled(value), old, everything)
        return value

    return Later(make)


# ---- gates


def close(builder: Builder, value: Value, weight: Factor, label: Label, size: int | None) -> Value:
    """Mix a value over the axis of a gate that ends."""
    inner = raw(value)
    if isinstance(inner, Masked):
        better = _close_masked(builder, inner, weight, label, size)
        if better is not None:
            return better
    if isinstance(inner, Joined) and label == inner.label and size is not None:
        return summed(builder, _joined_terms(builder, inner, weight, size), size)
    if isinstance(inner, Sum) and size is not None:
        return summed(builder, closed_terms(builder, inner, weight, label, size), size)
    inner = settled(inner)
    if isinstance(inner, Known):
        if label not in inner.labels:
            return inner
        assert size is not None
        inner = builder.one_hot(inner, size)
    elif label not in inner.labels():
        return inner
    gone = inner.summed | {label}
    return Product((*inner.factors, weight), inner.axis, gone, inner.real)


def _close_masked(
    builder: Builder, value: Masked, weight: Factor, label: Label, size: int | None
) -> Value | None:
    """Mix `then if label == other else orelse` over `label`, where only `then` depends on it.

    Whatever `label` is, exactly one position on the other axis differs from `orelse`, so nothing
    need be computed on the grid of both axes.
    """
    condition = value.condition
    if len(condition.labels) != 2 or label not in condition.labels:
        return None
    eye = np.eye(len(condition.numbers), dtype=bool)
    if condition.numbers.shape != eye.shape or (condition.numbers.astype(bool) != eye).any():
        return None
    (other,) = (name for name in condition.labels if name != label)
    orelse = settled(value.orelse)
    if _depends(orelse, label) or other in weight.labels:
        return None
    weight = builder.normalised(weight, CHANCES)
    index = Known(np.arange(builder.extent(label)), (other,))
    then = builder.taken(settled(value.then), label, index)
    chance = builder.take(weight, label, index)
    rest = algebra.others(builder, (weight, label), other)
    if size is None:
        arms = [arm_of(builder, orelse, size), arm_of(builder, then, size)]
        return _two(builder, arms, (rest, chance), real=True)
    parts = [((rest,), widened(builder, orelse, size)), ((chance,), widened(builder, then, size))]
    return summed(builder, parts, size)


def _joined_terms(builder: Builder, value: Joined, weight: Factor, size: int) -> list[Term]:
    """Mix parts over the axis that was split: each with its own chances, nothing put together."""
    terms: list[Term] = []
    for part, own, positions in zip(value.values, value.parts, value.positions, strict=True):
        inner = raw(part)
        if len(positions) == 1:
            chance = builder.take(weight, value.label, int(positions[0]))
            at = Known(np.asarray(0))
            arm = taken_sum(builder, inner, own, at, size) if isinstance(inner, Sum) else (
                builder.taken(settled(inner), own, at))  # fmt: skip
            terms += spread(builder, (chance,), arm, size)
            continue
        chances = builder.take(weight, value.label, Known(positions, (own,)))
        if isinstance(inner, Sum):
            terms += closed_terms(builder, inner, chances, own, size)
        elif isinstance(inner, Joined) and inner.label == own:
            terms += _joined_terms(builder, inner, chances, size)
        elif _depends(settled(part), own):
            whole = builder.product(widened(builder, settled(part), size), size)
            factors, gone = (*whole.factors, chances), whole.summed | {own}
            terms.append(((), Product(factors, whole.axis, gone)))
        else:
            chance = builder.sum_product([chances], frozenset((own,)), None)
            terms += spread(builder, (chance,), part, size)
    return terms


def masked(builder: Builder, size: int | None, value: Masked) -> Product | Known:
    """Compute a masked value on all its axes."""
    then, orelse = settled(value.then), settled(value.orelse)
    condition = value.condition
    if isinstance(then, Known) and isinstance(orelse, Known):
        labels = builder.order({*then.labels, *orelse.labels, *condition.labels}, None)
        parts = [builder.spread(known, labels) for known in (condition, then, orelse)]
        return Known(np.where(*parts), labels)
    arms = [arm_of(builder, orelse, size), arm_of(builder, then, size)]
    holds = condition.numbers.astype(np.float32)
    chances = [builder.const(array, condition.labels) for array in (1 - holds, holds)]
    return _two(builder, arms, chances, isinstance(then, Product) and then.real)


def _two(
    builder: Builder, arms: Sequence[tuple[Factor, Label]], chances: Sequence[Factor], real: bool
) -> Product:
    """Return the mixture of two arms.

    Both chances are computed from what they are sums of: `1 - p` would lose all that is left
    where `p` is nearly 1, and with it the gradient of a nearly discrete program.
    """
    factors, axes = [arm for arm, _ in arms], [own for _, own in arms]
    size = builder.extent(axes[0])
    axis = builder.label(size)
    drift = _mixed(builder, factors, chances)
    inner: list[Label | None] = [*axes, None, None]
    operands = [*factors, *chances]
    result = builder.together("blend", operands, axis, inner, size, (), drift)
    return Product((result if real else builder.normalised(result),), axis, real=real)


def _mixed(builder: Builder, arms: Sequence[Factor], chances: Sequence[Factor]) -> int:
    """Return the drift of a mixture: the errors of a chance and of its arm add up."""
    return max(map(builder.drift, arms)) + max(map(builder.drift, chances)) + 1


# ---- switches


def choose(
    builder: Builder, choice: Product, numbers: Sequence[tuple[int, ...]], arms: Sequence[Value],
    size: int | None,
) -> Value:  # fmt: skip
    """Mix the arms of a switch with the probabilities of its selector."""
    groups: list[tuple[list[int], Value]] = []
    for values, arm in zip(numbers, arms, strict=True):
        for known, other in groups:
            if same(arm, other):
                known += values
                break
        else:
            groups.append((list(values), arm))
    if len(groups) == 1:
        return groups[0][1]
    choice = builder.chances(choice)
    share, groups = fused(builder, choice, groups, size)
    if share is not None:
        return _with_share(builder, choice, share, groups, size)
    if len(groups) == 2 and size is not None and not _all_known(groups):
        terms = [
            term
            for values, arm in groups
            for term in spread(builder, (project(builder, choice, values),), arm, size)
        ]
        return summed(builder, terms, size)
    settled_arms = [(values, settled(arm)) for values, arm in groups]
    if all(isinstance(arm, Known) for _, arm in settled_arms):
        assert size is not None
        known_arms = [(values, arm) for values, arm in settled_arms if isinstance(arm, Known)]
        return _table(builder, choice, known_arms, size)
    factors = [arm_of(builder, arm, size) for _, arm in settled_arms]
    real = any(isinstance(arm, Product) and arm.real for _, arm in settled_arms)
    return _mixture(builder, choice, [values for values, _ in settled_arms], factors, real)


def _all_known(groups: Sequence[tuple[list[int], Value]]) -> bool:
    return all(isinstance(raw(arm), Known) for _, arm in groups)


def _with_share(
    builder: Builder, choice: Product, share: Product, groups: list[tuple[list[int], Value]],
    size: int | None,
) -> Product:  # fmt: skip
    """Add the arms that are left to the share of those that were fused."""
    if not groups:
        return share
    assert size is not None
    terms: list[Term] = [((), share)]
    for values, arm in groups:
        terms += spread(builder, (project(builder, choice, values),), arm, size)
    return lowered(builder, terms, size)


def arm_of(builder: Builder, arm: Product | Known, size: int | None) -> tuple[Factor, Label]:
    """Return a value as a factor and the label of its axis."""
    if isinstance(arm, Known):
        assert size is not None
        arm = builder.one_hot(arm, size)
    elif size is not None:
        wide = widened(builder, arm, size)
        assert isinstance(wide, Product)
        arm = wide
    return builder.contract(arm), arm.axis


def _table(
    builder: Builder, choice: Product, arms: Sequence[tuple[list[int], Known]], size: int
) -> Product:
    """Return a switch between known integers: a table of the selector."""
    labels = builder.order({label for _, arm in arms for label in arm.labels}, None)
    extents = [builder.extent(label) for label in labels]
    hot = np.zeros((builder.extent(choice.axis), *extents, size), dtype=np.float32)
    for values, arm in arms:
        for k in values:
            hot[k] = np.eye(size, dtype=np.float32)[builder.spread(arm, labels)]
    axis = builder.label(size)
    table = builder.const(hot, (choice.axis, *labels, axis))
    return Product((*choice.factors, table), axis, choice.summed | {choice.axis})


def _mixture(
    builder: Builder, choice: Product, numbers: Sequence[list[int]],
    arms: Sequence[tuple[Factor, Label]], real: bool,
) -> Product:  # fmt: skip
    if len(arms) == 2:
        return _two(builder, arms, [project(builder, choice, n) for n in numbers], real)
    size = builder.extent(arms[0][1])
    axis = builder.label(size)
    factors, axes = [arm for arm, _ in arms], [own for _, own in arms]
    weights, own = _weights(builder, choice, numbers)
    drift = _mixed(builder, factors, [weights])
    inner = [own, *axes]
    result = builder.together("mixture", [weights, *factors], axis, inner, size, (), drift)
    return Product((result if real else builder.normalised(result),), axis, real=real)


def _weights(
    builder: Builder, choice: Product, numbers: Sequence[list[int]]
) -> tuple[Factor, Label]:
    """Return the probability of each group of values of a selector."""
    factor = builder.contract(choice)
    if [list(values) for values in numbers] == [[k] for k in range(builder.extent(choice.axis))]:
        return factor, choice.axis
    groups = np.zeros((builder.extent(choice.axis), len(numbers)), dtype=np.float32)
    for group, values in enumerate(numbers):
        groups[values, group] = 1
    axis = builder.label(len(numbers))
    grouped = Product(
        (factor, builder.const(groups, (choice.axis, axis))), axis, frozenset((choice.axis,))
    )
    return builder.sum_product(grouped.factors, grouped.summed, axis), axis


# ---- static choices


def join(builder: Builder, size: int | None, whole: Joined) -> Product | Known:
    """Put the parts of a split axis together again, in the order of the axis."""
    parts, label = whole.parts, whole.label
    order = np.argsort(np.concatenate(whole.positions))
    found = [settled(value) for value in whole.values]
    if all(same(value, found[0]) for value in found[1:]) and not (_depends(found[0], parts[0])):
        return found[0]
    if all(isinstance(value, Known) for value in found):
        return _joined_known(
            builder, [v for v in found if isinstance(v, Known)], parts, label, order
        )
    arms = [arm_of(builder, value, size) for value in found]
    arms = [(builder.straight(arm), own) for arm, own in arms]
    real = any(isinstance(value, Product) and value.real for value in found)
    outer = {other for arm, own in arms for other in arm.labels if other not in (own, *parts)}
    labels = builder.order(outer | {label}, None)
    place = labels.index(label)
    spots = []
    for (arm, own), part in zip(arms, parts, strict=True):
        names = [label if other == part else other for other in arm.labels]
        spots.append(tuple(labels.index(name) if name != own else -1 for name in names))
    width = builder.extent(arms[0][1])
    axis = builder.label(width)
    lengths = tuple(builder.extent(part) for part in parts)
    attrs = (len(labels), tuple(spots), place, lengths, tuple(int(k) for k in order))
    drift = max(builder.drift(arm) for arm, _ in arms)
    args = tuple(arm.node for arm, _ in arms)
    node = builder.graph.add("join", args, attrs, (*builder.dims(labels), width), drift)
    return Product((Factor(node, (*labels, axis)),), axis, real=real)


def _depends(value: Product | Known, label: Label) -> bool:
    return label in (value.labels if isinstance(value, Known) else value.labels())


def _joined_known(
    builder: Builder, values: Sequence[Known], parts: Sequence[Label], label: Label,
    order: np.ndarray,
) -> Known:  # fmt: skip
    outer = {other for value in values for other in value.labels} - set(parts)
    rest = builder.order(outer, None)
    pieces = [
        builder.spread(value, (*rest, part)) for value, part in zip(values, parts, strict=True)
    ]
    whole = np.concatenate(pieces, axis=-1)[..., order]
    labels = builder.order({*rest, label}, None)
    source = (*rest, label)
    return Known(whole.transpose([source.index(name) for name in labels]), labels)
