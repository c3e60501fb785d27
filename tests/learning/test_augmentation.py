"""Small changes of images: each image on its own, within the ranges, the same for the same seed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from neuralc.errors import NeuralcError
from neuralc.learning.augmentation import HANDWRITING, Changes, augment

SIZE = 28
STILL = {"turn": 0.0, "shift": 0.0, "scale": 0.0, "slant": 0.0}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blots(count: int) -> Tensor:
    """Return images with a square blot off the middle, `(count, 28, 28)`."""
    images = torch.zeros(count, SIZE, SIZE)
    images[:, 6:12, 8:14] = 1.0
    return images


def centres(images: Tensor) -> Tensor:
    """Return where the ink is, row and column, `(N, 2)`."""
    places = torch.arange(images.shape[-1], dtype=torch.float32)
    ink = images.sum((1, 2))
    rows, columns = images.sum(2) @ places / ink, images.sum(1) @ places / ink
    return torch.stack([rows, columns], 1)


def spread(images: Tensor) -> Tensor:
    return centres(images) - centres(blots(1))


def test_nothing_changes_where_all_ranges_are_zero() -> None:
    images = torch.rand(5, SIZE, SIZE)
    torch.testing.assert_close(augment(images, generator(), Changes(**STILL)), images)


def test_each_image_changes_in_its_own_way() -> None:
    changed = augment(blots(20), generator())
    assert changed.shape == (20, SIZE, SIZE)
    assert len({tuple(image.flatten().tolist()) for image in changed}) == 20


def test_the_seed_decides() -> None:
    images = torch.rand(4, SIZE, SIZE)
    assert torch.equal(augment(images, generator(3)), augment(images, generator(3)))
    assert not torch.equal(augment(images, generator(3)), augment(images, generator(4)))


def test_shifts_are_as_large_as_said() -> None:
    changed = augment(blots(400), generator(), Changes(**(STILL | {"shift": 0.1})))
    moved = spread(changed).abs()
    assert (moved <= 0.1 * SIZE + 1e-3).all()
    assert (moved.amax(0) > 0.08 * SIZE).all()  # rows and columns


def test_turns_keep_the_distance_from_the_middle() -> None:
    changed = augment(blots(200), generator(), Changes(**(STILL | {"turn": 90.0})))
    middle = (SIZE - 1) / 2
    far = (centres(changed) - middle).norm(dim=1)
    torch.testing.assert_close(
        far, (centres(blots(1)) - middle).norm().expand(200), atol=0.2, rtol=0
    )
    assert spread(changed).norm(dim=1).max() > 5


def test_scales_change_how_much_ink_there_is() -> None:
    changed = augment(blots(300), generator(), Changes(**(STILL | {"scale": 0.2})))
    areas = changed.sum((1, 2)) / 36
    assert 0.65 < areas.min() < 0.8  # 1 / 1.2 of height and width
    assert 1.25 < areas.max() < 1.6


def test_a_slant_moves_the_rows_against_each_other() -> None:
    images = torch.zeros(200, SIZE, SIZE)
    images[:, :, 14] = 1.0  # a line from top to bottom
    changed = augment(images, generator(), Changes(**(STILL | {"slant": 0.3})))
    columns = torch.arange(SIZE, dtype=torch.float32)
    top, bottom = (changed[:, row] @ columns / changed[:, row].sum(1) for row in (2, -3))
    lean = (top - bottom).abs()
    assert 5 < lean.max() < 0.3 * SIZE
    torch.testing.assert_close(changed[:, 13:15].sum((1, 2)), torch.full((200,), 2.0))


def test_channels_of_an_image_change_alike() -> None:
    images = torch.rand(3, 1, 16, 16).expand(-1, 4, -1, -1)
    changed = augment(images, generator())
    assert changed.shape == (3, 4, 16, 16)
    for k in range(1, 4):
        assert torch.equal(changed[:, k], changed[:, 0])


def test_the_standard_changes_are_small() -> None:
    """Ink neither vanishes nor wanders away."""
    changed = augment(blots(300), generator(), HANDWRITING)
    assert spread(changed).norm(dim=1).max() < 6
    assert (changed.sum((1, 2)) > 20).all()
    assert changed.min() >= 0
    assert changed.max() <= 1 + 1e-6


@pytest.mark.parametrize("shape", [(28, 28), (5, 3, 3), (2, 2, 2, 2, 2), (5, 8)])
def test_what_is_no_batch_of_images_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(NeuralcError, match="no images"):
        augment(torch.zeros(shape), generator())


@pytest.mark.parametrize("change", [{"turn": -1.0}, {"shift": 0.7}, {"scale": 1.0}, {"slant": 2.0}])
def test_ranges_that_leave_nothing_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(NeuralcError, match=next(iter(change))):
        Changes(**change)
