"""Whether a reference fits a model: its parameters are inputs, what it returns are the outputs.

Knows names and shapes only, no programs.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from neuralc.errors import ModelErrors, SourceError
from neuralc.lang.pyfn.reference import Node, Reference
from neuralc.lang.pyfn.words import nearest


def check_names(
    reference: Reference, inputs: Collection[str], outputs: Collection[str] | None
) -> None:
    """Refuse parameters that are no inputs, and returned names that are no outputs.

    Args:
        reference: the function.
        inputs: the names that it may have as parameters.
        outputs: the names of all outputs; None: it returns a condition, or whatever it likes.

    Raises:
        ModelErrors: all that does not fit.

    """
    errors = [_parameter(reference, name, inputs) for name in reference.parameters
              if name not in inputs]  # fmt: skip
    if outputs is not None:
        for node in _returns(reference.main.body):
            errors += _returned(reference, node, outputs)
    if errors:
        raise ModelErrors(errors)


def _parameter(reference: Reference, name: str, inputs: Collection[str]) -> SourceError:
    main = reference.main
    places: list[Node] = [arg for arg in main.args.args if arg.arg == name and arg.end_lineno]
    places += [n for n in ast.walk(main) if isinstance(n, ast.Name) and n.id == name]
    known = ", ".join(f"`{known}`" for known in inputs)
    code = "E306" if reference.what.startswith("`") else "E301"
    message = f"`{name}` is no input" if code == "E306" else f"nothing is called `{name}`"
    return reference.error(
        code, message, places[0] if places else main, hint=nearest(name, inputs) or f"use {known}"
    )


def _returns(body: Sequence[ast.stmt]) -> Iterator[ast.Return]:
    for node in body:
        if isinstance(node, ast.Return):
            yield node
        for field in ("body", "orelse"):
            yield from _returns(getattr(node, field, []))


def _returned(
    reference: Reference, node: ast.Return, outputs: Collection[str]
) -> Iterator[SourceError]:
    """Yield what is wrong with one `return`."""
    names = [f"'{name}': …" for name in outputs]
    wanted = f"write `return {{{', '.join(names)}}}`"
    match node.value:
        case None | ast.Constant(value=None) | ast.Call() | ast.Name():
            pass  # nothing asked, or known only when it runs
        case ast.Dict(keys=keys):
            found = [key.value for key in keys if isinstance(key, ast.Constant)]
            for key, name in zip(keys, found, strict=True):
                if name not in outputs and key is not None:
                    hint = nearest(str(name), outputs) or wanted
                    yield reference.error("E307", f"{name!r} is no output", key, hint=hint)
            missing = [name for name in outputs if name not in found]
            if missing and set(found) <= set(outputs):
                listed = ", ".join(repr(name) for name in missing)
                yield reference.error(
                    "E307",
                    f"the output{'' if len(missing) == 1 else 's'} {listed} "
                    f"{'is' if len(missing) == 1 else 'are'} missing",
                    node,
                    hint="give each a value, or None where it is not asked",
                )
        case _ if len(outputs) != 1:
            yield reference.error(
                "E307", f"one value for {len(outputs)} outputs", node, hint=wanted
            )


def mismatch(wanted: Any, shape: Sequence[int]) -> str:
    """Return why a value is none of an output of some shape; "" if it is.

    Wherever nothing is asked there may be None, also for whole parts of an array.
    """
    if wanted is None:
        return ""
    if not shape:
        return "" if isinstance(wanted, int) else f"{_kind(wanted)} where a number is wanted"
    if not isinstance(wanted, list | tuple):
        return f"{_kind(wanted)} where a list of {shape[0]} elements is wanted"
    if len(wanted) != shape[0]:
        return f"a list of {len(wanted)} elements where {shape[0]} are wanted"
    return next((text for part in wanted if (text := mismatch(part, shape[1:]))), "")


def as_outputs(result: Any, outputs: Sequence[str]) -> Mapping[str, Any] | None:
    """Return what a function gave as a mapping of outputs; None: nothing is asked."""
    if result is None or isinstance(result, dict):
        return result
    return {outputs[0]: result} if len(outputs) == 1 else {"": result}


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a dict"
    return "a list" if isinstance(value, list | tuple) else "a number"
