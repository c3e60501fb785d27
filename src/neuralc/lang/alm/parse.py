"""Assembly text to routines: each on its own; what they call is looked up when they are linked.

A text is a row of routines, `routine NAME a b` and its lines; lines before the first are a
routine without operands. Statements that cannot be read are noted, and reading goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from neuralc.errors import ModelErrors, SourceError
from neuralc.ir.alm import ENDS, FORMS, Code, Line
from neuralc.lang.base.words import MOST_DIGITS, Word, statements
from neuralc.source import Source, Span

HEADER = "routine"
MOST_REGISTERS = 256
FORM = "write `add a b sum`, `loop: dec n n`, `jump flag loop`, `set n 3` or `routine NAME a b`"
_KINDS = {
    "first": "a register", "second": "a register", "target": "a register", "value": "a number",
    "label": "a label",
}  # fmt: skip


def parse(source: Source, name: str = "program") -> tuple[Code, ...]:
    """Return the routines of a text, in order.

    Args:
        source: the text.
        name: of the routine that a text without `routine` is.

    Raises:
        ModelErrors: all that is wrong with the text, each with its place and a hint.

    """
    return _Text(source, name).codes()


@dataclass
class _Draft:
    """A routine that is being read."""

    name: str
    operands: list[Word]
    span: Span
    lines: list[Line] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    waiting: list[Word] = field(default_factory=list)  # labels whose line is still to come
    doubtful: bool = False  # a line of it could not be read


class _Text:
    """One text, and what has been found out about it."""

    def __init__(self, source: Source, name: str) -> None:
        """Read all statements."""
        self.source, self.errors = source, list[SourceError]()
        self.drafts: list[_Draft] = []
        self.first = name
        for words, junk in statements(source):
            try:
                if junk is not None:
                    raise SourceError(
                        "E600", f"{junk.text!r} has no meaning here", junk,
                        hint="remove it; comments begin with `#` or `//`",
                    )  # fmt: skip
                self._statement(words)
            except SourceError as error:
                self.errors.append(error)
                if self.drafts:
                    self.drafts[-1].doubtful = True

    def codes(self) -> tuple[Code, ...]:
        """Return the routines, or raise all errors."""
        if not self.drafts and not self.errors:
            end = len(self.source.text)
            self._note("E607", "a program needs a line", Span(self.source, end, end),
                       "`halt` is the shortest program")  # fmt: skip
        for draft in self.drafts:
            self._complete(draft)
        if self.errors:
            raise ModelErrors(self.errors)
        return tuple(
            Code(draft.name, tuple(word.text for word in draft.operands), tuple(draft.lines),
                 draft.labels, self.source, draft.span)
            for draft in self.drafts
        )  # fmt: skip

    def _note(self, code: str, message: str, span: Span, hint: str, label: str = "") -> None:
        self.errors.append(SourceError(code, message, span, label=label, hint=hint))

    # ---- statements

    def _statement(self, words: list[Word]) -> None:
        """Read the labels of a statement, then a header or a line."""
        if words[0].text == HEADER and not (len(words) > 1 and words[1].text == ":"):
            self._header(words)
            return
        draft = self._draft(words[0].span)
        at = 0
        while len(words) > at + 1 and words[at + 1].text == ":":
            self._label(draft, words[at])
            at += 2
        if at < len(words):
            line = _Reader(words[at:]).line()
            self._place_labels(draft)
            draft.lines.append(line)

    def _draft(self, span: Span) -> _Draft:
        if not self.drafts:
            self.drafts.append(_Draft(self.first, [], span))
        return self.drafts[-1]

    def _header(self, words: list[Word]) -> None:
        for word in words[1:]:
            if word.kind != "name":
                _fail("a name", word, "write `routine NAME a b`: operands follow the name")
        if len(words) < 2:
            end = Span(self.source, words[0].span.end, words[0].span.end)
            _fail("the name of the routine", Word("end", "", end), "write `routine NAME a b`")
        name, *operands = words[1:]
        for k, word in enumerate(operands):
            if word.number is not None:
                _fail("a name", word, "operands are in the registers 0, 1, … by their order")
            if word.text in [other.text for other in operands[:k]]:
                self._note("E604", f"there are two operands {word.text!r}", word.span,
                           "rename one of the two")  # fmt: skip
        for draft in self.drafts:
            if draft.name == name.text:
                self._note("E604", f"the routine {name.text!r} is defined twice", name.span,
                           "rename one of the two", f"first in line {draft.span.line}")  # fmt: skip
        span = Span(self.source, words[0].span.start, words[-1].span.end)
        self.drafts.append(_Draft(name.text, operands, span))

    def _label(self, draft: _Draft, word: Word) -> None:
        if word.kind != "name" or word.number is not None:
            _fail("the name of a label", word, "names such as `r3` are registers")
        if word.text in draft.labels or word.text in [w.text for w in draft.waiting]:
            self._note("E604", f"the label {word.text!r} is defined twice", word.span,
                       "rename one of the two")  # fmt: skip
        draft.waiting.append(word)

    def _place_labels(self, draft: _Draft) -> None:
        for word in draft.waiting:
            draft.labels[word.text] = len(draft.lines)
        draft.waiting.clear()

    # ---- what a whole routine must be

    def _complete(self, draft: _Draft) -> None:
        for word in draft.waiting:
            self._note("E609", f"no line follows the label {word.text!r}", word.span,
                       "put it before a line of the same routine")  # fmt: skip
        if draft.doubtful:
            return
        if not draft.lines:
            self._note("E607", f"the routine {draft.name!r} has no line", draft.span,
                       "`ret` is the shortest routine")  # fmt: skip
            return
        last = draft.lines[-1]
        if last.operation not in ENDS:
            assert last.span is not None
            self._note("E608", f"{draft.name!r} runs on behind its last line", last.span,
                       "end it with `ret`, `goto LABEL` or `halt`")  # fmt: skip
        self._check_names(draft)

    def _check_names(self, draft: _Draft) -> None:
        """Note names of registers that are read and never set, once each."""
        known = {word.text for word in draft.operands}
        known |= {line.target for line in draft.lines if isinstance(line.target, str)}
        for line in draft.lines:
            for name in (line.first, line.second):
                if isinstance(name, str) and name not in known:
                    near = get_close_matches(name, known, 1)
                    assert line.span is not None
                    self._note(
                        "E611", f"nothing sets the register {name!r}", line.span,
                        f"did you mean {near[0]!r}?" if near
                        else "set it before, or name it as an operand of the routine",
                    )  # fmt: skip
                    known.add(name)


class _Reader:
    """The words of one line, consumed from left to right."""

    def __init__(self, words: list[Word]) -> None:
        """Start at the operation."""
        self.words, self.at = words, 1
        source, end = words[-1].span.source, words[-1].span.end
        self.end = Word("end", "", Span(source, end, end))

    def line(self) -> Line:
        """Read an operation and what follows it."""
        word, arguments = self.words[0], list(self.words[1:])
        span = Span(word.span.source, word.span.start, self.words[-1].span.end)
        if word.kind != "name":
            _fail("an operation", word, FORM)
        if word.text not in FORMS:
            near = get_close_matches(word.text.lower(), FORMS, 1)
            raise SourceError(
                "E601", f"there is no operation {word.text!r}", word.span,
                hint=f"did you mean {near[0]}?" if near else f"there are {', '.join(FORMS)}",
            )  # fmt: skip
        parts = self._parts(word.text, arguments)
        found = {}
        for part in parts:
            found[part] = self._value() if part == "value" else self._name(part, word.text)
        if word.text == "jump":
            found.setdefault("value", 1)
        if self.at < len(self.words):
            self._wrong_number(word.text, self.words[self.at].span)
        return Line(word.text, **found, span=span)  # type: ignore[arg-type]

    def _parts(self, operation: str, arguments: list[Word]) -> tuple[str, ...]:
        """Return what follows: a `jump` may leave its value out, a `ret` its register."""
        if operation == "jump" and len(arguments) == 2:
            return ("first", "label")
        return () if operation == "ret" and not arguments else FORMS[operation]

    def _wrong_number(self, operation: str, span: Span) -> NoReturn:
        form = " ".join([operation, *(_SHOWN[part] for part in FORMS[operation])])
        count = len(FORMS[operation])
        raise SourceError(
            "E602", f"{operation} takes {count} argument{'s' * (count != 1)}", span,
            hint=f"write `{form}`",
        )  # fmt: skip

    def _take(self, operation: str) -> Word:
        if self.at == len(self.words):
            self._wrong_number(operation, self.end.span)
        self.at += 1
        return self.words[self.at - 1]

    def _name(self, part: str, operation: str) -> str | int:
        word = self._take(operation)
        if part == "label":
            if word.kind != "name" or word.number is not None:
                _fail("a label", word, "labels are names: `loop:` before a line, or a routine")
            return word.text
        number = int(word.text[:MOST_DIGITS]) if word.text.isdecimal() else word.number
        if number is not None:
            if number >= MOST_REGISTERS:
                raise SourceError("E605", f"there is no register {word.text}", word.span,
                                  hint=f"the registers are 0 … {MOST_REGISTERS - 1}")  # fmt: skip
            return number
        if word.kind != "name":
            _fail("a register", word, "registers are numbers or names")
        return word.text

    def _value(self) -> int:
        word = self._take("set" if self.words[0].text == "set" else "jump")
        first, negative = word.span, word.text == "-"
        if negative:
            word = self._take("set")
        span = Span(first.source, first.start, word.span.end)
        if not word.text.isdecimal() or len(word.text) > MOST_DIGITS:
            raise SourceError("E606", f"{span.text} is not a whole number, or far too large", span,
                              hint="write digits; -1 is the largest value")  # fmt: skip
        return -int(word.text) if negative else int(word.text)


_SHOWN = {"first": "x", "second": "y", "target": "z", "value": "3", "label": "LABEL"}


def _fail(expected: str, word: Word, hint: str) -> NoReturn:
    found = "the end of the statement" if word.kind == "end" else repr(word.text)
    raise SourceError("E600", f"expected {expected}, found {found}", word.span, hint=hint)
