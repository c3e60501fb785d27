"""MATH with networks from a library: the program by gradients alone, and by `auto`.

Gradients alone: the networks stay as they are and every image is read once, so that a hundred
restarts cost what their programs cost. `auto`: gradients and search by turns, networks included.
Both see two-digit expressions and their values only; a program counts as found if it is exact on
expressions of 2 to 16 digits once their symbols are read without error.

Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (2017), arXiv:1611.02109,
section 4.1: 2 of 100 restarts by gradients.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuralc.backends.base.problem import Choices
from neuralc.data.digits import Digits
from neuralc.data.expressions import draw_expressions
from neuralc.experiments.math_search import MACHINE, LongerExpressions
from neuralc.ir.examples import NOT_OBSERVED, Examples, bind
from neuralc.ir.nodes import Int
from neuralc.learning.model import Model
from neuralc.learning.run import learn
from neuralc.learning.settings import Settings
from neuralc.learning.solution import Solution, spread_weights
from neuralc.learning.train import Trainer

Array = np.ndarray[Any, Any]
EXPRESSIONS = 1000  # with two digits, to learn from
CHUNK = 500  # expressions whose images are read at once
