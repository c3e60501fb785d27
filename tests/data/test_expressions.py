"""Images of expressions and their values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neuralc.data import expressions
from neuralc.data.expressions import (
    draw_expressions,
    find_operators,
    load_operators,
    results_of,
)
from neuralc.errors import DataError, FileError


def flat(labels: list[int], shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return 2x3 images, each filled with its label plus `shift`."""
    wanted = np.array(labels)
    images = np.broadcast_to(wanted[:, None, None] + shift, (len(labels), 2, 3))
    return images.astype(np.float32), wanted


DIGITS, SIGNS = flat([*range(10)] * 2, 0), flat([0, 1, 2, 3], 100)


@pytest.mark.parametrize(
    ("symbols", "value"),
    [
        ([7], 7),
        ([7, 0, 9], 16),
        ([9, 0, 9, 0, 9], 8),  # 27 mod 19
        ([2, 1, 9], 12),  # -7 mod 19
        ([9, 2, 9], 5),  # 81 mod 19
        ([7, 3, 2], 3),
        ([7, 3, 0], 18),
        ([0, 3, 0], 18),
        ([7, 3, 0, 0, 3], 2),  # 18 + 3
        ([1, 0, 2, 2, 3], 9),  # from left to right: 3 * 3, not 1 + 6
    ],
)
def test_values(symbols: list[int], value: int) -> None:
    assert results_of(np.array([symbols])).tolist() == [value]


def test_values_by_the_definition() -> None:
    symbols = np.random.default_rng(0).integers(4, size=(300, 9))
    for row, found in zip(symbols.tolist(), results_of(symbols).tolist(), strict=True):
        value = row[0]
        for op, d in zip(row[1::2], row[2::2], strict=True):
            if op == 3:
                value = value // d if d else 18
            else:
                value = (value + d, value - d, value * d)[op] % 19
        assert found == value


@pytest.mark.parametrize("size", [1, 2, 5])
def test_images_show_the_symbols(size: int) -> None:
    drawn = draw_expressions(DIGITS, SIGNS, 400, size=size, seed=3)
    assert drawn.images.shape == (400, 2 * size - 1, 2, 3)
    assert (drawn.images.dtype, drawn.results.dtype) == (np.float32, np.int64)
    shift = np.arange(2 * size - 1) % 2 * 100
    assert (drawn.images == (drawn.symbols + shift)[:, :, None, None]).all()
    assert (drawn.results == results_of(drawn.symbols)).all()
    assert set(drawn.symbols[:, 0].tolist()) == set(range(10))
    if size > 1:
        assert set(drawn.symbols[:, 1].tolist()) == set(range(4))


def test_the_seed_decides() -> None:
    one, same, other = (draw_expressions(DIGITS, SIGNS, 50, seed=k) for k in (1, 1, 2))
    assert (one.images == same.images).all()
    assert (one.symbols != other.symbols).any()


@pytest.mark.parametrize(
    ("digits", "signs", "size", "message"),
    [
        (DIGITS, SIGNS, 0, "50 expressions of 0 digits"),
        (flat([0, 1], 0), SIGNS, 2, "no image of the digit 2"),
        (DIGITS, flat([0, 1, 2], 0), 2, "no image of the operator 3"),
        (DIGITS, (np.zeros((4, 3, 3), np.float32), np.arange(4)), 2, r"size \(2, 3\), operators"),
    ],
)
def test_what_cannot_be_drawn(
    digits: tuple[np.ndarray, np.ndarray],
    signs: tuple[np.ndarray, np.ndarray],
    size: int,
    message: str,
) -> None:
    with pytest.raises(DataError, match=message):
        draw_expressions(digits, signs, 50, size=size)


# ---- the operators


def put(folder: Path, **changes: np.ndarray) -> None:
    """Write a small file of operators; the dots are 200, the crosses that replace them 50."""
    labels = np.repeat(np.arange(4), 3).astype(np.uint8)
    images = np.full((12, 2, 2), 200, np.uint8)
    arrays = {
        "images": images,
        "labels": labels,
        "split": np.tile([0, 0, 1], 4).astype(np.uint8),
        "times_images": np.full((3, 2, 2), 50, np.uint8),
        "times_split": np.array([1, 0, 0], np.uint8),
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "operators.npz", **{**arrays, **changes})


@pytest.mark.parametrize("folder", ["", "operators"])
def test_a_named_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    put(tmp_path / folder)
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    loaded = load_operators()
    assert loaded.train_labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert loaded.test_labels.tolist() == [0, 1, 2, 3]
    assert np.allclose(loaded.train_images[:, 0, 0] * 255, [200] * 4 + [50] * 2 + [200] * 2)


def test_a_folder_beside_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    put(tmp_path / "shared" / "data" / "operators")
    monkeypatch.delenv("NEURALC_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "here")
    found = find_operators()
    assert found is not None
    assert found.parent.parent.parent.parent == tmp_path


def test_no_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    with pytest.raises(FileError, match="set NEURALC_DATA to a folder that holds operators/oper"):
        load_operators()


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": np.zeros(12, np.uint8)},
        {"images": np.zeros((12, 2, 2))},
        {"times_images": np.zeros((5, 2, 2), np.uint8)},
    ],
)
def test_damaged_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, np.ndarray]
) -> None:
    put(tmp_path, **changes)
    monkeypatch.setenv("NEURALC_DATA", str(tmp_path))
    with pytest.raises(FileError, match="npz is damaged"):
        load_operators()


@pytest.mark.skipif(
    not (Path(expressions.__file__).parents[4] / "shared/data/operators").is_dir(),
    reason="no handwritten operators in ../shared/data/operators",
)
def test_the_real_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEURALC_DATA", raising=False)
    real = load_operators()
    assert real.train_images.shape == (4800, 28, 28)
    assert real.test_images.shape == (1200, 28, 28)
    assert np.bincount(real.test_labels).tolist() == [300] * 4
    assert (real.train_images.min(), real.train_images.max()) == (0, 1)
    assert real.train_images[real.train_labels == 2].mean() < 0.2  # crosses; the dots fill half
