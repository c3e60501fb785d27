loop: r0 = RAED r1
r1 = ADD r0
JEZ r1 lop
