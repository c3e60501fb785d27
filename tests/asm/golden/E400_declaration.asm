var x
var _ = 0
start loop
STOP
