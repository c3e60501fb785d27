r0 = JEZ r0 end
STOP
end:
