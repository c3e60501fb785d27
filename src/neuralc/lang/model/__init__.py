"""The model language: text in, program out.

Stable error codes of this front end (those of the checker, E2xx, are listed in `ir/check.py`):

    E100 not Python            E101 unknown name             E102 unknown function or method
    E103 number of arguments   E104 number of indices        E105 not known at compile time
    E106 impossible size       E107 declared twice           E108 statement not supported
    E109 expression not supported                            E110 arithmetic on values
    E111 value against value   E112 unreachable branch       E113 a tensor as a number
    E114 cannot be set         E115 observation inside a gate
    E116 fixing a Param        E117 constant out of range    E118 wrong kind of value
    E119 misplaced or incomplete declaration                 E120 constant arithmetic
    E121 ragged array          E122 too deep or too long     E123 no single meaning here
    E124 no effect             E125 a value as a condition
    E130 Runtime: out of range        E131 Runtime: no result      E132 Runtime: undefined
    E133 Runtime: table too large     E134 Runtime: too long       E135 Runtime: not supported
    E136 Runtime: no value yet        E140 Learn: network           E170 Listing
"""

from neuralc.lang.model.decorator import from_function
from neuralc.lang.model.parse import Parsed, hyper_names, parse

__all__ = ["Parsed", "from_function", "hyper_names", "parse"]
