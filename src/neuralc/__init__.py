"""neuralc: learn programs and neural functions together, from examples.

The front door. Importing it is cheap: what needs PyTorch is loaded when it is first used.

    import neuralc as nc
    model = nc.load("turing", hypers={…})
    solution = nc.learn(model, data, restarts=100, seed=0)
    print(solution.program)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neuralc.errors import NeuralcError as NeuralcError
from neuralc.source import Source as Source

if TYPE_CHECKING:
    from neuralc.inspect.functions import report_function as report_function
    from neuralc.inspect.verdict import Verdict as Verdict
    from neuralc.inspect.verify import verify as verify
    from neuralc.lang.pyasm.function import program as program
    from neuralc.learning.adapt.run import adapt as adapt
    from neuralc.learning.frontdoor import load as load
    from neuralc.learning.frontdoor import load_solution as load_solution
    from neuralc.learning.frontdoor import model as model
    from neuralc.learning.library.library import Library as Library
    from neuralc.learning.model import Model as Model
    from neuralc.learning.run import learn as learn
    from neuralc.learning.settings import Settings as Settings
    from neuralc.learning.solution import Solution as Solution
    from neuralc.nn.compile import compile as compile
    from neuralc.nn.library.library import RoutineLibrary as RoutineLibrary
    from neuralc.nn.machine import RegisterMachine as RegisterMachine

__version__ = "0.1.0"
__all__ = [
    "Library",
    "Model",
    "NeuralcError",
    "RegisterMachine",
    "RoutineLibrary",
    "Settings",
    "Solution",
    "Source",
    "Verdict",
    "adapt",
    "compile",
    "learn",
    "load",
    "load_solution",
    "model",
    "program",
    "report_function",
    "verify",
]

_PLACES = {
    "Library": "neuralc.learning.library.library",
    "Model": "neuralc.learning.model",
    "RegisterMachine": "neuralc.nn.machine",
    "RoutineLibrary": "neuralc.nn.library.library",
    "Settings": "neuralc.learning.settings",
    "Solution": "neuralc.learning.solution",
    "Verdict": "neuralc.inspect.verdict",
    "adapt": "neuralc.learning.adapt.run",
    "compile": "neuralc.nn.compile",
    "learn": "neuralc.learning.run",
    "load": "neuralc.learning.frontdoor",
    "load_solution": "neuralc.learning.frontdoor",
    "model": "neuralc.learning.frontdoor",
    "program": "neuralc.lang.pyasm.function",
    "report_function": "neuralc.inspect.functions",
    "verify": "neuralc.inspect.verify",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    from importlib import import_module

    if name == "nn":  # a package of its own
        return import_module("neuralc.nn")
    if name not in _PLACES:
        raise AttributeError(f"neuralc has no attribute {name!r}")
    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found
