# Find cell 0 among the cells from 1 on: m[0] = the address of the first that is equal.
# Source: task "linear search" of the program code published with Bunel et al. (2016),
# arXiv:1605.07969.

var place = 1;   // address of the cell at hand
var zero = 0;    // address of what is looked for and of the answer; a condition that always holds

var wanted = READ(zero);
loop:
var value = READ(place);
value = SUB(value, wanted);
JEZ(value, found);
place = INC(place);
JEZ(zero, loop);
found:
WRITE(zero, place);
STOP();
