"""A tiny library, tokenizer and language model that the tests of this folder share."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from neuralc.nn.language.augment import augment
from neuralc.nn.language.tokenizer import word_tokenizer
from neuralc.nn.library.library import RoutineLibrary

N = 8
ADD = "routine add a b\n add a b 0\n ret\n"
SUB = "routine sub a b\n sub a b 0\n ret\n"
DOUBLE = "routine double a\n add a a 0\n ret\n"
THREE = "routine three a b c\n mul a b 0\n sub 0 c 0\n ret\n"
FUNCTIONS = {
    "add": lambda a, b: (a + b) % N,
    "sub": lambda a, b: (a - b) % N,
    "double": lambda a: 2 * a % N,
    "three": lambda a, b, c: (a * b - c) % N,
}
WORDS = ["add sub and from of = .", "what is ? then ,"]


def library_of(*texts: str, n: int = N) -> RoutineLibrary:
    made = RoutineLibrary(n)
    made.add("".join(texts))
    return made


@cache
def library() -> RoutineLibrary:
    """Programs of one and two operands."""
    return library_of(ADD, SUB, DOUBLE)


@cache
def ternary() -> RoutineLibrary:
    return library_of(SUB, THREE)


@cache
def doubling() -> RoutineLibrary:
    return library_of(DOUBLE)


@cache
def pairs() -> RoutineLibrary:
    """Those that have circuits."""
    return library_of(ADD, SUB)


@cache
def tokenizer(writing: Any = "whole", n: int = N) -> Any:
    return word_tokenizer(WORDS, n, writing=writing)


def base(seed: int = 0, family: Any = (LlamaConfig, LlamaForCausalLM), **options: Any) -> Any:
    """Return a language model of two layers that is large enough for both tokenizers."""
    config, model = family
    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2}
    sizes |= {"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64}
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    return model(config(**{"vocab_size": 48} | sizes | special | options)).eval()


def augmented(seed: int = 0, model: Any = None, **options: Any) -> Any:
    """Return an augmented model whose results do return to the hidden states."""
    model = base(seed) if model is None else model
    writing = options.get("numbers", "whole")
    options = {"library": library(), "layer": 1, "operands": 3, "width": 8} | options
    made = augment(model, tokenizer=tokenizer(writing), **options)
    stir(made, seed)
    return made.eval()


def stir(model: Any, seed: int = 0) -> None:
    """Make what is 0 before training, and all that is nearly uniform, something else."""
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.inserted.parameters():
            weights += 0.5 * torch.randn(weights.shape, generator=noise)


def ids_of(texts: list[str], writing: Any = "whole") -> dict[str, Tensor]:
    encoded = tokenizer(writing)(texts, return_tensors="pt", padding=True)
    return {key: encoded[key] for key in ("input_ids", "attention_mask")}
