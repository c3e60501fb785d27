# Merge two lists, both sorted with the largest first and ended by a 0, into one.
# Cells 0 and 1: where they begin, cell 2: where the result goes.
# Source: task "merge" of the program code published with Bunel et al. (2016), arXiv:1605.07969.
#
# The 27 lines are the published size. One is not needed: `a` could be copied by adding a zero.

var a = 0             # address of cell 0, then of the element at hand of the first list
var b = 1             # the same for the second list; at the end for the list that is left
var to = 2            # address of cell 2, then of where the next element goes
var x = ?             # the element of the first list
var y = ?             # the element of the second list
var test = ?          # 0 where y is not smaller than x
var second = @take    # the line where y is taken
var zero = 0          # a condition that always holds
var again = @loop     # the line to go back to
var first_left = @move   # where to go when the second list has ended
var left = @rest      # where to go when the first list has ended
var after = @end      # where to go when both have ended
var junk = ?          # takes what WRITE, JEZ and STOP leave

      a    = READ a
      b    = READ b
      to   = READ to
loop: x    = READ a
      junk = JEZ x left
      y    = READ b
      junk = JEZ y first_left
      test = MAX x y
      test = SUB test y
      junk = JEZ test second
      junk = WRITE to x
      a    = INC a
      to   = INC to
      junk = JEZ zero again
take: junk = WRITE to y
      b    = INC b
      to   = INC to
      junk = JEZ zero again
move: b    = ZERO             # what is left is the first list
      b    = ADD a b
rest: y    = READ b
      junk = JEZ y after
      junk = WRITE to y
      b    = INC b
      to   = INC to
      junk = JEZ zero left
end:  junk = STOP
