"""Assembly text of the register machine, to and from `ir/assembly.py`; see docs/assembly.md.

Stable error codes of this front end:

    E400 not a statement       E401 unknown instruction      E402 number of arguments
    E403 unknown name          E404 defined twice            E405 register number
    E406 not a constant        E407 no lines                 E408 a result without a target
    E409 a label of no line    E410 too large for the memory
    E411 another line number than written
"""

from neuralc.lang.asm.fit import fit, smallest_memory
from neuralc.lang.asm.parse import parse
from neuralc.lang.asm.text import text

__all__ = ["fit", "parse", "smallest_memory", "text"]
