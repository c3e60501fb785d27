"""Mistakes of users: what is wrong is said, with its value and a way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neuralc.errors import NeuralcError
from neuralc.nn.language.augment import augment
from neuralc.nn.library.library import RoutineLibrary
from tests.nn.language.small import ADD, base, library, library_of, ternary, tokenizer

ENDLESS = "routine endless a\nmore: jump a 1 more\n ret 0\n"
MODEL = base()
SORT = RoutineLibrary.standard(8)


def sorting() -> RoutineLibrary:
    """A library of nothing but programs over a memory."""
    made = RoutineLibrary(8)
    for name in [n for n in SORT if SORT[n].over_memory][:1]:
        made.add(SORT[name].text, name)
    for name in [n for n in made if not made[n].over_memory]:
        made.remove(name)
    return made


CASES: list[tuple[dict[str, Any], str]] = [
    ({"library": ternary(), "operands": 2}, r"more than 2: three has 3\n  hint: .*operands=3"),
    ({"library": RoutineLibrary(8)}, r"no program that a layer can call\n  hint: .*standard"),
    ({"library": {"add": library()["add"]}}, "library is a neuralc.RoutineLibrary, not dict"),
    ({"library": library_of(ENDLESS)}, r"does not halt.* on 1 of 8 arguments: endless\(1\)"),
    ({"library": RoutineLibrary(9)}, r"no program that a layer"),
    ({"library": library_of(ADD, n=9), "tokenizer": tokenizer()}, "no token for 1 of the 9"),
    ({"library": library_of(ADD, n=60)}, r"model has 48 tokens, .* token 63\n  hint: vocab_size"),
    ({"layer": 0}, "1 to 2, not 0"),
    ({"layer": 3}, "1 to 2, not 3"),
    ({"layer": True}, "1 to 2, not True"),
    ({"layer": -1}, "1 to 2, not -1"),
    ({"layer": "model.leyers.0"}, r"no submodule 'model.leyers.0'\n  hint: it has .*model.layers"),
    ({"layer": ""}, r"no submodule ''"),
    ({"layer": None}, "1 to 2, not None"),
    ({"operands": 0}, "operands is a positive number, found 0"),
    ({"steps": 0}, "steps is a positive number, found 0"),
    ({"steps": True}, "steps is a positive number, found True"),
    ({"width": 2.5}, r"width is a positive number, found 2.5"),
    ({"parse": "guess"}, r"parse is one of \('point', 'decode'\), not 'guess'"),
    ({"call": "sampled"}, r"call is one of \('joint', 'marginal'\), not 'sampled'"),
    ({"numbers": "roman"}, r"numbers is one of \('whole', 'digits'\), not 'roman'"),
    ({"steps": 2}, r"earlier results need to be few\n  hint: .*callers="),
    ({"numbers": "digits", "steps": 2}, "written as digits, steps is 1, not 2"),
    ({"numbers": "digits", "parse": "decode"}, "parse is 'point', not 'decode'"),
    ({"numbers": "digits", "residual": True}, "residual is False, not True"),
    ({"numbers": "digits", "call": "marginal"}, "call is 'joint', not 'marginal'"),
    ({"callers": ["="]}, r"need a tokenizer\n  hint"),
    ({"callers": ["12"], "tokenizer": tokenizer()}, "'12' is not one token of the tokenizer"),
    ({"callers": ["= ="], "tokenizer": tokenizer()}, "'= =' is not one token of .*, but 2"),
    ({"callers": "= add", "tokenizer": tokenizer()}, "callers are a list of words, not '= add'"),
    ({"tokenizer": "no/folder"}, "there is no tokenizer in no/folder"),
    ({"tokenizer": Path("no/folder")}, "there is no tokenizer in no/folder"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), CASES, ids=[str(m) for _, m in CASES])
def test_mistakes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NeuralcError, match=message):
        augment(MODEL, **{"library": library(), "layer": 1, "operands": 3} | options)


def test_programs_over_a_memory_only() -> None:
    made = sorting()
    assert len(made)
    with pytest.raises(NeuralcError, match="no program that a layer can call"):
        augment(MODEL, library=made, layer=1)


def test_the_first_arguments_are_listed() -> None:
    text = "routine endless a b\nmore: jump a 1 more\n ret 0\n"
    with pytest.raises(NeuralcError, match=r"8 of 64 arguments: endless\(1, 0\), .*\(1, 4\), …"):
        augment(MODEL, library=library_of(text), layer=1)


def test_a_model_that_has_a_computer() -> None:
    made = augment(base(), library=library(), layer=1)
    with pytest.raises(NeuralcError, match=r"has a computer already\n  hint"):
        augment(made, library=library(), layer=1)
    augment(made.base, library=library(), layer=2)  # another one for the same model
