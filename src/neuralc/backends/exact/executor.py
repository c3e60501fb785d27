"""Runs a kernel: checks and flattens the arrays, shares the jobs out among threads.

Threads of our own and a kernel without the GIL, rather than numba's parallel loops: the same
speed, a third of the compilation time, and safe when called from several threads at once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from neuralc.backends.exact.kernel import Kernel, build
from neuralc.backends.exact.layout import Stored
from neuralc.backends.exact.sites import Site, declines
from neuralc.cores import cores
from neuralc.errors import DataError, Declined
from neuralc.ir.examples import Examples
from neuralc.ir.nodes import Decl, Int, Program

Array = np.ndarray[Any, Any]
_JOBS_PER_TASK = 2048


def source(program: Program) -> str:
    """Return the text of the kernel of a program.

    Raises:
        Declined: the program has no exact execution.

    """
    return _kernel(program).text


def _kernel(program: Program) -> Kernel:
    reasons = declines(program)
    if reasons:
        raise Declined("the exact execution", reasons)
    return build(program)


class Executor:
    """The exact execution of a program, for many candidates and examples at once."""

    def __init__(self, program: Program, *, jit: bool = True, threads: int | None = None) -> None:
        """Write the kernel; numba compiles it at the first call.

        Args:
            program: a checked program.
            jit: False: run the same kernel as plain Python, for tests.
            threads: how many to use; None: one per core that this process may use.

        Raises:
            Declined: the program has no exact execution; `declines` gives the reasons.

        """
        self.program, self.jit = program, jit
        self.kernel = _kernel(program)
        self.threads = threads or cores()
        self._function = self.kernel.compiled(jit)
        self._pool: tuple[int, ThreadPoolExecutor] | None = None  # the process, its threads
        self._fixed = {decl.name: _fixed(program, decl) for decl in program.of("param")}

    def run(
        self,
        params: Mapping[str, Array],
        examples_inputs: Mapping[str, Array],
        networks: Mapping[Site, Array] | None = None,
    ) -> dict[str, Array]:
        """Return the outputs of every program on every example.

        Args:
            params: for each `param` integers [C, *shape]; one wholly fixed may be left out.
            examples_inputs: for each `Int` input integers [E, *shape]; others are ignored.
            networks: for each site the classes, see `Site`.

        Returns:
            For each output integers [C, E, *shape]; -1 is an element that nothing has set.

        Raises:
            DataError: an array is missing, unknown, of the wrong shape or out of range.

        """
        examples = _count_examples(self.kernel, examples_inputs, networks or {})
        layout = self.kernel.layout
        programs, given = self._given(params, examples_inputs, networks or {}, examples)
        outputs = {
            d.name: np.empty(programs * examples * layout.found[d.name].count,
                             layout.found[d.name].dtype)
            for d in layout.outputs
        }  # fmt: skip
        given |= {layout.found[name].ident: array for name, array in outputs.items()}
        self._launch(given, programs, examples, scoring=False)
        return {
            name: array.reshape(programs, examples, *self.program.decl[name].shape)
            for name, array in outputs.items()
        }

    def score(
        self,
        params: Mapping[str, Array],
        examples: Examples,
        networks: Mapping[Site, Array] | None = None,
    ) -> Array:
        """Return bool [C, E]: do all observed outputs equal the targets, and observations hold?

        Arguments and errors are those of `run`; a target of -1 is not observed.
        """
        return np.asarray(self.wrong(params, examples, networks) == 0)

    def wrong(
        self,
        params: Mapping[str, Array],
        examples: Examples,
        networks: Mapping[Site, Array] | None = None,
    ) -> Array:
        """Return uint32 [C, E]: how many observed values of each example come out wrong?

        Counts elements of outputs that differ from their targets, and observations of the program
        that do not hold. Arguments and errors are those of `run`.
        """
        count = examples.count
        programs, given = self._given(params, examples.inputs, networks or {}, count)
        given |= self._targets(examples)
        verdict = np.zeros(programs * count, np.uint32)
        self._launch({**given, "verdict": verdict}, programs, count, scoring=True)
        return verdict.reshape(programs, count)

    def single(
        self,
        params: Mapping[str, Array],
        examples: Examples,
        networks: Mapping[Site, Array] | None = None,
    ) -> tuple[Callable[..., None], list[Array], dict[str, int]]:
        """Return the kernel itself, for code that changes one program again and again.

        Args:
            params: one program, [1, *shape] for each param.
            examples: as for `score`.
            networks: as for `run`.

        Returns:
            The kernel, to be called as `kernel(e, e + 1, E, True, *arrays)`, or for all examples
            as `kernel(0, E, E, True, *arrays)`; its arrays, for one thread, the last of which
            gets at [e] what `wrong` returns; and where among them each param stands, which may be
            replaced by an array of another unsigned type.

        """
        _, given = self._given(params, examples.inputs, networks or {}, examples.count)
        given |= self._targets(examples)
        given["verdict"] = np.zeros(max(1, examples.count), np.uint32)
        places = {name: i for i, name in enumerate(self.kernel.arguments[4:])}
        idents = {d.name: self.kernel.layout.arrays[d.name].ident for d in self.program.of("param")}
        return (
            self._function, self._arrays(given),
            {name: places[ident] for name, ident in idents.items()},
        )  # fmt: skip

    def _targets(self, examples: Examples) -> dict[str, Any]:
        """Return the targets of the examples as arguments of the kernel."""
        given: dict[str, Any] = {}
        for decl in self.kernel.layout.outputs:
            stored = self.kernel.layout.wanted[decl.name]
            wanted = examples.outputs.get(decl.name)
            if wanted is None:
                wanted = np.full((examples.count, *stored.shape), -1)
            _check_shape(decl.name, "[E, *shape]", wanted, (examples.count, *stored.shape))
            assert isinstance(decl.type, Int)
            # a target out of range stays one that nothing equals
            given[stored.ident] = _flat(np.clip(wanted, -1, decl.type.size), stored)
        return given

    def _arrays(self, given: Mapping[str, Any]) -> list[Any]:
        """Return the arrays of a call in the order of the kernel; spare ones where none is used.

        Those that a run works in are new ones, for one thread.
        """
        layout = self.kernel.layout
        unused = [*layout.wanted.values(), *layout.found.values()]
        spare: dict[str, Any] = {stored.ident: np.empty(1, stored.dtype) for stored in unused}
        spare |= {s.ident: np.empty(s.count, s.dtype) for s in self.kernel.working}
        spare["verdict"] = np.empty(1, np.uint32)
        return [{**spare, **given}[name] for name in self.kernel.arguments[4:]]

    def _given(
        self,
        params: Mapping[str, Array],
        inputs: Mapping[str, Array],
        networks: Mapping[Site, Array],
        examples: int,
    ) -> tuple[int, dict[str, Any]]:
        """Return the number of programs, and the arguments of the kernel that are handed in."""
        layout = self.kernel.layout
        programs, given = self._choices(params)
        for decl in self.program.of("input"):
            if isinstance(decl.type, Int):
                stored = layout.arrays[decl.name]
                array = _take(inputs, decl.name, "input")
                _check_shape(decl.name, "[E, *shape]", array, (examples, *decl.shape))
                _check_range(decl.name, array, decl.type.size)
                given[stored.ident] = _flat(array, stored)
        for site, stored in layout.sites.items():
            array = _take(networks, site, "site")
            own = (programs if len(array) != 1 else 1, examples, *stored.shape)
            _check_shape(str(site), "[C or 1, E, *arrays, *sizes]", array, own)
            kind = self.program.network[site.network].output
            assert isinstance(kind, Int)
            _check_range(str(site), array, kind.size)
            given[stored.ident] = _flat(array, stored)
            given[layout.site_steps[site]] = examples * stored.count if len(array) != 1 else 0
        return programs, given | self.kernel.tables

    def _choices(self, params: Mapping[str, Array]) -> tuple[int, dict[str, Any]]:
        """Return the number of programs, and their choices with the fixed ones put in."""
        decls = self.program.of("param")
        unknown = sorted(set(params) - {decl.name for decl in decls})
        if unknown:
            raise DataError(f"no param of {self.program.name}: {', '.join(unknown)}")
        programs = next((len(array) for array in params.values()), 1)
        given: dict[str, Any] = {}
        for decl in decls:
            stored, (where, what) = self.kernel.layout.arrays[decl.name], self._fixed[decl.name]
            if decl.name not in params and len(where) == stored.count:
                array = np.zeros((programs, *decl.shape), stored.dtype)
            else:
                array = _take(params, decl.name, "param")
            _check_shape(decl.name, "[C, *shape]", array, (programs, *decl.shape))
            if len(where):
                array = np.array(array).reshape(programs, stored.count)
                array[:, where] = what
            _check_range(decl.name, array, _sizes(decl))
            given[stored.ident] = _flat(array, stored)
        return programs, given

    def _launch(
        self, given: Mapping[str, Any], programs: int, examples: int, *, scoring: bool
    ) -> None:
        """Run all jobs, in as many tasks as keep the threads busy to the end."""
        jobs = programs * examples
        if not jobs:
            return
        tasks = min(self.threads * 4, -(-jobs // _JOBS_PER_TASK)) if self.threads > 1 else 1
        ends = [jobs * k // tasks for k in range(tasks + 1)]
        if tasks == 1:
            self._function(0, jobs, examples, scoring, *self._arrays(given))
            return
        if self._pool is None or self._pool[0] != os.getpid():  # threads do not survive a fork
            self._pool = os.getpid(), ThreadPoolExecutor(self.threads, thread_name_prefix="exact")
        futures = [
            self._pool[1].submit(
                self._function, start, stop, examples, scoring, *self._arrays(given)
            )
            for start, stop in pairwise(ends)
        ]
        for future in futures:
            future.result()


def _fixed(program: Program, decl: Decl) -> tuple[Array, Array]:
    """Return the flat positions of a param's fixed elements, and their values."""
    found = {
        int(np.ravel_multi_index(fixed.index, decl.shape)) if decl.shape else 0: fixed.value
        for fixed in program.fixed
        if fixed.name == decl.name
    }
    return np.array(list(found), np.int64), np.array(list(found.values()), np.int64)


