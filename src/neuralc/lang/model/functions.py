"""Definitions: `@Runtime`, `@Learn`, `@Inline` and `@Listing` above a `def`.

Reads signatures; bodies of known functions are tabulated in `runtime`, macros are expanded in
`lower`, listings are kept as they are.
"""

from __future__ import annotations

import ast

from neuralc.ir.bodies import BODIES, SMALLEST, takes_image
from neuralc.ir.nodes import Network
from neuralc.lang.model.context import Context
from neuralc.lang.model.declare import Declarations
from neuralc.lang.model.names import Broken, Known, Macro, Scope, nearest

DECORATORS = ("Runtime", "Learn", "Inline", "Listing")


class Definitions:
    """Reads function definitions into the context."""

    def __init__(self, ctx: Context, declarations: Declarations) -> None:
        """Keep the shared state."""
        self.ctx, self.declarations = ctx, declarations
        self.listing: tuple[ast.stmt, ...] | None = None

    def define(self, node: ast.FunctionDef, scope: Scope) -> None:
        """Read one definition with its decorator.

        Raises:
            SourceError: the decorator or the signature is wrong.

        """
        decorator = self._decorator(node)
        assert isinstance(decorator.func, ast.Name)
        kind = decorator.func.id
        if kind == "Listing":
            self._listing(node)
            return
        self.declarations.free(node.name, self.ctx.span(node), scope)
        self.ctx.functions[node.name] = Broken(node.name)
        params = self._params(node)
        match kind:
            case "Runtime":
                self._runtime(node, decorator, params, scope)
            case "Learn":
                self._learn(node, decorator, params, scope)
            case _:
                if decorator.args or decorator.keywords:
                    raise self._form(decorator, "@Inline()")
                self.ctx.functions[node.name] = Macro(node.name, params, node)

    def _decorator(self, node: ast.FunctionDef) -> ast.Call:
        decorators = node.decorator_list
        if not decorators:
            raise self.ctx.error(
                "E119",
                f"`def {node.name}` says nothing of what kind of function it is",
                node,
                hint="put `@Runtime([sizes], size)`, `@Learn(…)` or `@Inline()` above it",
            )
        decorator = decorators[-1]
        if isinstance(decorator, ast.Name):
            decorator = ast.copy_location(ast.Call(decorator, [], []), decorator)
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name):
            if decorator.func.id in DECORATORS and len(decorators) == 1:
                return decorator
            near = nearest(decorator.func.id, DECORATORS)
        else:
            near = ""
        raise self.ctx.error(
            "E119",
            f"`@{ast.unparse(decorator)}` is not a decorator of the model language"
            if len(decorators) == 1
            else "a function has one decorator",
            decorator,
            hint=near or "one of `@Runtime`, `@Learn`, `@Inline` and `@Listing`",
        )

    def _params(self, node: ast.FunctionDef) -> tuple[str, ...]:
        given = node.args
        others = [*given.posonlyargs, *given.kwonlyargs, given.vararg, given.kwarg]
        if any(others) or given.defaults:
            raise self.ctx.error(
                "E109",
                f"`{node.name}` has parameters with defaults or stars",
                node,
                hint="use plain parameters: `def f(a, b):`",
            )
        return tuple(arg.arg for arg in given.args)

    def _runtime(
        self, node: ast.FunctionDef, decorator: ast.Call, params: tuple[str, ...], scope: Scope
    ) -> None:
        form = "@Runtime([size, size], size)"
        if len(decorator.args) != 2 or decorator.keywords:
            raise self._form(decorator, form)
        first, last = decorator.args
        if not isinstance(first, ast.List | ast.Tuple):
            raise self._form(decorator, form)
        sizes = tuple(self.declarations.size(s, scope, "an argument's size") for s in first.elts)
        size = self.declarations.size(last, scope, "the result's size")
        self._arity(node, params, len(sizes))
        self.ctx.functions[node.name] = Known(node.name, sizes, size, node, scope.copy())

    def _learn(
        self, node: ast.FunctionDef, decorator: ast.Call, params: tuple[str, ...], scope: Scope
    ) -> None:
        form = "@Learn([Tensor(28, 28)], 10, hid_sizes=[256, 256])"
        if len(decorator.args) != 2 or not isinstance(decorator.args[0], ast.List | ast.Tuple):
            raise self._form(decorator, form)
        inputs = tuple(self.declarations.type_of(t, scope) for t in decorator.args[0].elts)
        output = self.declarations.type_of(decorator.args[1], scope)
        hidden: tuple[int, ...] = ()
        body = "mlp"
        for keyword in decorator.keywords:
            value = keyword.value
            if keyword.arg == "hid_sizes" and isinstance(value, ast.List | ast.Tuple):
                sizes = value.elts
                hidden = tuple(self.declarations.size(s, scope, "a layer's size") for s in sizes)
            elif keyword.arg == "net":
                body = self._net(value)
            else:
                raise self._form(decorator, form)
        self._arity(node, params, len(inputs))
        self._no_body(node)
        network = Network(node.name, inputs, output, hidden, body, self.ctx.span(node))
        if body == "cnn":
            self._image(node, network)
        self.ctx.functions[node.name] = network

    def _net(self, value: ast.expr) -> str:
        if isinstance(value, ast.Constant) and value.value in BODIES:
            return str(value.value)
        given = str(value.value) if isinstance(value, ast.Constant) else ast.unparse(value)
        raise self.ctx.error(
            "E140",
            f"no network is called {given!r}",
            value,
            hint=nearest(given, BODIES) or 'write net="mlp" or net="cnn"',
        )

    def _image(self, node: ast.FunctionDef, network: Network) -> None:
        """Refuse a convolutional network for anything but one image."""
        if not takes_image(network):
            raise self.ctx.error(
                "E140",
                f"`{node.name}` is a convolutional network, which takes one image",
                node,
                hint=f"list one Tensor(h, w) or Tensor(channels, h, w) of at least {SMALLEST} x "
                f'{SMALLEST}, or leave net="cnn" out',
            )

    def _no_body(self, node: ast.FunctionDef) -> None:
        for statement in node.body:
            match statement:
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    continue
            raise self.ctx.error(
                "E140",
                f"the body of `{node.name}` is learned and cannot be written",
                statement,
                hint="write `pass`; bind a module of your own from Python",
            )

    def _arity(self, node: ast.FunctionDef, params: tuple[str, ...], wanted: int) -> None:
        if len(params) != wanted:
            raise self.ctx.error(
                "E103",
                f"`{node.name}` has {len(params)} parameters, and its decorator lists "
                f"{wanted} size{'' if wanted == 1 else 's'}",
                node,
                hint="list one size for each parameter",
            )

    def _listing(self, node: ast.FunctionDef) -> None:
        if self.listing is not None:
            raise self.ctx.error(
                "E107", "a second `@Listing`", node, hint="a model has at most one"
            )
        self.listing = tuple(node.body)

    def _form(self, decorator: ast.Call, form: str) -> Exception:
        return self.ctx.error(
            "E119", "this decorator is not complete", decorator, hint=f"write `{form}`"
        )
