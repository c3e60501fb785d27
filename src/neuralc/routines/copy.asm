# Copy a list that begins in cell 1 and ends with a 0 to where cell 0 says.
# Source: task "copy" of the program code published with Bunel et al. (2016), arXiv:1605.07969.

var from = 1        # address of the element at hand
var to = 0          # address of cell 0, then of where the element goes
var value = ?       # the element
var after = @end    # the line to go to after the list
var zero = 0        # a condition that always holds
var again = @loop   # the line to go back to
var junk = ?        # takes what WRITE, JEZ and STOP leave

      to    = READ to
loop: value = READ from
      junk  = JEZ value after
      junk  = WRITE to value
      from  = INC from
      to    = INC to
      junk  = JEZ zero again
end:  junk  = STOP
