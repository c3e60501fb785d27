0: r0 = INC r0
2: STOP
