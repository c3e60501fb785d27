"""Handwritten digits with their labels, split once and for all; and those inside scikit-learn.

The labels are there to check what was learned; no task of ours shows them to a learner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuralc.errors import MissingExtra

Images = NDArray[np.float32]
Labels = NDArray[np.int64]

HELD_OUT = 360  # a fifth of the 1,797 images
SPLIT_SEED = 0


@dataclass(frozen=True, eq=False)
class Digits:
    """Images float32 [N, h, w] from 0 (paper) to 1 (ink), and labels int64 [N] from 0 to 9."""

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels


def load_digits() -> Digits:
    """Return the 1,797 8x8 digits that ship inside scikit-learn: 1,437 to learn, 360 held out.

    The split is by image, drawn once with a fixed seed: no image is on both sides.

    Raises:
        MissingExtra: scikit-learn is not installed.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), the
    test part, by other writers than the training part.

    """
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingExtra("scikit-learn", "demo", "the embedded digits") from None
    bunch: Any = datasets.load_digits()
    images = (bunch.images / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    return Digits("digits", images[train], labels[train], images[test], labels[test])
