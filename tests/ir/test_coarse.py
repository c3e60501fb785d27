"""The quick check never passes what the close one refuses, and passes the large machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from neuralc.ir.coarse import clean
from neuralc.ir.flow import Flow
from neuralc.ir.nodes import Case, Decl, For, Gate, If, Int, Num, Op, Program, Ref, Switch, Sym
from neuralc.ir.reporter import Reporter
from neuralc.ir.statements import Statements
from tests.exact.turing import put, ref
from tests.ir.test_check_soundness import mutated
from tests.random_models import Features, programs, random_program

SEEN: Counter[tuple[bool, bool]] = Counter()


def verdicts(program: Program) -> tuple[bool, bool] | None:
    """Return what the quick and the close check say; None where neither is asked."""
    reporter = Reporter(program)
    Statements(program, reporter).body(program.body, {})
    if reporter.errors:
        return None
    quick = clean(program)
    Flow(program, reporter).run()
    return quick, not reporter.errors


@given(programs(), st.data())
@settings(max_examples=400)
def test_clean_is_never_wrong(program: Program, data: st.DataObject) -> None:
    broken = replace(program, body=mutated(program.body, data))
    found = verdicts(broken)
    if found is not None:
        SEEN[found] += 1
        assert found[1] or not found[0]


def test_both_verdicts_were_seen() -> None:
    assert SEEN[True, True] > 20, SEEN
    assert SEEN[False, False] > 20, SEEN


def test_most_sound_programs_are_clean() -> None:
    found = [clean(random_program(seed, Features(statements=25))) for seed in range(100)]
    assert sum(found) >= 80


def _gate(then: object, orelse: object) -> Program:
    """`with x as g: for c in range(3): if c == g: then else: orelse`, and `b` read after it."""
    base = random_program(0)
    decls = (Decl("x", "input", Int(3)), Decl("y", "input", Int(3), (3,)),
             Decl("b", "var", Int(3), (4,)), Decl("o", "output", Int(3)))  # fmt: skip
    turn = If(Op("==", (Sym("c"), Sym("g"))), then, orelse)  # type: ignore[arg-type]
    body = (
        Gate("g", 3, Ref("x"), (For("c", Num(0), Num(3), 1, (turn,)),)),
        put(ref("o"), ref("b", 1)),
    )
    return replace(base, decls=decls, tables=(), fixed=(), body=body)


def test_a_write_to_one_cell_is_clean() -> None:
    one, kept = put(ref("b", "c"), ref("y", 0)), put(ref("b", "c"), ref("y", "c"))
    assert verdicts(_gate((one,), (kept,))) == (True, True)


def test_an_arm_that_sets_nothing_is_refused() -> None:
    one = put(ref("b", "c"), ref("y", 0))
    assert verdicts(_gate((one,), ())) == (False, False)


def test_a_doubt_is_settled_by_the_close_look() -> None:
    """Only where c is not g is c - g no divisor 0: the quick check must not say clean by luck."""
    bad = Op("//", (Num(2), Op("-", (Sym("c"), Sym("g")))))
    one, kept = put(ref("b", "c"), bad), put(ref("b", "c"), ref("y", "c"))
    assert verdicts(_gate((one,), (kept,))) == (False, False)


def test_switch_arms_inside_a_gate() -> None:
    once = put(ref("b", "c"), ref("y", 0))
    half = Switch(Ref("x"), 3, (Case((0,), (once,)), Case((1, 2), ())))
    assert verdicts(_gate((half,), (once,))) == (False, False)
