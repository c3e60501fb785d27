"""How a product of two tensors is written: a multiplication, a matrix product, an einsum."""

from __future__ import annotations

Names = tuple[int, ...]


def contraction(left: str, right: str, a: Names, b: Names, out: Names, *, log: bool = False) -> str:
    """Return code that multiplies two tensors and sums what is not in `out`.

    `a`, `b` and `out` name the dimensions; equal numbers are the same axis.
    """
    if log:
        return f'soft.einsum("{_letters(a)},{_letters(b)}->{_letters(out)}", {left}, {right})'
    if set(a) | set(b) == set(out):
        return f"{_spread(left, a, out)} * {_spread(right, b, out)}"
    return (
        _matrix_product(left, right, a, b, out)
        or _matrix_product(right, left, b, a, out)
        or f'torch.einsum("{_letters(a)},{_letters(b)}->{_letters(out)}", {left}, {right})'
    )


def _letters(names: Names) -> str:
    return "".join(chr(ord("a") + name) for name in names)


def _spread(name: str, own: Names, out: Names) -> str:
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


def _matrix_product(left: str, right: str, a: Names, b: Names, out: Names) -> str | None:
    """Write `[batch, rows, k] @ [batch, k, columns]` where the dimensions stand just so."""
    batch = tuple(n for n in a if n in b and n in out)
    inner = tuple(n for n in a if n in b and n not in out)
    rows = tuple(n for n in a if n not in b)
    columns = tuple(n for n in b if n not in a)
    if any(n not in out for n in (*rows, *columns)) or not inner:
        return None
    if a != (*batch, *rows, *inner) or out != (*batch, *rows, *columns) or len(batch) > 2:
        return None
    if b == (*batch, *inner, *columns):
        turned = False
    elif b == (*batch, *columns, *inner) and len(columns) == 1:
        turned = True
    else:
        return None
    if (len(batch) == 2 or not rows) and batch or len(rows) > 1 and batch or len(columns) > 1:
        return None  # an einsum does the reshaping just as well
    n = len(batch)
    if len(inner) > 1:
        left += f".flatten({n + len(rows)})"
        right += f".flatten({n}, {n + len(inner) - 1})" if not turned else f".flatten({n + 1})"
    if turned:
        right += ".mT"
    if not columns:
        return None
    return f"torch.bmm({left}, {right})" if n else f"{left} @ {right}"


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
        name += ".unsqueeze(-1)"
    return name
