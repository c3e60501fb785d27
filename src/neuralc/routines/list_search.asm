# Find the first node of a linked list with a given value: m[m[2]] = the address of the node.
# A node is a cell with the address of the next node (0: none), followed by a cell with its value.
# Cell 0: address of the first node, cell 1: the value, cell 2: where the answer goes.
# Source: task "list search" of the program code published with Bunel et al. (2016),
# arXiv:1605.07969.

var node = 0        # address of the node at hand
var wanted = 1      # address of the value that is looked for, then this value
var out = 2         # where the answer goes
var found = @end    # the line to go to at the node
var zero = 0        # a condition that always holds
var again = @loop   # the line to go back to
var value = ?       # address of the value of the node, then its difference from the wanted one
var junk = ?        # takes what WRITE, JEZ and STOP leave

      wanted = READ wanted
      out    = READ out
loop: node   = READ node       # first from cell 0, then from node to node
      value  = INC node
      value  = READ value
      value  = SUB value wanted
      junk   = JEZ value found
      junk   = JEZ zero again
end:  junk   = WRITE out node
      junk   = STOP
