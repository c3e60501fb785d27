"""Networks without programs, to compare with: those of the papers, with their sizes.

`columns.py`: a network for grids of images; `progressive.py`: columns with lateral connections;
`multitask.py`: one embedding, a head for each task; `lstm.py`, `neural_gpu.py`: for sequences;
`symbols.py`: what these are told of each symbol. They know shapes only, no tasks and no data.
"""
