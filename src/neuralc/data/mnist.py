"""MNIST from a folder of the user's, or downloaded once into the cache with a checksum.

Looked for in this order: the folder `NEURALC_DATA` (itself, or `mnist/` in it), the folder
`../shared/data/mnist` beside the current directory or the repository, the user's cache. A file
of a folder is read as it is; what comes from the network must have the published checksum.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuralc.data.digits import Digits
from neuralc.errors import FileError, MissingExtra
from neuralc.files import read_bytes

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}

Progress = Callable[[str, int, int], None]
"""Called while a file is downloaded: its name, the bytes so far, and all its bytes."""


def load_mnist(progress: Progress | None = None) -> Digits:
    """Return MNIST: 60,000 digits of 28x28 to learn from, 10,000 held out.

    Args:
        progress: told how a download goes on; None: nobody is told.

    Raises:
        FileError: offline and not in any folder, a wrong checksum, or a damaged file.
        MissingExtra: a download is needed and pooch is not installed.

    Source: Y. LeCun, C. Cortes, C. Burges; the four original files.

    """
    folder = find_mnist()
    paths = [
        folder / f"{name}.gz" if folder else download(name, progress=progress) for name in FILES
    ]
    train_images, train_labels, test_images, test_labels = map(read_idx, paths)
    return Digits(
        "mnist",
        np.divide(train_images, 255, dtype=np.float32),
        train_labels.astype(np.int64),
        np.divide(test_images, 255, dtype=np.float32),
        test_labels.astype(np.int64),
    )


def find_mnist() -> Path | None:
    """Return the first folder that holds all four files, or None.

    Raises:
        FileError: `NEURALC_DATA` is set and does not hold them.

    """
    named = os.environ.get("NEURALC_DATA")
    if named:
        for folder in (Path(named) / "mnist", Path(named)):
            if _complete(folder):
                return folder
        raise FileError(
            f"NEURALC_DATA is {named}, but MNIST is neither there nor in its folder 'mnist'\n"
            f"  hint: it needs {', '.join(f'{name}.gz' for name in FILES)};\n"
            "  unset NEURALC_DATA to download them"
        )
    repository = Path(__file__).parents[3]
    for base in (Path.cwd(), repository):
        folder = base.parent / "shared" / "data" / "mnist"
        if _complete(folder):
            return folder
    return None


def _complete(folder: Path) -> bool:
    return all((folder / f"{name}.gz").is_file() for name in FILES)


def download(name: str, *, url: str = URL, progress: Progress | None = None) -> Path:
    """Return the place of a file in the user's cache, downloaded where it is not there yet.

    Args:
        name: one of `FILES`.
        url: where it is published, with a slash at the end.
        progress: as in `load_mnist`.

    Raises:
        FileError: it cannot be had, or is not what was published.
        MissingExtra: pooch is not installed.

    """
    try:
        import pooch
    except ImportError:
        raise MissingExtra("pooch", "demo", "downloading MNIST") from None
    pooch.get_logger().setLevel("ERROR")
    cache = pooch.os_cache("neuralc") / "mnist"
    bar = _Bar(name, progress) if progress else False
    try:
        found = pooch.retrieve(
            f"{url}{name}.gz",
            known_hash=f"sha256:{FILES[name]}",
            fname=f"{name}.gz",
            path=cache,
            downloader=pooch.HTTPDownloader(progressbar=bar, timeout=30),
        )
    except ValueError:
        raise FileError(
            f"{url}{name}.gz: what came does not have the published checksum; it was thrown away\n"
            "  hint: try again, or set NEURALC_DATA to a folder with the four files of MNIST"
        ) from None
    except OSError as error:
        raise FileError(
            f"cannot download {url}{name}.gz to {cache}: {_cause(error)}\n"
            "  hint: set NEURALC_DATA to a folder with the four files of MNIST"
        ) from None
    return Path(found)


def _cause(error: BaseException) -> str:
    """Return the innermost reason: libraries for the web wrap an error many times."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


class _Bar:
    """What pooch asks of a progress bar, passed on to a callback."""

    def __init__(self, name: str, progress: Progress) -> None:
        self.name, self.progress, self.done, self.total = name, progress, 0, 0

    def update(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        self.progress(self.name, self.done, self.total)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the array of a gzipped idx file of bytes: two zeros, 8, the rank, then the sizes.

    Raises:
        FileError: the file is missing, damaged, or of another kind.

    """
    try:
        data = gzip.decompress(read_bytes(path))
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path} is damaged: {error}") from None
    rank = data[3] if data[:3] == b"\x00\x00\x08" and len(data) >= 4 else 0
    start = 4 + 4 * rank
    if not rank or len(data) < start:
        raise FileError(f"{path} is no idx file of bytes: it begins with {data[:4]!r}")
    shape = tuple(np.frombuffer(data, ">u4", rank, 4).tolist())
    if len(data) - start != np.prod(shape):
        raise FileError(f"{path} is damaged: {len(data) - start} bytes for an array of {shape}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
