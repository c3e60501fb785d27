var r0 = 4
var r1 = 5
var r2 = -5
var r3 = -6
var far = 100
start 9
STOP
