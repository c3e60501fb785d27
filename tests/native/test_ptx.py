"""PTX of kernels: any machine makes it, and NVIDIA's assembler, where it is found, takes it."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.tasks import TASKS
from neuralc.backends.native import NativeModule, ptx
from neuralc.backends.native.kernel import Kind, Variant
from neuralc.cli import group

CIRCUIT, TURING = "circuit swap", "turing invert"
CASES: list[tuple[str, Kind, str]] = [
    (CIRCUIT, "outputs", "double"), (CIRCUIT, "pullback", "float"), (CIRCUIT, "loss", "double"),
    (CIRCUIT, "rmsprop", "float"), (CIRCUIT, "adam", "double"), (TURING, "loss", "float"),
]  # fmt: skip


def assembler() -> str | None:
    """Return the path of `ptxas`, of its own or that comes with triton."""
    if found := shutil.which("ptxas"):
        return found
    spec = importlib.util.find_spec("triton")
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder) / "backends" / "nvidia" / "bin" / "ptxas"
        if path.exists():
            return str(path)
    return None


def made(name: str, kind: Kind, real: str) -> str:
    module = TASKS[name].model().compile(engine="native")
    assert isinstance(module, NativeModule)
    target = ptx.thread(real, "sm_80")
    kernel = module.kernels.module(Variant(kind, target, "P", module.params, 2**30))
    return ptx.translated(kernel.text(), "sm_80").decode()


@pytest.mark.parametrize(("name", "kind", "real"), CASES)
def test_kernels_are_assembled(name: str, kind: Kind, real: str, tmp_path: Path) -> None:
    text = made(name, kind, real)
    assert ".target sm_80" in text
    assert re.findall(r"\.visible \.\w+ (\w+)", text) == ["launch"]
    assert not re.search(r"\.extern", text)  # all that is called is there
    alignments = set(re.findall(r"^\.global \.align (\d+)", text, re.MULTILINE))
    assert alignments <= {"16"}  # two numbers at once are loaded from there
    assert alignments or name != TURING
    if (program := assembler()) is None:
        pytest.skip("no ptxas is here: PTX was made, and not assembled")
    path = tmp_path / "kernel.ptx"
    path.write_text(text)
    command = [program, "-O1", "-arch=sm_80", str(path), "-o", str(tmp_path / "kernel.cubin")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_only_what_may_be_is_contracted() -> None:
    """An assembler makes one instruction of two without `rn`; the centred softmax has it."""
    text = made(CIRCUIT, "loss", "float")
    assert "fma.rn.f32" in text
    assert "sub.rn.f32" in text
    assert "div.rn.f32" in text
    assert not re.search(r"\b(sub|div|sqrt)\.(f32|approx)", text)
    assert ".ftz" not in text


@pytest.mark.parametrize(
    ("capability", "chip"),
    [
        ((3, 5), "sm_50"),
        ((7, 5), "sm_75"),
        ((8, 7), "sm_86"),
        ((9, 0), "sm_90"),
        ((99, 9), "sm_120"),
    ],
)
def test_code_is_for_the_nearest_chip(capability: tuple[int, int], chip: str) -> None:
    assert ptx.chip(*capability) == chip


def test_it_is_kept(tmp_path: Path) -> None:
    text = "define void @run() {\n ret void\n}\ndefine void @share(ptr %a, ptr %b, ptr %c, "
    text += "i64 %d, i64 %e, i64 %f) {\n ret void\n}\n"
    count = []

    def make() -> tuple[str, dict[str, int]]:
        count.append(1)
        return text, {"size": 3}

    one, two = (ptx.load(b"content", make, "sm_80", tmp_path) for _ in range(2))
    assert one == two
    assert len(count) == 1
    assert b".entry launch" in two.text
    assert two.facts == {"size": 3}


def test_compile_prints_ptx(tmp_path: Path) -> None:
    hypers = tmp_path / "hypers.json"
    hypers.write_text(json.dumps(dict(TASKS[CIRCUIT].hypers)))
    command = ["compile", "circuit", "--hypers", str(hypers), "--device", "cuda"]
    result = CliRunner().invoke(group, [*command, "--emit", "kernel"])
    assert result.exit_code == 0, result.output
    assert ".visible .entry launch(" in result.output
    result = CliRunner().invoke(group, [*command, "--emit", "torch"])
    assert result.exit_code != 0
    assert "--emit torch is the same on all devices" in result.output
