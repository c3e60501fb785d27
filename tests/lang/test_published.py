"""The published TerpreT models load unchanged; needs them: NEURALC_TERPRET=<folder of models>."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuralc.errors import ModelErrors
from neuralc.lang.model import hyper_names, parse
from neuralc.source import Source

FOLDER = Path(os.environ.get("NEURALC_TERPRET", "."))
NAMES = [
    "basic_block.py", "circuit.py", "nfp_assembly.py", "nfp_assembly_fixed_alloc.py",
    "nfp_assembly_loops.py", "nfp_assembly_loops_typed.py", "nfp_combinator.py",
    "nfp_combinator_immutable.py", "nfp_combinator_typed.py", "nfp_combinator_typed_immutable.py",
    "none_test.py", "test1.py", "test2.py", "test3.py", "turing.py",
]  # fmt: skip
SLIPS = {"basic_block_large.py": ["E130", "E130"], "test4.py": ["E104", "E104"]}
SMALL = {"maxScalar": 8, "maxInt": 5, "tapeLength": 5, "numTimesteps": 4, "const_T": 6}
pytestmark = pytest.mark.skipif("NEURALC_TERPRET" not in os.environ, reason="no models given")


def load(name: str, **changes: int) -> None:
    source = Source(name, (FOLDER / name).read_text(encoding="utf-8"))
    hypers = {name: SMALL.get(name, 2) for name in hyper_names(source)}
    parse(source, {**hypers, **{k: v for k, v in changes.items() if k in hypers}})


@pytest.mark.parametrize("name", NAMES)
def test_a_published_model_loads(name: str) -> None:
    load(name)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("nfp_comb")])
def test_a_published_model_loads_without_a_loop_body(name: str) -> None:
    load(name, lambdaLength=0)


@pytest.mark.parametrize("name", sorted(SLIPS))
def test_a_published_slip_is_reported(name: str) -> None:
    with pytest.raises(ModelErrors) as caught:
        load(name)
    assert [error.code for error in caught.value.errors] == SLIPS[name]
