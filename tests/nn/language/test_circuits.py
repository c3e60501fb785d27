"""The same router calls circuits in place of tables, on larger numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from neuralc.errors import NeuralcError
from neuralc.nn.language.outcomes import CircuitOutcomes, TableOutcomes
from neuralc.nn.library.library import RoutineLibrary
from tests.nn.language.small import ADD, SUB, augmented, ids_of, library, library_of, pairs

MASK = 2**64 - 1
ALL = RoutineLibrary.standard(128)
NAMES = ("add", "sub", "mul", "div", "mod", "min", "max")
FUNCTIONS: dict[str, Any] = {
    "add": lambda a, b, bits: (a + b) % 2**bits,
    "sub": lambda a, b, bits: (a - b) % 2**bits,
    "mul": lambda a, b, bits: a * b % 2**bits,
    "div": lambda a, b, bits: a // b if b else 2**bits - 1,
    "mod": lambda a, b, bits: a % b if b else a,
    "min": lambda a, b, bits: min(a, b),
    "max": lambda a, b, bits: max(a, b),
}
ROUTINES = [ALL[name] for name in NAMES]


def test_equal_to_tables_on_all_small_numbers() -> None:
    a, b = (torch.from_numpy(x.reshape(1, -1)) for x in np.indices((128, 128)))
    tables = TableOutcomes([routine.values() for routine in ROUTINES], 128)
    found = CircuitOutcomes(ROUTINES, 7).results(0, [a, b])
    assert torch.equal(found, tables.results(0, [a, b]))


def signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


@pytest.mark.parametrize("bits", [8, 33, 64])
def test_large_numbers(bits: int) -> None:
    noise = np.random.default_rng(bits)
    edges = [0, 1, 2, 3, 2**63 - 1, 2**63, 2**64 - 1, 10**19]
    drawn = noise.integers(0, MASK, 60, np.uint64, endpoint=True).tolist()
    one = [x % 2**bits for x in edges + drawn]
    pairs_of = [(a, b) for a in one for b in (*one[:8], a, a // 3, one[-1])]
    operands = [torch.tensor([[signed(pair[k]) for pair in pairs_of]]) for k in (0, 1)]
    found = CircuitOutcomes(ROUTINES, bits).results(0, operands)
    for k, name in enumerate(NAMES):
        wanted = [FUNCTIONS[name](a, b, bits) for a, b in pairs_of]
        assert [x % 2**64 for x in found[0, k].tolist()] == wanted, name


def test_the_same_router() -> None:
    """Long numbers are the same sentence: which programs on which words does not change."""
    model = augmented(numbers="digits", library=library_of(ADD, SUB, n=32))
    text = "add 13 and 24 ="
    before = model.explain(text)
    given = ids_of([text], "digits")
    with torch.no_grad():
        logits = model(**given).logits
        model.use_circuits(5)
        assert torch.equal(model(**given).logits, logits)  # 2 ** 5 numbers, as the library has
    large = model.use_circuits(64).explain("add 9876543213 and 12345678901234567894 =")
    one, other = before.steps[0], large.steps[0]
    assert dict(one.programs) == pytest.approx(dict(other.programs), abs=1e-5)
    for a, b in zip(one.operands, other.operands, strict=True):
        assert a.words == pytest.approx(b.words, abs=1e-5)
    assert model.inserted.augmentation.bits == 64
    assert model.config.augmentation["bits"] == 64


def test_a_large_sum_is_generated() -> None:
    """Digit by digit, and then the word is over."""
    model = augmented(numbers="digits", library=library_of(ADD)).use_circuits(64)
    router = model.inserted.computer.router
    with torch.no_grad():
        router.part(router.project.bias, "write").add_(50)  # always write
    number = 2**63 + 12345
    found = model.explain(f"add {number} =")
    result = 2 * number % 2**64
    assert found.steps[0].results[0] == (result, pytest.approx(1))
    given = ids_of([f"add {number} ="], "digits")
    out = model.generate(**given, max_new_tokens=len(str(result)) + 1, do_sample=False,
                         eos_token_id=None)  # fmt: skip
    words = model.tokenizer.decode(out[0, given["input_ids"].shape[1] :]).split()
    assert words[0] == str(result)
    beyond = model.explain(f"add {2**64} =")  # not readable: there is nothing to point to
    assert beyond.steps[0].operands[0].source == "nothing to point to"


def test_no_calls_and_no_numbers() -> None:
    model = augmented(numbers="digits", library=pairs(), callers=["="]).use_circuits(64)
    with torch.no_grad():
        for text in ("what is", "add and ="):
            assert bool(model(**ids_of([text], "digits")).logits.isfinite().all())


def test_what_has_no_circuit() -> None:
    with pytest.raises(NeuralcError, match=r"no circuit for double\n  hint"):
        augmented(numbers="digits", library=library()).use_circuits(64)
    with pytest.raises(NeuralcError, match=r"whole tokens.*\n  hint: .*digits"):
        augmented(library=pairs()).use_circuits(64)
    other = library_of(SUB.replace("sub a b\n", "add a b\n", 1))
    with pytest.raises(NeuralcError, match="add is not the function of this name"):
        augmented(numbers="digits", library=other).use_circuits(64)
    unary = library_of("routine add a\n add a a 0\n ret\n")
    with pytest.raises(NeuralcError, match="add is not the function of this name"):
        augmented(numbers="digits", library=unary).use_circuits(64)
    model = augmented(numbers="digits", library=pairs())
    for bits in (0, 65, -1, 7.5, True, "8", None):
        with pytest.raises(NeuralcError, match="bits"):
            model.use_circuits(bits)
    assert model.inserted.augmentation.bits is None
