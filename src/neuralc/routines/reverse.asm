# Write a list that begins in cell 1 and ends with a 0 backwards to where cell 0 says.
# Source: task "reverse" of the program code published with Bunel et al. (2016), arXiv:1605.07969.

var from = 1         # address of the element at hand: forward to the 0, then back
var value = ?        # the element
var back = @copy     # the line where the way back begins
var to = 0           # address of cell 0, then of where the element goes
var forward = @find  # the line to go back to on the way forward
var zero = 0         # a condition that always holds
var after = @end     # the line to go to when cell 0 is reached again
var junk = ?         # takes what WRITE, JEZ and STOP leave

      to    = READ to
find: value = READ from
      junk  = JEZ value back
      from  = INC from
      junk  = JEZ zero forward
copy: from  = DEC from
      junk  = JEZ from after
      value = READ from
      junk  = WRITE to value
      to    = INC to
      junk  = JEZ zero back
end:  junk  = STOP
