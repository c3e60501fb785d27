"""Files are written whole or not at all, and what goes wrong is said in one sentence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from neuralc.errors import FileError
from neuralc.files import read_bytes, read_text, write_atomic


@pytest.mark.parametrize("content", ["text with ünicode\n", b"\x00\xff", "", b""])
def test_written_is_read(tmp_path: Path, content: str | bytes) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_atomic(path, content)
    assert (read_text(path) if isinstance(content, str) else read_bytes(path)) == content
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("")
    write_atomic(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync", full) if failing == "fsync" else (Path, "replace", full)))
    with pytest.raises(FileError, match=r"cannot write .*file: no space left.*unchanged"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "occupied").mkdir()
    with pytest.raises(FileError, match="cannot write"):
        write_atomic(tmp_path / "occupied", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["occupied"]


def test_ctrl_c_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        write_atomic(tmp_path / "file" / "inner", "text")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "binary.txt").write_bytes(b"ab\xff")
    with pytest.raises(FileError, match=r"there is no file .*x\.json\n  hint: .*other\.json"):
        read_text(tmp_path / "x.json")
    with pytest.raises(FileError, match="there is no folder"):
        read_text(tmp_path / "nowhere" / "x.json")
    with pytest.raises(FileError, match="is a folder"):
        read_text(tmp_path)
    with pytest.raises(FileError, match="byte 2 is not UTF-8"):
        read_text(tmp_path / "binary.txt")
