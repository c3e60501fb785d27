"""Assembly text to an `Assembly`: which line a label is, which number a register has.

Two styles, told apart by `listing_style`: in a listing the numbers are as written; in the style of
the published compiler they follow the definitions, the last one first. Sizes are not checked
here, `fit` does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from neuralc.errors import ModelErrors, SourceError
from neuralc.ir.assembly import ARITY, RESULT, Assembly, Line
from neuralc.lang.asm.words import (
    ANY,
    Declaration,
    Instruction,
    Item,
    Label,
    Start,
    Text,
    read,
)
from neuralc.lang.base.words import Word
from neuralc.source import Source, Span

JUNK = "junk"
"""The register that takes what an instruction without a result writes."""

MOST_ARGUMENTS = 2


def parse(source: Source) -> Assembly:
    """Return the program that a text means.

    Raises:
        ModelErrors: all that is wrong with the text, each with its place and a hint.

    """
    return _Program(source, read(source)).assembly()


def listing_style(items: Iterable[Item]) -> bool:
    """Say whether a text uses anything that the published compiler does not know.

    That is: a register `rK`, `_`, `?`, `@`, `start`, a line number, or arguments without
    parentheses.
    """
    return any(_is_listing(item) for item in items)


def _is_listing(item: Item) -> bool:
    match item:
        case Label(word):
            return word.kind == "number"
        case Declaration(name, value):
            return not isinstance(value, int) or name.number is not None
        case Instruction(target, _, arguments, _, bare):
            words = [*arguments, *filter(None, [target])]
            return bare or any(w.number is not None or w.text == ANY for w in words)
        case Start():
            return True


class _Program:
    """One text, and what has been found out about it."""

    def __init__(self, source: Source, text: Text) -> None:
        """Number the lines and the registers."""
        self.source, self.text, self.errors = source, text, list(text.errors)
        self.listing = listing_style(text.items)
        self.labels: dict[str, int] = {}
        self.constants: dict[str, int | Word | None] = {}  # of declared registers
        self._define()
        self.numbers = self._numbered() if self.listing else self._reversed()
        self.registers = [self._initial(name) for name in self.numbers]
        self.names = list(self.numbers)
        self.junk = None if self.listing and self.names else self._add_junk()

    def assembly(self) -> Assembly:
        """Return the program, or raise all errors."""
        instructions = [item for item in self.text.items if isinstance(item, Instruction)]
        lines = [self._line(instruction) for instruction in instructions]
        start = self._start()
        if not lines and not self.errors:
            end = len(self.source.text)
            self._error("E407", "a program needs a line", Span(self.source, end, end),
                        hint="`STOP` is the shortest program")  # fmt: skip
        if self.errors:
            raise ModelErrors(self.errors)
        first: dict[int, str] = {}
        for name, line in self.labels.items():
            first.setdefault(line, name)
        return Assembly(
            tuple(lines), tuple(self.registers), start, tuple(self.names), first, self.source
        )

    def _error(self, code: str, message: str, span: Span, *, hint: str, label: str = "") -> None:
        self.errors.append(SourceError(code, message, span, label=label, hint=hint))

    # ---- definitions

    def _define(self) -> None:
        """Collect labels and registers; a name means one thing only."""
        places: dict[str, Span] = {}
        waiting: list[Word] = []  # labels whose line is still to come
        line = 0
        for item in self.text.items:
            match item:
                case Label(word):
                    waiting.append(word)
                    if word.kind == "number":
                        continue
                    if self._is_new(word, places):
                        self.labels[word.text] = line
                case Declaration(name=name, value=value) if self._is_new(name, places):
                    self.constants[name.name] = value
                case Instruction(target=target, declares=declares):
                    self._check_numbers(waiting, line)
                    waiting, line = [], line + 1
                    if target and declares and self._is_new(target, places):
                        self.constants[target.name] = 0
        for word in waiting:
            self._error(
                "E409",
                f"no line follows the label {word.text!r}",
                word.span,
                hint="put it before an instruction; at the end, before a `STOP`",
            )

    def _is_new(self, word: Word, places: dict[str, Span]) -> bool:
        name = word.name
        if name in places:
            self._error(
                "E404",
                f"the name {name!r} is defined twice",
                word.span,
                label=f"first in line {places[name].line}",
                hint="rename one of the two; labels and registers share their names",
            )
            return False
        places[name] = word.span
        return True

    def _check_numbers(self, waiting: list[Word], line: int) -> None:
        for word in waiting:
            if word.kind == "number" and int(word.text) != line and not self.text.errors:
                self._error(
                    "E411",
                    f"this is line {line}, not {word.text}",
                    word.span,
                    hint="lines count from 0; without numbers they count themselves",
                )

    # ---- registers

    def _numbered(self) -> dict[str, int]:
        """Return the numbers of a listing: as written, then by the first appearance."""
        used = list(self._register_words())
        places = {word.number: word for word in reversed(used) if word.number is not None}
        largest = max((k for k in places), default=-1)
        missing = next((k for k in range(largest) if k not in places), None)
        if missing is not None and not self.text.errors:
            self._error(
                "E405",
                f"there is a register r{largest}, but no r{missing}",
                places[largest].span,
                hint=f"number registers from 0 without gaps, or write `var r{missing} = 0`",
            )
        numbers = {f"r{k}": k for k in sorted(places)}
        for word in used:
            if word.number is None:
                numbers.setdefault(word.text, len(numbers))
        return numbers

    def _register_words(self) -> Iterator[Word]:
        """Yield every word of a listing that names a register, in order."""
        for item in self.text.items:
            match item:
                case Declaration(name=name):
                    yield name
                case Instruction(target, _, arguments):
                    for word in [*filter(None, [target]), *arguments]:
                        known = word.text in self.constants or word.text in self.labels
                        if word.text != ANY and (known or word.number is not None):
                            yield word

    def _reversed(self) -> dict[str, int]:
        """Return the numbers of the published compiler: the last definition comes first."""
        defined: list[str] = []
        for item in self.text.items:
            match item:
                case Label(word):
                    defined.append(word.text)
                case Declaration(name=name):
                    defined.append(name.text)
                case Instruction(target=Word(text=text), declares=True):
                    defined.append(text)
        return {name: k for k, name in enumerate(reversed(dict.fromkeys(defined)))}

    def _initial(self, name: str) -> int | None:
        """Return what a register holds at the start."""
        value = self.labels[name] if name in self.labels else self.constants.get(name, 0)
        return self._line_of(value) if isinstance(value, Word) else value

    def _add_junk(self) -> int:
        self.names.append(JUNK if JUNK not in self.names else f"{JUNK}_")
        self.registers.append(None if self.listing else 0)
        return len(self.names) - 1

    # ---- lines

    def _line(self, item: Instruction) -> Line:
        count, needed = len(item.arguments), ARITY[item.operation]
        if not needed <= count <= MOST_ARGUMENTS:
            wanted = f"{needed} argument{'s' * (needed != 1)}"
            self._error("E402", f"{item.operation} takes {wanted}, found {count}", item.span,
                        hint=f"write `{_form(item.operation, self.listing)}`")  # fmt: skip
        missing = None if self.listing else self.junk
        arguments = [self._register(word) for word in item.arguments[:MOST_ARGUMENTS]]
        first, second, *_ = [*arguments, missing, missing]
        return Line(item.operation, first, second, self._target(item), item.span)

    def _target(self, item: Instruction) -> int | None:
        if item.target is not None:
            return self._register(item.target)
        if not self.listing or item.operation == "STOP":
            return self.junk if not self.listing else None
        if item.operation in RESULT:
            form = _form(item.operation, self.listing)
            self._error("E408", f"the result of {item.operation} goes nowhere", item.span,
                        hint=f"write `{form}`; `_` is any register")  # fmt: skip
            return None
        if self.junk is None:
            self.junk = self._add_junk()
        return self.junk

    def _register(self, word: Word) -> int | None:
        if word.text == ANY:
            return None
        if word.name not in self.numbers:
            known = [*self.numbers, *self.labels]
            way_out = "declare it: `var {0} = 0`, or write `{0}:` before the line that is meant"
            self._unknown(word, known, "register or label", way_out)
        return self.numbers.get(word.name)

    def _line_of(self, word: Word) -> int:
        if word.text not in self.labels:
            self._unknown(word, self.labels, "label", "write `{}:` before the line that is meant")
        return self.labels.get(word.text, 0)

    def _start(self) -> int:
        starts = [item for item in self.text.items if isinstance(item, Start)]
        for item in starts[1:]:
            self._error(
                "E404",
                "the first line is given twice",
                item.span,
                label=f"first in line {starts[0].span.line}",
                hint="remove one of the two",
            )
        values = [self._line_of(s.value) if isinstance(s.value, Word) else s.value for s in starts]
        return values[0] if values else 0

    def _unknown(self, word: Word, known: Iterable[str], what: str, way_out: str) -> None:
        if word.text in self.text.doubtful:
            return  # it may be defined in a statement that could not be read, or was named already
        self.text.doubtful.add(word.text)
        near = get_close_matches(word.text, list(known), 1)
        hint = f"did you mean {near[0]!r}?" if near else way_out.format(word.text)
        self._error("E403", f"there is no {what} {word.text!r}", word.span, hint=hint)


def _form(operation: str, listing: bool) -> str:
    """Return how an instruction is written, in the style of the text."""
    count = ARITY[operation]
    if listing:
        arguments = "".join((" r1", " r2")[:count])
        return f"{'r0 = ' * (operation in RESULT)}{operation}{arguments}"
    return f"{'x = ' * (operation in RESULT)}{operation}({', '.join(('y', 'z')[:count])})"
