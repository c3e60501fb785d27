"""What is set and read on which path, and whether every number is in range.

Runs the program once with the state of each element (unset, set, set on some paths) in place of
its value. Loops are run turn by turn. A gate is run once for each value of its variable where
the paths differ (its variable decides an `If` or which element is set), otherwise once for all
its values. Knows nothing of types; `statements.py` has checked these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import product
from math import prod

from neuralc.ir.evaluate import Element
from neuralc.ir.nodes import (
    Body,
    Call,
    For,
    Gate,
    If,
    Int,
    Observe,
    Program,
    Ref,
    Set,
    Statement,
    Switch,
    Value,
    symbols,
    walk,
)
from neuralc.ir.path import Mark, cause_of, first_missing, missing_text, name_of, where_text
from neuralc.ir.ranges import Env, Ranges, UnknownNumberError
from neuralc.ir.reporter import Placed, Reporter
from neuralc.ir.text import show_value
from neuralc.ir.uniform import moved_arrays

_FEW = 5  # turns that are simply run


def decides(body: Body, name: str) -> bool:
    """Say whether a gate variable decides an `If`, a loop, or which element is set."""
    for statement in body:
        match statement:
            case Set(target=target):
                found = name in symbols(target)
            case If(condition=condition, then=then, orelse=orelse):
                found = name in symbols(condition) or decides((*then, *orelse), name)
            case For(var=var, start=start, stop=stop, body=inner):
                found = name in symbols(start) | symbols(stop)
                found = found or (var != name and decides(inner, name))
            case Gate(var=var, body=inner):
                found = var != name and decides(inner, name)
            case Switch(cases=cases):
                found = any(decides(case.body, name) for case in cases)
            case Observe():
                found = False
        if found:
            return True
    return False


class Flow:
    """One abstract run of a program."""

    def __init__(self, program: Program, reporter: Reporter) -> None:
        """Start with nothing set; the program's names and types have been checked."""
        self.program, self.reporter = program, reporter
        self.ranges = Ranges(program, reporter)
        self.state: dict[Element, Mark] = {}
        self.trail: list[list[Element]] = []  # what each open branch has set, innermost last
        self.excused: set[Element] = set()  # reported once already
        self.doubtful: set[str] = set()  # set twice somewhere, and so perhaps not elsewhere
        self.causes: set[object] = set()
        self.ever_set = {s.target.name for s in walk(program.body) if isinstance(s, Set)}
        self._decides: dict[int, bool] = {}

    def run(self) -> None:
        """Report everything that is wrong."""
        self.body(self.program.body, {})
        for decl in self.program.of("output"):
            never: list[Element] = []
            for index in product(*map(range, decl.shape)):
                element = decl.name, index
                mark = self.state.get(element)
                if mark is None and self._new(element):
                    never.append(element)
                elif mark is not None and mark.missing is not None and self._new(element):
                    self._partial(element, mark, None)
            if never:
                more = f" (nor are {len(never) - 1} other elements)" if len(never) > 1 else ""
                self.reporter.add(
                    "E214",
                    f"output `{name_of(never[0])}` is never set{more}",
                    decl,
                    hint=f"set every element once: {name_of(never[0])}.set_to(...)",
                )

    # ---- statements

    def body(self, body: Body, env: Env) -> None:
        """Run statements; say no more about what one sets whose numbers are not known."""
        for statement in body:
            try:
                self._statement(statement, env)
            except UnknownNumberError:
                for inner in walk((statement,)):
                    if isinstance(inner, Set):
                        self.reporter.poisoned.add(inner.target.name)

    def _statement(self, statement: Statement, env: Env) -> None:
        match statement:
            case Set():
                self._set(statement, env)
            case For(var=var, start=start, stop=stop, step=step, body=inner):
                if step == 0:
                    raise UnknownNumberError
                first, last = (self.ranges.number(bound, env, statement) for bound in (start, stop))
                self.ranges.bound[var] = id(statement)
                turns = range(first, last, step)
                if not self._same_turns(statement, turns, env):
                    for i in turns:
                        self.body(inner, {**env, var: i})
            case If(condition=condition, then=then, orelse=orelse):
                self.body(then if self.ranges.number(condition, env, statement) else orelse, env)
            case Gate():
                self._gate(statement, env)
            case Switch(value=value, cases=cases):
                self._read(value, None, env, statement)
                self._possible(statement, env)
                self._branches(value, env, [(c.values, c.body, env) for c in cases])
            case Observe(ref=ref):
                self._read(ref, None, env, statement)

    def _same_turns(self, loop: For, turns: range, env: Env) -> bool:
        """Run a loop whose turns are all the same: the first ones and the last.

        What a turn does depends on what is set at its number and the one after it. Once two turns
        have left the same behind, and nothing is wrong, all later ones do. Returns False, and has
        done nothing, where that is not so from the start; a loop that turns out to be otherwise is
        run to its end.
        """
        arrays = moved_arrays(loop, self.program) if len(turns) > _FEW else None
        if arrays is None or self.reporter.errors:
            return False
        if any(name in arrays and index[0] > turns[0] for name, index in self.state):
            return False
        before: dict[Element, Mark] = {}
        settled = False
        for i in turns:
            if settled and i != turns[-1]:
                for (name, (offset, *rest)), mark in before.items():
                    if (name, (i + offset, *rest)) not in self.state:
                        moved = mark if mark.missing is None else mark.at(loop.var, i)
                        self._put((name, (i + offset, *rest)), moved)
                continue
            self.body(loop.body, {**env, loop.var: i})
            after = self._left(arrays, i)
            settled = settled or (not self.reporter.errors and _alike(before, after))
            before = after
        return True

    def _left(self, arrays: frozenset[str], turn: int) -> dict[Element, Mark]:
        """Return what is set at the number of a turn, offset 0, and the one after it, offset 1."""
        decls = (self.program.decl[name] for name in sorted(arrays))
        return {
            (decl.name, (offset, *rest)): mark
            for decl in decls
            for offset in (0, 1)
            for rest in product(*map(range, decl.shape[1:]))
            if (mark := self.state.get((decl.name, (turn + offset, *rest)))) is not None
        }

    def _set(self, statement: Set, env: Env) -> None:
        target = statement.target
        decl = self.program.decl.get(target.name)
        size = decl.type.size if decl is not None and isinstance(decl.type, Int) else None
        self._read(statement.value, size, env, statement)
        elements = self.ranges.elements(target, env, statement)
        if len(elements) != 1:
            raise UnknownNumberError  # out of range, which is reported
        (element,) = elements
        if decl is None or decl.kind in ("param", "input"):
            return
        before = self.state.get(element)
        if before is None:
            self._put(element, Mark(statement, None))
        elif target.name not in self.reporter.poisoned:
            self._twice(element, before, statement, env)

    def _put(self, element: Element, mark: Mark) -> None:
        self.state[element] = mark
        if self.trail:
            self.trail[-1].append(element)

    def _gate(self, gate: Gate, env: Env) -> None:
        self._read(gate.value, None, env, gate)
        values = self._possible(gate, env)
        key = self.ranges.bound[gate.var] = id(gate)
        if key not in self._decides:
            self._decides[key] = decides(gate.body, gate.var)
        if self._decides[key]:
            arms = [((k,), gate.body, {**env, gate.var: k}) for k in values]
            self._branches(gate.value, env, arms)
        else:
            self.body(gate.body, {**env, gate.var: values})

    def _possible(self, gate: Gate | Switch, env: Env) -> range:
        """Return the values that may be branched on: fewer for a Param with limits."""
        value = gate.value
        decl = self.program.decl.get(value.name) if isinstance(value, Ref) else None
        if decl is None or decl.limits is None or not isinstance(value, Ref):
            return range(gate.size)
        found = self._elements(value, env, gate)
        limits = (decl.limits[_flat(index, decl.shape)] for _, index in found)
        most = max(limits, default=gate.size)
        if most > gate.size:
            self.reporter.add(
                "E209",
                f"{show_value(value)} has {most} values, but {gate.size} branches are taken on it",
                value,
                gate,
                hint="the number of branches is the number of values of what is tested",
            )
        return range(min(most, gate.size))

    def _branches(
        self, value: Value, env: Env, arms: Sequence[tuple[tuple[int, ...], Body, Env]]
    ) -> None:
        """Run the arms, each from the same state, and join what they have set."""
        after: list[dict[Element, Mark]] = []
        for _, body, inner in arms:
            self.trail.append([])
            self.body(body, inner)
            after.append({element: self.state.pop(element) for element in self.trail.pop()})
        for element in dict.fromkeys(element for arm in after for element in arm):
            marks = [arm.get(element) for arm in after]
            first = next(mark for mark in marks if mark is not None)
            if all(mark is not None and mark.missing is None for mark in marks):
                self._put(element, first)
            else:
                missing = first_missing(value, env, [values for values, _, _ in arms], marks)
                self._put(element, Mark(first.place, missing))

    # ---- what is read

    def _read(self, value: Value, size: int | None, env: Env, outer: Placed) -> None:
        """Check that all elements that a value may read are set, and constants below `size`."""
        match value:
            case Ref(name=name):
                decl = self.program.decl.get(name)
                elements = self._elements(value, env, outer)
                if decl is None or decl.kind in ("param", "input"):
                    return
                for element in elements:
                    mark = self.state.get(element)
                    if (mark is None or mark.missing is not None) and self._new(element):
                        if mark is None:
                            self._unset(element, value, env, outer)
                        else:
                            self._partial(element, mark, value)
            case Call(function=name, args=args):
                sizes: Sequence[int | None] = [None] * len(args)
                if name in self.program.table:
                    sizes = self.program.table[name].sizes
                elif name in self.program.network:
                    kinds = self.program.network[name].inputs
                    sizes = [kind.size if isinstance(kind, Int) else None for kind in kinds]
                for arg, limit in zip(args, sizes, strict=False):
                    self._read(arg, limit, env, outer)
            case _:
                if size is not None:
                    with suppress(UnknownNumberError):
                        self.ranges.constant(value, size, env, outer)

    def _elements(self, ref: Ref, env: Env, outer: Placed) -> tuple[Element, ...]:
        """Return all elements that may be read; none after an error that is reported."""
        try:
            return self.ranges.elements(ref, env, outer)
        except UnknownNumberError:
            return ()

    def _new(self, element: Element) -> bool:
        """Say whether an element has not been reported yet, and take note that it is now."""
        if element in self.excused or element[0] in self.reporter.poisoned | self.doubtful:
            return False
        self.excused.add(element)
        return True

    # ---- errors

    def _unset(self, element: Element, ref: Ref, env: Env, outer: Placed) -> None:
        if ref.name not in self.ever_set:
            message = f"`{name_of(element)}` is read, but `{ref.name}` is never set"
            hint = f"set it before: {name_of(element)}.set_to(...)"
        else:
            message = f"`{name_of(element)}` is read before it is set"
            hint = "set it earlier, or read an element that is set by then"
        at = {s: n for s in self.ranges.names(ref) if isinstance(n := env.get(s), int)}
        self.reporter.add("E211", message, ref, outer, label=where_text(at), hint=hint)

    def _partial(self, element: Element, mark: Mark, read: Ref | None) -> None:
        assert mark.missing is not None
        cause = element[0], cause_of(mark.missing)
        if cause in self.causes:
            return
        self.causes.add(cause)
        line = mark.line()
        message = f"`{name_of(element)}` is not set on every path"
        if read is not None:
            message += ", but read"
        first = f"; set on line {line}" if read is not None and line is not None else ""
        self.reporter.add(
            "E212",
            message,
            *((read,) if read is not None else ()),
            mark.place.target,
            mark.place,
            label=f"not set when {missing_text(mark.missing)}{first}",
            hint="set it in that branch too; copy the old value if it does not change there",
        )

    def _twice(self, element: Element, before: Mark, again: Set, env: Env) -> None:
        self.doubtful.add(element[0])
        line = before.line()
        label = f"first set on line {line}" if line is not None else "it was set before"
        hint = "set it once; if the two belong to different cases, use one if ... elif ... else"
        if before.place is again:
            at = {s: n for s, n in env.items() if isinstance(n, int)}
            label = "set here before, in an earlier turn of the loop" + (
                f" than {where_text(at).removeprefix('when ')}" if at else ""
            )
            hint = "index it with the loop variable, so that each turn sets another element"
        elif before.missing is not None:
            label += f", except when {missing_text(before.missing)}"
        message = f"`{name_of(element)}` is set twice"
        self.reporter.add("E213", message, again.target, again, label=label, hint=hint)


def _alike(marks: Mapping[Element, Mark], others: Mapping[Element, Mark]) -> bool:
    """Tell whether the same is set by the same statements, on all paths or not."""

    def told(mark: Mark) -> tuple[Set, bool]:
        return mark.place, mark.missing is None

    return marks.keys() == others.keys() and all(
        told(mark) == told(others[element]) for element, mark in marks.items()
    )


def _flat(index: Sequence[int], shape: Sequence[int]) -> int:
    return sum(i * prod(shape[axis + 1 :]) for axis, i in enumerate(index))
