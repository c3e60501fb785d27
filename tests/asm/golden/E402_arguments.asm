r0 = ADD r1
r1 = INC r0 r0 r1
JEZ
r0 = ADD r1 3
STOP
