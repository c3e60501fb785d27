"""The digits, MNIST and the grids made of them."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from neuralc.data import mnist
from neuralc.data.digits import Digits, load_digits
from neuralc.data.grids import TASKS, sum_grids
from neuralc.errors import DataError, FileError, MissingExtra

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "mnist"


def check(digits: Digits, train: int, test: int, side: int) -> None:
    for images, labels, count in (
        (digits.train_images, digits.train_labels, train),
        (digits.test_images, digits.test_labels, test),
    ):
        assert (images.shape, images.dtype) == ((count, side, side), np.float32)
        assert (labels.shape, labels.dtype) == ((count,), np.int64)
        assert (images.min(), images.max()) == (0, 1)
        assert set(labels.tolist()) == set(range(10))


def test_digits() -> None:
    pytest.importorskip("sklearn", reason="the extra 'demo' is not installed")
    digits = load_digits()
    check(digits, 1437, 360, 8)
    again = load_digits()
    np.testing.assert_array_equal(digits.test_images, again.test_images)
    rows = np.concatenate([digits.train_images, digits.test_images]).reshape(1797, -1)
    assert len(np.unique(rows, axis=0)) == 1797  # so no image is on both sides


def test_digits_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match=r'pip install "neuralc\[demo\]"'):
        load_digits()


# ---- MNIST


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes())


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty current directory and an empty cache, and nothing beside them."""
    here = tmp_path / "work" / "here"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setattr(mnist, "__file__", str(here / "src" / "neuralc" / "data" / "mnist.py"))
    monkeypatch.delenv("NEURALC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return here


def put(folder: Path, count: int = 10) -> None:
    folder.mkdir(parents=True)
    for name in mnist.FILES:
        images = np.arange(count * 4).reshape(count, 2, 2) * 255 // (count * 4 - 1)
        array = images if "idx3" in name else np.arange(count) % 10
        (folder / f"{name}.gz").write_bytes(idx(array))


@pytest.mark.parametrize("where", ["named", "named/mnist", "beside"])
def test_mnist_is_found(alone: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    folder = alone.parent / ("shared/data/mnist" if where == "beside" else where)
    if where != "beside":
        monkeypatch.setenv("NEURALC_DATA", str(alone.parent / "named"))
    put(folder)
    check(mnist.load_mnist(), 10, 10, 2)


def test_the_folder_that_is_named_must_have_it(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEURALC_DATA", str(alone))
    with pytest.raises(FileError, match=r"(?s)NEURALC_DATA is .*unset NEURALC_DATA"):
        mnist.load_mnist()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip at all",
        gzip.compress(b""),
        gzip.compress(b"\x00\x00\x08"),
        gzip.compress(b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00\x00\x00\x00"),
        gzip.compress(b"\x00\x00\x08\x02\x00\x00\x00\x01"),
        idx(np.zeros(9))[:-9],
        gzip.compress(gzip.decompress(idx(np.zeros(9)))[:-1]),
    ],
    ids=["empty", "text", "nothing", "head", "floats", "sizes", "cut", "short"],
)
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"x\.gz (is damaged|is no idx file)"):
        mnist.read_idx(path)


class Handler(http.server.BaseHTTPRequestHandler):
    content = b"something else"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    """Serve `Handler.content` whatever is asked for."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()
        thread.join()


@pytest.mark.usefixtures("alone")
def test_a_wrong_checksum_is_refused(server: str) -> None:
    pytest.importorskip("pooch", reason="the extra 'demo' is not installed")
    name = next(iter(mnist.FILES))
    with pytest.raises(FileError, match="does not have the published checksum"):
        mnist.download(name, url=server)


@pytest.mark.usefixtures("alone")
def test_a_download_is_kept(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pooch", reason="the extra 'demo' is not installed")
    name = next(iter(mnist.FILES))
    checksum = hashlib.sha256(Handler.content).hexdigest()
    monkeypatch.setitem(mnist.FILES, name, checksum)
    seen: list[tuple[str, int, int]] = []
    path = mnist.download(name, url=server, progress=lambda *told: seen.append(told))
    assert path.read_bytes() == Handler.content
    assert seen[-1] == (name, len(Handler.content), len(Handler.content))
    assert mnist.download(name, url="http://127.0.0.1:1/") == path  # from the cache


@pytest.mark.usefixtures("alone")
def test_offline() -> None:
    pytest.importorskip("pooch", reason="the extra 'demo' is not installed")
    name = next(iter(mnist.FILES))
    with pytest.raises(FileError, match=r"cannot download .*\n  hint: set NEURALC_DATA"):
        mnist.download(name, url="http://127.0.0.1:1/")


@pytest.mark.usefixtures("alone")
def test_a_download_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtra, match=r'pip install "neuralc\[demo\]"'):
        mnist.load_mnist()


def test_the_real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    if not REAL.is_dir():
        pytest.skip("../shared/data/mnist is not here")
    monkeypatch.delenv("NEURALC_DATA", raising=False)
    digits = mnist.load_mnist()
    check(digits, 60_000, 10_000, 28)
    assert np.bincount(digits.train_labels).tolist()[:3] == [5923, 6742, 5958]


# ---- grids


def pool(count: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=count)
    return np.arange(count)[:, None, None] + np.zeros((count, 3, 2)), labels


@pytest.mark.parametrize("task", TASKS)
def test_grids(task: str) -> None:
    images, labels = pool()
    grids, sums, digits = sum_grids(images, labels, TASKS[task], 500, seed=1)
    assert (grids.shape, grids.dtype) == ((500, 4, 3, 2), np.float32)
    assert (sums.shape, sums.dtype, digits.shape) == ((500,), np.int64, (500, 4))
    picked = grids[:, :, 0, 0].astype(int)  # each image says which it is
    np.testing.assert_array_equal(digits, labels[picked])
    first, second = TASKS[task]
    np.testing.assert_array_equal(sums, digits[:, first] + digits[:, second])
    assert len(np.unique(picked, axis=0)) == 500
    again = sum_grids(images, labels, TASKS[task], 500, seed=1)
    other = sum_grids(images, labels, TASKS[task], 500, seed=2)
    np.testing.assert_array_equal(grids, again[0])
    assert (grids != other[0]).any()


def test_tasks_are_rows_and_columns() -> None:
    square = np.arange(4).reshape(2, 2)
    assert TASKS == {
        "top": tuple(square[0]),
        "left": tuple(square[:, 0]),
        "bottom": tuple(square[1]),
        "right": tuple(square[:, 1]),
    }


def test_distinct_even_where_most_grids_are_taken() -> None:
    images, labels = pool(2)
    grids, _, _ = sum_grids(images, labels, (0,), 8, seed=0)
    assert len(np.unique(grids[:, :, 0, 0], axis=0)) == 8


def test_wrong_grids() -> None:
    images, labels = pool(2)
    with pytest.raises(DataError, match="2 images are too few for 9 distinct grids"):
        sum_grids(images, labels, (0, 1), 9, seed=0)
    with pytest.raises(DataError, match="cells are numbered"):
        sum_grids(images, labels, (0, 4), 1, seed=0)
    with pytest.raises(DataError, match="2 images, but 1 labels"):
        sum_grids(images, labels[:1], (0, 1), 1, seed=0)
