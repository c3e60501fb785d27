var r0 = 0
r0 = READ r0 & r1
STOP $$
