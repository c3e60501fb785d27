# Exchange two elements of a list that begins in cell 2; cells 0 and 1 say which, from 0.
# Source: task "swap" of Bunel et al. (2016), arXiv:1605.07969.

var p = 0      # address of the first number, then of the first element
var q = 1      # the same for the second
var x = ?      # the first element
var y = ?      # the second element
var base = 2   # where the list begins; no longer needed when WRITE and STOP leave a 0 in it

p = READ p
p = ADD p base
q = READ q
q = ADD q base
x = READ p
y = READ q
base = WRITE p y
base = WRITE q x
base = STOP
