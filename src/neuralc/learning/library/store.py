"""The folder of a library: an index, and files of tensors that never change.

    library.json            the index, with a checksum, written by `saved.py`; it takes its place
                            last, so whoever reads sees the old state or the new one
    tensors/DIGEST.safetensors   one version of a function, or the examples of a task
    library.lock            held while somebody writes

Knows neither programs nor learning.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from neuralc import saved
from neuralc.errors import FileError, NeuralcError, SolutionError
from neuralc.files import read_bytes, write_atomic
from neuralc.learning.library.index import Index, from_content, to_content
from neuralc.learning.solution import DAMAGE

NAME, TENSORS, LOCK = "library", "tensors", "library.lock"
OTHERS = ("solution.json", "machine.json")  # folders that are something else
PATIENCE = 30.0  # seconds to wait for another process that writes; it takes one or two
Change = Callable[[Index], Index]


def packed(tensors: Mapping[str, Tensor]) -> tuple[str, bytes]:
    """Return tensors as the bytes of a file, and their digest."""
    data = save({name: value.contiguous() for name, value in tensors.items()})
    return hashlib.sha256(data).hexdigest(), data


class Store:
    """A folder that a library lives in; it is made when something is saved."""

    def __init__(self, folder: Path) -> None:
        """Look at the folder, but leave it as it is.

        Raises:
            FileError: it is a file, or cannot be read.
            SolutionError: it holds something else, is damaged, or is of a newer version.

        """
        self.folder = folder
        self.read()

    @property
    def exists(self) -> bool:
        """Whether something was saved."""
        return (self.folder / f"{NAME}.json").exists()

    def read(self) -> Index:
        """Return the index as it is now; raises as `__init__` does."""
        folder, path = self.folder, self.folder / f"{NAME}.json"
        try:
            self._check_place()
            there = path.exists()
        except OSError as error:
            raise FileError(f"cannot read {folder}: {_reason(error)}") from None
        if not there:
            return Index()
        content, _ = saved.read(folder, NAME)
        try:
            return from_content(content)
        except DAMAGE as error:
            raise SolutionError(f"{path} is damaged: {error!r}") from None

    def _check_place(self) -> None:
        folder = self.folder
        if folder.exists() and not folder.is_dir():
            raise FileError(f"{folder} is a file, a library is a folder\n  hint: name a new folder")
        if (folder / f"{NAME}.json").exists():
            return
        for name in OTHERS:
            if (folder / name).exists():
                raise SolutionError(
                    f"{folder} holds {name}, it is no library\n  hint: name another folder"
                )
        if (folder / TENSORS).is_dir() and any((folder / TENSORS).iterdir()):
            raise SolutionError(
                f"{folder} is damaged: {NAME}.json is missing, the tensors are there\n"
                "  hint: take it from a copy, or remove the folder to begin anew"
            )

    def tensors(self, digest: str) -> dict[str, Tensor]:
        """Return the tensors of a file.

        Raises:
            FileError: it is missing.
            SolutionError: it is damaged.

        """
        path = self._path(digest)
        data = read_bytes(path)
        if hashlib.sha256(data).hexdigest() != digest:
            raise SolutionError(f"{path} is damaged: its checksum is another one")
        try:
            return dict(load(data))
        except (SafetensorError, ValueError, KeyError) as error:
            raise SolutionError(f"{path} is damaged: {error}") from None

    def check_writable(self) -> None:
        """Refuse a folder that cannot be written, before hours are spent on what to write.

        Raises:
            FileError: it, or the folder that it would be made in, cannot be written.

        """
        place = self.folder.absolute()
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            raise FileError(
                f"cannot write the library {self.folder}: {place} cannot be written\n"
                "  hint: name another folder"
            )

    def change(self, change: Change, files: Mapping[str, bytes]) -> Index:
        """Change the library in one step; two processes that do so wait for one another.

        Args:
            change: gives the new index, or raises; called twice, so it must not do anything else.
            files: new tensors by digest.

        Raises:
            FileError: it cannot be written, and is what it was; or another process does not end.

        """
        change(self.read())  # nothing is written where this raises
        with locked(self.folder):
            before = self.read()
            after = change(before)
            if not self.exists:  # else a crash would leave tensors without an index
                saved.write(self.folder, NAME, to_content(Index()), {})
            new = [digest for digest in files if not self._path(digest).exists()]
            try:
                for digest in new:
                    write_atomic(self._path(digest), files[digest])
                saved.write(self.folder, NAME, to_content(after), {})
            except FileError:
                self._discard(new)
                raise
            self._discard(before.digests - after.digests)
            return after

    def _discard(self, digests: list[str] | frozenset[str]) -> None:
        """Remove files that the index does not name; what cannot be removed does no harm."""
        for digest in digests:
            try:
                self._path(digest).unlink(missing_ok=True)
            except OSError:
                continue

    def _path(self, digest: str) -> Path:
        return self.folder / TENSORS / f"{digest}.safetensors"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made; it is let go of even if the process is killed.

    Raises:
        FileError: the folder cannot be written.
        NeuralcError: another process holds the lock, and goes on doing so.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise FileError(f"cannot write the library {folder}: {_reason(error)}") from None
    try:
        deadline = time.monotonic() + PATIENCE
        while not _grabbed(handle):
            if time.monotonic() > deadline:
                raise NeuralcError(
                    f"another process has been writing the library {folder} for {PATIENCE:.0f} "
                    "seconds; nothing was saved\n  hint: try again when it has ended"
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _grabbed(handle: int) -> bool:
    """Try to take the lock of an open file."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
