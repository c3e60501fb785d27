"""A reference as conditions for the solver z3: what it asks of the outputs, and where it fails.

Numbers are bit-vectors that cannot overflow (`terms`), paths are merged (`paths`, `memory`), loops
are unrolled. What cannot be encoded is declined with the reason; nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuralc.errors import Declined
from neuralc.lang.pyfn.branches import Failure
from neuralc.lang.pyfn.memory import List, Optional, State, Value
from neuralc.lang.pyfn.paths import Paths
from neuralc.lang.pyfn.reference import Reference
from neuralc.lang.pyfn.terms import Bool, Number, Terms, Unencodable


@dataclass(frozen=True, eq=False)
class Encoded:
    """What a function gives, for all inputs at once.

    Attributes:
        failures: where it has no result; prove first that none of these conditions can hold.
        asked: where it does not return None.

    """

    reference: Reference
    failures: tuple[Failure, ...]
    asked: Any
    _answers: tuple[tuple[Any, Any], ...]
    _terms: Terms

    @property
    def failing(self) -> Any:
        """The condition that the function has no result, as a Boolean term."""
        z3 = self._terms.z3
        return z3.Or([_term(z3, failure.condition) for failure in self.failures])

    def holds(self) -> Any:
        """Return the condition that what is returned is true, as a Boolean term."""
        z3 = self._terms.z3
        parts = [z3.And(_term(z3, guard), _term(z3, self._truth(value)))
                 for guard, value in self._answers]  # fmt: skip
        return z3.Or(parts)

    def differs(self, outputs: Mapping[str, Any]) -> Any:
        """Return the condition that some output is not what it should be, as a Boolean term.

        Args:
            outputs: for each output an unsigned bit-vector, or nested lists of them.

        Raises:
            Declined: what is returned does not have the shape of the outputs.

        """
        z3, parts = self._terms.z3, []
        for guard, answer in self._answers:
            wanted = answer if isinstance(answer, dict) or answer is None else {
                next(iter(outputs)): answer
            }  # fmt: skip
            for name, value in (wanted or {}).items():
                wrong = self._wrong(name, value, outputs[name])
                parts.append(z3.And(_term(z3, guard), _term(z3, wrong)))
        return z3.Or(parts)

    def _wrong(self, name: str, wanted: Value, found: Any) -> Bool:
        if wanted is None:
            return False
        if isinstance(found, list | tuple):
            if not isinstance(wanted, list) or len(wanted) != len(found):
                raise _declined(self.reference, f"what it returns for {name} is of another shape")
            wrong: Bool = False
            for x, y in zip(wanted, found, strict=True):
                wrong = self._terms.either(wrong, self._wrong(name, x, y))
            return wrong
        if isinstance(wanted, list):
            raise _declined(self.reference, f"what it returns for {name} is of another shape")
        terms, term = self._terms, self._terms.given(found, 2 ** found.size())
        if isinstance(wanted, Optional):
            return terms.both(wanted.given, terms.negated(terms.equal(wanted.value, term)))
        return terms.negated(terms.equal(wanted, term))

    def _truth(self, value: Value) -> Bool:
        if isinstance(value, list):
            return bool(value)
        if isinstance(value, Optional):
            return self._terms.both(value.given, self._terms.truth(value.value))
        return False if value is None else self._terms.truth(value)


def encode(
    reference: Reference,
    inputs: Mapping[str, Any],
    sizes: Mapping[str, int],
    constants: Mapping[str, int] | None = None,
    domain: Sequence[Any] = (),
    deadline: float = float("inf"),
) -> Encoded:
    """Return a function as conditions on solver terms.

    Args:
        reference: the function.
        inputs: for each parameter an unsigned bit-vector of z3, or nested lists of them.
        sizes: the number of values of each of these inputs: the terms are known to be below.
        constants: parameters that are known numbers.
        domain: conditions on the inputs; they make loops end earlier, and are not checked.
        deadline: on the clock of `time.monotonic`.

    Raises:
        Declined: there is no encoding; says why.
        MissingExtra: z3 is not installed.

    """
    known = constants or {}
    try:
        paths = Paths(reference, domain, deadline)
        given = {
            name: known[name] if name in known
            else _given(paths, inputs[name], sizes[name])
            for name in reference.parameters
        }  # fmt: skip
        ends = paths.main(given)
        answers = [(guard, _plain(state, value)) for guard, state, value in ends]
    except Unencodable as problem:
        raise _declined(reference, str(problem)) from None
    except RecursionError:
        raise _declined(reference, "it is nested too deeply") from None
    asked: Bool = False
    for guard, answer in answers:
        if answer is not None:
            asked = paths.terms.either(asked, guard)
    z3 = paths.terms.z3
    return Encoded(reference, tuple(paths.failures), _term(z3, asked), tuple(answers), paths.terms)


def _given(paths: Paths, value: Any, size: int) -> Value:
    if isinstance(value, list | tuple):
        return paths.state.new([_given(paths, part, size) for part in value])
    return paths.terms.given(value, size)


def _plain(state: State, value: Value) -> Any:
    """Return what is returned, with lists in the place of references."""
    if isinstance(value, dict):
        return {name: _plain(state, part) for name, part in value.items()}
    if isinstance(value, List):
        return [_plain(state, part) for part in state.contents(value)]
    if isinstance(value, tuple):
        return [_plain(state, part) for part in value]
    if not isinstance(value, int | Number | Optional | None):
        raise Unencodable(getattr(value, "reason", "it returns what cannot be told"))
    return value


def _term(z3: Any, condition: Bool) -> Any:
    return z3.BoolVal(condition) if isinstance(condition, bool) else condition


def _declined(reference: Reference, reason: str) -> Declined:
    return Declined(f"the encoding of {reference.what} for SMT", [reason])
