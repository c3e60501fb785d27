var x = 0; x = READ(x); x = INC(x); x = READ(x);
WRITE(x, x); WRITE(x, x);
STOP();
