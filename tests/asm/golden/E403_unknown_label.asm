var r0 = @end
start @loop
loop_: STOP
