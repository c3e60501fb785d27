"""Compiled programs as differentiable parts of neural networks.

What people use by hand is loaded when it is first asked for:

    import neuralc as nc
    model = nc.nn.augment(base, library=nc.Library.standard(n=128), layer=1, operands=3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuralc.nn.language.augment import augment as augment
    from neuralc.nn.language.model import AugmentedCausalLM as AugmentedCausalLM
    from neuralc.nn.language.stack import AugmentedStack as AugmentedStack
    from neuralc.nn.language.tokenizer import word_tokenizer as word_tokenizer

__all__ = ["AugmentedCausalLM", "AugmentedStack", "augment", "word_tokenizer"]

_PLACES = {
    "AugmentedCausalLM": "neuralc.nn.language.model",
    "AugmentedStack": "neuralc.nn.language.stack",
    "augment": "neuralc.nn.language.augment",
    "word_tokenizer": "neuralc.nn.language.tokenizer",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"neuralc.nn has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found
