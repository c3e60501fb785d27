"""Python functions as references: a whitelisted subset, parsed by `ast`, never imported or run.

Stable error codes of this front end:

    E300 not Python            E301 unknown name             E302 unknown function or method
    E303 number of arguments   E304 statement not supported  E305 expression not supported
    E306 parameters            E307 what is returned         E309 no such function
    E310 nested too deeply
    E320 no result on an input E321 too many steps           E322 does not fit the outputs
"""

from neuralc.lang.pyfn.concrete import Concrete, shown
from neuralc.lang.pyfn.fit import as_outputs, check_names, mismatch
from neuralc.lang.pyfn.read import from_function, read, read_expression
from neuralc.lang.pyfn.reference import Reference
from neuralc.lang.pyfn.symbolic import Encoded, encode

__all__ = [
    "Concrete",
    "Encoded",
    "Reference",
    "as_outputs",
    "check_names",
    "encode",
    "from_function",
    "mismatch",
    "read",
    "read_expression",
    "shown",
]
