"""Listings: how a learned program is shown, and what a listing may contain."""

from __future__ import annotations

import ast
from textwrap import dedent

import numpy as np
import pytest

from neuralc.errors import DataError, NeuralcError
from neuralc.ir.nodes import Decl, Fixed, Int, Program
from neuralc.lang.model.listing import closed, render, validate
from neuralc.source import Source

PROGRAM = Program(
    name="small",
    decls=(
        Decl("op", "param", Int(3), (2,)),
        Decl("arg", "param", Int(2), (2,)),
        Decl("ret", "param", Int(3)),
        Decl("x", "input", Int(2)),
    ),
    tables=(),
    networks=(),
    fixed=(Fixed("arg", (1,), 0),),
    body=(),
    hypers=(("n", 2),),
)
CHOICES = {"op": np.array([2, 1]), "arg": np.array([1, 0]), "ret": np.array(2)}
LISTING = """
line("# program:")
for k in range(n):
    if op[k] == 2:
        line(f"r{k + 1} = ADD(r{arg[k]})")
    else:
        line(f"r{k + 1} = {op[k]:NOOP|MOVE}")
line(f"return r{ret}")
"""


def body(text: str) -> list[ast.stmt]:
    return ast.parse(dedent(text)).body


def shown(text: str, **constants: int) -> str:
    return render(PROGRAM, closed(body(text), constants), CHOICES)


def test_a_listing_is_run_on_the_choices() -> None:
    assert shown(LISTING) == "# program:\nr1 = ADD(r1)\nr2 = MOVE\nreturn r2"


def test_unsure_choices_are_named_with_their_probability() -> None:
    chances = {"op": np.array([0.876, 0.99]), "arg": np.array([0.65, 0.2]), "ret": np.array(1.0)}
    assert render(PROGRAM, body(LISTING), CHOICES, chances).splitlines()[1:] == [
        "r1 = ADD(r1)  # op 0.87, arg 0.65",
        "r2 = MOVE",
        "return r2",
    ]


def test_two_unsure_choices_of_one_array_get_their_index() -> None:
    text = render(PROGRAM, body('line(f"{op[0]}{op[1]}")'), CHOICES, {"op": np.array([0.5, 0.25])})
    assert text == "21  # op[0] 0.50, op[1] 0.25"


def test_a_line_is_dead_when_all_its_open_choices_are() -> None:
    dead = {("op", (0,)), ("op", (1,))}
    assert render(PROGRAM, body(LISTING), CHOICES, dead=dead.__contains__).splitlines()[1:] == [
        "r1 = ADD(r1)",
        "r2 = MOVE  # dead",
        "return r2",
    ]


def test_a_name_keeps_the_choices_that_it_came_from() -> None:
    text = """
    if op[0] == 2:
        word = "two"
    line(f"{word}!")
    """
    chances = {"op": np.array([0.5, 1.0])}
    assert render(PROGRAM, body(text), CHOICES, chances) == "two!  # op 0.50"


