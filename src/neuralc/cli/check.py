"""`neuralc check MODEL`: read a model and say what it declares, or all that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from neuralc.cli.inputs import FILE, hypers_of, hypers_options, model_text
from neuralc.cli.output import BAD_INPUT, Answer
from neuralc.cli.output import command as neuralc_command
from neuralc.errors import ModelErrors, NeuralcError, SourceError

if TYPE_CHECKING:
    from neuralc.ir.nodes import Program
    from neuralc.lang.model import Parsed


@neuralc_command
@click.argument("model", type=FILE)
@hypers_options
def command(model: Path, hypers: Path | None, set_name: str | None) -> Answer:
    """Parse and type MODEL; print its declarations and the size of its program space."""
    from neuralc.lang.model import parse

    try:
        chosen = hypers_of(hypers, set_name)
        return _accepted(parse(model_text(model), chosen))
    except NeuralcError as error:
        return _refused(error)


def _accepted(parsed: Parsed) -> Answer:
    from neuralc.ir.space import log10_size, open_choices

    program = parsed.program
    declarations = list(_declarations(program))
    width = max((len(row["name"]) for row in declarations), default=0)
    lines = [f"  {row['kind']:8} {row['name']:{width}}  {row['type']}" for row in declarations]
    size, choices = log10_size(program), sum(1 for _ in open_choices(program))
    lines.append(f"programs: 10^{size:.1f} ({choices} open choices)")
    text = "\n".join([f"{program.name}", *lines, "ok"])
    data = {"ok": True, "errors": [], "log10_programs": size, "open_choices": choices,
            "declarations": declarations, "hypers": dict(program.hypers),
            "warnings": parsed.warnings}  # fmt: skip
    return Answer(text, data, problem="\n".join(parsed.warnings))


def _declarations(program: Program) -> list[dict[str, Any]]:
    """Return a row for each declared variable, table and network, in this order."""
    rows: list[dict[str, Any]] = []
    for decl in program.decls:
        shape = "".join(f"[{', '.join(map(str, decl.shape))}]" for _ in decl.shape[:1])
        rows.append({"kind": decl.kind, "name": decl.name, "type": f"{decl.type}{shape}",
                     "shape": decl.shape})  # fmt: skip
    for table in program.tables:
        sizes = ", ".join(map(str, table.sizes))
        rows.append({"kind": "function", "name": table.name, "type": f"({sizes}) -> {table.size}"})
    for network in program.networks:
        inputs = ", ".join(map(str, network.inputs))
        signature = f"({inputs}) -> {network.output}, {network.body} {list(network.hidden)}"
        rows.append({"kind": "network", "name": network.name, "type": signature})
    return rows


def _refused(error: NeuralcError) -> Answer:
    data = {"ok": False, "errors": [_row(one) for one in _single(error)], "log10_programs": None,
            "declarations": []}  # fmt: skip
    return Answer(data=data, code=BAD_INPUT, problem=str(error))


def _single(error: NeuralcError) -> list[NeuralcError]:
    return list(error.errors) if isinstance(error, ModelErrors) else [error]


def _row(error: NeuralcError) -> dict[str, Any]:
    if not isinstance(error, SourceError):
        return {"message": str(error)}
    return {
        "code": error.code,
        "message": error.message,
        "file": error.span.source.name,
        "line": error.span.line,
        "column": error.span.column,
        "text": error.span.text,
        "label": error.label,
        "hint": error.hint,
    }
