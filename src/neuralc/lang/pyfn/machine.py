"""What runs closures: frames, functions, the counter of steps, and how a run stops.

A frame is a list: slot 0 holds what is returned, then come the parameters, then the other names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from neuralc.lang.pyfn.reference import Node

Frame = list[Any]
Closure = Callable[[Frame], Any]
Setter = Callable[[Frame, Any], None]
Slots = Mapping[str, int]
UNSET: Final = object()
"""What a slot holds before its name has a value."""
NOTHING: Final = object()
"""What a function gives that ends without `return`."""
RETURN: Final = object()


class Stop(Exception):
    """The function has no result, because of a node of its text."""

    def __init__(
        self,
        node: Node,
        message: str,
        *,
        code: str = "E320",
        hint: str = "test for this case before, or `return None` where nothing is asked",
    ) -> None:
        """Keep the parts of the message."""
        super().__init__(message)
        self.node, self.message, self.code, self.hint = node, message, code, hint


class Function:
    """A function of the file: its frame and its body, which may be put in later."""

    def __init__(self, parameters: Sequence[str]) -> None:
        """Reserve the slots of the parameters."""
        self.slots = {name: k + 1 for k, name in enumerate(parameters)}
        self.count = len(self.slots)
        self.blank: Frame = []
        self.body: Closure = lambda frame: None

    def call(self, args: Sequence[Any]) -> Any:
        """Return what the function gives."""
        frame = self.blank.copy()
        frame[1 : self.count + 1] = args
        return frame[0] if self.body(frame) is RETURN else NOTHING


class Machine:
    """What all functions of one reference share: each other, the constants, the step counter."""

    def __init__(self, steps: int) -> None:
        """Begin without functions and constants."""
        self.steps = steps
        self.functions: dict[str, Function] = {}
        self.constants: dict[str, Any] = {}
        self.clock = [steps]

    def too_long(self, node: Node) -> Stop:
        """Return what to raise when the clock, from which each turn takes one, is below 0."""
        message = f"more than {self.steps} turns of loops and calls"
        return Stop(node, message, code="E321", hint="check that the loop ends")
