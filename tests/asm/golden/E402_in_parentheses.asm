var x = 0;
x = ADD(x);
JEZ();
STOP();
