var x = 0
x = RAED x
x = read x
x = CALL x
