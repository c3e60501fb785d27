# Put values into the order of a permutation: m[i] = the value of number m[i], for every i.
# The permutation of 1 … n begins in cell 0 and ends with a 0; the n values follow.
# Source: task "permutation" of the program code published with Bunel et al. (2016),
# arXiv:1605.07969.

var base = -1        # address of the 0, which is found by counting up; value k is k cells behind
var value = ?        # a number of the permutation, then the address of a value, then the value
var permute = @loop  # the line where the second loop begins
var search = @find   # the line where the first loop begins
var place = 0        # address of the number at hand
var zero = 0         # a condition that always holds
var after = @end     # the line to go to after the permutation
var junk = ?         # takes what WRITE, JEZ and STOP leave

find: base  = INC base
      value = READ base
      junk  = JEZ value permute
      junk  = JEZ zero search
loop: value = READ place
      junk  = JEZ value after
      value = ADD value base
      value = READ value
      junk  = WRITE place value
      place = INC place
      junk  = JEZ zero permute
end:  junk  = STOP
