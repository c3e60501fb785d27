"""Assembly of the machine with subroutines, to and from `ir/alm.py`; see docs/routines.md.

Stable error codes of this front end:

    E600 not a statement       E601 unknown operation        E602 number of arguments
    E603 unknown label         E604 defined twice            E605 register number
    E606 not a constant        E607 no lines                 E608 runs on behind its end
    E609 a label of no line    E610 too large for the machine
    E611 a register that nothing sets
"""

from neuralc.lang.alm.link import link
from neuralc.lang.alm.parse import parse
from neuralc.lang.alm.text import text

__all__ = ["link", "parse", "text"]
