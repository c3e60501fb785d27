"""Products that only a running sum looks at are made where they are added up.

They never get into memory, and a product with its addition is one instruction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

from neuralc.backends.native.nests import Access, Nest, Table
from neuralc.backends.native.plan import Item, touched
from neuralc.backends.native.running import Chain
from neuralc.backends.native.views import Buffer

Places = tuple[int, ...]  # one for each factor


def folded(items: Sequence[Item]) -> list[Item]:
    """Return instructions without products that are only there to be added up in chains."""
    uses = touched(items)
    products: dict[Buffer, tuple[int, Nest]] = {}
    result: list[Item | None] = []
    for item in items:
        one = item.instruction
        if isinstance(one, Nest) and uses[one.out.buffer] == 2 and _is_product(one):
            products[one.out.buffer] = len(result), one
        elif isinstance(one, Table) and one.chains and not one.sizes:
            at, nest = products.get(one.factors[0].buffer, (0, None))
            if nest and (table := _with_factors(one, nest)):
                item, result[at] = replace(item, instruction=table), None
        for buffer in one.writes:  # what is made of it later is made of something else
            stale = [made for made, (_, nest) in products.items() if buffer in nest.reads]
            for made in stale:
                del products[made]
        result.append(item)
    return [item for item in result if item is not None]


def _is_product(nest: Nest) -> bool:
    """Tell whether an instruction makes products of two factors, and nothing else."""
    constants = any(a.buffer.array is not None for a in nest.factors)
    plain = nest.free == len(nest.sizes) and not nest.add and len(nest.terms) == 1
    return plain and len(nest.factors) == 2 and not constants and nest.out.buffer.scope == "example"


def _with_factors(table: Table, nest: Nest) -> Table | None:
    """Return a table that multiplies the factors itself, if they are as evenly spaced as sums."""
    (term,) = nest.terms
    places: dict[int, Places] = {
        nest.out.offset + nest.out.at(index): tuple(a.at(index) for a in term)
        for index in product(*map(range, nest.sizes))
    }
    chains = [_moved(chain, table.factors[0].offset, places) for chain in table.chains]
    factors = tuple(Access(a.buffer, a.offset, ()) for a in term)
    found = tuple(chain for chain in chains if chain)
    return replace(table, factors=factors, chains=found) if len(found) == len(chains) else None


def _moved(chain: Chain, offset: int, places: Mapping[int, Places]) -> Chain | None:
    """Return a chain over products as one over their factors."""
    (start,), (step,) = chain.start, chain.step
    length = chain.results[-1][0]
    spots = [places[offset + start + k * step] for k in range(length)]
    first = spots[0]
    apart = tuple(b - a for a, b in zip(first, spots[1], strict=True)) if length > 1 else (0, 0)
    even = all(
        spot == tuple(a + k * d for a, d in zip(first, apart, strict=True))
        for k, spot in enumerate(spots)
    )
    return Chain(first, apart, chain.results) if even else None
