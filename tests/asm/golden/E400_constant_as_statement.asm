var x = 0;
x = 5;
STOP();
