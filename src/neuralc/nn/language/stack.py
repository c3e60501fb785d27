"""A computer in any module that maps tokens to logits, behind a submodule that has a name."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from neuralc.nn.language.config import Augmentation, plain_model
from neuralc.nn.language.inserted import Inserted


class AugmentedStack(nn.Module):
    """A module with a computer; made by `neuralc.nn.augment`.

    Attributes:
        base: the module.
        inserted: what was added; see `Inserted`.

    """

    def __init__(
        self, base: nn.Module, path: str, augmentation: Augmentation, hidden: int,
        vocabulary: int, tokenizer: Any = None,
    ) -> None:  # fmt: skip
        """Put the computer in.

        Args:
            base: maps token ids `(B, T)` to logits `(B, T, V)`, the position on the second axis.
            path: name of the submodule whose output is hidden states.
            augmentation: what it is made of.
            hidden: d, of the hidden states.
            vocabulary: V.
            tokenizer: kept for whoever asks.

        Raises:
            NeuralcError: the parts do not fit.

        """
        super().__init__()
        self.base, self.tokenizer = base, tokenizer
        self.inserted = Inserted(augmentation, hidden, vocabulary)
        plain_model(base).get_submodule(path).register_forward_hook(self.inserted.hook)

    def forward(self, ids: Tensor, present: Tensor | None = None, **options: Any) -> Tensor:
        """Return logits `(B, T, V)`, logarithms of probabilities where a call was made.

        Args:
            ids: token ids, int64 `(B, T)`.
            present: 0 at padding, `(B, T)`; None: there is none.
            options: passed on to the module.

        """
        with self.inserted.reading(ids, present) as now:
            return now.written(self.base(ids, **options))
