"""The values of a symbolic run as bit-vectors of z3, no wider than their numbers need.

A number is unsigned, or in two's complement where it may be negative. Where a branch rules a number
out, the bits may be anything: terms are total, so nothing else is constrained by that. Knows
terms, and nothing of how they are solved.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from neuralc.backends.base.functions import Structures, bounds, distinct, results, rows
from neuralc.backends.base.symbolic import Function
from neuralc.errors import MissingExtra
from neuralc.ir.structure import Structure

FEW_ROWS = 16  # up to here a chain of conditions is solved as fast as arithmetic, or faster
ARITHMETIC = {"identity", "rotation", "add", "sub", "min", "max", "eq", "less"}
Term = Any
"""A term of z3, which has no types."""


def load_z3() -> Any:
    """Return the module of z3.

    Raises:
        MissingExtra: it is not installed.

    """
    try:
        import z3
    except ImportError:
        raise MissingExtra("z3-solver", "smt", "the solver smt") from None
    return z3


def width(numbers: Sequence[int]) -> int:
    """Return how many bits some numbers, ascending, take: at least 1."""
    low, high = numbers[0], numbers[-1]
    if low >= 0:
        return max(1, high.bit_length())
    return max((-low - 1).bit_length(), high.bit_length() if high > 0 else 0) + 1


@dataclass(frozen=True, eq=False, slots=True)
class Bits:
    """A number: `term` has `width(numbers)` bits, and is None where there is only one number."""

    term: Term | None
    numbers: tuple[int, ...]

    @property
    def width(self) -> int:
        """The number of bits."""
        return width(self.numbers)

    @property
    def key(self) -> Hashable:
        """What tells it from others, as long as the term is alive."""
        return (None if self.term is None else self.term.get_id()), self.numbers


class BitVectors:
    """Makes terms; `constraints` keep the unknowns below their sizes."""

    def __init__(self, context: Any = None) -> None:
        """Load z3; terms belong to a context of it, None: the main one."""
        self.z3, self.context = load_z3(), context
        self.constraints: list[Term] = []
        self._known: dict[Hashable, tuple[Bits, Any]] = {}  # with what keeps the key's terms alive
        self._structures = Structures()

    # ---- what the symbolic run needs

    def constant(self, number: int) -> Bits:
        """Return a known number."""
        return Bits(None, (number,))

    def unknown(self, name: str, size: int) -> Bits:
        """Return a number to be found."""
        found = Bits(None, tuple(range(size)))
        if size > 1:
            found = Bits(self.z3.BitVec(name, found.width, self.context), found.numbers)
            if size < 1 << found.width:
                self.constraints.append(self.z3.ULT(found.term, size))
        return found

    def support(self, value: Bits) -> Sequence[int]:
        """Return the numbers that a value may be, ascending."""
        return value.numbers

    def restrict(self, value: Bits, numbers: Sequence[int]) -> Bits:
        """Return the same bits, of which fewer numbers are expected."""
        kept = tuple(numbers)
        return Bits(self.resized(value, width(kept)) if len(kept) > 1 else None, kept)

    def apply(self, function: Function, args: Sequence[Bits]) -> Bits:
        """Return a function of values: by arithmetic, or as a chain of conditions on them."""
        key = (function.key, *(arg.key for arg in args))
        if key not in self._known:
            self._known[key] = self._applied(function, args), args
        return self._known[key][0]

    def choose(self, selectors: Sequence[Bits], arms: Mapping[tuple[int, ...], Bits]) -> Bits:
        """Return the arm that the selectors name."""
        first = next(iter(arms.values()))
        if all(arm.key == first.key for arm in arms.values()):
            return first
        key = (*(s.key for s in selectors), *((numbers, arm.key) for numbers, arm in arms.items()))
        if key not in self._known:
            self._known[key] = self._chosen(selectors, arms), (selectors, arms)
        return self._known[key][0]

    # ---- terms

    def resized(self, value: Bits, bits: int) -> Term:
        """Return a value in so many bits."""
        if value.term is None:
            return self.z3.BitVecVal(value.numbers[0], bits, self.context)
        extra = bits - value.width
        if extra <= 0:
            return self.z3.Extract(bits - 1, 0, value.term) if extra else value.term
        widen = self.z3.SignExt if value.numbers[0] < 0 else self.z3.ZeroExt
        return widen(extra, value.term)

    def equal(self, value: Bits, other: Bits) -> Term:
        """Return the condition that two values are the same number."""
        if not set(value.numbers) & set(other.numbers):
            return self.z3.BoolVal(False, self.context)
        if value.term is None and other.term is None:
            return self.z3.BoolVal(True, self.context)
        bits = width(distinct(value.numbers + other.numbers))
        return self.resized(value, bits) == self.resized(other, bits)

    def defined(self, term: Term, numbers: tuple[int, ...]) -> Bits:
        """Return a value that was just made; whoever wants to give it a name does it here."""
        return Bits(term, numbers)

    # ---- functions and choices

    def _applied(self, function: Function, args: Sequence[Bits]) -> Bits:
        supports = [arg.numbers for arg in args]
        if prod(map(len, supports)) > FEW_ROWS:
            found = self._structures.of(function, supports)
            if found is not None and found.kind in ARITHMETIC:
                numbers = results(found, supports)
                if len(numbers) == 1:
                    return self.constant(numbers[0])
                term = self._computed(found, [args[k] for k in found.args])
                return self.defined(self._fitted(term, width(numbers)), numbers)
        table = rows(function, supports, "smt")
        return self._chosen(args, {k: self.constant(number) for k, number in table.items()})

    def _computed(self, found: Structure, args: Sequence[Bits]) -> Term:
        """Return a function of `ARITHMETIC`; its arguments are not negative."""
        z3 = self.z3
        if found.kind in ("add", "sub", "rotation"):
            return self._sum(found, args)
        bits = max(arg.width for arg in args)
        terms = [self.resized(arg, bits) for arg in args]
        match found.kind:
            case "identity":
                return terms[0]
            case "min":
                return z3.If(z3.ULT(*terms), *terms)
            case "max":
                return z3.If(z3.ULT(*terms), terms[1], terms[0])
            case _:
                holds = terms[0] == terms[1] if found.kind == "eq" else z3.ULT(*terms)
                bits = width(distinct(found.values))
                no, yes = (z3.BitVecVal(value, bits, self.context) for value in found.values)
                return z3.If(holds, yes, no)

    def _sum(self, found: Structure, args: Sequence[Bits]) -> Term:
        """Return a sum or a difference: one that is not negative, less turns of the modulus."""
        z3, modulus = self.z3, found.modulus
        low, high = bounds(found, [arg.numbers for arg in args])
        start = -(low // modulus) * modulus if modulus else 0
        high += start
        power_of_two = modulus > 1 and not modulus & (modulus - 1)
        bits = modulus.bit_length() - 1 if power_of_two else width((0, high))
        term = self.resized(args[0], bits)
        if len(args) == 2:
            other = self.resized(args[1], bits)
            term = term - other if found.kind == "sub" else term + other
        offset = (found.offset + start) % (1 << bits)
        term = term + offset if offset else term
        if power_of_two or not modulus:
            return term
        *turns, last = range(0, high + 1, modulus)
        result = term - last if last else term
        for turn in reversed(turns):
            result = z3.If(z3.ULT(term, turn + modulus), term - turn if turn else term, result)
        return result

    def _fitted(self, term: Term, bits: int) -> Term:
        """Return a term that is not negative in so many bits."""
        extra = bits - term.size()
        if extra > 0:
            return self.z3.ZeroExt(extra, term)
        return self.z3.Extract(bits - 1, 0, term) if extra else term

    def _chosen(self, selectors: Sequence[Bits], arms: Mapping[tuple[int, ...], Bits]) -> Bits:
        numbers = distinct(number for arm in arms.values() for number in arm.numbers)
        if len(numbers) == 1:
            return self.constant(numbers[0])
        single = len(selectors) == 1 and all(arm.term is None for arm in arms.values())
        if single and all(arm.numbers == k for k, arm in arms.items()):
            return self.restrict(selectors[0], numbers)
        bits = width(numbers)
        leaves = {k: self.resized(arm, bits) for k, arm in arms.items()}
        return self.defined(self._chain(selectors, leaves), numbers)

    def _chain(self, selectors: Sequence[Bits], leaves: Mapping[tuple[int, ...], Term]) -> Term:
        """Return conditions on the first selector around chains on the others."""
        if not selectors:
            return leaves[()]
        first, *rest = selectors
        parts: dict[int, dict[tuple[int, ...], Term]] = {}
        for numbers, leaf in leaves.items():
            parts.setdefault(numbers[0], {})[numbers[1:]] = leaf
        cases: dict[int, tuple[Term, list[Term]]] = {}  # by the term: when it is that
        for number, part in parts.items():
            term = self._chain(rest, part)
            condition = self.equal(first, self.constant(number))
            cases.setdefault(term.get_id(), (term, []))[1].append(condition)
        *others, (chain, _) = sorted(cases.values(), key=lambda case: len(case[1]))
        for term, conditions in others:
            holds = conditions[0] if len(conditions) == 1 else self.z3.Or(conditions)
            chain = self.z3.If(holds, term, chain)
        return chain
