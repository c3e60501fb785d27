"""The encoding for the solver says of every input what the function itself says.

Inputs and outputs are put into the conditions as numbers, so that nothing is left to solve.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc.errors import Declined, SourceError
from neuralc.lang.pyfn import Concrete, Encoded, Reference, encode, read, read_expression
from neuralc.source import Source
from tests.lang.failing import DECLINED, FAILING
from tests.lang.functions import FUNCTIONS, Input, domain, inputs_of
from tests.lang.test_pyfn import NAMES, expressions

z3 = pytest.importorskip("z3")
BITS = 11


def variables(name: str, shape: tuple[int, ...]) -> Any:
    """Return nested lists of bit-vectors."""
    if not shape:
        return z3.BitVec(name, BITS)
    return [variables(f"{name}.{k}", shape[1:]) for k in range(shape[0])]


def pairs(terms: Any, values: Any) -> list[tuple[Any, Any]]:
    """Return what to put in the place of variables."""
    if isinstance(terms, list):
        return [pair for t, v in zip(terms, values, strict=True) for pair in pairs(t, v)]
    return [(terms, z3.BitVecVal(values, BITS))]


def is_true(condition: Any, put: list[tuple[Any, Any]]) -> bool:
    found = z3.simplify(z3.substitute(condition, *put))
    assert z3.is_true(found) or z3.is_false(found), found
    return bool(z3.is_true(found))


def encoded(reference: Reference, inputs: Mapping[str, Input]) -> tuple[Encoded, dict[str, Any]]:
    terms = {name: variables(name, one.shape) for name, one in inputs.items()}
    sizes = {name: one.size for name, one in inputs.items()}
    limits = [z3.ULT(t, sizes[name]) for name in terms for t, _ in
              pairs(terms[name], zeros(inputs[name].shape))]  # fmt: skip
    return encode(reference, terms, sizes, domain=limits), terms


def zeros(shape: tuple[int, ...]) -> Any:
    return [zeros(shape[1:]) for _ in range(shape[0])] if shape else 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_as_the_function(name: str) -> None:
    text = FUNCTIONS[name]
    reference, inputs = read(Source("f.py", text)), inputs_of(text)
    ours = Concrete(reference)
    code, terms = encoded(reference, inputs)
    for one in domain(inputs):
        put = [pair for key, value in one.items() for pair in pairs(terms[key], value)]
        assert not is_true(code.failing, put), one
        wanted = ours(one)
        assert is_true(code.asked, put) == (wanted is not None), one
        if wanted is not None:
            assert agrees(code, put, wanted), (one, wanted)


def agrees(code: Encoded, put: list[tuple[Any, Any]], wanted: Any) -> bool:
    """Tell whether the encoding gives just these values."""
    answers = [value for guard, value in code._answers
               if guard is True or (guard is not False and is_true(guard, put))]  # fmt: skip
    return len(answers) == 1 and equal(answers[0], wanted, put)


def equal(found: Any, wanted: Any, put: list[tuple[Any, Any]]) -> bool:
    if isinstance(wanted, list | tuple):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(equal(x, y, put) for x, y in zip(found, wanted, strict=True))
        )
    if hasattr(found, "given"):
        given = found.given if isinstance(found.given, bool) else is_true(found.given, put)
        return equal(found.value, wanted, put) if given else wanted is None
    if wanted is None or found is None or isinstance(found, int):
        return found is wanted if None in (wanted, found) else found == wanted
    assert found.low <= wanted <= found.high
    term = z3.simplify(z3.substitute(found.term, *put))
    return bool(term.as_signed_long() == wanted)


@pytest.mark.parametrize("name", FAILING)
def test_fails_where_the_function_fails(name: str) -> None:
    text = FAILING[name]
    reference, inputs = read(Source("f.py", text)), inputs_of(text)
    ours = Concrete(reference, steps=1000)
    try:
        code, terms = encoded(reference, inputs)
    except Declined:
        assert name == "kinds"
        return
    failed = 0
    for one in domain(inputs):
        put = [pair for key, value in one.items() for pair in pairs(terms[key], value)]
        try:
            ours(one)
            fails = False
        except SourceError:
            fails = True
        assert is_true(code.failing, put) == fails, one
        failed += fails
    assert failed


@given(expressions, st.tuples(*[st.integers(0, 5)] * 3))
def test_any_expression(text: str, values: tuple[int, ...]) -> None:
    reference = read_expression(text, "property")
    inputs = {name: Input(6, ()) for name in reference.parameters}
    one = {name: value for name, value in zip(NAMES, values, strict=True) if name in inputs}
    code, terms = encoded(reference, inputs)
    put = [pair for key, value in one.items() for pair in pairs(terms[key], value)]
    put = put or [(z3.BitVec("unused", BITS), z3.BitVecVal(0, BITS))]
    try:
        wanted = Concrete(reference)(one)
    except SourceError:
        assert is_true(code.failing, put)
        return
    assert not is_true(code.failing, put)
    assert agrees(code, put, wanted)
    assert is_true(code.holds(), put) == bool(wanted)


@pytest.mark.parametrize("name", DECLINED)
def test_what_is_declined(name: str) -> None:
    reason, text = DECLINED[name]
    with pytest.raises(Declined, match=reason):
        encoded(read(Source("f.py", text)), inputs_of(text))


# ---- what a proof asks


def solved(*conditions: Any) -> bool:
    solver = z3.Solver()
    solver.add(*conditions)
    found = solver.check()
    assert found in (z3.sat, z3.unsat)
    return bool(found == z3.sat)


SWAP = """\
def f(a, n):
    if n > 1:
        return None
    a[n], a[n + 1] = a[n + 1], a[n]
    return {"b": a, "first": a[0] if n == 0 else None}
"""


def test_a_proof_and_a_counterexample() -> None:
    a = [z3.BitVec(f"a{k}", 2) for k in range(3)]
    n = z3.BitVec("n", 3)
    limits = [*(z3.ULT(x, 3) for x in a), z3.ULT(n, 5)]
    code = encode(read(Source("f.py", SWAP)), {"a": a, "n": n}, {"a": 3, "n": 5}, domain=limits)
    assert not solved(*limits, code.failing)
    assert solved(*limits, code.asked)
    right = [
        z3.If(n == 0, a[1], a[0]),
        z3.If(n == 0, a[0], a[2]),
        z3.If(n == 0, a[2], a[1]),
    ]
    assert not solved(*limits, code.differs({"b": right, "first": a[1]}))
    assert solved(*limits, code.differs({"b": right, "first": a[0]}))
    assert solved(*limits, code.differs({"b": a, "first": a[1]}))
    with pytest.raises(Declined, match="of another shape"):
        code.differs({"b": a[:2], "first": a[1]})


def test_constants_and_conditions() -> None:
    x, y = z3.BitVecs("x y", 4)
    where = read_expression("x + k == y and y < 9", "where")
    code = encode(where, {"x": x, "y": y}, {"x": 10, "y": 10}, constants={"k": 3})
    limits = [z3.ULT(x, 10), z3.ULT(y, 10)]
    assert not solved(*limits, code.holds(), x == 6)
    assert solved(*limits, code.holds(), x == 5, y == 8)
    assert not solved(*limits, code.holds(), x == 5, y != 8)


def test_no_time_left() -> None:
    text = FUNCTIONS["sort"]
    with pytest.raises(Declined, match="not enough time"):
        encode(read(Source("f.py", text)), {"tape": [], "a": []}, {"a": 3}, deadline=0.0)
