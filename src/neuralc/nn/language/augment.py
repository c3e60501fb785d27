"""The front door: put compiled programs into a language model, or into any module.

Which parts that takes is decided here; how they work stands in `inserted.py` and below.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

from torch import nn

from neuralc.errors import NeuralcError
from neuralc.nn.language.calling import Call, check_fits
from neuralc.nn.language.config import Augmentation, layer_path, plain_model
from neuralc.nn.language.router import Parse
from neuralc.nn.language.stack import AugmentedStack
from neuralc.nn.language.tokenizer import (
    SPECIAL,
    Writing,
    load_tokenizer,
    numbers_of,
    standard_numbers,
)
from neuralc.nn.library.library import RoutineLibrary


def augment(
    model: nn.Module, *, library: RoutineLibrary, layer: int | str, operands: int = 3,
    steps: int = 1, parse: Parse = "point", call: Call = "joint", numbers: Writing = "whole",
    callers: Sequence[str] | None = None, residual: bool | None = None, width: int = 32,
    isolated: bool = False,
    tokenizer: Any = None, hidden: int | None = None, vocabulary: int | None = None,
) -> Any:  # fmt: skip
    """Put a differentiable computer between two layers of a model.

    The hidden states behind `layer` decide which programs run, on which operands, and whether the
    result is written next. Everything is learned from the cross-entropy of the answers alone.

    Args:
        model: a causal language model of Hugging Face's, of the family of Llama (its decoder layers
            are `model.layers`); or any module that maps token ids `(B, T)` to logits `(B, T, V)`.
        library: the programs, see `neuralc.Library.standard`. It is copied.
        layer: how many decoder layers come before the computer; or the name of a submodule whose
            output, or the first part of it, is hidden states `(B, T, d)`.
        operands: the most operands of a program.
        steps: how many calls may depend on each other; above 1, operands can be the results of
            earlier calls of the text. Needs `callers`.
        parse: "point" to numbers of the text; or "decode" hidden states, as in the paper.
        call: "joint": exact; or "marginal": line by line, registers independent, as in the paper.
        numbers: "whole": every number is a token; "digits": a token for each digit.
        callers: words behind which a call may be made, one token each; None: everywhere.
        residual: whether results return to the hidden states; None: unless numbers are digits.
        isolated: with `callers`: words behind a call see what stands before it only as its result.
        width: of queries and keys.
        tokenizer: of Hugging Face, or its folder; None: numbers are the tokens behind the four
            special ones, as in `neuralc.nn.word_tokenizer`.
        hidden, vocabulary: d and V of a model that is not of Hugging Face's.

    Returns:
        An `AugmentedCausalLM`, or an `AugmentedStack` for other modules; the model is part of it.

    Raises:
        NeuralcError: an unknown family, no such layer, programs or numbers that do not fit.

    """
    if isinstance(tokenizer, str | Path):
        tokenizer = load_tokenizer(tokenizer)
    _check(library, operands, parse, call, numbers)
    found = _augmentation(
        library, numbers, residual, tokenizer, layer=layer, operands=operands, parse=parse,
        call=call, steps=_positive(steps, "steps"), width=_positive(width, "width"),
        callers=_tokens(callers, tokenizer), isolated=isolated,
    )  # fmt: skip
    return _put(model, found, tokenizer, hidden, vocabulary)


def _check(library: Any, operands: Any, parse: Any, call: Any, numbers: Any) -> None:
    if not isinstance(library, RoutineLibrary):
        raise NeuralcError(f"library is a neuralc.RoutineLibrary, not {type(library).__name__}")
    check_fits(library, library.n, _positive(operands, "operands"))
    for name, value, choices in (("parse", parse, Parse), ("call", call, Call),
                                 ("numbers", numbers, Writing)):  # fmt: skip
        if value not in get_args(choices):
            raise NeuralcError(f"{name} is one of {get_args(choices)}, not {value!r}")


def _augmentation(
    library: RoutineLibrary, numbers: Writing, residual: bool | None, tokenizer: Any,
    **settings: Any,
) -> Augmentation:  # fmt: skip
    if tokenizer is None:
        tokens = standard_numbers(library.n, numbers)
    else:
        tokens = numbers_of(tokenizer, library.n, numbers)
    residual = numbers == "whole" if residual is None else residual
    return Augmentation(
        residual=residual, bits=None, numbers=tokens, library=library.to_json(), **settings
    )


def _put(
    model: nn.Module, augmentation: Augmentation, tokenizer: Any, hidden: int | None,
    vocabulary: int | None,
) -> nn.Module:  # fmt: skip
    plain = plain_model(model)
    if hasattr(plain, "inserted"):
        raise NeuralcError("the model has a computer already\n  hint: augment(model.base, …)")
    path = layer_path(plain, augmentation.layer)
    augmentation = Augmentation.from_json(augmentation.to_json())  # refuses what cannot be saved
    if _is_causal(plain):
        return _causal(model, augmentation, tokenizer)
    if hidden is None or vocabulary is None:
        raise NeuralcError(
            f"{type(model).__name__} is no causal language model of Hugging Face's\n"
            "  hint: say hidden= (the size of hidden states) and vocabulary= (of the logits)"
        )
    return AugmentedStack(model, path, augmentation, hidden, vocabulary, tokenizer)


def _causal(model: nn.Module, augmentation: Augmentation, tokenizer: Any) -> nn.Module:
    from neuralc.nn.language.model import AugmentedCausalLM, AugmentedConfig

    text: Any = model.config
    names = ("pad_token_id", "bos_token_id", "eos_token_id", "tie_word_embeddings")
    shared: dict[str, Any] = {name: getattr(text, name, None) for name in names}
    config = AugmentedConfig(
        text_config=text.to_dict(), augmentation=augmentation.to_json(), **shared
    )
    augmented = AugmentedCausalLM(config, model, tokenizer)
    augmented.generation_config = deepcopy(plain_model(model).generation_config)
    made: nn.Module = augmented
    return made.to(next(model.parameters()).device)


def _is_causal(model: nn.Module) -> bool:
    try:
        from transformers import GenerationMixin, PreTrainedModel
    except ImportError:  # so it cannot be one
        return False
    return isinstance(model, PreTrainedModel) and isinstance(model, GenerationMixin)


def _positive(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise NeuralcError(f"{name} is a positive number, found {value!r}")
    return value


def _tokens(callers: Sequence[str] | None, tokenizer: Any) -> tuple[int, ...] | None:
    if callers is None:
        return None
    if tokenizer is None:
        raise NeuralcError(
            "callers are words, and need a tokenizer\n  hint: augment(…, tokenizer=…)"
        )
    if isinstance(callers, str):
        raise NeuralcError(f"callers are a list of words, not {callers!r}")
    found = []
    for word in callers:
        ids = tokenizer.encode(word, add_special_tokens=False)
        if len(ids) != 1 or ids[0] == tokenizer.unk_token_id:
            raise NeuralcError(f"{word!r} is not one token of the tokenizer, but {len(ids)}")
        found.append(ids[0])
    return tuple(found)


assert len(SPECIAL) == 4  # the docstring of `augment` says so
