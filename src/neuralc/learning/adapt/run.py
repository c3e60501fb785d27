"""Adaptive neural compilation: gradients propose, search and exact execution decide.

`gradient` descends from softened copies of the program, as the paper does. `search` anneals the
program itself on the exact execution. `hybrid` lets the gradients run for a while, and then searches
from what they found, with their probabilities for proposals.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from neuralc.errors import NeuralcError
from neuralc.learning.adapt.gradient import Descent, Settings, Soft, Tell
from neuralc.learning.adapt.problem import Choices, Problem
from neuralc.learning.adapt.result import Adapted, Attempt

Method = Literal["gradient", "search", "hybrid"]
METHODS: tuple[Method, ...] = get_args(Method)
