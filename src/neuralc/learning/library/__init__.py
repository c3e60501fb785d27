"""The library of neural functions: what was learned in one task and is used in the next.

`library.py`: what users hold; `functions.py`: a function, its signature and its weights;
`index.py`: what the folder says of itself; `store.py`: the folder; `tasks.py`: tasks that were
learned, and whether they still come out right; `saving.py`: what a save will do; `session.py`:
what `learn` takes and gives back.
"""