def _sizes(decl: Decl) -> int | Array:
    """Return the number of values of a param; of each element, where they differ."""
    assert isinstance(decl.type, Int)
    return decl.type.size if decl.limits is None else np.array(decl.limits)


def _count_examples(
    kernel: Kernel, inputs: Mapping[str, Array], networks: Mapping[Site, Array]
) -> int:
    for name in kernel.layout.bases:
        if name in inputs:
            return len(inputs[name])
    for array in networks.values():
        return int(np.shape(array)[1])
    return next((len(array) for array in inputs.values()), 1)


def _take(arrays: Mapping[Any, Array], key: Any, what: str) -> Array:
    if key not in arrays:
        raise DataError(f"{what} {key} is missing; found {sorted(map(str, arrays))}")
    return np.asarray(arrays[key])


def _check_shape(name: str, axes: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise DataError(f"{name}: found shape {array.shape}, wanted {shape}: {axes}")


def _check_range(name: str, array: Array, size: int | Array) -> None:
    """Refuse what would read outside an array: the kernel does not look."""
    if array.dtype.kind not in "iub":
        raise DataError(f"{name}: found {array.dtype}, wanted integers")
    rows = array.reshape(len(array), math.prod(array.shape[1:]))
    if isinstance(size, int):
        fits = not rows.size or (int(rows.min()) >= 0 and int(rows.max()) < size)
    else:
        fits = not rows.size or (bool((rows >= 0).all()) and bool((rows < size).all()))
    if not fits:
        k = int(((rows < 0) | (rows >= size)).any(axis=1).argmax())
        limit = size - 1 if isinstance(size, int) else (size - 1).tolist()
        raise DataError(f"{name}[{k}]: found {array[k].tolist()}, wanted 0..{limit}")


def _flat(array: Array, stored: Stored) -> Array:
    """Return a flat, contiguous, writable array of the type of the kernel."""
    flat = np.ascontiguousarray(array, dtype=stored.dtype).reshape(-1)
    return flat if flat.flags.writeable else flat.copy()
