"""The soft execution: sure values as the plain run, distributions as the plain soft run."""

from __future__ import annotations

import numpy as np

from fuzz.case import SEEDS, Case, Mismatch, name_of
from neuralc.backends.soft.module import Precision, SoftModule
from tests.random_models import random_distributions
from tests.soft.reference import compare, inputs_of, module_of, one_hot, results_of

TOLERANCE = 1e-9


def check_sure(case: Case) -> None:
    """Check probabilities, where every value is sure."""
    check_module(case, "linear")


def check_sure_logarithms(case: Case) -> None:
    """Check logarithms of probabilities, where every value is sure."""
    check_module(case, "log")


def check_distributions(case: Case) -> None:
    """Check distributions against the interpreter on distributions."""
    program, names = case.program, {d.name for d in case.program.of("param")}
    programs, count = len(case.choices), len(case.choices) + len(case.inputs)
    drawn = [random_distributions(program, SEEDS * case.seed + k) for k in range(count)]
    choices = [{k: v for k, v in one.items() if k[0] in names} for one in drawn[:programs]]
    examples = [{k: v for k, v in one.items() if k[0] not in names} for one in drawn[programs:]]
    try:
        compare(program, choices, examples, tolerance=TOLERANCE)
    except AssertionError as error:
        raise Mismatch(str(error).split("Program(")[0]) from None


def check_module(case: Case, precision: Precision, kind: type[SoftModule] = SoftModule) -> None:
    """Check a module with the choices of a case on its inputs."""
    program = case.program
    module = module_of(program, [one_hot(program, one) for one in case.choices], precision, kind)
    inputs = inputs_of(program, [one_hot(program, one) for one in case.inputs])
    outputs, observed = results_of(module, inputs)
    for p in range(len(case.choices)):
        for e in range(len(case.inputs)):
            for (name, at), value in case.results(p, e).items():
                seen = name.startswith("observe ")
                row = observed[int(name.split()[1])][p, e] if seen else outputs[name][(p, e, *at)]
                sure = np.arange(len(row)) == value
                if not np.allclose(row, sure, rtol=0, atol=TOLERANCE):
                    where = f"choices {p}, inputs {e}: {name_of((name, at))}"
                    raise Mismatch(f"{where}: found {row.tolist()}, wanted {value} for sure")
