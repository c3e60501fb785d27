"""Several processes and one library: nothing is lost, and what cannot be is told."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from neuralc.backends.soft.networks import build_network
from neuralc.errors import NeuralcError
from neuralc.ir.nodes import Int, Network, Real
from neuralc.learning import learn
from neuralc.learning.library import store
from neuralc.learning.library.library import Library
from tests.library.models import FAST, larger, larger_data, state

HOLD = """
import fcntl, sys, time
handle = open(sys.argv[1], "w")
fcntl.flock(handle, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def test_many_at_once(tmp_path: Path) -> None:
    """Every writer opens the lock for itself, as a process of its own would."""

    def add(k: int) -> None:
        network = Network(f"f{k % 4}", (Real((3,)),), Int(2))
        body = build_network(network, 1)
        values = {name: torch.full_like(p, k) for name, p in body.named_parameters()}
        while True:
            try:
                Library(tmp_path / "lib").add(network.name, (network, values))
            except NeuralcError as error:
                if "another process has saved" not in str(error):
                    raise
            else:
                return

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(12)))
    library = Library(tmp_path / "lib")
    assert {name: len(library.history(name)) for name in library} == {f"f{k}": 3 for k in range(4)}
    for k in range(4):
        found = {int(library[f"f{k}"].weights(n)["biases.0"].max()) for n in (1, 2, 3)}
        assert found == {k, k + 4, k + 8}


def test_saved_over_by_another(folder: Path) -> None:
    """The one that began first ends last: it does not overwrite what it has not seen."""
    library = Library(folder)
    network = library["SEE"].network
    zeros = {name: torch.zeros_like(v) for name, v in library["SEE"].weights().items()}
    saved: list[dict[str, str]] = []

    def meanwhile(done: int, total: int, remark: str) -> None:
        if not saved:
            Library(folder).add("SEE", (network, zeros))
            saved.append(state(folder))

    with pytest.raises(
        NeuralcError, match=r"SEE of .* was version 1 when this began and is version 2"
    ):
        learn(larger, larger_data(), library=library, task="larger", settings=FAST, accept=0.9,
              progress=meanwhile)  # fmt: skip
    assert state(folder) == saved[0]
    assert not library["SEE"].weights()["weights.0"].any()


@pytest.mark.skipif(sys.platform == "win32", reason="the other process locks as POSIX does")
def test_a_process_that_holds_the_lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(folder)
    command = [sys.executable, "-c", HOLD, str(folder / store.LOCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        before = state(folder)
        monkeypatch.setattr(store, "PATIENCE", 0.2)
        with pytest.raises(NeuralcError, match="another process has been writing the library"):
            library.remove_task("sum")
        assert list(library.tasks) == ["sum"]  # reading needs no lock
        assert state(folder) == before
        other.kill()
    library.remove_task("sum")
    assert not library.tasks
