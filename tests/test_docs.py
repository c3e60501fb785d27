"""The documents are true: their examples run, their error codes, folders and links exist."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from neuralc import machines
from neuralc.cli import group
from neuralc.data.examples_json import read_batches
from neuralc.ir import check
from neuralc.lang import alm, asm, pyasm, pyfn
from neuralc.lang import model as language
from neuralc.lang.model import hyper_names, parse
from neuralc.source import Source

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "neuralc"
README, LANGUAGE = ROOT / "README.md", ROOT / "docs" / "language.md"
VERIFY, LIBRARIES = ROOT / "docs" / "verify.md", ROOT / "docs" / "libraries.md"
ROUTINES = ROOT / "docs" / "routines.md"
METERS, LIFELONG = ROOT / "docs" / "meters.md", ROOT / "docs" / "lifelong.md"
CONTEXTUAL, CALLS = ROOT / "docs" / "contextual.md", ROOT / "docs" / "calls.md"
TRANSFORMERS = ROOT / "docs" / "transformers.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CODE = re.compile(r"\bE[1-6]\d\d\b")
FEW = 12  # restarts, in place of those of the examples


def blocks(path: Path, kind: str) -> list[str]:
    """Return the fenced blocks of a document that are marked as `kind`."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S)
    return [block for name, block in found if name == kind]


def is_model(block: str) -> bool:
    """Tell models from Python: their first line is a comment that names the file."""
    return block.startswith("# ")


def essence(line: str) -> str:
    """Return what a line says on every machine: no times, counts, probabilities, last moves."""
    line = re.sub(r"(move \w+|stay), halt", "halt", line.split("  #")[0])
    return re.sub(r"^(time|exact restarts): .*", r"\1", line)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- examples


@pytest.mark.parametrize(
    "path",
    [README, LANGUAGE, VERIFY, LIBRARIES, METERS, CONTEXTUAL, CALLS, ROUTINES, TRANSFORMERS],
    ids=lambda path: path.name,
)
def test_python_and_models(path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each block is a file of its own, so that `@nc.model` finds its text."""
    found = blocks(path, "python")
    assert any(not is_model(block) for block in found)
    for k, block in enumerate(found):
        if is_model(block):
            name = block.split(":")[0].removeprefix("# ")
            (folder / name).write_text(block, "utf-8")
            source = Source(name, block)
            assert not parse(source, dict.fromkeys(hyper_names(source), 3)).warnings
            continue
        file = folder / f"block_{k}.py"
        file.write_text(re.sub(r"restarts=\d+", f"restarts={FEW}", block), "utf-8")
        runpy.run_path(str(file))
    if path == LANGUAGE:
        assert "100% of all pairs" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_shell() -> None:
    """The files are written as the README says, the commands say what it says they do."""
    _, *files = blocks(README, "sh")  # the first are the calls of make
    for block in files:
        subprocess.run(["bash", "-euc", block], check=True, timeout=60)
    session = "".join(blocks(README, "console"))
    for part in re.split(r"^\$ neuralc ", session, flags=re.M)[1:]:
        command, *lines = part.splitlines()
        few = f" --restarts {FEW}" if command.startswith("learn") else ""
        done = CliRunner().invoke(group, shlex.split(command + few))
        assert done.exit_code == 0, done.stderr
        printed = {essence(line) for line in done.stdout.splitlines()}
        assert not {essence(line) for line in lines} - printed - {"…"}, command


def test_the_models_of_the_meters_are_the_files() -> None:
    for block in filter(is_model, blocks(METERS, "python")):
        name = block.split(":")[0].removeprefix("# ")
        assert (ROOT / "examples" / "meters" / name).read_text("utf-8") == block


def test_the_lifetime(folder: Path) -> None:
    """The file is that of the examples; what was learned is as shown, but for the numbers."""
    (block,) = blocks(LIFELONG, "toml")
    assert (ROOT / "examples" / "lifelong" / "digits.toml").read_text("utf-8") == block
    (folder / "digits.toml").write_text(block, "utf-8")
    ((command, *lines),) = [text.splitlines() for text in blocks(LIFELONG, "console")]
    done = CliRunner().invoke(group, shlex.split(command)[2:])
    assert done.exit_code == 0, done.stderr
    found = [done.stdout.splitlines(), lines]
    ours, shown = ([re.sub(r"ADD\(.*\)|\d+\.\d.*", "", x).split() for x in part] for part in found)
    assert ours == shown


def test_data_files(folder: Path) -> None:
    np.savez(folder / "rows.npz", images=np.zeros((2, 3, 28, 28), np.float32))
    np.save(folder / "totals.npy", np.array([3, -1]))
    found = blocks(LANGUAGE, "json")
    assert len(found) == 2
    for block in found:
        (folder / "data.json").write_text(block, "utf-8")
        (batch,) = read_batches(folder / "data.json")
        assert batch.name == "train"


# ---- what they name


def test_error_codes() -> None:
    written = set(re.findall(r"^\| (E\d{3}) ", (ROOT / "docs/errors.md").read_text("utf-8"), re.M))
    used: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        used |= set(re.findall(r'"(E\d{3})"', path.read_text("utf-8")))
    assert written == used
    documented = (language, check, pyfn, alm, asm, pyasm)
    listed = set(CODE.findall("".join(str(part.__doc__) for part in documented)))
    assert listed == used - {"E290"}  # of the textual form, see `ir/words.py`


def test_the_tree_is_that_of_the_package() -> None:
    tree = next(b for b in blocks(README, "") if b.startswith("src/neuralc/"))
    named = set(re.findall(r"^  (\w+(?:/|\.py)) ", tree, re.M))
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    files = {path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}
    assert named == folders | files


def test_machines_are_named() -> None:
    text = README.read_text("utf-8")
    assert all(f"`{name}`" in text for name in machines.names())


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths(path: Path) -> None:
    text = path.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert not [link for link in links if not (path.parent / link).exists()]
    quoted = re.findall(r"`((?:src|tests|docs|benchmarks)/[\w./]+)`", text)
    quoted += [f"src/neuralc/{p}" for p in re.findall(r"`((?:ir|lang|backends)/[\w./]+)`", text)]
    assert not [name for name in quoted if not (ROOT / name).exists()]
