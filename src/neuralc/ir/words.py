"""The words of the textual IR, and a line of them: what its printer and its reader share.

Expressions, names and numbers are read here, since they never go beyond a line; statements are
read in `reader.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple, NoReturn, TypeVar

from neuralc.errors import SourceError
from neuralc.ir.nodes import OPERATORS, Call, Int, Num, Op, Real, Ref, Static, Sym, Type, Value
from neuralc.source import Source, Span

T = TypeVar("T")
Scope = frozenset[str]

PREFIX = ("not", "min", "max", "ifelse")
INFIX = tuple(op for op in OPERATORS if op not in PREFIX)
KINDS = ("param", "input", "output", "var")
KEYWORDS = frozenset(
    (*KINDS, *(op for op in OPERATORS if op.isalpha()), "program", "hyper", "table", "network",
     "fix", "limits", "hidden", "body", "Tensor", "for", "in", "range", "with", "as", "of",
     "switch", "case", "if", "else", "pass", "observe")
)  # fmt: skip
NAME = re.compile(r"[^\W\d]\w*")
TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#.*) | (?P<name>[^\W\d]\w*) | (?P<number>[0-9]+)
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<sign>->|\.\.|//|\*\*|<=|>=|==|!=|[-+*%<>()\[\],:=$])""",
    re.VERBOSE,
)


MOST_VALUES = 1 << 24  # a table of a text that is not ours must not fill the memory


class Token(NamedTuple):
    """A word of a line; `kind` is a group of `TOKEN`, or "end"."""

    kind: str
    text: str
    start: int
    end: int


class Words:
    """The words of one line, consumed from left to right."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        """Start at the first word."""
        self.source, self.tokens, self.at = source, tokens, 0

    # ---- words

    @property
    def next(self) -> Token:
        """The next word; at the end, a word of kind "end"."""
        return self.tokens[self.at]

    def fail(self, expected: str) -> NoReturn:
        """Raise the error that something else was expected here."""
        token = self.next
        found = "the end of the line" if token.kind == "end" else repr(token.text)
        span = Span(self.source, token.start, token.end)
        raise SourceError(
            "E290", f"expected {expected}, found {found}", span,
            hint="the form is described in neuralc/ir/text.py",
        )  # fmt: skip

    def take(self) -> Token:
        """Consume the next word."""
        token = self.next
        self.at += token.kind != "end"
        return token

    def sees(self, *texts: str) -> bool:
        """Say whether the next word is one of these, unquoted."""
        return self.next.kind in ("name", "sign") and self.next.text in texts

    def skip(self, text: str) -> bool:
        """Consume the next word if it is this one, and say so."""
        if found := self.sees(text):
            self.take()
        return found

    def expect(self, text: str) -> None:
        """Consume this word."""
        if not self.skip(text):
            self.fail(repr(text))

    def end(self) -> None:
        """Check that nothing follows."""
        if self.next.kind != "end":
            self.fail("the end of the line")

    def span(self, start: Token) -> Span:
        """Return the place from `start` to the last word consumed."""
        return Span(self.source, start.start, self.tokens[max(self.at - 1, 0)].end)

    # ---- small things

    def number(self) -> int:
        """Read an integer."""
        sign = -1 if self.skip("-") else 1
        if self.next.kind != "number":
            self.fail("a number")
        return sign * int(self.take().text)

    def quoted(self) -> str:
        """Read a text in quotes."""
        if self.next.kind != "quoted":
            self.fail("a quoted text")
        try:
            return str(json.loads(self.next.text))
        except json.JSONDecodeError:
            self.fail("a text quoted as in JSON")
        finally:
            self.take()

    def name(self) -> str:
        """Read a name, quoted or plain."""
        if self.next.kind == "quoted":
            return self.quoted()
        if self.next.kind != "name" or self.next.text in KEYWORDS:
            self.fail("a name")
        return self.take().text

    def list_of(self, item: Callable[[], T], close: str) -> tuple[T, ...]:
        """Read items between commas up to and including `close`."""
        found: list[T] = []
        while not self.skip(close):
            if found:
                self.expect(",")
            found.append(item())
        return tuple(found)

    def type(self) -> Type:
        """Read a type."""
        if self.skip("Tensor"):
            self.expect("(")
            return Real(self.list_of(self.number, ")"))
        return Int(self.number())

    def packed(self) -> tuple[int, ...]:
        """Read integers as `pack` writes them."""
        found: list[int] = []
        while self.next.kind == "number" or self.sees("-"):
            first = self.number()
            if self.skip(".."):
                last = self.number()
                step = 1 if last >= first else -1
                more: range | list[int] = range(first, last + step, step)
                self.fits(len(found) + abs(last - first))
            elif self.skip("*"):
                count = self.number()
                self.fits(len(found) + count)
                more = [first] * count
            else:
                more = [first]
            found += more
        return tuple(found)

    def fits(self, count: int) -> None:
        """Check that a table is not larger than a text should make it."""
        if count > MOST_VALUES:
            self.at -= 1
            self.fail(f"at most {MOST_VALUES} values")

    # ---- expressions

    def value(self, scope: Scope) -> Value:
        """Read a value, or a static expression."""
        start = self.next
        first = self.primary(scope)
        if not self.sees(*INFIX):
            return first
        op, args = self.next.text, [self.static_of(first)]
        while self.skip(op):
            args.append(self.static_of(self.primary(scope)))
        if self.sees(*INFIX):
            self.fail(f"parentheses around a mixture of operators, or another {op!r}")
        return Op(op, tuple(args), self.span(start))

    def static(self, scope: Scope) -> Static:
        """Read a static expression."""
        return self.static_of(self.value(scope))

    def static_of(self, value: Value) -> Static:
        """Return a value that was just read, if it is static."""
        if isinstance(value, Ref | Call):
            self.at -= 1
            self.fail("a number, or a loop or gate variable, before or at this place")
        return value

    def primary(self, scope: Scope) -> Value:
        """Read a value that is not a chain of operators."""
        start = self.next
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if start.kind == "number" or (self.sees("-") and following.kind == "number"):
            number = self.number()
            return Num(number, self.span(start))
        if self.skip("("):
            value = self.value(scope)
            self.expect(")")
            return value
        if self.skip("$"):
            name = self.name()
            return Sym(name, self.span(start))
        if self.sees(*INFIX, *PREFIX):
            op = self.take().text
            self.expect("(")
            operands = self.list_of(lambda: self.static(scope), ")")
            return Op(op, operands, self.span(start))
        name = self.name()
        if self.skip("("):
            args = self.list_of(lambda: self.value(scope), ")")
            return Call(name, args, self.span(start))
        if self.skip("["):
            index = self.list_of(lambda: self.static(scope), "]")
            return Ref(name, index, self.span(start))
        return Sym(name, self.span(start)) if name in scope else Ref(name, (), self.span(start))

    def ref(self, scope: Scope) -> Ref:
        """Read an element."""
        value = self.primary(scope)
        if not isinstance(value, Ref):
            self.at -= 1
            self.fail("an element of an array")
        return value
