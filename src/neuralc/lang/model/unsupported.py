"""Words for statements of Python that the model language does not have: what to write instead."""

from __future__ import annotations

import ast

from neuralc.errors import SourceError
from neuralc.ir.nodes import Network
from neuralc.lang.model.context import Context
from neuralc.lang.model.names import Known, Scope, nearest

INSTEAD: dict[type[ast.stmt], tuple[str, str]] = {
    ast.While: ("`while`", "loop over all steps with `for t in range(T):` and stop with an `if`"),
    ast.Import: ("`import`", "a model is one file; write constants and functions into it"),
    ast.ImportFrom: ("this `import`", "a model is one file; only `from dummy import …` is ignored"),
    ast.ClassDef: ("`class`", "write `@Runtime`, `@Learn` or `@Inline` functions"),
    ast.Return: ("`return` outside a function", "set an `Output`: `out.set_to(…)`"),
    ast.Break: ("`break`", "test the condition with an `if` in each turn"),
    ast.Continue: ("`continue`", "put the rest of the turn under an `if`"),
    ast.Try: ("`try`", "nothing is raised in a model"),
    ast.Raise: ("`raise`", "nothing is raised in a model"),
    ast.Assert: ("`assert`", "write `out.observe_value(1)`"),
    ast.Delete: ("`del`", "leave it out"),
    ast.Global: ("`global`", "leave it out; constants are visible everywhere"),
    ast.Match: ("`match`", "write `if x == 0: … elif x == 1: …`"),
    ast.AnnAssign: ("an annotation", "leave it out: `x = Var(5)`"),
    ast.FunctionDef: ("a function inside a statement", "define it at the top level"),
    ast.AsyncFunctionDef: ("`async`", "write a plain `def`"),
}


def unsupported(ctx: Context, node: ast.stmt, scope: Scope) -> SourceError:
    """Return the error for a statement that means nothing in a model."""
    if isinstance(node, ast.Expr):
        return _expression(ctx, node.value, scope)
    name, hint = INSTEAD.get(type(node), (f"`{type(node).__name__.lower()}`", "leave it out"))
    return ctx.error("E108", f"{name} is not part of the model language", node, hint=hint)


def _expression(ctx: Context, node: ast.expr, scope: Scope) -> SourceError:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = node.func.id
        function = ctx.functions.get(name)
        if not isinstance(function, Known | Network) and scope.find(name) is None:
            near = nearest(name, ctx.functions)
            return ctx.error(
                "E102",
                f"no function is called `{name}`",
                node.func,
                label="not a function",
                hint=near or "define a macro with `@Inline()` above a `def`",
            )
    if isinstance(node, ast.Compare):
        hint = "write `x.set_to(y)` to set a variable, `if x == …:` to test it"
    else:
        hint = f"write `x.set_to({ast.unparse(node)})` to keep the value"
    return ctx.error(
        "E124", "this line has no effect", node, label="the value is not used", hint=hint
    )
