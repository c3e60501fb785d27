"""How a product of two tensors is written: a multiplication, a matrix product, an einsum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from neuralc.backends.soft.graph import Dim

Names = tuple[int, ...]
LOOP = 400  # multiplications below which torch's product of a batch is a plain loop over its rows
NARROW = 64  # values up to which a sum along the last dimension is best a product with ones

Keep = Callable[[np.ndarray], str]  # keeps a constant and returns code for it


def contraction(
    left: str, right: str, a: Names, b: Names, out: Names, *, log: bool = False, like: str = "",
    sizes: Mapping[int, Dim] | None = None, keep: Keep | None = None,
) -> str:  # fmt: skip
    """Return code that multiplies two tensors and sums what is not in `out`.

    `a`, `b` and `out` name the dimensions; equal numbers are the same axis. `like` is a tensor of
    the shape of the result, if there is one already. `sizes` are the sizes of the dimensions,
    `keep` makes constants.
    """
    if log:
        return f'soft.einsum("{_letters(a)},{_letters(b)}->{_letters(out)}", {left}, {right})'
    if set(a) | set(b) == set(out):
        return f"{spread(left, a, out)} * {spread(right, b, out)}"
    return (
        _matrix_product(left, right, a, b, out, like)
        or _matrix_product(right, left, b, a, out, like)
        or _batched_product(left, right, a, b, out)
        or _batched_product(right, left, b, a, out)
        or _row_product(left, right, a, b, out, sizes or {})
        or _row_product(right, left, b, a, out, sizes or {})
        or _vectors(left, right, a, b, out, sizes or {}, keep)
        or f'torch.einsum("{_letters(a)},{_letters(b)}->{_letters(out)}", {left}, {right})'
    )


def addition(left: str, right: str, a: Names, b: Names, out: Names, *, log: bool = False) -> str:
    """Return code that adds two tensors that broadcast."""
    first, second = spread(left, a, out), spread(right, b, out)
    return f"torch.logaddexp({first}, {second})" if log else f"{first} + {second}"


def _batched_product(left: str, right: str, a: Names, b: Names, out: Names) -> str | None:
    """Write `left @ right` over the last two dimensions, the others being a batch that broadcasts.

    A dimension of the batch that the result lacks is summed afterwards.
    """
    if min(len(a), len(b), len(out)) < 2:
        return None
    inner = (set(a[-2:]) & set(b[-2:])) - set(out)
    if len(inner) != 1:
        return None
    (k,) = inner
    (row,) = (name for name in a[-2:] if name != k)
    (column,) = (name for name in b[-2:] if name != k)
    if row == column or row in b or column in a or out[-2:] != (row, column):
        return None
    batch = _merged(a[:-2], b[:-2])
    if batch is None or tuple(name for name in batch if name in out) != out[:-2]:
        return None
    left = _placed(left, a[:-2], batch) + (".mT" if a[-1] == row else "")
    right = _placed(right, b[:-2], batch) + (".mT" if b[-2] == column else "")
    gone = tuple(place for place, name in enumerate(batch) if name not in out)
    return f"({left} @ {right}).sum({gone})" if gone else f"{left} @ {right}"


def _row_product(
    vector: str, matrix: str, a: Names, b: Names, out: Names, sizes: Mapping[int, Dim]
) -> str | None:
    """Write a batch of vectors times a batch of matrices, the vector as a row on the left.

    So it costs one pass over the matrices; as a column on the right it takes five times as long.
    """
    if b == a[-1:] and out == a[:-1]:  # one vector for all
        return f"{vector} @ {matrix}"
    batch, last = a[:-1], a[-1:]
    if not batch or b[:-2] != batch or len(b) != len(a) + 1 or last[0] not in b[-2:]:
        return None
    if out != (*batch, *(name for name in b[-2:] if name not in last)):
        return None
    across = b[-1:] == last
    if not across and _number(sizes, b[-2:]) < LOOP:  # the loop would jump from row to row
        return f"soft.along({vector}, {matrix})"
    matrix += ".mT" if across else ""
    return f"({vector}.unsqueeze(-2) @ {matrix}).squeeze(-2)"


def _number(sizes: Mapping[int, Dim], names: Names) -> int:
    """Return the product of the sizes that are known; 0 if one of them is not."""
    known = [sizes.get(name, 0) for name in names]
    return prod(size if isinstance(size, int) else 0 for size in known)


def _merged(a: Names, b: Names) -> Names | None:
    """Return a sequence of which both are subsequences: one of the two."""
    for whole, part in ((a, b), (b, a)):
        if tuple(name for name in whole if name in part) == part:
            return whole
    return None


def _placed(name: str, own: Names, batch: Names) -> str:
    """Return code that gives a tensor the dimensions of the batch that it lacks."""
    if not own:
        return name
    for place in range(batch.index(own[0]), len(batch)):
        if batch[place] not in own:
            name += f".unsqueeze({place - batch.index(own[0])})"
    return name


def _vectors(
    left: str, right: str, a: Names, b: Names, out: Names, sizes: Mapping[int, Dim],
    keep: Keep | None,
) -> str | None:  # fmt: skip
    """Write `(left * right).sum(…)` where one of the two has nothing that the other lacks.

    A batch of many small matrices by vectors is quicker without the copies of a matrix product.
    """
    if set(b) <= set(a):
        whole = a
    elif set(a) <= set(b):
        whole = b
    else:
        return None
    gone = tuple(place for place, name in enumerate(whole) if name not in out)
    kept = tuple(name for name in whole if name in out)
    code = f"({spread(left, a, whole)} * {spread(right, b, whole)})"
    code = summed_out(code, gone, len(whole), sizes.get(whole[-1], 0), keep)
    if kept != out:
        code = f"({code}).permute({tuple(kept.index(name) for name in out)})"
    return code


def summed_out(
    code: str, places: tuple[int, ...], rank: int, last: Dim, keep: Keep | None,
    *, dims: bool = False,
) -> str:  # fmt: skip
    """Return code that sums dimensions of a tensor of `rank` out; `last` is the size of its last.

    Torch adds up short rows slowly, one by one, but not as a product. `dims` keeps dimensions.
    """
    along = places in ((rank - 1,), (-1,))
    if keep and along and isinstance(last, int) and 0 < last <= NARROW:
        ones = np.ones((last, 1) if dims else last, dtype=np.float32)
        return f"{code} @ {keep(ones)}"
    return f"{code}.sum({places}, keepdim=True)" if dims else f"{code}.sum({places})"


def moved(code: str, index: tuple[int, ...], keep: Keep) -> str:
    """Return code by which value `v` takes the mass of `index[v]`, a one-to-one map."""
    n = len(index)
    numbers, steps = np.asarray(index), np.arange(n)
    first = int(numbers[0])
    if np.array_equal(numbers, (steps + first) % n):
        return f"{code}.roll({-first % n}, -1)"
    if np.array_equal(numbers, (first - steps) % n):
        return f"{code}.flip(-1).roll({(first + 1) % n}, -1)"
    return f"{code}.index_select(-1, {keep(numbers)})"


def _letters(names: Names) -> str:
    return "".join(chr(ord("a") + name) for name in names)


def _matrix_product(left: str, right: str, a: Names, b: Names, out: Names, like: str) -> str | None:
    """Write `[batch, rows, k] @ [batch, k, columns]`, each group of dimensions taken as one."""
    batch = tuple(n for n in a if n in b and n in out)
    n = len(batch)
    if n > 1 or a[:n] != batch or b[:n] != batch or out[:n] != batch:
        return None
    a, b, out = a[n:], b[n:], out[n:]
    inner = tuple(name for name in a if name in b)
    rows = tuple(name for name in a if name not in b)
    columns = tuple(name for name in b if name not in a)
    if not (inner and rows and columns) or out != (*rows, *columns):
        return None
    if a not in ((*rows, *inner), (*inner, *rows)):
        return None
    if b not in ((*inner, *columns), (*columns, *inner)):
        return None
    plain = not n and a == (*rows, *inner)  # `@` takes any number of rows
    reshaped = len(columns) > 1 or (len(rows) > 1 and not plain)
    if reshaped and not like:
        return None
    if not plain or len(columns) > 1:
        left = _grouped(left, a, inner, rows, n)
    elif len(inner) > 1:
        left += f".flatten({len(rows)})"
    right = _grouped(right, b, inner, columns, n)
    left += ".mT" if a != (*rows, *inner) else ""
    right += ".mT" if b != (*inner, *columns) else ""
    code = f"torch.bmm({left}, {right})" if n else f"({left} @ {right})"
    return f"{code}.view({like}.shape)" if reshaped else code


def _grouped(name: str, own: Names, inner: Names, others: Names, batch: int) -> str:
    """Return code that makes two dimensions of two groups, behind the batch."""
    sizes = [len(inner), len(others)] if own[: len(inner)] == inner else [len(others), len(inner)]
    place = batch
    for size in sizes:
        if size > 1:
            name += f".flatten({place}, {place + size - 1})"
        place += 1
    return name


def spread(name: str, own: Names, out: Names) -> str:
    """Return code that broadcasts a tensor against dimensions `out`."""
    places = [out.index(label) for label in own]
    if places != sorted(places):
        order = sorted(range(len(own)), key=lambda k: places[k])
        name = f"{name}.permute({', '.join(map(str, order))})"
        places.sort()
    if not places:
        return name
    for place in range(places[0], len(out)):
        if place not in places:
            name += f".unsqueeze({place - places[0]})"
    return name


def sizes_of(*dims: tuple[Names, tuple[Dim, ...]]) -> dict[int, Dim]:
    """Return the size of each dimension, given names and sizes in the same order."""
    return {name: size for names, own in dims for name, size in zip(names, own, strict=True)}


def align(name: str, places: tuple[int, ...], rank: int, *, inner: bool) -> str:
    """Return code that makes a tensor broadcast with others of `rank` dimensions and a last one.

    `places[k]` is the position of its dimension `k`, -1 for the last; `inner` tells whether it
    has that last one.
    """
    outer = [place for place in places if place != -1]
    if places and -1 in places[:-1] or outer != sorted(outer):
        order = sorted(range(len(places)), key=lambda k: places[k] if places[k] != -1 else rank)
        name = f"{name}.permute({', '.join(map(str, order))})"
        outer = sorted(outer)
    if outer:
        missing = [place for place in range(outer[0], rank) if place not in outer]
        for place in missing:
            name += f".unsqueeze({place - outer[0]})"
    if not inner:
        name += f".unsqueeze({rank - outer[0]})" if outer else ".unsqueeze(-1)"
    return name
