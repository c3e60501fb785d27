"""Each check: a program that it refuses, with the message, and one as close that it accepts."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent

import pytest
from hypothesis import given

from neuralc.ir.check import InternalError, check, verify
from neuralc.ir.nodes import (
    Decl,
    Fixed,
    Int,
    Num,
    Program,
    Ref,
    Set,
    Table,
)
from neuralc.ir.text import read
from tests.random_models import Features, programs

HEAD = """\
program "case"
table inc(3) -> 3 = 1 2 0
table add(3, 3) -> 5 = 0..2 1..3 2..4
network net(Tensor(2, 2), 3) -> 3
param p: 3
param ps: 2[3]
param ragged: 4[3] limits 2 3 4
param choices: 5
input x: 3
input xs: 3[3]
input image: Tensor(2, 2)
input long: Tensor(4)
var a: 3
var b: 3
var c: 5
var row: 3[4]
var grid: 3[3, 3]
var pixels: Tensor(2, 2)
output y: 3
"""
DONE = "\ny = x\n"

# Every row: the code, a part of the message, what is refused, what is accepted.
CASES = [
    ("E201", "`q` is not declared", "a = q", "a = p"),
    ("E201", "`aa` is not declared", "aa = x", "a = x"),
    ("E201", "no function `dec`", "a = dec(x)", "a = inc(x)"),
    ("E201", "`t` is no loop or gate", "row[$t] = 0", "for t in range(0, 4, 1):\n    row[t] = 0"),
    ("E202", "`p` is a Param and cannot", "p = x", "a = x"),
    ("E202", "`x` is an Input and cannot", "x = p", "a = p"),
    ("E203", "`row` takes 1 index, not 2", "row[0, 1] = 0", "row[0] = 0"),
    ("E203", "`a` takes 0 indices, not 1", "a[0] = 0", "a = 0"),
    ("E204", "out of range: 4, where 0..3", "row[4] = 0", "row[3] = 0"),
    ("E204", "xs[0 - 1]", "a = xs[0 - 1]", "a = xs[1 - 1]"),
    (
        "E204",
        "row[t + 1] is out of range: 4",
        "for t in range(0, 4, 1):\n    row[t + 1] = 0",
        "for t in range(0, 3, 1):\n    row[t + 1] = 0",
    ),
    (
        "E204",
        "xs[i - 1] is out of range: -1",
        "with x as i of 3:\n    a = xs[i - 1]",
        "with x as i of 3:\n    if i == 0:\n        a = 0\n    else:\n        a = xs[i - 1]",
    ),
    (
        "E204",
        "for index 2",
        "with x as i of 3:\n    grid[0, i + 1] = 0",
        "with x as i of 3:\n    grid[0, (i + 1) % 3] = 0",
    ),
    (
        "E204",
        "xs[r]",
        "with ragged[2] as r of 4:\n    a = xs[r]",
        "with ragged[1] as r of 4:\n    a = xs[r]",
    ),
    ("E205", "Param(5) used where 0..2 is allowed", "a = choices", "c = choices"),
    ("E205", "add(...) in 0..4 used where 0..2", "a = add(x, p)", "c = add(x, p)"),
    ("E205", "Param(5) used where", "c = add(x, choices)", "c = add(x, ps[0])"),
    ("E206", "3 is used where 0..2 is allowed", "a = 3", "a = 2"),
    ("E206", "-1 is used where", "a = -1", "a = 0"),
    (
        "E206",
        "3 is used where",
        "with x as i of 3:\n    a = i + 1",
        "with x as i of 3:\n    a = (i + 1) % 3",
    ),
    ("E206", "4 is used where", "a = inc(4)", "a = inc(1)"),
    ("E207", "`add` takes 2 arguments, not 1", "c = add(x)", "c = add(x, x)"),
    ("E207", "`inc` takes 1 argument, not 2", "a = inc(x, x)", "a = inc(x)"),
    ("E208", "does not fit `a`", "a = image", "pixels = image"),
    ("E208", "does not fit argument 1", "a = net(long, x)", "a = net(image, x)"),
    ("E208", "does not fit argument 2", "a = net(image, image)", "a = net(image, 2)"),
    ("E208", "`pixels` is a tensor", "pixels = 0", "pixels = image"),
    ("E208", "does not fit `pixels`", "pixels = x", "pixels = image"),
    (
        "E208",
        "cannot be branched on",
        "with image as i of 2:\n    a = 0",
        "with net(image, x) as i of 3:\n    a = 0",
    ),
    ("E209", "4 branches", "with x as i of 4:\n    a = 0", "with x as i of 3:\n    a = 0"),
    (
        "E209",
        "2 branches",
        "switch x of 2:\n    case 0, 1:\n        a = 0",
        "switch ps[0] of 2:\n    case 0, 1:\n        a = 0",
    ),
    (
        "E209",
        "ragged[t] has 3 values, but 2",
        "for t in range(0, 2, 1):\n    with ragged[t] as i of 2:\n        row[t] = i",
        "for t in range(0, 2, 1):\n    with ragged[t] as i of 3:\n        row[t] = i",
    ),
    (
        "E210",
        "x == 2 is not handled",
        "switch x of 3:\n    case 0, 1:\n        a = 0",
        "switch x of 3:\n    case 0, 2, 1:\n        a = 0",
    ),
    (
        "E210",
        "x == 1 is handled twice",
        "switch x of 3:\n    case 0, 1:\n        pass\n    case 1, 2:\n        pass",
        "switch x of 3:\n    case 0, 1:\n        pass\n    case 2:\n        pass",
    ),
    (
        "E210",
        "x == 3 cannot happen",
        "switch x of 3:\n    case 0, 1, 2, 3:\n        pass",
        "switch x of 3:\n    case 0, 1, 2:\n        pass",
    ),
    ("E211", "`a` is read before it is set", "b = a\na = x", "a = x\nb = a"),
    ("E211", "`a` is never set", "b = a", "a = 0\nb = a"),
    (
        "E211",
        "`row[1]` is read before",
        "row[0] = 0\nfor t in range(0, 3, 1):\n    row[t + 1] = inc(row[t + 1])",
        "row[0] = 0\nfor t in range(0, 3, 1):\n    row[t + 1] = inc(row[t])",
    ),
    (
        "E211",
        "`row[2]` is read",
        "row[0] = 0\nrow[1] = 0\nwith x as i of 3:\n    a = row[i]",
        "row[0] = 0\nrow[1] = 0\nwith ps[0] as i of 2:\n    a = row[i]",
    ),
    (
        "E211",
        "`row[1]` is read",
        "row[0] = 0\nwith x as i of 3:\n    if i <= 1:\n        a = row[i]",
        "row[0] = 0\nwith x as i of 3:\n    if i < 1:\n        a = row[i]",
    ),
    (
        "E211",
        "`grid[1, 1]` is read",
        "grid[0, 0] = 0\nwith ps[0] as i of 2:\n    a = grid[i, i]",
        "grid[0, 0] = 0\ngrid[1, 1] = 0\nwith ps[0] as i of 2:\n    a = grid[i, i]",
    ),
    (
        "E212",
        "`a` is not set on every path, but read",
        "switch x of 3:\n    case 0, 1:\n        a = 0\n    case 2:\n        pass\nb = a",
        "switch x of 3:\n    case 0, 1:\n        a = 0\n    case 2:\n        a = 1\nb = a",
    ),
    (
        "E212",
        "`a` is not set on every path",
        "with x as i of 3:\n    if i > 0:\n        a = 0\nb = a",
        "with x as i of 3:\n    if i > 0:\n        a = 0\n    else:\n        a = 1\nb = a",
    ),
    (
        "E212",
        "`row[1]` is not set on every path",
        "with x as i of 3:\n    row[i] = 0\nb = row[1]",
        "with x as i of 3:\n    row[i] = 0\n    b = row[i]",
    ),
    ("E213", "`a` is set twice", "a = x\na = p", "a = x\nb = p"),
    (
        "E213",
        "`row[1]` is set twice",
        "for t in range(0, 3, 1):\n    row[1] = 0",
        "for t in range(0, 3, 1):\n    row[t] = 0",
    ),
    (
        "E213",
        "`a` is set twice",
        "switch x of 3:\n    case 0, 1:\n        a = 0\n    case 2:\n        pass\na = 0",
        "switch x of 3:\n    case 0, 1:\n        a = 0\n    case 2:\n        pass\nb = 0",
    ),
    (
        "E217",
        "observed inside a branch",
        "with x as i of 3:\n    observe p = 0",
        "with x as i of 3:\n    pass\nobserve p = 0",
    ),
    ("E217", "4 is observed where 0..2 is allowed", "observe p = 4", "observe p = 2"),
    ("E217", "is a tensor", "observe image = 0", "observe x = 0"),
    (
        "E218",
        "depends on `i`",
        "with x as i of 3:\n    for t in range(0, i, 1):\n        pass",
        "for i in range(0, 2, 1):\n    for t in range(0, i, 1):\n        pass",
    ),
    (
        "E218",
        "step of this loop is 0",
        "for t in range(0, 3, 0):\n    pass",
        "for t in range(3, 0, -1):\n    row[t] = 0",
    ),
    (
        "E219",
        "has no value",
        "with x as i of 3:\n    a = 2 // i",
        "with x as i of 3:\n    if i > 0:\n        a = 2 // i",
    ),
    ("E219", "`not` does not take 2 operands", "a = not(1, 0)", "a = not(1)"),
]


def refusals(body: str, head: str = HEAD, end: str = DONE) -> list[str]:
    return [str(error) for error in check(read(head + "\n" + dedent(body) + end))]


@pytest.mark.parametrize(
    ("code", "message", "refused", "accepted"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES]
)
def test_statement(code: str, message: str, refused: str, accepted: str) -> None:
    assert refusals(accepted) == []
    found = refusals(refused)
    assert len(found) == 1, found
    assert found[0].startswith(code)
    assert message in found[0]
    assert "hint: " in found[0]


def test_outputs() -> None:
    head = HEAD + "output ys: 3[2]\n"
    assert refusals("ys[0] = x\nys[1] = x", head) == []
    (never,) = refusals("ys[1] = x", head)
    assert never.startswith("E214: output `ys[0]` is never set")
    (never,) = refusals("", head)
    assert "(nor are 1 other elements)" in never
    switch = (
        "switch x of 3:\n    case 0:\n        ys[0] = x\n    case 1, 2:\n        pass\nys[1] = 0"
    )
    (partly,) = refusals(switch, head)
    assert partly.startswith("E212: `ys[0]` is not set on every path")
    assert "not set when x == 1 or 2" in partly


def test_a_message_names_the_path_and_both_places() -> None:
    body = """\
    row[0] = x
    for t in range(0, 2, 1):
        switch ps[t] of 2:
            case 0:
                with x as i of 3:
                    if i != 1:
                        row[t + 1] = row[t]
            case 1:
                row[t + 1] = row[t]
    """
    (found,) = refusals(body)
    assert "`row[1]` is not set on every path, but read" in found
    assert "not set when ps[t] == 0 and x == 1 (t = 0); set on line 27" in found
    (twice,) = refusals("a = x\na = p")
    assert "first set on line 21" in twice


def test_several_errors_one_for_each_cause() -> None:
    body = """\
    for t in range(0, 5, 1):
        row[t] = xs[t]
        grid[t, t] = 7
    a = q
    b = a
    """
    codes = [found[:4] for found in refusals(body)]
    assert sorted(codes) == ["E201", "E204", "E206"]  # one loop that runs too far, one bad number


def test_temporaries_may_be_set_in_one_branch_only() -> None:
    assert (
        refusals("switch x of 3:\n    case 0:\n        a = 0\n    case 1, 2:\n        b = 0") == []
    )


def test_declarations() -> None:
    def found(**parts: object) -> list[str]:
        empty = Program("case", (), (), (), (), ())
        return [error.code for error in check(replace(empty, **parts))]  # type: ignore[arg-type]

    param = Decl("p", "param", Int(3), (2,))
    assert found(decls=(param,)) == []
    assert found(decls=(param, Decl("p", "var", Int(2)))) == ["E200"]
    assert found(decls=(Decl("a", "var", Int(0)),)) == ["E200"]
    assert found(decls=(Decl("a", "var", Int(1), (-1,)),)) == ["E200"]
    assert found(decls=(replace(param, limits=(1, 3)),)) == []
    assert found(decls=(replace(param, limits=(1, 4)),)) == ["E200"]
    assert found(decls=(replace(param, limits=(1,)),)) == ["E200"]
    assert found(decls=(replace(param, kind="var", limits=(1, 3)),)) == ["E200"]

    assert found(tables=(Table("f", (2,), 3, (0, 2)),)) == []
    assert found(tables=(Table("f", (2,), 3, (0, 3)),)) == ["E216"]
    assert found(tables=(Table("f", (2,), 3, (0,)),)) == ["E216"]

    ragged = replace(param, limits=(1, 3))
    assert found(decls=(param,), fixed=(Fixed("p", (1,), 2),)) == []
    assert found(decls=(param,), fixed=(Fixed("p", (1,), 3),)) == ["E215"]
    assert found(decls=(param,), fixed=(Fixed("p", (2,), 0),)) == ["E215"]
    assert found(decls=(param,), fixed=(Fixed("p", (), 0),)) == ["E215"]
    assert found(decls=(param,), fixed=(Fixed("q", (), 0),)) == ["E215"]
    assert found(decls=(param,), fixed=(Fixed("p", (1,), 2),) * 2) == ["E215"]
    assert found(decls=(ragged,), fixed=(Fixed("p", (1,), 2),)) == []
    assert found(decls=(ragged,), fixed=(Fixed("p", (0,), 2),)) == ["E215"]


def test_a_table_out_of_range_names_the_arguments() -> None:
    (error,) = check(read('program "case"\ntable f(2, 2) -> 2 = 0 1 1 2'))
    assert "f(1, 1) is 2, but the result must be in 0..1" in str(error)


def test_programs_without_places_get_errors_all_the_same() -> None:
    body = (Set(Ref("y"), Num(7)), Set(Ref("z"), Num(7)), Set(Ref("z"), Num(8)))
    program = Program(
        "bare", (Decl("y", "output", Int(3)), Decl("z", "var", Int(9))), (), (), (), body
    )
    errors = check(program)
    assert [error.code for error in errors] == ["E206", "E213"]
    assert errors[0].span.source.name == "bare"


def test_verify_names_the_pass() -> None:
    good = read(HEAD + DONE)
    assert verify(good, "unroll") is good
    with pytest.raises(InternalError, match=r"'unroll'[^$]*E214"):
        verify(replace(good, body=()), "unroll")


@given(programs(Features(tight=True)))
def test_random_programs_are_well_formed(program: Program) -> None:
    assert [str(error) for error in check(program)] == []
