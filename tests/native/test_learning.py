"""Learning with the engine native: the same steps as in torch, and which engine is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from benchmarks.tasks import TASKS
from neuralc.backends.native import NativeModule
from neuralc.backends.native import module as native_module
from neuralc.backends.native.compiled import assembly, vector_bytes
from neuralc.cli import group
from neuralc.engines import Engine
from neuralc.errors import DataError, Declined, NeuralcError
from neuralc.learning.engine import told
from neuralc.learning.model import Model
from neuralc.learning.run import learn
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer
from tests.soft.models import CHAIN, model

TASK = TASKS["circuit swap"]


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.parametrize("batch", [None, 3])
def test_steps_are_those_of_torch(optimizer: str, batch: int | None) -> None:
    """All at once where there is nothing to do between them, else one by one."""
    settings = Settings(restarts=5, optimizer=optimizer, batch=batch)  # type: ignore[arg-type]
    trainers = []
    for engine in ("torch", "native"):
        module = TASK.model().compile(restarts=5, dtype="float64", engine=engine)
        trainer = Trainer(module, TASK.examples(), settings)
        while trainer.step_number < 12:
            trainer.advance(12 - trainer.step_number)
        trainers.append(trainer)
    one, two = trainers
    torch.testing.assert_close(two.module.logits, one.module.logits, rtol=0, atol=1e-10)
    torch.testing.assert_close(two.mean_square, one.mean_square, rtol=0, atol=1e-12)
    torch.testing.assert_close(two.loss.double(), one.loss.double(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("engine", ["torch", "native", "auto"])
def test_an_engine_is_asked_for(engine: Engine) -> None:
    said: list[str] = []
    solution = learn(
        TASK.model(), TASK.examples(), restarts=20, steps=120, engine=engine, tell=said.append
    )
    assert solution.report.steps <= 120
    words = "engine: torch" if engine == "torch" else "engine: native, a kernel of 43 operations"
    assert said == [words]


def test_few_steps_are_not_worth_a_kernel() -> None:
    assert Settings(steps=20).engine_used == "torch"
    assert Settings(steps=20, engine="native").engine_used == "native"
    assert Settings(steps=500).engine_used == "auto"


def test_what_cannot_be_a_kernel_is_declined() -> None:
    chain = model(CHAIN)
    with pytest.raises(Declined, match="a network looks at what depends on the choices"):
        chain.compile(engine="native")
    assert told(chain.compile(engine="auto")) == "engine: torch"
    with pytest.raises(Declined, match="logarithms are for the engine torch"):
        TASK.model().compile(engine="native", precision="log")
    assert not isinstance(TASK.model().compile(engine="auto", precision="log"), NativeModule)
    with pytest.raises(NeuralcError, match="engine is one of auto, native, torch, found 'c'"):
        Settings(engine="c")  # type: ignore[arg-type]


def test_a_module_of_another_type_says_so() -> None:
    module = TASK.model().compile(engine="native").bfloat16()
    with pytest.raises(Declined, match=r"for float32 and float64, not for torch\.bfloat16"):
        module({"initial_wires": torch.zeros(1, 3, dtype=torch.int64)})


def test_arrays_that_do_not_fit_are_refused() -> None:
    module = TASK.model().compile(engine="native")
    assert isinstance(module, NativeModule)
    inputs = module.prepare(TASK.examples().inputs)
    with pytest.raises(DataError, match="a target of final_wires is 2"):
        module.loss(inputs, {"final_wires": torch.full((4, 2), 2)})
    with pytest.raises(DataError, match="has 8 numbers, found 3 x 2"):
        module.loss(inputs, {"final_wires": torch.zeros(3, 2, dtype=torch.int64)})
    short = torch.zeros(4, 2, dtype=torch.int32)
    whole = module.loss(inputs, {"final_wires": short.long()})
    torch.testing.assert_close(module.loss(inputs, {"final_wires": short}), whole)


def test_the_code_names_the_lines_of_the_model() -> None:
    text = Model.load("circuit", TASK.hypers).kernel_source()
    lines = text.split("\n")
    assert any(line.startswith("  ; 5") and "set_to" in line for line in lines)
    assert any(line.startswith("  ; gradient of ") for line in lines)
    assert "fast" not in text
    assert "reassoc" not in text


def test_the_code_is_vectors_as_wide_as_the_processor() -> None:
    """Products and sums in the instructions are packed, none is of a single number."""
    text = assembly(TASKS["turing invert"].model().kernel_source())
    register = {64: "zmm", 32: "ymm", 16: "xmm"}[vector_bytes()]
    if "ymm" not in text and "xmm" not in text:
        pytest.skip("not an x86 processor")
    bodies = [part for part in text.split("\n\n") if "vf" in part or "mulps" in part]
    packed = sum(part.count("ps\t") for part in bodies)
    wide = text.count(f"%{register}")
    assert packed > 500
    assert wide > 1000


def test_compile_prints_a_kernel(tmp_path: Path) -> None:
    hypers = tmp_path / "hypers.json"
    hypers.write_text(json.dumps(dict(TASK.hypers)))
    result = CliRunner().invoke(
        group, ["compile", "circuit", "--hypers", str(hypers), "--emit", "kernel"]
    )
    assert result.exit_code == 0, result.output
    assert "define void @run(" in result.output
    assert "a vector of" in result.output


def test_memory_does_not_grow_with_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    module = TASK.model().compile(restarts=1000, engine="native")
    assert isinstance(module, NativeModule)
    inputs = module.prepare(TASK.examples().inputs)
    targets = {name: torch.as_tensor(t) for name, t in TASK.examples().outputs.items()}
    assert module.loss(inputs, targets) is not None
    (kernel,) = module.kernels.made.values()
    size = kernel.size * kernel.target.bytes
    assert size < 100_000
    monkeypatch.setattr(native_module, "MEMORY", 3 * size)
    assert module.most_threads(kernel) == 3
