"""The textual IR: what is printed reads back as the same program, and bad text has a place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.errors import SourceError
from neuralc.ir.nodes import (
    OPERATORS,
    Body,
    Call,
    Case,
    Decl,
    Fixed,
    For,
    Gate,
    If,
    Int,
    Network,
    Num,
    Observe,
    Op,
    Program,
    Real,
    Ref,
    Set,
    Switch,
    Sym,
    Table,
)
from neuralc.ir.text import read, show, show_value
from tests.random_models import programs

EXAMPLE = """\
program "example"
hyper n = 3
table inc(3) -> 3 = 1 2 0
table sum(4, 4) -> 7 = 0..3 1..4 2..5 3..6
table same(3, 3) -> 2 = 1 0*3 1 0*3 1
table zero() -> 2 = 0
network net(Tensor(2, 2), 3) -> Tensor(4) hidden 16 16 body "cnn"
param k: 3[2] limits 2 3
input x: 3
input image: Tensor(2, 2)[2]
var v: 4[2, 2]
output y: 3
fix k[0] = 1

for t in range(0, n, 1):
    with k[t] as i of 3:
        if (i == 0) and (t < 2):
            v[t, (i + 1) % 2] = sum(inc(x), i)
        else:
            pass
            v[t, min(i, 1)] = -1
    switch x of 3:
        case 0, 1:
            y = zero()
        case 2:
            pass
observe y = 2
""".replace("range(0, n, 1)", "range(0, 3, 1)")


def test_an_example_is_printed_as_it_was_written() -> None:
    assert show(read(EXAMPLE)) == EXAMPLE.replace(
        "            pass\n            v", "            v"
    )


@given(programs())
def test_random_programs_read_back(program: Program) -> None:
    assert read(show(program)) == program


# Any program at all, well formed or not.
names = st.sampled_from(["a", "i", "for", "min", "x y", "Ä", "", 'q"\\', "a\nb"])
numbers = st.integers(-3, 12)
sizes = st.integers(0, 5)
statics = st.recursive(
    st.builds(Num, numbers) | st.builds(Sym, names),
    lambda inner: st.builds(Op, st.sampled_from(OPERATORS), st.lists(inner, max_size=3).map(tuple)),
    max_leaves=5,
)
refs = st.builds(Ref, names, st.lists(statics, max_size=2).map(tuple))
values = st.recursive(
    refs | statics,
    lambda inner: st.builds(Call, names, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=4,
)
selectors = refs | st.builds(Call, names, st.lists(values, max_size=2).map(tuple))
leaves = st.builds(Set, refs, values) | st.builds(Observe, refs, numbers)
integers = st.lists(numbers, max_size=12).map(tuple)


def statements(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    body = st.lists(inner, max_size=2).map(tuple)
    cases = st.lists(st.builds(Case, integers, body), max_size=2).map(tuple)
    return (
        st.builds(For, names, statics, statics, numbers, body)
        | st.builds(Gate, names, sizes, selectors, body)
        | st.builds(Switch, selectors, sizes, cases)
        | st.builds(If, statics, body, body)
    )


bodies: st.SearchStrategy[Body] = st.lists(
    st.recursive(leaves, statements, max_leaves=6), max_size=3
).map(tuple)  # type: ignore[arg-type]
shapes = st.lists(sizes, max_size=2).map(tuple)
types = st.builds(Int, sizes) | st.builds(Real, shapes)
decls = st.builds(
    Decl, names, st.sampled_from(["param", "input", "output", "var"]), types, shapes,
    st.none() | integers,
)  # fmt: skip
anything = st.builds(
    Program,
    st.text(),
    st.lists(decls, max_size=3).map(tuple),
    st.lists(st.builds(Table, names, shapes, sizes, integers), max_size=2).map(tuple),
    st.lists(
        st.builds(Network, names, st.lists(types, max_size=2).map(tuple), types, shapes, names),
        max_size=2,
    ).map(tuple),
    st.lists(st.builds(Fixed, names, shapes, numbers), max_size=2).map(tuple),
    bodies,
    st.lists(st.tuples(names, numbers), max_size=2).map(tuple),
)


@given(anything)
def test_any_program_reads_back(program: Program) -> None:
    assert read(show(program)) == program


@given(st.lists(st.integers(-2, 3) | st.integers(), max_size=30).map(tuple))
def test_any_table_reads_back(values: tuple[int, ...]) -> None:
    table = Table("f", (len(values),), 4, values)
    program = Program("table", (), (table,), (), (), ())
    assert read(show(program)).tables == (table,)


def test_a_large_table_is_short() -> None:
    values = tuple((a + b) % 64 for a in range(64) for b in range(64))
    table = Table("add", (64, 64), 64, values)
    assert len(show(Program("table", (), (table,), (), (), ()))) < 2000


def test_spans_point_into_the_text() -> None:
    program = read(EXAMPLE, "example.ir")
    loop = program.body[0]
    assert loop.span is not None
    assert (loop.span.source.name, loop.span.line) == ("example.ir", 15)
    assert loop.span.text == "for t in range(0, 3, 1)"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "expected another line", 1),
        ("program example", "expected a quoted text, found 'example'", 1),
        ('program "a"\nvar x 3', "expected ':', found '3'", 2),
        ('program "a"\nvar x: 3[2', "expected ',', found the end of the line", 2),
        ('program "a"\nx = ', "expected a name, found the end of the line", 2),
        ('program "a"\nx = for', "expected a name, found 'for'", 2),
        ('program "a"\nx = 1 + 2 * 3', "expected parentheses", 2),
        ('program "a"\nx = f(1) + 2', "expected a number, or a loop or gate variable", 2),
        ('program "a"\nx[y] = 2', "expected a number, or a loop or gate variable", 2),
        ('program "a"\n3 = x', "expected an element of an array", 2),
        ('program "a"\nx = 1\n    y = 1', "expected a statement without indentation", 3),
        ('program "a"\nif 1:\nx = 1', "expected an indented line", 3),
        ('program "a"\nif 1:', "expected another line", 2),
        ('program "a"\nif 1:\n  x = 1', "expected an indentation by multiples of 4", 3),
        ('program "a"\nx = 1 2', "expected the end of the line, found '2'", 2),
        ('program "a"\nx = ?', "expected a name, a number or a sign", 2),
        ('program "a"\nwith 3 as i of 2:\n    pass', "expected an element or a function", 2),
        ('program "a"\nswitch x of 2:\n    x = 1', "expected cases only", 2),
        ('program "a"\ntable f(2) -> 2 = 0*999999999', "expected at most", 2),
        ('program "a"\ntable f(2) -> 2 = 0..999999999', "expected at most", 2),
        ('program "\\q"', "expected a text quoted as in JSON", 1),
    ],
)
def test_a_bad_text_has_a_place(text: str, message: str, line: int) -> None:
    with pytest.raises(SourceError) as caught:
        read(text)
    assert message in caught.value.message
    assert caught.value.span.line == line


@given(st.text(alphabet='abfor xy=[](),:.0123"\n +-$', max_size=40))
def test_no_text_is_a_traceback(text: str) -> None:
    try:
        read('program "a"\n' + text)
    except SourceError:
        pass


def test_expressions_for_messages() -> None:
    value = Call("f", (Ref("x", (Op("+", (Sym("t"), Num(1))), Num(0))), Sym("t"), Ref("y")))
    assert show_value(value) == "f(x[t + 1, 0], t, y)"
