"""Photographs of street signs: found, checked, stretched, parted by track."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuralc.data import signs
from neuralc.data.signs import NAMES, Signs, find_signs, load_signs, stretched
from neuralc.errors import DataError, FileError

CLASSES = len(NAMES)


def put(folder: Path, **changes: np.ndarray) -> None:
    """Write a small file of signs: of each class three images to learn from, one held out."""
    labels = np.repeat(np.arange(CLASSES), 4).astype(np.uint8)
    split = np.tile([0, 0, 0, 1], CLASSES).astype(np.uint8)
    images = np.random.default_rng(0).integers(40, 60, (4 * CLASSES, 32, 32, 3)).astype(np.uint8)
    images[:, :16, :, 0] = labels[:, None, None]  # red tells the class
    tracks = np.tile([5, 5, 7, -1], CLASSES).astype(np.int16)
    arrays: dict[str, Any] = {"images": images, "labels": labels, "split": split, "track": tracks}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "signs.npz", **{**arrays, **changes})


@pytest.mark.parametrize("folder", ["", "signs"])
def test_a_named_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    put(tmp_path / folder)
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    loaded = load_signs()
    assert loaded.train_images.shape == (3 * CLASSES, 3, 32, 32)
    assert loaded.test_images.shape == (CLASSES, 3, 32, 32)
    assert loaded.train_images.dtype == np.float32
    assert loaded.train_labels.dtype == np.int64
    assert loaded.train_labels.tolist() == np.repeat(np.arange(CLASSES), 3).tolist()
    assert loaded.test_labels.tolist() == list(range(CLASSES))
    assert loaded.train_tracks.tolist() == [5, 5, 7] * CLASSES
    assert (loaded.train_images[:, 0, :16] < loaded.train_images[:, 1, :16]).all()  # red is first


def test_a_folder_beside_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    put(tmp_path / "shared" / "data" / "signs")
    monkeypatch.delenv("NEURALC_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "here")
    found = find_signs()
    assert found is not None
    assert found.parents[3] == tmp_path


def test_no_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    with pytest.raises(
        FileError, match=r"set NEURALC_DATA to a folder that holds signs/signs\.npz"
    ):
        load_signs()


COUNT = 4 * CLASSES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": np.zeros((COUNT, 32, 32), np.uint8)}, "wanted uint8"),
        ({"images": np.zeros((COUNT, 32, 32, 3))}, "images are float64"),
        ({"labels": np.zeros(COUNT, np.uint8)}, "labels of split 0 are not 0..6"),
        ({"labels": np.zeros(3, np.uint8)}, r"labels is uint8 \(3,\)"),
        ({"track": np.full(COUNT, -1, np.int16)}, "has no track"),
        ({"track": np.full(COUNT, None)}, "allow_pickle"),
    ],
)
def test_damaged_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, np.ndarray], message: str
) -> None:
    put(tmp_path, **changes)
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    with pytest.raises(FileError, match=f"npz is damaged: .*{message}"):
        load_signs()


def test_a_file_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path)
    path = tmp_path / "signs.npz"
    path.write_bytes(path.read_bytes()[:5000])
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    with pytest.raises(FileError, match="npz is damaged"):
        load_signs()


# ---- contrast


def test_dark_and_bright_images_become_alike() -> None:
    shape = np.random.default_rng(1).integers(0, 100, (1, 32, 32, 3))
    dark, bright = (10 + shape // 2).astype(np.uint8), (50 + 2 * shape).astype(np.uint8)
    one, two = stretched(np.concatenate([dark, bright]))
    assert one.shape == (3, 32, 32)
    assert np.abs(one - two).max() < 0.03  # halves are rounded
    assert (one.min(), one.max()) == (0, 1)


def test_a_flat_image_stays_flat() -> None:
    flat = np.full((1, 32, 32, 3), 90, np.uint8)
    flat[0, 0, 0] = 91
    found = stretched(flat)
    assert found.max() - found.min() < 0.2
    assert np.isfinite(found).all()


# ---- tracks


def made_up(labels: list[int], tracks: list[int]) -> Signs:
    images = np.zeros((len(labels), 3, 32, 32), np.float32)
    return Signs(images, np.array(labels), np.array(tracks), images[:0], np.array([], np.int64))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_no_track_is_on_both_sides(share: float) -> None:
    rng = np.random.default_rng(0)
    some = made_up(rng.integers(3, size=300).tolist(), rng.integers(6, size=300).tolist())
    left, aside = some.by_track(share, seed=2)
    assert (left ^ aside).all()
    pairs = list(zip(some.train_labels.tolist(), some.train_tracks.tolist(), strict=True))
    kept = {pair for pair, there in zip(pairs, left, strict=True) if there}
    gone = {pair for pair, there in zip(pairs, aside, strict=True) if there}
    assert not kept & gone
    assert {label for label, _ in kept} == {label for label, _ in gone} == {0, 1, 2}
    assert not np.array_equal(aside, some.by_track(share, seed=3)[1])


@pytest.mark.parametrize(
    ("tracks", "share", "message"),
    [([0, 1], 0.0, "between 0 and 1"), ([0, 1], 1.0, "found 1.0"), ([4, 4], 0.5, "1 track")],
)
def test_what_cannot_be_parted(tracks: list[int], share: float, message: str) -> None:
    with pytest.raises(DataError, match=message):
        made_up([3, 3], tracks).by_track(share, seed=0)


# ---- the real ones


@pytest.mark.skipif(
    not (Path(signs.__file__).parents[4] / "shared/data/signs").is_dir(),
    reason="no street signs in ../shared/data/signs",
)
def test_the_real_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEURALC_DATA", raising=False)
    real = load_signs()
    assert np.bincount(real.train_labels).tolist() == [300] * CLASSES
    assert np.bincount(real.test_labels).tolist() == [90] * CLASSES
    assert (real.train_images.min(), real.train_images.max()) == (0, 1)
    spread = real.train_images.reshape(len(real.train_images), -1).std(1)
    assert spread.min() > 0.08  # dark ones too
    left, aside = real.by_track(0.2, seed=0)
    assert 0.1 < aside.mean() < 0.35
    stop = 3
    assert real.train_images[real.train_labels == stop][:, 0].mean() > (
        real.train_images[real.train_labels == stop][:, 2].mean() + 0.1
    )  # stop signs are red, and the colours are in their order
    assert left.any()
