"""Mixtures as sums of arms, each with its chances, before anything is multiplied.

Branches inside branches often keep the same value: `if r == out: new else: old`, and again `old`
where nothing is written. As a sum, `old` occurs once, and a gate that ends is carried out on the
chances, which are small, instead of on values for every value of the gate.
"""

from __future__ import annotations

from collections.abc import Sequence

from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.pushforward import widened
from neuralc.backends.soft.values import (
    Factor,
    Known,
    Label,
    Product,
    Sum,
    Term,
    Value,
    raw,
    same,
    settled,
)

TERMS = 4  # more are put together at once


def spread(builder: Builder, chances: tuple[Factor, ...], value: Value, size: int) -> list[Term]:
    """Return what a value contributes that is taken with these chances."""
    inner = raw(value)
    if isinstance(inner, Sum) and inner.done is None:
        return [
            ((*chances, *own), arm) if own else _share(builder, arm, chances, frozenset(), size)
            for own, arm in inner.terms
        ]
    return [(chances, widened(builder, settled(inner), size))]


def _share(
    builder: Builder, arm: Product | Known, chances: Sequence[Factor], gone: frozenset[Label],
    size: int,
) -> Term:  # fmt: skip
    """Return an arm times chances as a share: its own sum is not 1, and may not be divided out."""
    product = builder.product(arm, size)
    return (), Product((*product.factors, *chances), product.axis, product.summed | gone)


def summed(builder: Builder, terms: Sequence[Term], size: int) -> Value:
    """Return the sum of terms whose chances sum to 1: equal arms are taken together."""
    groups: list[tuple[list[tuple[Factor, ...]], Product | Known]] = []
    for chances, arm in terms:
        found = next(
            (group for group in groups if chances and group[0][0] and same(group[1], arm)), None
        )  # a share is no distribution
        if found is None:
            groups.append(([chances], arm))
        else:
            found[0].append(chances)
    merged = [(_chance(builder, chances), arm) for chances, arm in groups]
    if len(merged) == 1:
        return merged[0][1]
    whole = Sum(tuple(merged), make=lambda self: lowered(builder, self.terms, size))
    return whole if len(merged) <= TERMS else whole.get()


def _chance(builder: Builder, parts: list[tuple[Factor, ...]]) -> tuple[Factor, ...]:
    """Return the sum of products of chances, as chances; a single product stays as it is."""
    return parts[0] if len(parts) == 1 else (_total(builder, parts),)


def _total(builder: Builder, parts: Sequence[tuple[Factor, ...]]) -> Factor:
    """Return the sum of products of chances.

    What is small comes first: `h * (n + w * c) + s`, where only `c` is large, is
    `(h * n + s) + h * w * c`.
    """
    if len(parts) == 1 and len(parts[0]) == 1:
        return parts[0][0]
    products = [product for part in parts for product in _opened(builder, part)]
    found = [builder.sum_product(product, frozenset(), None) for product in products]
    return builder.plus(sorted(found, key=lambda factor: len(factor.labels)))


def _opened(builder: Builder, part: tuple[Factor, ...]) -> list[tuple[Factor, ...]]:
    """Return a product of chances as a sum of products, where only one is as large as it is."""
    (*rest, large) = sorted(part, key=lambda factor: len(factor.labels))
    terms = _uneven(builder, large, "plus")
    if not terms or set(large.labels) <= {label for factor in rest for label in factor.labels}:
        return [part]
    return [(*rest, *(_uneven(builder, term, "mul") or [term])) for term in terms]


def _uneven(builder: Builder, factor: Factor, op: str) -> list[Factor]:
    """Return the operands of a sum or product, nothing if none is smaller than the result."""
    operands = builder.operands(factor, op)
    return operands if any(set(f.labels) < set(factor.labels) for f in operands) else []


def closed_terms(
    builder: Builder, value: Sum, weight: Factor, label: Label, size: int
) -> list[Term]:
    """Mix a sum over the axis of a gate, or of a part of one, that ends."""
    terms: list[Term] = []
    for chances, arm in value.terms:
        depends = label in (arm.labels if isinstance(arm, Known) else arm.labels())
        if chances and not depends:
            chance = builder.sum_product([*chances, weight], frozenset((label,)), None)
            terms.append(((chance,), arm))
        else:
            terms.append(_share(builder, arm, (*chances, weight), frozenset((label,)), size))
    return terms


def taken_sum(builder: Builder, value: Sum, label: Label, index: Known, size: int) -> Value:
    """Index an axis that a sum depends on."""
    terms = [
        (tuple(builder.take(chance, label, index) for chance in chances),
         builder.taken(arm, label, index))
        for chances, arm in value.terms
    ]  # fmt: skip
    return summed(builder, terms, size)


def lowered(builder: Builder, terms: Sequence[Term], size: int) -> Product:
    """Compute a sum."""
    axis = builder.label(size)
    shares: list[tuple[Factor, Label]] = []
    pairs: list[tuple[Factor, Factor, Label]] = []
    for chances, arm in terms:
        product = builder.one_hot(arm, size) if isinstance(arm, Known) else arm
        if chances:
            chance = _total(builder, [chances])
            pairs.append((chance, builder.contract(product), product.axis))
        else:
            share = builder.sum_product(product.factors, product.summed, product.axis)
            shares.append((share, product.axis))
    operands = [share for share, _ in shares]
    inner: list[Label | None] = [own for _, own in shares]
    for chance, whole, own in pairs:
        operands += [chance, whole]
        inner += [None, own]
    errors = [builder.drift(share) for share, _ in shares]
    errors += [builder.drift(chance) + builder.drift(whole) for chance, whole, _ in pairs]
    drift = max(errors) + 2
    attrs = (len(shares),)
    result = builder.together("share", operands, axis, inner, size, attrs, drift)
    return Product((builder.normalised(result),), axis)
