"""The engine native: sure values as the plain run; outputs, loss, gradients as the engine torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import torch

from fuzz.case import Case, Mismatch
from fuzz.soft import check_module
from neuralc.backends.native import NativeModule
from tests.native.same import both, compare
from tests.soft.test_gradients import task

RESTARTS = (1, 9)  # the lanes of vectors are examples, or restarts
FOLDER = "NEURALC_CACHE"


def check_native(case: Case) -> None:
    """Check a run with sure values, then everything that learning needs with soft ones.

    Raises:
        Mismatch: it is something else.
        Declined: kernels cannot run the program.

    """
    program, seed = case.program, case.seed
    with _cache():
        check_module(case, "linear", NativeModule)
        state = torch.get_rng_state()
        try:
            plain, native = both(program, RESTARTS[seed % 2], seed)
            compare(plain, native, *task(program, seed), soft=seed % 3 == 0)
        except AssertionError as error:
            raise Mismatch(str(error).split("Program(")[0]) from None
        finally:
            torch.set_rng_state(state)


@contextmanager
def _cache() -> Iterator[None]:
    """Keep kernels in a folder of their own, and remove it."""
    before = os.environ.get(FOLDER)
    with TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]
            if before is not None:
                os.environ[FOLDER] = before
