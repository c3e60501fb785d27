"""A lifetime of tasks: one learner, many tasks that come and go, and what it knows of each.

`task.py`: a task and its data; `schedule.py`: when it is seen; `learner.py`: what a learner can be
asked; `programs.py`: programs over a shared library of networks; `baselines.py`: networks without
programs; `life.py`: the run itself; `sequence.py`: a run described in a file; `report.py`: what
came of it.
"""
