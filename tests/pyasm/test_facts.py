"""What the compiler knows about values at a point: the cases that are easy to get wrong."""

from __future__ import annotations

from neuralc.lang.pyasm.facts import Facts
from neuralc.lang.pyasm.flow import Local, Number, Operand, Step

M = 10
A, B, C = Local(0, "a"), Local(1, "b"), Local(2, "c")


def step(operation: str, target: Local | None, *operands: Operand) -> Step:
    return Step(operation, target, operands, None)


def facts(*steps: Step) -> Facts:
    found = Facts(M)
    for one in steps:
        found.update(one)
    return found


def test_what_is_there_already_is_not_read_into_itself() -> None:
    """A copy of a value to itself once made a circle of copies, which nothing came out of."""
    known = facts(step("READ", A, Number(3)))
    assert known.simplified(step("READ", A, Number(3))) is None
    assert known.simplified(step("READ", B, Number(3))) == step("COPY", B, A)


def test_a_copy_back_changes_nothing() -> None:
    known = facts(step("COPY", B, A), step("COPY", A, B))
    assert known.best(A) == known.best(B) == A


def test_a_cell_moves_with_its_address() -> None:
    """After `a += 2` the cell `mem[a]` of before is `mem[a - 2]`; so is what a copy says."""
    known = facts(step("READ", C, A), step("ADD", B, A, Number(2)), step("ADD", A, A, Number(2)))
    assert known.best(B) == A
    back = step("ADD", B, A, Number(8))
    known.update(back)
    assert known.simplified(step("READ", A, B)) == step("COPY", A, C)


def test_a_write_is_only_forgotten_where_it_may_be() -> None:
    known = facts(
        step("ADD", B, A, Number(1)), step("WRITE", None, A, Number(5)),
        step("WRITE", None, B, Number(6)),
    )  # fmt: skip
    assert known.simplified(step("READ", C, A)) == step("COPY", C, Number(5))
    known.update(step("WRITE", None, C, Number(7)))
    assert known.simplified(step("READ", C, A)) == step("READ", C, A)
    assert known.simplified(step("WRITE", None, C, Number(7))) is None


def test_only_what_both_paths_know_is_known() -> None:
    one = facts(step("COPY", A, Number(1)), step("COPY", B, Number(2)))
    two = facts(step("COPY", A, Number(1)), step("COPY", B, Number(3)))
    met = one.met(two)
    assert met.best(A) == Number(1)
    assert met.best(B) == B
