"""Words for expressions that mean nothing in a model, or not here."""

from __future__ import annotations

import ast

from neuralc.errors import SourceError
from neuralc.ir.nodes import Num, Ref
from neuralc.lang.model.context import Context
from neuralc.lang.model.names import KINDS, Array, Scope, kind_of


def refuse_variables(ctx: Context, node: ast.expr, scope: Scope, what: str) -> None:
    """Raise an error where an expression that has to be known uses a variable."""
    for name in ast.walk(node):
        if not isinstance(name, ast.Name) or not isinstance(name.ctx, ast.Load):
            continue
        late = ctx.later.get(name.id)
        declared = late is not None and kind_of(late.value) in KINDS
        missing = scope.find(name.id) is None and name.id not in ctx.arrays
        bound = Num(0) if missing else ctx.find(name, scope)
        if isinstance(bound, Array | Ref) or (missing and declared):
            raise ctx.error(
                "E105",
                f"{what} must be known at compile time, and `{name.id}` is a variable",
                name,
                label="a variable",
                hint="use a constant, such as the size of that variable",
            )


def on_values(ctx: Context, node: ast.expr) -> SourceError:
    """Return the error for arithmetic on values."""
    return ctx.error(
        "E110",
        "arithmetic and comparisons work on constants, loop and gate variables only",
        node,
        label="uses the value of a variable",
        hint="define the function with `@Runtime([sizes], size)` and call it",
    )


def unsupported(ctx: Context, node: ast.expr) -> SourceError:
    """Return the error for an expression of Python that means nothing in a model."""
    shown_node = ast.unparse(node)
    text = shown_node if len(shown_node) <= 40 else shown_node[:37] + "..."
    if isinstance(node, ast.Constant):
        return ctx.error(
            "E109", f"`{text}` is not a whole number", node, hint="all constants are integers"
        )
    return ctx.error(
        "E109",
        f"`{text}` is not part of the model language",
        node,
        hint="values are constants, elements such as `a[i, j]` and calls such as `F(a[i])`",
    )


def index_count(
    ctx: Context, node: ast.expr, name: str, given: int, shape: tuple[int, ...]
) -> SourceError:
    """Return the error for a wrong number of indices."""
    wanted = len(shape)
    if wanted == 0:
        message, hint = f"`{name}` is a single variable, without indices", f"write `{name}`"
    else:
        example = ", ".join("ijklmnop"[: min(wanted, 8)])
        plural = "index" if wanted == 1 else "indices"
        message = f"`{name}` needs {wanted} {plural}, not {given}"
        hint = f"write `{name}[{example}]`; its shape is ({', '.join(map(str, shape))})"
    return ctx.error("E104", message, node, label="wrong number of indices", hint=hint)
