"""A neural function: its signature, its weights by name, and its body for use outside programs.

Weights of a function are named as in its body (`weights.0`), those of a solution as in its module
(`networks.net_0.weights.0`). Knows no files.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.backends.soft.networks import build_network
from neuralc.errors import DataError, NeuralcError
from neuralc.ir.nodes import Int, Network, Real, Type

Array = np.ndarray[Any, Any]
Weights = dict[str, Tensor]
PREFIX = "networks."


def signature(network: Network) -> str:
    """Return the signature of a function in words, for messages.

    >>> signature(Network("net_0", (Real((8, 8)),), Int(10), (32,)))
    'net_0([Tensor(8, 8)]) -> 10, mlp, hidden sizes [32]'
    """
    inputs = ", ".join(map(str, network.inputs))
    hidden = ", ".join(map(str, network.hidden))
    return (
        f"{network.name}([{inputs}]) -> {network.output}, {network.body}, hidden sizes [{hidden}]"
    )


def check_same(known: Network, wanted: Network, place: str) -> None:
    """Refuse a function that has the name of another one.

    Raises:
        NeuralcError: the signatures differ; the message names both.

    """
    if known != wanted:
        raise NeuralcError(
            f"the function {known.name} of {place} has another signature\n"
            f"  in the library: {signature(known)}\n"
            f"  in the model:   {signature(wanted)}\n"
            "  hint: give the function of the model another name, or use another library"
        )


def to_json(network: Network) -> dict[str, Any]:
    """Return a signature as JSON can hold it."""
    return {
        "kind": "network",
        "inputs": [_type_to_json(kind) for kind in network.inputs],
        "output": _type_to_json(network.output),
        "hidden": list(network.hidden),
        "body": network.body,
    }


def from_json(name: str, content: Mapping[str, Any]) -> Network:
    """Return a signature from JSON; KeyError, TypeError or ValueError where it is none."""
    if content["kind"] != "network" or content["body"] not in ("mlp", "cnn"):
        raise ValueError(f"{name} is of an unknown kind")
    return Network(
        name,
        tuple(_type_from_json(kind) for kind in content["inputs"]),
        _type_from_json(content["output"]),
        tuple(_size(n) for n in content["hidden"]),
        str(content["body"]),
    )


def _type_to_json(kind: Type) -> int | list[int]:
    return kind.size if isinstance(kind, Int) else list(kind.shape)


def _type_from_json(content: Any) -> Type:
    if isinstance(content, list):
        return Real(tuple(_size(n) for n in content))
    return Int(_size(content))


def _size(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"{number!r} is no size")
    return number


# ---- weights


def part(weights: Mapping[str, Tensor], name: str) -> Weights:
    """Return the weights of one function out of those of a solution."""
    prefix = f"{PREFIX}{name}."
    return {key.removeprefix(prefix): value for key, value in weights.items()
            if key.startswith(prefix)}  # fmt: skip


def whole(name: str, weights: Mapping[str, Tensor]) -> Weights:
    """Return the weights of a function, named as in a solution."""
    return {f"{PREFIX}{name}.{key}": value for key, value in weights.items()}


def checked(network: Network, weights: Mapping[str, Tensor]) -> Weights:
    """Return weights as they are saved: on the CPU, detached.

    Raises:
        NeuralcError: they are not those of this function for one restart, or not finite.

    """
    with torch.device("meta"):
        body = build_network(network, 1)
    wanted = {name: tuple(value.shape) for name, value in body.named_parameters()}
    found = {name: tuple(getattr(value, "shape", ())) for name, value in weights.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise NeuralcError(
                f"the weights of {signature(network)} do not fit: {name} is of shape "
                f"{found.get(name, 'none')}, needed is {wanted.get(name, 'none')}\n"
                "  hint: take the weights of one restart, as in `Solution.weights`"
            )
    ready = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
    for name, value in ready.items():
        if not bool(torch.isfinite(value).all()):
            raise NeuralcError(f"the weights of {network.name} are not finite: {name}")
    return ready


# ---- use outside programs


def body_of(network: Network, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return the body of a function with its weights, for one restart."""
    body = build_network(network, 1)
    body.load_state_dict(dict(weights), strict=True)
    return body


@torch.no_grad()
def apply(network: Network, weights: Mapping[str, Tensor], arguments: tuple[Any, ...]) -> Array:
    """Return what a function makes of arguments, float32 [E, size] or [E, *shape].

    Args:
        network: the signature.
        weights: of its body.
        arguments: one array for each input: float [E, *shape] for a tensor, int [E] for a number.

    Raises:
        DataError: too many or too few of them, a wrong shape, or a number out of range.

    """
    if len(arguments) != len(network.inputs):
        raise DataError(f"{signature(network)}: found {len(arguments)} arguments")
    pairs = zip(network.inputs, arguments, strict=True)
    parts = [_features(network, k, kind, value) for k, (kind, value) in enumerate(pairs)]
    if len({len(rows) for rows in parts}) > 1:
        raise DataError(f"{network.name}: found {[len(rows) for rows in parts]} examples")
    rows = torch.cat(parts, 1)
    found = body_of(network, weights)(rows, restarts=False)[0]
    shape = network.output.shape if isinstance(network.output, Real) else (-1,)
    return np.asarray(found.reshape(len(rows), *shape).numpy())


def _features(network: Network, number: int, kind: Type, value: Any) -> Tensor:
    """Return one argument as features [E, n]."""
    place = f"{signature(network)}: argument {number}"
    array = np.asarray(value)
    if array.dtype.kind not in "iub" + "f" * isinstance(kind, Real):
        raise DataError(f"{place}: found {array.dtype}, wanted {_wanted(kind)}")
    shape = kind.shape if isinstance(kind, Real) else ()
    if array.ndim != 1 + len(shape) or array.shape[1:] != shape:
        raise DataError(f"{place}: found shape {array.shape}, wanted {_wanted(kind)}")
    if isinstance(kind, Real):
        return torch.as_tensor(array, dtype=torch.float32).reshape(len(array), prod(shape))
    if array.size and not 0 <= array.min() <= array.max() < kind.size:
        raise DataError(f"{place}: found {array.min()}..{array.max()}, wanted {_wanted(kind)}")
    return nn.functional.one_hot(torch.as_tensor(array).long(), kind.size).float()


def _wanted(kind: Type) -> str:
    if isinstance(kind, Real):
        return f"an array of shape (examples, {', '.join(map(str, kind.shape))})"
    return f"integers 0..{kind.size - 1}, one for each example"
