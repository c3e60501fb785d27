"""Reading and writing whole files, so that a failure loses nothing and is told in one sentence.

Knows nothing of what is inside. Every file that a user names is read, and every file that we
leave behind is written, through here.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from neuralc.errors import FileError


def read_text(path: str | Path) -> str:
    """Return the text of a file in UTF-8.

    Raises:
        FileError: there is no such file, it is a folder, may not be read, or is not text.

    """
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is not a text file: byte {error.start} is not UTF-8\n  hint: save it as UTF-8"
        ) from None


def read_bytes(path: str | Path) -> bytes:
    """Return the content of a file.

    Raises:
        FileError: there is no such file, it is a folder, or may not be read.

    """
    path = Path(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileError(f"there is no file {path}{_nearby(path)}") from None
    except IsADirectoryError:
        raise FileError(f"{path} is a folder, a file is needed") from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {_reason(error)}") from None


def write_atomic(path: str | Path, content: str | bytes) -> None:
    """Write a file whole or not at all; missing folders are made.

    The content goes to a temporary name in the same folder, which then takes the place of `path`:
    whoever reads sees the old file or the new one, and a full disk or Ctrl-C leaves the old one.

    Raises:
        FileError: it cannot be written, for example because the disk is full.

    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a crash after the rename may leave an empty file
        temporary.replace(path)
    except OSError as error:
        kept = "; the file that was there is unchanged" if path.is_file() else ""
        raise FileError(f"cannot write {path}: {_reason(error)}{kept}") from None
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # the folder could not be made, or is no folder: nothing was left behind


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _nearby(path: Path) -> str:
    """Return a hint: a missing folder, or the files of this kind that are there."""
    if not path.parent.is_dir():
        return f"\n  hint: there is no folder {path.parent} either"
    same = sorted(p.name for p in path.parent.glob(f"*{path.suffix or '.*'}") if p.is_file())[:5]
    return f"\n  hint: in this folder there are {', '.join(same)}" if same else ""
