"""What an augmented model is made of, as plain data: for `config.json`, and read back from it.

Whoever wrote the file is a stranger: every part is checked, programs are parsed from their texts.
Knows no tensors.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

from neuralc.errors import NeuralcError, SolutionError
from neuralc.nn.language.calling import Call
from neuralc.nn.language.router import Parse
from neuralc.nn.language.tokenizer import NumberTokens

FORMAT = 1


@dataclass(frozen=True)
class Augmentation:
    """How a model is augmented; see `augment` for what each means."""

    layer: int | str
    operands: int
    steps: int
    parse: Parse
    call: Call
    residual: bool
    isolated: bool
    width: int
    callers: tuple[int, ...] | None
    bits: int | None
    numbers: NumberTokens
    library: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain data, see `from_json`."""
        data = asdict(self) | {"numbers": self.numbers.to_json(), "format": FORMAT}
        data["callers"] = None if self.callers is None else list(self.callers)
        return data

    @staticmethod
    def from_json(data: Any) -> Augmentation:
        """Read what `to_json` gave.

        Raises:
            SolutionError: it is damaged, or was written by a newer version.

        """
        if not isinstance(data, dict) or type(data.get("format")) is not int:
            raise SolutionError("the model has no augmentation: its config.json is damaged")
        if data["format"] > FORMAT:
            raise SolutionError(
                f"the model was saved by a newer neuralc (format {data['format']}, this one reads "
                f"up to {FORMAT})\n  hint: pip install --upgrade neuralc"
            )
        try:
            return _read(data)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            reason = str(error) if isinstance(error, ValueError) else repr(error)
            raise SolutionError(f"the augmentation of the model is damaged: {reason}") from None


def _read(data: dict[str, Any]) -> Augmentation:
    unknown = set(data) - {"format", *(f.name for f in fields(Augmentation))}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} mean nothing")
    layer, callers = data["layer"], data["callers"]
    if not (isinstance(layer, str) or (type(layer) is int and layer > 0)):
        raise ValueError(f"layer is {layer!r}")
    for name, choices in (("parse", Parse), ("call", Call)):
        if data[name] not in get_args(choices):
            raise ValueError(f"{name} is {data[name]!r}, not one of {get_args(choices)}")
    for name in ("residual", "isolated"):
        if type(data[name]) is not bool:
            raise ValueError(f"{name} is {data[name]!r}")
    if callers is not None:
        callers = tuple(_whole({"callers": c}, "callers", 0) for c in callers)
    if not isinstance(data["library"], dict):
        raise TypeError("the library is no object")
    bits = data["bits"]
    return Augmentation(
        layer, _whole(data, "operands", 1), _whole(data, "steps", 1), data["parse"], data["call"],
        data["residual"], data["isolated"], _whole(data, "width", 1), callers,
        None if bits is None else _whole(data, "bits", 1, 64),
        NumberTokens.from_json(data["numbers"]), data["library"],
    )  # fmt: skip


def _whole(data: dict[str, Any], name: str, least: int, most: int = 2**31) -> int:
    value = data[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}, not a whole number from {least} to {most}")
    return value


def plain_model(base: Any) -> Any:
    """Return the model inside of one that peft has wrapped; any other model itself."""
    inside = getattr(base, "get_base_model", None)
    return base if inside is None else inside()


def layer_path(base: Any, layer: int | str) -> str:
    """Return the name of the submodule behind whose output the computer stands.

    Args:
        base: a causal language model, or any module.
        layer: how many decoder layers come before the computer; or the name of a submodule.

    Raises:
        NeuralcError: there is no such layer, or the model is of an unknown family.

    """
    names = {name for name, _ in base.named_modules()}
    if isinstance(layer, str):
        if layer not in names or not layer:
            some = ", ".join(sorted(n for n in names if n and n.count(".") < 2)[:12])
            raise NeuralcError(f"the model has no submodule {layer!r}\n  hint: it has {some}")
        return layer
    stacks = [n for n in names if n.endswith("model.layers") and n.count("layers") == 1]
    if len(stacks) != 1:
        raise NeuralcError(
            f"{type(base).__name__} is not of a family that is known: it has no `model.layers`\n"
            '  hint: name the submodule behind which the computer shall stand: layer="blocks.0"'
        )
    count = len(base.get_submodule(stacks[0]))
    if type(layer) is not int or not 1 <= layer <= count:
        raise NeuralcError(
            f"layer is how many layers come before the computer: 1 to {count}, not {layer!r}"
        )
    return f"{stacks[0]}.{layer - 1}"
