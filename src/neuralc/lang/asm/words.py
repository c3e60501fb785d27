"""The words and statements of assembly text: how they are written, not what they mean.

Statements end with a line or with `;`. A statement that cannot be read is noted as an error, and
reading goes on with the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

from neuralc.errors import SourceError
from neuralc.ir.assembly import OPERATIONS
from neuralc.lang.base.words import MOST_DIGITS, Word, statements
from neuralc.source import Source, Span

ANY = "_"
"""The argument or target that may be any register."""

FORM = "write `LABEL: r3 = ADD r1 r2`, `x = ADD(x, y)`, `var x = 3` or `start @LABEL`"


@dataclass(frozen=True, slots=True)
class Label:
    """`name:` or `number:` before a line."""

    word: Word


@dataclass(frozen=True, slots=True)
class Declaration:
    """`var name = value`: a number, None (`?`), or the label whose line number it is (`@name`)."""

    name: Word
    value: int | Word | None
    span: Span


@dataclass(frozen=True, slots=True)
class Instruction:
    """`target = OPERATION(arguments)`; `declares`: with `var`; `bare`: without parentheses."""

    target: Word | None
    operation: str
    arguments: tuple[Word, ...]
    declares: bool
    bare: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Start:
    """`start 3` or `start @name`: the first line."""

    value: int | Word
    span: Span


Item = Label | Declaration | Instruction | Start


class Text(NamedTuple):
    """What is in a text: its items in order, its errors, the names in statements with errors."""

    items: list[Item]
    errors: list[SourceError]
    doubtful: set[str]


def read(source: Source) -> Text:
    """Read a text; errors are returned, not raised."""
    text = Text([], [], set())
    for words, junk in statements(source):
        try:
            if junk is not None:
                raise SourceError(
                    "E400", f"{junk.text!r} has no meaning here", junk,
                    hint="remove it; comments begin with `#` or `//`",
                )  # fmt: skip
            _Statement(source, words).read_into(text.items)
        except SourceError as error:
            text.errors.append(error)
            text.doubtful.update(word.text for word in words if word.kind == "name")
    return text


class _Statement:
    """The words of one statement, consumed from left to right."""

    def __init__(self, source: Source, words: list[Word]) -> None:
        """Start at the first word; words of kind "end" follow the last, so that one can look on."""
        last = words[-1].span.end
        self.words = [*words, *[Word("end", "", Span(source, last, last))] * 2]
        self.at = 0

    def read_into(self, items: list[Item]) -> None:
        """Read the labels, then the statement if there is one."""
        while self._is_label():
            items.append(Label(self._label()))
        if self.next.kind == "end":
            return
        first = self.next.span
        declares = self._skip("var")
        if not declares and self.next.text == "start" and self.words[self.at + 1].text != "=":
            self.at += 1
            items.append(Start(self._start(), self._since(first)))
        elif self.words[self.at + 1].text == "=":
            items.append(self._assignment(first, declares))
        elif declares:
            self._name("the name of a register")
            self._fail("`=`", "every register has a value at the start: `var x = 0`")
        else:
            items.append(self._instruction(first, None, declares=False))
        if self.next.kind != "end":
            self._fail("the end of the statement", "separate statements by a new line or `;`")

    # ---- words

    @property
    def next(self) -> Word:
        return self.words[self.at]

    def _take(self) -> Word:
        word = self.next
        self.at += word.kind != "end"
        return word

    def _skip(self, text: str) -> bool:
        found = self.next.text == text
        self.at += found
        return found

    def _since(self, first: Span) -> Span:
        return Span(first.source, first.start, self.words[self.at - 1].span.end)

    def _fail(self, expected: str, hint: str = FORM) -> NoReturn:
        found = "the end of the statement" if self.next.kind == "end" else repr(self.next.text)
        raise SourceError("E400", f"expected {expected}, found {found}", self.next.span, hint=hint)

    def _name(self, what: str) -> Word:
        word = self.next
        if word.kind != "name":
            self._fail(what)
        if word.text == "var" or word.text in OPERATIONS:
            raise SourceError(
                "E400", f"{word.text!r} cannot be a name", word.span,
                hint="instructions and `var` are words of the language; choose another name",
            )  # fmt: skip
        return self._take()

    # ---- statements

    def _is_label(self) -> bool:
        return self.next.kind in ("name", "number") and self.words[self.at + 1].text == ":"

    def _label(self) -> Word:
        word = self.next
        if word.kind == "number":
            self._number()
        elif word.text == ANY or word.number is not None:
            raise SourceError(
                "E400", f"{word.text!r} cannot be a label", word.span,
                hint="`_` and names such as `r3` are registers; choose another name",
            )  # fmt: skip
        else:
            self._name("a label")
        self._skip(":")
        return word

    def _assignment(self, first: Span, declares: bool) -> Declaration | Instruction:
        target = self._name("the name of a register")
        if declares and target.text == ANY:
            self.at -= 1
            self._fail("the name of a register", "`_` is any register and cannot be declared")
        self.at += 1  # the `=`
        constant = self.next.kind == "number" or self.next.text in ("-", "?", "@")
        if constant and not declares:
            raise SourceError(
                "E400", "a line sets registers by instructions only", self.next.span,
                hint=f"`var {target.text} = …` says what a register holds at the start",
            )  # fmt: skip
        if constant:
            return Declaration(target, self._value(), self._since(first))
        return self._instruction(first, target, declares)

    def _value(self) -> int | Word | None:
        if self._skip("?"):
            return None
        return self._name("a label") if self._skip("@") else self._number()

    def _start(self) -> int | Word:
        if self._skip("@"):
            return self._name("a label")
        if self.next.kind != "number":
            self._fail("`@LABEL` or a line number")
        return self._number()

    def _number(self) -> int:
        first = self.next.span
        sign = -1 if self._skip("-") else 1
        word = self.next
        if word.kind != "number":
            self._fail("a whole number")
        self.at += 1
        if not word.text.isdecimal() or len(word.text) > MOST_DIGITS:
            large = word.text.isdecimal()
            raise SourceError(
                "E406", f"{word.text} is {'too large' if large else 'not a whole number'}",
                self._since(first),
                hint="constants are whole numbers below the size of the memory; -1 is the largest",
            )  # fmt: skip
        return sign * int(word.text)

    def _instruction(self, first: Span, target: Word | None, declares: bool) -> Instruction:
        word = self.next
        if word.kind != "name":
            self._fail("an instruction")
        if word.text not in OPERATIONS:
            raise _unknown_instruction(word)
        self.at += 1
        opened = self._skip("(")
        arguments: list[Word] = []
        while self.next.text != ")" and self.next.kind != "end":
            if arguments and self._skip(",") and self.next.kind != "name":
                self._fail("a register after the comma")
            arguments.append(self._argument())
        if opened and not self._skip(")"):
            self._fail("`)`", "close the parenthesis")
        span = self._since(first)
        return Instruction(target, word.text, tuple(arguments), declares, not opened, span)

    def _argument(self) -> Word:
        word = self.next
        if word.kind == "number" or word.text == "-":
            raise SourceError(
                "E402", f"the argument {word.text} is a number, not a register", word.span,
                hint=f"write `var c = {word.text}` and use `c`; of a line, write its label",
            )  # fmt: skip
        return self._name("a register")


def _unknown_instruction(word: Word) -> SourceError:
    near = get_close_matches(word.text.upper(), OPERATIONS, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(OPERATIONS)}"
    return SourceError("E401", f"there is no instruction {word.text!r}", word.span, hint=hint)
