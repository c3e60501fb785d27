var READ = 3
var var = 3
JEZ: STOP
r1: STOP
