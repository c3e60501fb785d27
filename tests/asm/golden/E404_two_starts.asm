start 0
start 1
r0 = ZERO
STOP
