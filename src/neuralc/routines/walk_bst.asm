# Follow a path in a binary tree: m[m[1]] = the value of the node where the path ends.
# A node is three cells: its value, the address of its left child, of its right child.
# Cell 0: address of the root, cell 1: where the answer goes, from cell 2 on the path: 1 is left,
# 2 is right, 0 is the end.
# Source: task "walk BST" of the program code published with Bunel et al. (2016), arXiv:1605.07969.

var node = 0         # address of the node at hand
var out = 1          # where the answer goes
var path = 2         # address of the turn to take
var arrived = @end   # the line to go to at the end of the path
var zero = 0         # a condition that always holds
var again = @loop    # the line to go back to
var value = ?        # the turn to take, then the value of the node
var junk = ?         # takes what WRITE, JEZ and STOP leave

      node  = READ node
      out   = READ out
loop: value = READ path
      junk  = JEZ value arrived
      node  = ADD node value
      node  = READ node
      path  = INC path
      junk  = JEZ zero again
end:  value = READ node
      junk  = WRITE out value
      junk  = STOP
