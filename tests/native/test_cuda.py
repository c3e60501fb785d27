"""Kernels for CUDA: what a thread computes, on a GPU played by the CPU; and the same on a GPU,
where there is one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.tasks import TASKS
from neuralc.backends.native import NativeModule, ptx
from neuralc.backends.native import module as native_module
from neuralc.backends.native.compiled import Compiled, compiled
from neuralc.backends.native.cuda import Driver
from neuralc.backends.native.logarithm import logarithm
from neuralc.errors import Declined, NeuralcError
from neuralc.learning.engine import told
from neuralc.learning.settings import Settings
from neuralc.learning.train import Trainer, negative_log_likelihood
from tests.native.emulated import Emulated
from tests.native.same import both, check
from tests.native.test_gradients import check_single, solved
from tests.random_models import Features, random_program
from tests.soft.models import LOOK, model

APART = """
    @Runtime([4, 3], 5)
    def MIX(a, b): return (3 * a + b) % 5

    given = Input(4)
    other = Input(3)
    pick = Param(3)
    plain = Output(5)
    made = Output(5)
    plain.set_to(MIX(given, other))
    made.set_to(MIX(given, pick))
"""
TASK = TASKS["circuit swap"]
IMAGES = {"images": np.random.default_rng(0).random((4, 3, 2, 3))}
TOTALS = {"total": torch.tensor([1, -1, 0, 3])}
on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU of CUDA's is here")


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulated]:
    """Let modules on the CPU believe that they are on a GPU."""
    gpu = Emulated()
    monkeypatch.setattr(NativeModule, "gpu", lambda _: gpu)
    yield gpu
    assert gpu.runs


def check_random(seeds: range, monkeypatch: pytest.MonkeyPatch, device: str = "cpu") -> None:
    checked = 0
    for seed in seeds:
        program = random_program(seed, Features(tight=bool(seed % 2)))
        try:
            check(program, seed, None, monkeypatch, soft=seed % 3 == 0, device=device)
        except Declined:
            continue
        checked += 1
    assert checked


@pytest.mark.parametrize("part", range(3))
def test_random_programs(part: int, played: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    check_random(range(100 + part, 109, 3), monkeypatch)


@pytest.mark.parametrize("name", ["invert", "swap"])
def test_machines(name: str, played: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    check(solved(name), 0, None, monkeypatch)


def test_what_does_not_depend_on_restarts(
    played: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An output that is the same for all of them, and its gradient."""
    given = {"given": np.array([0, 3, 2]), "other": np.array([1, 1, 2])}
    goals = {name: torch.tensor([0, 1, -1]) for name in ("plain", "made")}
    check(model(APART).program, 0, None, monkeypatch, (given, goals), soft=True)


