# A Turing machine whose transition table is to be learned.
#
# The machine has a tape of `tapeLength` cells that wraps around, a head on one of the cells, and a
# state. In each step it looks up (state, symbol under the head) in three tables: which symbol to
# write, where to move, which state to go to. These tables are the program.
#
# Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428, section 4 (interpreter models).
# Names of hyper-parameters, inputs, outputs and choices are those of the published model, so the
# published data files (invert, prepend zero, binary decrement) run unchanged.
#
# What is different here: the halting state is an ordinary state whose row of the table is fixed
# (write what was read, stay, remain halted), so no flag has to be carried along. On integers both
# models are the same.

numTapeSymbols = Hyper()   # the last symbol is the blank: 0, 1, blank
numHeadStates = Hyper()    # with the halting state, which is 0
tapeLength = Hyper()
numTimesteps = Hyper()     # configurations, the first one included: one fewer steps are made
boolSize = 2
numDirections = 3          # 0 stay, 1 right, 2 left

# ---- what is given and what is asked for

initial_tape = Input(numTapeSymbols)[tapeLength]
final_is_halted = Output(boolSize)
final_tape = Output(numTapeSymbols)[tapeLength]

# ---- the program: one entry for each state and symbol

write = Param(numTapeSymbols)[numHeadStates, numTapeSymbols]
dir = Param(numDirections)[numHeadStates, numTapeSymbols]
newState = Param(numHeadStates)[numHeadStates, numTapeSymbols]

for x in range(numTapeSymbols):
    write[0, x].set_to_constant(x)
    dir[0, x].set_to_constant(0)
    newState[0, x].set_to_constant(0)

# ---- how it runs

@Runtime([tapeLength, numDirections], tapeLength)
def move(pos, direction):
    if direction == 0:
        return pos
    elif direction == 1:
        return (pos + 1) % tapeLength
    else:
        return (pos - 1) % tapeLength

@Runtime([tapeLength, tapeLength], boolSize)
def EqualityTest(a, b): return 1 if a == b else 0

tape = Var(numTapeSymbols)[numTimesteps, tapeLength]
curPos = Var(tapeLength)[numTimesteps]
curState = Var(numHeadStates)[numTimesteps]
tmpCurSymbol = Var(numTapeSymbols)[numTimesteps - 1]   # what is written under the head
tmpActiveCell = Var(boolSize)[numTimesteps - 1, tapeLength]   # is the head here?

curPos[0].set_to(0)
curState[0].set_to(1)
for m in range(tapeLength):
    tape[0, m].set_to(initial_tape[m])

for t in range(numTimesteps - 1):
    with curState[t] as s:
        with curPos[t] as p:
            with tape[t, p] as x:
                tmpCurSymbol[t].set_to(write[s, x])
                curPos[t + 1].set_to(move(p, dir[s, x]))
                curState[t + 1].set_to(newState[s, x])

    for m in range(tapeLength):
        tmpActiveCell[t, m].set_to(EqualityTest(m, curPos[t]))
        if tmpActiveCell[t, m] == 1:
            tape[t + 1, m].set_to(tmpCurSymbol[t])
        else:
            tape[t + 1, m].set_to(tape[t, m])

if curState[numTimesteps - 1] == 0:
    final_is_halted.set_to(1)
else:
    final_is_halted.set_to(0)
for m in range(tapeLength):
    final_tape[m].set_to(tape[numTimesteps - 1, m])

# ---- how a learned table reads

@Listing()
def listing():
    for s in range(1, numHeadStates):
        for x in range(numTapeSymbols):
            work = f"write {write[s, x]:0|1|blank}, {dir[s, x]:stay|move right|move left}"
            if newState[s, x] == 0:
                next = "halt"
            else:
                next = f"go to state {newState[s, x]}"
            line(f"state {s}, reads {x:0|1|blank}: {work}, {next}")
