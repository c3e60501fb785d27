"""What verification has to say: proved, refuted with a counterexample, or not decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Counterexample:
    """An input on which a program is wrong.

    `inputs`, `found` and `wanted` are numbers or nested lists by name; in `wanted`, None stands
    where nothing is asked. `violated` is the property that does not hold, `wanted` is then None.
    """

    inputs: Mapping[str, Any]
    found: Mapping[str, Any]
    wanted: Mapping[str, Any] | None = None
    violated: str = ""

    @property
    def text(self) -> str:
        """The input and both outputs, for people."""
        second = f"  violated: {self.violated}"
        if self.wanted is not None:
            second = f"  wanted: {_listed(self.wanted)}"
        return "\n".join([_listed(self.inputs), f"  found:  {_listed(self.found)}", second])


@dataclass(frozen=True)
class Verdict:
    """What is known of a claim about a program.

    Attributes:
        status: "proved": it holds for all `inputs` inputs; "refuted": it does not, see
            `counterexample`; "undecided": neither is known.
        inputs: the number of inputs of the domain, restricted by `where`. Of a claim that was
            proved by running everything, those of which something is asked.
        tested: on how many different inputs, of which something is asked, the program was run.
        counterexample: with "refuted", an input on which the program was run and is wrong.
        counted: whether `inputs` is the number itself; False: it is a bound, because `where`
            restricts more inputs than can be counted.
        how: what decided: "exhaustive", "samples", "smt".
        note: what else is to be known, such as why nothing was decided.
        seconds: wall-clock time.

    """

    status: Literal["proved", "refuted", "undecided"]
    inputs: int
    tested: int
    counterexample: Counterexample | None = None
    counted: bool = True
    how: str = "exhaustive"
    note: str = ""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The verdict in words; never more than is known."""
        if self.status == "proved":
            return f"proved for all {self.inputs} inputs"
        if self.status == "refuted" and self.counterexample is not None:
            return f"refuted by {self.counterexample.text}"
        bound = "" if self.counted else "at most "
        return f"not decided: tested {self.tested} of {bound}{self.inputs}"

    def __str__(self) -> str:
        return self.text


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "(no inputs)"
