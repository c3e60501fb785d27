# Add cells 0 and 1 by counting: m[0] = m[0] + m[1].
# Source: task "addition" of Bunel et al. (2016), arXiv:1605.07969.

var a = 0;      // address of the first number and of the sum; then the first number
var b = 1;      // address of the second number; then how much of it is still to be added
var zero = 0;   // address of the sum, and a condition that always holds

a = READ(a);
b = READ(b);
loop:
JEZ(b, end);
b = DEC(b);
a = INC(a);
JEZ(zero, loop);
end:
WRITE(zero, a);
STOP();
