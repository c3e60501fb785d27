"""The whole kernel of a program, as text and as a function: all jobs of a range, one by one.

A job is one program on one example. The text is made of numbers and of identifiers given out by
`layout.Names`; nothing of a model file reaches it but comments on one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from neuralc.backends.exact.compact import Compact, once_read
from neuralc.backends.exact.emit import single_inputs
from neuralc.backends.exact.gather import gathered
from neuralc.backends.exact.layout import UNSET, Layout, Stored
from neuralc.backends.exact.slices import slices
from neuralc.ir.nodes import Program


@dataclass(frozen=True, eq=False)
class Kernel:
    """`text` defines `kernel(start, stop, examples, scoring, *arrays)`, with its arguments here.

    `working` are the arrays among them that a run works in. Who calls hands them in, because to
    allocate them takes longer than a short run; each thread needs its own.
    """

    text: str
    layout: Layout
    arguments: tuple[str, ...]
    tables: dict[str, np.ndarray[Any, Any]]
    working: tuple[Stored, ...]

    def compiled(self, jit: bool) -> Callable[..., None]:
        """Return the function: by numba, or the very same text as plain Python."""
        return _function(self.text, jit)


@lru_cache(maxsize=64)
def _function(text: str, jit: bool) -> Callable[..., None]:
    """Turn the text of a kernel into a function; the same text is compiled once."""
    space: dict[str, Any] = {"np": np, "i64": int, "u64": int}
    if jit:
        space |= {"i64": np.int64, "u64": np.uint64}
    exec(compile(text, "<exact kernel>", "exec"), space)  # noqa: S102 - our own text
    function: Callable[..., None] = space["kernel"]
    if not jit:
        return function
    import numba  # half a second, and only needed here

    fast: Callable[..., None] = numba.njit(nogil=True, error_model="numpy")(function)
    return fast


def build(program: Program) -> Kernel:
    """Write the kernel of a program that is not declined."""
    private = once_read(program)
    program = gathered(program)
    carried = slices(program)
    first = _emit(program, Layout(program, carried), frozenset(), private)
    unread = {d.name for d in program.of("var") if d.name not in first.read}
    layout = Layout(program, carried)
    emitter = _emit(program, layout, frozenset(unread), private)
    working = _working(program, layout, unread)
    arguments = _arguments(layout, emitter, working)
    lines = [
        f"def kernel({', '.join(arguments)}):",
        f'    """{_clean(program.name)}: jobs start..stop-1, a job is one program on one example.',
        "",
        "    Arrays are flat, the last index fastest; this job's part begins at `<name>_at`.",
        '    """',
        "    c = start // examples  # the program",
        "    e = start - c * examples  # the example",
        "    for job in range(start, stop):",
        *_prologue(program, layout, unread),
        *emitter.lines,
        *_epilogue(layout, program),
        "        e += 1",
        "        if e == examples:",
        "            e = 0",
        "            c += 1",
    ]
    return Kernel("\n".join(lines) + "\n", layout, arguments, emitter.tables.arrays, working)


def _clean(words: str) -> str:
    return "".join(c if c.isalnum() or c in " _-." else "?" for c in words)


def _emit(
    program: Program, layout: Layout, unread: frozenset[str], private: frozenset[str]
) -> Compact:
    emitter = Compact(program, layout, unread, private)
    for decl in single_inputs(program):
        stored = layout.arrays[decl.name]
        ident = emitter.bind(stored.ident, f"i64({stored.ident}[{layout.bases[decl.name]}])")
        emitter.known[decl.name, layout.bases[decl.name]] = ident
    emitter.body(program.body, {})
    return emitter


def _arguments(layout: Layout, emitter: Compact, working: tuple[Stored, ...]) -> tuple[str, ...]:
    given = [layout.arrays[name].ident for name in layout.bases]
    sites = [i for s in layout.sites for i in (layout.sites[s].ident, layout.site_steps[s])]
    outputs = [layout.wanted[d.name].ident for d in layout.outputs]
    outputs += [layout.found[d.name].ident for d in layout.outputs]
    return ("start", "stop", "examples", "scoring", *given, *sites, *emitter.tables.arrays,
            *outputs, *(stored.ident for stored in working), "verdict")  # fmt: skip


def _working(program: Program, layout: Layout, unread: set[str]) -> tuple[Stored, ...]:
    """Return the arrays of `var` and `output` that are really stored."""
    return tuple(
        stored
        for name, stored in layout.arrays.items()
        if program.decl[name].kind in ("var", "output") and stored.shape and name not in unread
    )


def _prologue(program: Program, layout: Layout, unread: set[str]) -> list[str]:
    """Set where the arrays of this job begin, and what must not be left from the last job."""
    lines = ["        wrong = 0  # values that are observed to be another"]
    for name, base in layout.bases.items():
        which = "c" if program.decl[name].kind == "param" else "e"
        count = layout.arrays[name].count
        lines.append(f"        {base} = {which}" + (f" * {count}" if count != 1 else ""))
    for site, base in layout.site_bases.items():
        stored, step = layout.sites[site], layout.site_steps[site]
        lines.append(f"        {base} = c * {step} + e * {stored.count}")
    for name, stored in layout.arrays.items():
        decl = program.decl[name]
        if name in unread and name in layout.slices:
            continue
        if layout.is_local(decl):
            lines.append(f"        {stored.ident} = {UNSET if decl.kind == 'output' else 0}")
        elif decl.kind == "output":
            lines.append(f"        for k in range({stored.count}):")
            lines.append(f"            {stored.ident}[k] = {UNSET}")
    return lines


def _epilogue(layout: Layout, program: Program) -> list[str]:
    """Compare the outputs with the targets, or hand them out."""
    lines = ["        if scoring:  # a target below 0 is not observed"]
    for decl in layout.outputs:
        wanted, stored = layout.wanted[decl.name].ident, layout.arrays[decl.name]
        if layout.is_local(decl):
            pad, at, value = "", "e", stored.ident
        else:
            lines.append(f"            for k in range({stored.count}):")
            pad, at, value = "    ", f"e * {stored.count} + k", f"{stored.ident}[k]"
        lines.append(f"            {pad}wanted = {wanted}[{at}]")
        lines.append(f"            {pad}wrong += wanted >= 0 and wanted != {value}")
    lines += ["            verdict[job] = wrong", "        else:"]
    for decl in layout.outputs:
        found, stored = layout.found[decl.name].ident, layout.arrays[decl.name]
        if layout.is_local(decl):
            lines.append(f"            {found}[job] = {stored.ident}")
        else:
            lines.append(f"            for k in range({stored.count}):")
            lines.append(f"                {found}[job * {stored.count} + k] = {stored.ident}[k]")
    return [*lines, *(["            pass"] if not layout.outputs else [])]
