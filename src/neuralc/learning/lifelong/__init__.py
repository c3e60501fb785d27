"""A lifetime of tasks: one learner, many tasks that come and go, and what it knows of each.

`task.py`: a task and its data; `schedule.py`: when it is seen; `learner.py`: what a learner can be
asked; `programs.py`, `trial.py`: programs over a shared library of networks; `baselines.py`:
networks without programs; `life.py`: the run itself; `result.py`: what came of it, and verdicts;
`report.py`: the same as words, numbers and a picture. A run described in a file: `sequence.py`
reads it, with `table.py`, `sequence_data.py` and `sequence_learner.py`; `shelf.py` takes and gives
back functions of a library; `run.py` makes it.
"""