def test_without_a_listing_every_choice_has_a_line() -> None:
    chances = {"op": np.array([0.5, 1.0])}
    text = render(PROGRAM, None, CHOICES, chances, lambda element: element[0] == "ret")
    assert text == "\n".join(
        ["op[0] = 2  # 0.50", "op[1] = 1", "", "arg[0] = 1", "arg[1] = 0  # fixed", "",
         "ret = 2  # dead"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("{2 ** 3 - 1}", "7"),
        ("{-op[0] % 5}", "3"),
        ("{min(op[0], 1) + max(1, 4)}", "5"),
        ("{1 < op[0] <= 2}", "1"),
        ("{not op[0]}", "0"),
        ("{op[0] == 2 and op[1] == 2 or 1 > 2}", "0"),
        ("{7:zero|one}", "7"),
        ("{ret:zero|one|two}", "two"),
        ("{0:halt}{1:halt}", "halt1"),
        ("{'a' + 'b' if op[0] == 2 else 'c'}", "ab"),
        ("{c // 2}", "5"),
        ("{1 > 2 and op[9] == 1}{1 or op[9]}{2 and 3}{0 or 0}", "0110"),
        ("{op[op[1]]}", "1"),
        ("{{}}", "{}"),
    ],
)
def test_expressions(expression: str, text: str) -> None:
    assert shown(f'line(f"{expression}")', c=10) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('line(f"{opp[0]}")', "`opp` is not known in this listing"),
        ('line(f"{op[2]}")', "index 2 of `op` is out of range"),
        ('line(f"{op[-1]}")', "index -1 of `op` is out of range"),
        ('line(f"{op[0, 1]}")', "`op` takes 1 indices, not 2"),
        ('line(f"{op}")', "`op` takes 1 indices, not 0"),
        ('line(f"{x}")', "`x` is an input, not a choice"),
        ("line(3)", "a line is a text"),
        ("line(op[0])", "a line is a text"),
        ('line("a", "b")', "cannot contain this statement"),
        ("import os", "cannot contain this statement"),
        ("while 1: pass", "cannot contain this statement"),
        ("n += 1", "cannot contain this statement"),
        ('print("a")', "cannot contain this statement"),
        ('line(open("a"))', "nothing that a listing can compute"),
        ('line(f"{n.real}")', "nothing that a listing can compute"),
        ('line(f"{n / 2}")', "nothing that a listing can compute"),
        ('line(f"{[k for k in n]}")', "nothing that a listing can compute"),
        ('line(f"{n!r}")', "does not know this format"),
        ('line(f"{n:{n}}")', "does not know this format"),
        ("line(f\"{'a':zero|one}\")", "names are chosen by a number"),
        ('line("a" * 3)', "computes with a text"),
        ('line(f"{n // 0}")', "divides by 0"),
        ('line(f"{2 ** 64}")', "2 ** 64"),
        ('line(f"{2 ** 63 * 2 ** 63}")', "too large"),
        ("for k in [1, 2]: pass", "loops over numbers only"),
        ("for k in range(0, 2, 0): pass", "step of this loop is 0"),
        ('for k in range(op[0]):\n    line(f"{z}")', "`z` is not known"),
        ("for k in range('a'): pass", "computes with a text"),
        ("for k in range(10 ** 18): pass", "does not come to an end"),
        ('s = "ab"\nfor k in range(99): s = s + s', "grows too long"),
        ("line(" + "-" * 150 + "1)", "nested too deeply"),
        ("if 0: pass\n" + "elif 0: pass\n" * 150, "nested too deeply"),
    ],
)
def test_mistakes_are_found_before_learning_and_stop_rendering(text: str, message: str) -> None:
    errors = validate(PROGRAM, body(text), Source("m.py", text))
    assert [error.code for error in errors] == ["E170"]
    assert message in str(errors[0])
    with pytest.raises(NeuralcError, match=r"line \d+ of the listing"):
        shown(text)


def test_constants_are_put_in_except_where_a_name_is_the_listing_s_own() -> None:
    text = 'for k in range(c):\n    line(f"{k} {c}")\n'
    assert shown(text, c=1, k=7) == "0 1"


def test_validation_follows_branches_that_depend_on_choices() -> None:
    text = 'if op[0] == 0:\n    line(f"{a}")\nelse:\n    line(f"{op[k]}")\n'
    errors = validate(PROGRAM, body(text), Source("m.py", text))
    assert [error.span.text for error in errors] == ['f"{a}"', 'f"{op[k]}"']


def test_a_good_listing_has_no_errors_and_shows_the_place_of_bad_ones() -> None:
    assert validate(PROGRAM, body(LISTING), Source("m.py", LISTING)) == []
    wrong = LISTING.replace("return r{ret}", "return r{retu}")
    (error,) = validate(PROGRAM, body(wrong), Source("m.py", wrong))
    assert "m.py:8:6" in str(error)
    assert "did you mean `ret`?" in str(error)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("op", None, "no choice was given for 'op'"),
        ("op", np.array([1]), "wanted integers of shape"),
        ("op", np.array([1, 3]), "wanted 0..2"),
        ("op", np.array([1.0, 2.0]), "wanted integers of shape"),
    ],
)
def test_choices_that_do_not_fit(name: str, array: np.ndarray | None, message: str) -> None:
    choices = {**CHOICES, name: array}
    if array is None:
        del choices[name]
    with pytest.raises(DataError, match=message):
        render(PROGRAM, None, choices)
