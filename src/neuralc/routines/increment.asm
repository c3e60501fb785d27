# Add one to every cell of a list that begins in cell 0 and ends with a 0.
# Source: task "increment" of Bunel et al. (2016), arXiv:1605.07969.

var place = 0       # address of the cell at hand
var value = ?       # its value
var after = @end    # the line to go to after the list
var again = @loop   # the line to go back to
var zero = 0        # a condition that always holds
var junk = ?        # takes what WRITE, JEZ and STOP leave

loop: value = READ place
      junk  = JEZ value after
      value = INC value
      junk  = WRITE place value
      place = INC place
      junk  = JEZ zero again
end:  junk  = STOP
