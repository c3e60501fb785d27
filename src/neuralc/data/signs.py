"""Photographs of German street signs: seven classes of 32x32 pixels in colour.

Many were taken in the dark; each image is stretched to its own brightest and darkest places.
Frames of one track show the same sign on the same drive: whoever sets images aside to decide
something must set whole tracks aside. The labels are there to check what was learned.

Source: J. Stallkamp, M. Schlipsing, J. Salmen, C. Igel: Man vs. computer: benchmarking machine
learning algorithms for traffic sign recognition (GTSRB), Neural Networks 32 (2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.data.digits import Images, Labels
from neuralc.data.places import find, load_arrays_of
from neuralc.errors import DataError

NAMES = ("ahead_only", "turn_right", "turn_left", "stop", "roundabout", "keep_right", "keep_left")
NO_TRACK = -1
_FILE = Path("signs") / "signs.npz"
_ARRAYS = ("images", "labels", "split", "track")
_SHAPE = (32, 32, 3)
_DARK, _BRIGHT = 2.0, 98.0  # percentiles that become 0 and 1
_LEAST = 8.0  # grey levels between them, of 255: a flat image must not become noise


@dataclass(frozen=True, eq=False)
class Signs:
    """Signs to learn from and signs held out.

    Attributes:
        train_images, test_images: float32 [N, 3, 32, 32] from 0 to 1.
        train_labels, test_labels: int64 [N], places in `NAMES`.
        train_tracks: int64 [N], equal for images of one physical sign.

    """

    train_images: Images
    train_labels: Labels
    train_tracks: Labels
    test_images: Images
    test_labels: Labels

    def by_track(self, share: float, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Part the training images in two, so that no track is on both sides.

        Args:
            share: of the tracks of each class that are set aside; at least one of each is, and
                one is not.
            seed: of the choice.

        Returns:
            Masks [N] of the training images that are left, and of those that are set aside.

        Raises:
            DataError: a share that is none, or a class of a single track.

        """
        if not 0 < share < 1:
            raise DataError(f"the share set aside lies between 0 and 1, found {share}")
        rng = np.random.default_rng(seed)
        aside = np.zeros(len(self.train_labels), np.bool_)
        for label in np.unique(self.train_labels).tolist():
            tracks = np.unique(self.train_tracks[self.train_labels == label])
            if len(tracks) < 2:
                raise DataError(f"{NAMES[label]} has {len(tracks)} track, wanted at least 2")
            count = min(max(1, round(share * len(tracks))), len(tracks) - 1)
            chosen = rng.choice(tracks, count, replace=False)
            aside |= (self.train_labels == label) & np.isin(self.train_tracks, chosen)
        return ~aside, aside


def load_signs() -> Signs:
    """Return the signs: 300 of each class to learn from, 90 of each held out.

    Looked for in the folder `NEURALC_DATA` and beside the current directory or the repository,
    like MNIST; they are not downloaded. The split is that of the file.

    Raises:
        FileError: the file is in none of the folders, or damaged.

    """
    arrays = load_arrays_of(_FILE, "street signs", _ARRAYS, _check)
    images, labels, split, tracks = arrays
    images, labels = stretched(images), labels.astype(np.int64)
    train, test = split == 0, split == 1
    return Signs(
        images[train], labels[train], tracks[train].astype(np.int64), images[test], labels[test]
    )


def find_signs() -> Path | None:
    """Return the file of the signs in the first folder that has it, or None."""
    return find(_FILE)


def stretched(images: NDArray[np.uint8]) -> Images:
    """Return images with their contrast stretched, each on its own, all colours alike.

    The darkest fiftieth of its values becomes 0, the brightest 1; what lies beyond is cut. An
    image of almost no contrast is not stretched further than from `_LEAST` of 255 levels.

    Args:
        images: uint8 [N, h, w, 3].

    Returns:
        float32 [N, 3, h, w] from 0 to 1.

    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    low, high = np.percentile(flat, [_DARK, _BRIGHT], axis=1).astype(np.float32)
    span = np.maximum(high - low, np.float32(_LEAST))
    flat = np.clip((flat - low[:, None]) / span[:, None], 0, 1)
    return np.ascontiguousarray(flat.reshape(images.shape).transpose(0, 3, 1, 2))


def _check(
    images: NDArray[Any], labels: NDArray[Any], split: NDArray[Any], tracks: NDArray[Any]
) -> None:
    if images.ndim != 4 or images.shape[1:] != _SHAPE or images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype} {images.shape}, wanted uint8 [N, 32, 32, 3]")
    for name, array in (("labels", labels), ("split", split), ("track", tracks)):
        if array.shape != (len(images),) or array.dtype.kind not in "iu":
            raise ValueError(f"{name} is {array.dtype} {array.shape}, wanted [{len(images)}]")
    for part in (0, 1):
        if set(labels[split == part].tolist()) != set(range(len(NAMES))):
            raise ValueError(f"labels of split {part} are not 0..{len(NAMES) - 1}, all of them")
    if not np.isin(split, (0, 1)).all() or (tracks[split == 0] == NO_TRACK).any():
        raise ValueError("the split is not 0 and 1, or a training image has no track")
