# Find the k-th element of a linked list, k = 1, 2, …: m[m[2]] = the element.
# A node is a cell with the address of the next node (0: none), followed by a cell with its value.
# Cell 0: address of the first node, cell 1: k, cell 2: where the answer goes.
# Source: task "list-k" of Bunel et al. (2016), arXiv:1605.07969.

var node = 0         # address of the node at hand
var count = 1        # how many nodes are still to go
var out = 2          # where the answer goes
var arrived = @end   # the line to go to at the node
var zero = 0         # a condition that always holds
var again = @loop    # the line to go back to
var junk = ?         # takes what WRITE, JEZ and STOP leave

      count = READ count
      out   = READ out
loop: node  = READ node       # first from cell 0, then from node to node
      count = DEC count
      junk  = JEZ count arrived
      junk  = JEZ zero again
end:  node  = INC node
      node  = READ node
      junk  = WRITE out node
      junk  = STOP
