"""References mean what Python means by them: the same text, run by Python and by us."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.errors import ModelErrors, SourceError
from neuralc.lang.pyfn import Concrete, from_function, read, read_expression
from neuralc.source import Source
from tests.lang.failing import FAILING
from tests.lang.functions import FUNCTIONS, domain, inputs_of, python


def concrete(text: str, **options: Any) -> Concrete:
    return Concrete(read(Source("f.py", text), **options), steps=1000)


def same(a: Any, b: Any) -> bool:
    """Compare with the kinds of values, so that True is not 1 and a tuple is not a list."""
    return repr(a) == repr(b)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_as_python(name: str) -> None:
    text = FUNCTIONS[name]
    ours = concrete(text)
    count = 0
    for inputs in domain(inputs_of(text)):
        before = repr(inputs)
        found = ours(inputs)
        assert repr(inputs) == before, "the inputs are changed"
        # anew for each input: a constant of the file that Python changes stays changed
        assert same(found, python(text)(**inputs)), inputs
        count += 1
    assert count > 5


@pytest.mark.parametrize("name", [name for name in FAILING if name != "no end"])
def test_fails_where_python_fails(name: str) -> None:
    text = FAILING[name]
    ours, theirs = concrete(text), python(text)
    failed = 0
    for inputs in domain(inputs_of(text)):
        try:
            wanted = theirs(**{k: list(v) if isinstance(v, list) else v for k, v in inputs.items()})
            if wanted is None or isinstance(wanted, float):
                raise TypeError("we know no implicit None and no fractions")
        except (IndexError, ZeroDivisionError, TypeError, ValueError, UnboundLocalError):
            failed += 1
            with pytest.raises(SourceError) as caught:
                ours(inputs)
            assert caught.value.code == "E320"
            assert all(f"{k} = {v}" in str(caught.value) for k, v in inputs.items())
        else:
            assert same(ours(inputs), wanted)
    assert failed


def test_a_loop_without_end() -> None:
    ours = concrete(FAILING["no end"])
    assert ours({"x": 2}) == 2
    with pytest.raises(SourceError, match="E321: `f` takes too long for x = 1: more than 1000"):
        ours({"x": 1})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return f(x)", "too many calls|more than 1000"),
        ("return [0] * 10**9", "the list is too long"),
        ("return 9**9**9", "the number is too large"),
        ("return 1 << 10**9", "the number is too large"),
        ("return sum(range(10**9))", "the list is too long"),
        ("return len(list(zip(range(10**9), range(10**9))))", "the list is too long"),
        ("return any(range(1 - x, 2 - x)) or all(range(1, 10**9))", "the list is too long"),
        ("return [i for i in range(10**9)]", "more than 1000 turns"),
        (("a = [x]\n    for i in range(99): a = [a, a]\n    b = [x]\n"
         "    for i in range(99): b = [b, b]\n    return a == b"), "too large to be compared"),
        ("a = [x]\n    for i in range(99): a = a + a\n    return a", "the list is too long"),
        ("a = [x]\n    for y in a: a.append(y)\n    return a", "more than 1000 turns"),
        ("a = [x]\n    a[0] = a\n    b = [x]\n    b[0] = b\n    return a == b", "to be compared"),
    ],
)  # fmt: skip
def test_what_would_fill_the_memory(body: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        concrete(f"def f(x):\n    {body}\n")({"x": 1})


# ---- expressions at random

NAMES = ("a", "b", "c")
OPERATORS = ["+", "-", "*", "//", "%", "<", "<=", "==", "!=", ">", ">=", "and", "or", "&", "|"]
numbers = st.one_of(st.sampled_from(NAMES), st.integers(-3, 9).map(lambda n: f"({n})"))


def larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(parts, st.sampled_from(OPERATORS), parts).map(lambda t: f"({' '.join(t)})"),
        st.tuples(parts, parts, parts).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(parts, parts, parts).map(lambda t: f"({t[0]} < {t[1]} <= {t[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), parts, parts).map(
            lambda t: f"{t[0]}({t[1]}, {t[2]})"
        ),
        st.tuples(st.sampled_from(["-", "not ", "~"]), parts).map(lambda t: f"({t[0]}{t[1]})"),
        st.tuples(parts, parts, parts).map(lambda t: f"[{t[0]}, {t[1]}, {t[2]}][{t[0]} % 3]"),
        st.tuples(parts, parts).map(lambda t: f"sum(i * {t[0]} for i in range(3) if i != {t[1]})"),
        parts.map(lambda t: f"abs({t})"),
    )


expressions = st.recursive(numbers, larger, max_leaves=12)


@given(expressions, st.tuples(*[st.integers(0, 5)] * 3))
def test_any_expression(text: str, values: tuple[int, ...]) -> None:
    inputs = dict(zip(NAMES, values, strict=True))
    reference = read_expression(text, "property")
    ours = Concrete(reference)
    try:
        wanted = eval(compile(ast.parse(text, mode="eval"), "text", "eval"), dict(inputs))
    except ZeroDivisionError:
        with pytest.raises(SourceError, match="it divides by zero"):
            ours(inputs)
    else:
        assert same(ours(inputs), wanted)


# ---- which function is read

TWO = "def helper(x):\n    return x + 1\n\ndef main(x):\n    return helper(x)\n"


@pytest.mark.parametrize(
    ("options", "wanted"),
    [({}, "main"), ({"like": "helper"}, "helper"), ({"like": "other"}, "main"),
     ({"name": "helper"}, "helper"), ({"name": "main", "like": "helper"}, "main")],
)  # fmt: skip
def test_the_function_of_a_file(options: dict[str, str], wanted: str) -> None:
    assert read(Source("f.py", TWO), **options).main.name == wanted


def test_only_what_is_reached_is_looked_at() -> None:
    text = "import os\nclass A: pass\n\nwith open(__file__) as g: g.read()\n" + TWO
    text += "print(main(3))\nx: int = 5\ndef other(): yield lambda: 3.5\n"
    assert concrete(text, name="main")({"x": 4}) == 5


N = 3


def plus(x: int) -> int:
    """Add a constant of this file."""
    return x + N


def test_a_function_object_with_what_it_calls() -> None:
    def twice(x: int) -> int:
        return 2 * plus(x)

    assert Concrete(from_function(plus))({"x": 1}) == 4
    assert Concrete(from_function(twice))({"x": 1}) == twice(1) == 8


def test_names_around_a_function_hide_those_of_the_file() -> None:
    def around(N: int) -> Any:  # noqa: N803
        def inner(x: int) -> int:
            return x + N

        return inner

    with pytest.raises(ModelErrors, match="E301: `N` is not a plain constant of the file"):
        from_function(around(7))


def test_a_call_begins_from_the_text() -> None:
    text = "SEEN = [0]\ndef f(x):\n    SEEN[0] += x\n    return SEEN[0]\n"
    ours = concrete(text)
    assert [ours({"x": 2}), ours({"x": 3})] == [2, 3]


def test_a_byte_order_mark_and_other_letters() -> None:
    text = "\ufeffdef f(größe):\n    ä = größe; return ä[0]\n"
    with pytest.raises(SourceError) as caught:
        concrete(text)({"größe": 5})
    assert "2 |     ä = größe; return ä[0]\n    |                       ^^^^" in str(caught.value)