def test_networks_stay_in_torch(played: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    check(model(LOOK).program, 0, None, monkeypatch, (IMAGES, TOTALS))


@pytest.mark.parametrize(("restarts", "batch"), [(1, 40), (33, 5), (100, 1)])
def test_any_number_of_restarts_and_examples(restarts: int, batch: int, played: Emulated) -> None:
    """Fewer tasks than threads, and more, so that a thread has several."""
    plain, native = both(solved("swap"), restarts=restarts)
    wires = np.random.default_rng(0).integers(0, 2, (batch, 3))
    inputs = plain.prepare({"initial_wires": wires})
    targets = {"final_wires": torch.from_numpy(wires[:, 1::-1].copy())}
    found = []
    for module in (plain, native):
        outputs, _ = module.run(inputs)
        (value,) = outputs.values()
        (gradient,) = torch.autograd.grad((value * value).sum(), module.logits)
        found.append([value, gradient])
        loss = negative_log_likelihood(module, inputs, targets)
        found[-1] += [loss, *torch.autograd.grad(loss.sum(), module.logits)]
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.parametrize("restarts", [3, 70])
def test_steps_are_those_of_torch(optimizer: str, restarts: int, played: Emulated) -> None:
    """In the kernel where the restarts fill the GPU, else one by one."""
    settings = Settings(restarts=restarts, optimizer=optimizer)  # type: ignore[arg-type]
    trainers = []
    for engine in ("torch", "native"):
        module = TASK.model().compile(restarts=restarts, dtype="float64", engine=engine)  # type: ignore[arg-type]
        trainer = Trainer(module, TASK.examples(), settings)
        while trainer.step_number < 6:
            trainer.advance(6 - trainer.step_number)
        trainers.append(trainer)
    one, two = trainers
    kinds = {variant.kind for variant in two.module.kernels.made}  # type: ignore[union-attr]
    assert kinds == {optimizer if restarts == 70 else "loss"}
    torch.testing.assert_close(two.module.logits, one.module.logits, rtol=0, atol=1e-10)
    torch.testing.assert_close(two.mean_square, one.mean_square, rtol=0, atol=1e-12)
    torch.testing.assert_close(two.loss.double(), one.loss.double(), rtol=0, atol=1e-9)


def test_single_precision(played: Emulated) -> None:
    check_single(5.0)


def test_memory_is_bounded(played: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    module = TASK.model().compile(restarts=40, engine="native")
    assert isinstance(module, NativeModule)
    inputs = module.prepare(TASK.examples().inputs)
    targets = {name: torch.as_tensor(t) for name, t in TASK.examples().outputs.items()}
    whole = module.loss(inputs, targets)
    (kernel,) = module.kernels.made.values()
    size = kernel.size * kernel.target.bytes
    monkeypatch.setattr(native_module, "MEMORY", size)
    assert module.most_threads(kernel) == 1
    torch.testing.assert_close(module.loss(inputs, targets), whole)
    monkeypatch.setattr(native_module, "MEMORY", 1000)
    with pytest.raises(Declined, match="for each warp; more than 0 GiB"):
        module.loss(inputs, targets)


# ---- the logarithm

LOOP = """
define void @run(ptr %to, ptr %from, ptr %none, i64 %start, i64 %stop) {
entry:
  br label %each
each:
  %i = phi i64 [%start, %entry], [%j, %each]
  %a = getelementptr REAL, ptr %from, i64 %i
  %x = load REAL, ptr %a
  %y = call REAL @logarithm(REAL %x)
  %b = getelementptr REAL, ptr %to, i64 %i
  store REAL %y, ptr %b
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %stop
  br i1 %more, label %each, label %done
done:
  ret void
}
"""


def logarithms(real: str, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    target = ptx.thread(real, ptx.PLAIN)
    code = Compiled(compiled(logarithm(target) + LOOP.replace("REAL", real)), {})
    found = np.empty_like(x)
    code.run(found.ctypes.data, x.ctypes.data, 0, 0, len(x))
    return found


@pytest.mark.parametrize(("real", "kind"), [("float", np.float32), ("double", np.float64)])
def test_the_logarithm(real: str, kind: type[Any]) -> None:
    """Within four units in the last place, near 1 as well, where it is nearly 0."""
    rng = np.random.default_rng(0)
    near = 1 + rng.uniform(-0.01, 0.01, 20_000)
    whole = np.exp(rng.uniform(-80, 80, 20_000))
    x = np.concatenate([near, whole, rng.random(20_000), [1, 1e-15, 2, 0.5]]).astype(kind)
    wanted = np.log(x.astype(np.longdouble))
    units = np.abs(logarithms(real, x) - wanted) / np.spacing(np.abs(wanted).astype(kind))
    assert units.max() < 4
    assert logarithms(real, np.array([1], kind))[0] == 0
    odd = np.array([0, -1, np.nan, np.inf], kind)
    assert np.isnan(logarithms(real, odd)).all()


# ---- where there is no GPU, or something is wrong with it


def test_no_gpu_is_said() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(NeuralcError, match="cannot compute on 'cuda'"):
        TASK.model().compile(engine="native", device="cuda")


def test_other_devices_are_declined(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Declined, match="for the CPU and for CUDA, not for mps"):
        TASK.model().compile(engine="native", device="mps")
    assert told(TASK.model().compile(engine="auto", device="meta")) == "engine: torch"
    monkeypatch.setattr(torch.version, "hip", "6.0")
    with pytest.raises(Declined, match="not for ROCm"):
        TASK.model().compile(engine="native", device="cuda")


class Broken:
    """A library of a driver that refuses to load what it is given."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: 218 if name == "cuModuleLoadDataEx" else 0

    def cuGetErrorString(self, code: int, text: Any) -> int:  # noqa: N802
        ctypes.cast(text, ctypes.POINTER(ctypes.c_char_p))[0] = b"a PTX compilation failed"
        return 0


def test_what_the_driver_says_is_passed_on() -> None:
    with pytest.raises(
        NeuralcError, match=r"CUDA: a PTX compilation failed \(cuModuleLoadDataEx\)"
    ):
        Driver(Broken()).entry(b"nonsense")


# ---- on a GPU


@on_a_gpu
def test_random_programs_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    check_random(range(100, 109), monkeypatch, "cuda")


@on_a_gpu
@pytest.mark.parametrize("name", ["invert", "swap", "alm_double"])
def test_machines_on_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(solved(name), 0, None, monkeypatch, device="cuda")


@on_a_gpu
def test_networks_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    check(model(LOOK).program, 0, None, monkeypatch, (IMAGES, TOTALS), device="cuda")


@on_a_gpu
@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_steps_on_a_gpu(optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NativeModule, "stays", lambda *_: True)
    settings = Settings(restarts=70, optimizer=optimizer)  # type: ignore[arg-type]
    trainers = []
    for device in ("cpu", "cuda"):
        module = TASK.model().compile(restarts=70, dtype="float64", engine="native")
        torch.manual_seed(0)
        module.logits.data.normal_()
        trainer = Trainer(module.to(device), TASK.examples(), settings)
        while trainer.step_number < 12:
            trainer.advance(12 - trainer.step_number)
        trainers.append(trainer)
    one, two = trainers
    torch.testing.assert_close(two.module.logits.cpu(), one.module.logits, rtol=0, atol=1e-10)
    torch.testing.assert_close(two.loss.cpu(), one.loss, rtol=0, atol=1e-9)
