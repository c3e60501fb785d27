"""Arrays whose elements are kept apart, read at an index that varies along axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuralc.backends.soft.build import Builder
from neuralc.backends.soft.merge import arm_of
from neuralc.backends.soft.values import Known, Product, Value, same, settled


def stacked(builder: Builder, parts: Sequence[Value], positions: Known, size: int | None) -> Value:
    """Return `parts[positions]`: elements kept apart, read at an index that varies."""
    found = [settled(part) for part in parts]
    if all(same(part, found[0]) for part in found[1:]):
        return found[0]
    label = builder.label(len(parts))
    if all(isinstance(part, Known) for part in found):
        known = [part for part in found if isinstance(part, Known)]
        rest = builder.order({other for part in known for other in part.labels}, None)
        grid = np.stack([builder.spread(part, rest) for part in known], axis=-1)
        return builder.taken_known(Known(grid, (*rest, label)), label, positions)
    arms = [arm_of(builder, part, size) for part in found]
    real = any(isinstance(part, Product) and part.real for part in found)
    axis = builder.label(builder.extent(arms[0][1]))
    width = builder.extent(axis)
    drift = max(builder.drift(arm) for arm, _ in arms)
    inner = [own for _, own in arms]
    factors = [arm for arm, _ in arms]
    factor = builder.together("stack", factors, axis, inner, width, (), drift, extra=label)
    return builder.taken(Product((factor,), axis, real=real), label, positions)
