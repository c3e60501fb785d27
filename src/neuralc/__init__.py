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
    from neuralc.learn.frontdoor import load as load
    from neuralc.learn.frontdoor import load_solution as load_solution
    from neuralc.learn.frontdoor import model as model
    from neuralc.learn.learn import learn as learn
    from neuralc.learn.model import Model as Model
    from neuralc.learn.settings import Settings as Settings
    from neuralc.learn.solution import Solution as Solution

__version__ = "0.1.0"
__all__ = [
    "Model",
    "NeuralcError",
    "Settings",
    "Solution",
    "Source",
    "learn",
    "load",
    "load_solution",
    "model",
]

_PLACES = {
    "Model": "neuralc.learn.model",
    "Settings": "neuralc.learn.settings",
    "Solution": "neuralc.learn.solution",
    "learn": "neuralc.learn.learn",
    "load": "neuralc.learn.frontdoor",
    "load_solution": "neuralc.learn.frontdoor",
    "model": "neuralc.learn.frontdoor",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"neuralc has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found  # `neuralc.learn` is the function, also after the package is loaded
    return found
