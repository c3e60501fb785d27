"""The short names of the front door: load a model, load a solution, a model as a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from neuralc.lang.model.decorator import from_function
from neuralc.learning.model import Model
from neuralc.learning.solution import Solution
from neuralc.source import Source


def load(
    source: str | Path | Source, hypers: Mapping[str, int] | None = None, *, net: str | None = None
) -> Model:
    """Return a model from a file, from a `Source`, or a machine that comes with neuralc.

    Args:
        source: a path such as "my_model.py", or a name such as "turing".
        hypers: the hyper-parameters.
        net: "mlp" or "cnn": the body of all neural functions, whatever the model says of them.

    Raises:
        FileError: there is no such file.
        ModelErrors: everything that is wrong with the text.
        HyperError: a hyper-parameter is missing, unknown, or not an integer.
        NeuralcError: there is no such `net`, or a function cannot have it.

    """
    return Model.load(source, hypers, net=net)


def load_solution(folder: str | Path) -> Solution:
    """Return a saved solution.

    Raises:
        FileError: there is none.
        SolutionError: it is damaged or was written by a newer version.

    """
    return Solution.load(folder)


def model(
    function: Callable[..., Any] | None = None, *, hypers: Mapping[str, int] | None = None
) -> Any:
    """Turn a Python function whose body is the text of a model into a `Model`.

    The function is read, never called. Use it as `@nc.model` or, with hyper-parameters, as
    `@nc.model(hypers={"n": 3})`.

    Raises:
        ModelErrors: everything that is wrong with the text, with the lines of the Python file.
        HyperError: a hyper-parameter is missing, unknown, or not an integer.

    """
    if function is None:
        return lambda decorated: model(decorated, hypers=hypers)
    return Model.load(from_function(function), hypers)
