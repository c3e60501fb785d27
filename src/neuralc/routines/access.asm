# Replace cell 0 by the cell after the one that it points to: m[0] = m[m[0] + 1].
# Source: task "access" of Bunel et al. (2016), arXiv:1605.07969.

var zero = 0    # address of the pointer, and of the answer
var value = 0   # the pointer, then what it points to
var junk = ?    # takes what WRITE and STOP leave

value = READ zero
value = INC value
value = READ value
junk = WRITE zero value
junk = STOP
