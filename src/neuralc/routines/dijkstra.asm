# Shortest paths from node 1 to all nodes of a directed graph with weights (Dijkstra 1959).
#
# Cell 0: where the answer goes. Cells 1 … n: where the edges of nodes 1 … n begin; cell n + 1: 0.
# The edges of a node are pairs (node, weight), followed by a 0. The answer is a pair of cells for
# each node: its distance, -1 (the largest value) where no path leads to it, and a mark, which is 1
# while the node is open: reached, and its edges still to be followed. At the end all marks are 0.
# Distances must stay below the largest value.
#
# Source: task "dijkstra" of the program code published with Bunel et al. (2016), arXiv:1605.07969.
# The published program has 57 lines and 23 registers and takes 534 steps on its one example; this
# one, written anew, has 56 lines and 22 registers and takes 529 steps.

var zero = 0;         // a condition that always holds
var one = 1;          // the mark of an open node
var infinity = -1;    // the distance of a node that is not reached
var node = 1;         // the node at hand
var list = 0;         // where its edges are
var place = 0;        // address of its pair, and of the mark
var distance = 0;     // its distance, by the path at hand
var old = 0;          // its distance so far
var test = 0;         // the mark; 0 where one distance is not below another
var weight = 0;       // of an edge
var chosen = 0;       // the open node of the least distance; 0: there is none
var best = 0;         // its distance

// Nothing is reached yet.
var origin = READ(zero);       // two cells before the first pair: node k has its pair 2 k behind
place = ADD(origin, zero);
origin = DEC(origin);
origin = DEC(origin);

fill:
list = READ(node);
JEZ(list, begin);
WRITE(place, infinity);
place = INC(place);
place = INC(place);
node = INC(node);
JEZ(zero, fill);

// But for node 1, which is open.
begin:
place = READ(zero);
WRITE(place, zero);
place = INC(place);
WRITE(place, one);

// Choose the open node of the least distance.
choose:
best = ADD(infinity, zero);
chosen = ZERO();
node = ADD(one, zero);

scan:
list = READ(node);
JEZ(list, scanned);
place = ADD(node, node);
place = ADD(place, origin);
distance = READ(place);
place = INC(place);
test = READ(place);
JEZ(test, next);
test = MAX(distance, best);
test = SUB(test, distance);
JEZ(test, next);
best = ADD(distance, zero);
chosen = ADD(node, zero);

next:
node = INC(node);
JEZ(zero, scan);

// It is open no longer; follow its edges.
scanned:
JEZ(chosen, end);
place = ADD(chosen, chosen);
place = ADD(place, origin);
place = INC(place);
WRITE(place, zero);
list = READ(chosen);

edge:
node = READ(list);
JEZ(node, choose);
list = INC(list);
weight = READ(list);
list = INC(list);
distance = ADD(best, weight);
place = ADD(node, node);
place = ADD(place, origin);
old = READ(place);
test = MAX(distance, old);
test = SUB(test, distance);
JEZ(test, edge);
WRITE(place, distance);
place = INC(place);
WRITE(place, one);
JEZ(zero, edge);

end:
STOP();
