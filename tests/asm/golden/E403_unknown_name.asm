var counter = 0;
loop: counter = DEC(conter);
JEZ(counter, end);
x = ZERO();
JEZ(x, loop);
STOP();
