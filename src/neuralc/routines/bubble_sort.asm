# Sort a list that begins in cell 0 and ends with a 0, smallest first.
# Neighbours are compared and exchanged, from the beginning, until a round changes nothing.
# Source: task "bubble sort" of Bunel et al. (2016), arXiv:1605.07969.

var place = 0;        // address of the first neighbour; from line 2 on of the second
var unchanged = 1;    // 1 while this round has exchanged nothing
var zero = 0;         // a condition that always holds; also the line where a comparison begins
var first = 0;        // the neighbours
var second = 0;
var difference = 0;

first = READ(place);
place = INC(place);
second = READ(place);
JEZ(second, ended);
difference = MIN(first, second);             // second - min(first, second) is 0
difference = SUB(second, difference);        // where second <= first
JEZ(difference, exchange);
JEZ(zero, zero);

exchange:
difference = SUB(first, second);
JEZ(difference, zero);                       // equal ones stay, or it would never end
WRITE(place, first);
place = DEC(place);
WRITE(place, second);
place = INC(place);
unchanged = ZERO();
JEZ(zero, zero);

ended:
JEZ(unchanged, again);
STOP();

again:
place = ZERO();
unchanged = INC(unchanged);
JEZ(zero, zero);
