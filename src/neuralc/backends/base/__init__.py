"""What all solvers share: the question they are asked, the answer they give, the symbolic run."""

from neuralc.backends.base.problem import Candidate, Outcome, Problem, Report

__all__ = ["Candidate", "Outcome", "Problem", "Report"]
