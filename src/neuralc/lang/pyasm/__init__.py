"""A subset of Python, compiled to programs of the register machine; see docs/programs.md.

The text is parsed by `ast`, never imported or run. Stable error codes of this front end:

    E500 not Python            E501 unknown name             E502 unknown function
    E503 number of arguments   E504 statement not supported  E505 expression not supported
    E506 parameters            E507 read before it is set    E508 result missing or not wanted
    E509 which function        E510 nested too deeply        E511 use of the memory
    E512 range                 E513 top level of the file    E520 constant does not fit
    E521 too many lines        E522 stack too small
"""

from neuralc.lang.pyasm.compiled import Compiled
from neuralc.lang.pyasm.compiler import compile
from neuralc.lang.pyasm.function import Program, program

__all__ = ["Compiled", "Program", "compile", "program"]
