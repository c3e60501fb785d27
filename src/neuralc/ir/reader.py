"""Reads the textual IR that `text.show` prints; the grammar is described there.

A hand-written recursive reader, one line at a time. It checks the form only: whether the program
makes sense is for `check.py`. Every mistake is a `SourceError` with its place.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from neuralc.ir.nodes import (
    Body,
    Call,
    Case,
    Decl,
    Fixed,
    For,
    Gate,
    If,
    Kind,
    Network,
    Observe,
    Program,
    Ref,
    Set,
    Statement,
    Switch,
    Table,
)
from neuralc.ir.words import KINDS, TOKEN, Scope, Token, Words
from neuralc.source import Source, Span


class Line(NamedTuple):
    """A line that is not empty: how deep it is indented, and its words."""

    depth: int
    tokens: list[Token]


def read(text: str, name: str = "program") -> Program:
    """Return the program that a text of `show` describes, with spans into the text.

    Args:
        text: what `show` returned, or written by hand in the same manner.
        name: how errors call the text.

    Raises:
        SourceError: the text is not of that form.

    """
    return _Reader(Source(name, text)).program()


class _Reader:
    """The lines of a program, consumed from top to bottom."""

    def __init__(self, source: Source) -> None:
        self.source, self.at = source, 0
        self.lines = self._lines()

    def _lines(self) -> list[Line]:
        lines: list[Line] = []
        start = 0
        for text in self.source.text.split("\n"):
            tokens: list[Token] = []
            at, end = start, start + len(text)
            while at < end:
                match = TOKEN.match(self.source.text, at, end)
                if match is None:
                    bad = Token("sign", self.source.text[at], at, at + 1)
                    Words(self.source, [bad]).fail("a name, a number or a sign")
                if match.lastgroup != "space":
                    tokens.append(Token(str(match.lastgroup), match.group(), at, match.end()))
                at = match.end()
            if tokens:
                indent = tokens[0].start - start
                tokens.append(Token("end", "", end, end))
                if indent % 4:
                    Words(self.source, tokens).fail("an indentation by multiples of 4")
                lines.append(Line(indent // 4, tokens))
            start = end + 1
        return lines

    def line(self) -> Words:
        """Return the next line, which must exist."""
        if self.at == len(self.lines):
            size = len(self.source.text)
            Words(self.source, [Token("end", "", size, size)]).fail("another line")
        self.at += 1
        return Words(self.source, self.lines[self.at - 1].tokens)

    def sees(self, depth: int, *words: str) -> bool:
        """Say whether the next line has this depth and begins with one of the words, if any."""
        if self.at == len(self.lines) or self.lines[self.at].depth != depth:
            return False
        first = self.lines[self.at].tokens[0]
        return not words or (first.kind == "name" and first.text in words)

    def program(self) -> Program:
        head = self.line()
        head.expect("program")
        name = head.quoted()
        head.end()
        hypers: list[tuple[str, int]] = []
        parts: dict[type, list[object]] = {Decl: [], Table: [], Network: [], Fixed: []}
        while self.sees(0, "hyper", "table", "network", "fix", *KINDS):
            line = self.line()
            if line.skip("hyper"):
                key = line.name()
                line.expect("=")
                hypers.append((key, line.number()))
            else:
                found = _declaration(line)
                parts[type(found)].append(found)
            line.end()
        body = self.body(0, frozenset())
        if self.at < len(self.lines):
            self.line().fail("a statement without indentation")
        decls, tables, networks, fixed = (tuple(part) for part in parts.values())
        return Program(
            name,
            cast(tuple[Decl, ...], decls),
            cast(tuple[Table, ...], tables),
            cast(tuple[Network, ...], networks),
            cast(tuple[Fixed, ...], fixed),
            body,
            tuple(hypers),
            self.source,
        )

    # ---- statements

    def body(self, depth: int, scope: Scope) -> Body:
        """Read the statements at a depth; inside another statement there is at least a `pass`."""
        found: list[Statement] = []
        if depth and not self.sees(depth):
            self.line().fail("an indented line (perhaps: pass)")
        while self.sees(depth):
            if self.sees(depth, "pass"):
                line = self.line()
                line.take()
                line.end()
            else:
                found.append(self.statement(depth, scope))
        return tuple(found)

    def statement(self, depth: int, scope: Scope) -> Statement:
        line = self.line()
        start = line.next
        if line.skip("for"):
            var = line.name()
            line.expect("in")
            line.expect("range")
            line.expect("(")
            first = line.static(scope)
            line.expect(",")
            last = line.static(scope)
            line.expect(",")
            step = line.number()
            line.expect(")")
            span = self.head(line, start)
            return For(var, first, last, step, self.body(depth + 1, scope | {var}), span)
        if line.skip("with"):
            value = self.selector(line, scope)
            line.expect("as")
            var = line.name()
            size = self.size(line)
            span = self.head(line, start)
            return Gate(var, size, value, self.body(depth + 1, scope | {var}), span)
        if line.skip("switch"):
            return self.switch(line, start, depth, scope)
        if line.skip("if"):
            condition = line.static(scope)
            span = self.head(line, start)
            then = self.body(depth + 1, scope)
            orelse: Body = ()
            if self.sees(depth, "else"):
                other = self.line()
                self.head(other, other.take())
                orelse = self.body(depth + 1, scope)
            return If(condition, then, orelse, span)
        if line.skip("observe"):
            ref = line.ref(scope)
            line.expect("=")
            number = line.number()
            line.end()
            return Observe(ref, number, line.span(start))
        return self.set(line, start, scope)

    def set(self, line: Words, start: Token, scope: Scope) -> Set:
        target = line.ref(scope)
        line.expect("=")
        value = line.value(scope)
        line.end()
        return Set(target, value, line.span(start))

    def switch(self, line: Words, start: Token, depth: int, scope: Scope) -> Switch:
        value = self.selector(line, scope)
        size = self.size(line)
        span = self.head(line, start)
        cases: list[Case] = []
        while self.sees(depth + 1, "case"):
            head = self.line()
            head.take()
            values = head.list_of(head.number, ":")
            head.end()
            cases.append(Case(values, self.body(depth + 2, scope)))
        if not cases and self.body(depth + 1, scope):
            line.fail("cases only")
        return Switch(value, size, tuple(cases), span)

    def selector(self, line: Words, scope: Scope) -> Ref | Call:
        value = line.primary(scope)
        if not isinstance(value, Ref | Call):
            line.at -= 1
            line.fail("an element or a function of elements")
        return value

    def size(self, line: Words) -> int:
        line.expect("of")
        return line.number()

    def head(self, line: Words, start: Token) -> Span:
        """Read the colon that ends the head of a statement, and return the head's place."""
        span = line.span(start)
        line.expect(":")
        line.end()
        return span


def _declaration(line: Words) -> Decl | Table | Network | Fixed:
    start = line.take()
    name = line.name()
    match start.text:
        case "table":
            line.expect("(")
            sizes = line.list_of(line.number, ")")
            line.expect("->")
            size = line.number()
            line.expect("=")
            return Table(name, sizes, size, line.packed(), line.span(start))
        case "network":
            line.expect("(")
            inputs = line.list_of(line.type, ")")
            line.expect("->")
            output = line.type()
            hidden = line.packed() if line.skip("hidden") else ()
            body = line.quoted() if line.skip("body") else "mlp"
            return Network(name, inputs, output, hidden, body, line.span(start))
        case "fix":
            index = line.list_of(line.number, "]") if line.skip("[") else ()
            line.expect("=")
            return Fixed(name, index, line.number(), line.span(start))
        case kind:
            line.expect(":")
            type_ = line.type()
            shape = line.list_of(line.number, "]") if line.skip("[") else ()
            limits = line.packed() if line.skip("limits") else None
            return Decl(name, cast(Kind, kind), type_, shape, limits, line.span(start))
