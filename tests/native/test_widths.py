"""Vectors of other widths than those of this processor: 16 bytes, and the 64 of AVX-512.

What a kernel means is tested by running it: vectors that are too wide for a processor are taken as
several. Whether AVX-512 would take them whole is read from the code for such a processor.
"""

from __future__ import annotations

import llvmlite.binding as llvm
import pytest

from neuralc.backends.native import NativeModule, compiled, kernel
from neuralc.backends.native.plan import Lanes
from neuralc.ir.nodes import Program
from neuralc.nn.turns import program as ram
from tests.native.same import check
from tests.native.test_gradients import solved

WIDTHS = [width for width in (16, 64) if width != compiled.vector_bytes()]
MACHINE = ram(5, 3, 4)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("program", "lanes"),
    [(solved("swap"), "P"), (solved("decrement"), "B"), (MACHINE, "B")],
    ids=["swap", "decrement", "ram"],
)
def test_other_widths_mean_the_same(
    program: Program, lanes: Lanes, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "vector_bytes", lambda: width)
    check(program, 1, lanes, monkeypatch)


def test_avx_512_takes_vectors_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "vector_bytes", lambda: 64)
    text = NativeModule(MACHINE, restarts=3).kernel_source()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple("x86_64-unknown-linux-gnu")
    for chip in ("skylake-avx512", "znver4"):
        there = target.create_target_machine(cpu=chip, opt=compiled.SPEED)
        parsed = llvm.parse_assembly(text)
        parsed.triple, parsed.data_layout = there.triple, str(there.target_data)
        compiled.optimise(parsed, there)
        code = there.emit_assembly(parsed)
        products = [line for line in code.split("\n") if "\tvfm" in line and "ps\t" in line]
        assert len(products) > 100
        assert all("zmm" in line for line in products)
