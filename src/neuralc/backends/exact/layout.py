"""How the generated kernel stores a program: identifiers, small integer types, arguments.

A `param`, an `input`, a site and a table are flat arrays handed in; arrays of `var` and `output`
are flat buffers, one per thread; single ones are local variables. Knows nothing of statements.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuralc.backends.exact.sites import Site, sites
from neuralc.backends.exact.slices import Slice
from neuralc.ir.nodes import Decl, Int, Program

# names that the generated text uses itself
_OWN = ("np", "i64", "u64", "range", "min", "max", "kernel", "start", "stop", "examples",
        "scoring", "job", "c", "e", "k", "wrong", "verdict", "wanted", "True", "False")  # fmt: skip
UNSET = -1
"""What an element of an output holds that no statement has set."""


class Names:
    """Identifiers of the generated text: each is given out once."""

    def __init__(self) -> None:
        """Keep the words of Python and of the kernel itself back."""
        self._taken = {*_OWN, *keyword.kwlist}
        self._counts: dict[str, int] = {}

    def fresh(self, wish: str) -> str:
        """Return an identifier like `wish` that is not in use: letters, digits, underscores."""
        base = re.sub(r"[^A-Za-z0-9_]", "_", wish)
        base = base if base[:1].isalpha() else f"v{base}"
        found = base
        while found in self._taken:
            self._counts[base] = self._counts.get(base, 1) + 1
            found = f"{base}_{self._counts[base]}"
        self._taken.add(found)
        return found


def small(size: int) -> np.dtype[Any]:
    """Return the type that stores 0..size-1: unsigned, so that it cannot be a negative index."""
    for kind in (np.uint8, np.uint16, np.uint32):
        if size - 1 <= np.iinfo(kind).max:
            return np.dtype(kind)
    return np.dtype(np.int64)


def signed(size: int) -> np.dtype[Any]:
    """Return the type that stores -1..size-1: for outputs, and targets up to size."""
    return np.dtype(np.int16) if size < 2**15 else np.dtype(np.int64)


@dataclass(frozen=True, slots=True)
class Stored:
    """An array of the program in the kernel: its name there, its type, its number of elements."""

    ident: str
    dtype: np.dtype[Any]
    count: int
    shape: tuple[int, ...]


class Layout:
    """All arrays of a program, by declaration, site and output."""

    def __init__(self, program: Program, slices: Mapping[str, Slice] | None = None) -> None:
        """Give every array a name and a type; of those in `slices` only one slice is stored."""
        self.program, self.names, self.slices = program, Names(), slices or {}
        decls = [decl for decl in program.decls if isinstance(decl.type, Int)]
        self.arrays = {decl.name: self._store(decl) for decl in decls}
        self.sites = {site: self._site(site) for site in sites(program)}
        self.outputs = [decl for decl in decls if decl.kind == "output"]
        self.found = {d.name: self._beside(d, "found") for d in self.outputs}
        self.wanted = {d.name: self._beside(d, "wanted") for d in self.outputs}
        given = [d.name for d in decls if d.kind in ("param", "input")]
        self.bases = {name: self.names.fresh(f"{self.arrays[name].ident}_at") for name in given}
        self.site_bases = {
            site: self.names.fresh(f"{stored.ident}_at") for site, stored in self.sites.items()
        }
        self.site_steps = {
            site: self.names.fresh(f"{stored.ident}_step") for site, stored in self.sites.items()
        }

    def is_local(self, decl: Decl) -> bool:
        """Tell whether a declaration becomes a local variable."""
        return decl.kind in ("var", "output") and not self.arrays[decl.name].shape

    def _store(self, decl: Decl) -> Stored:
        assert isinstance(decl.type, Int)
        size = decl.type.size
        dtype = signed(size) if decl.kind == "output" else small(size)
        shape = self.slices[decl.name].shape if decl.name in self.slices else decl.shape
        return Stored(self.names.fresh(decl.name), dtype, math.prod(shape), shape)

    def _beside(self, decl: Decl, suffix: str) -> Stored:
        stored = self.arrays[decl.name]
        ident = self.names.fresh(f"{stored.ident}_{suffix}")
        return Stored(ident, stored.dtype, stored.count, stored.shape)

    def _site(self, site: Site) -> Stored:
        output = self.program.network[site.network].output
        dtype = small(output.size) if isinstance(output, Int) else small(1)
        ident = self.names.fresh("_".join((site.network, *site.tensors)))
        return Stored(ident, dtype, site.count(self.program), site.shape(self.program))
