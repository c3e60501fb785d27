var x = 0; x = INC(x; STOP();
x = ADD(x,, x);
