var x = 0;
loop: var x = READ(x);
loop: STOP();
var loop = 3;
