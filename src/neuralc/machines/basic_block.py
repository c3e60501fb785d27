# A register machine whose program is a graph of basic blocks.
#
# A block does one instruction on the registers or the memory and then looks at a register: where
# it is greater than 0 the "then" block follows, else the "else" block. Values and addresses are
# the numbers 0 .. maxInt - 1, arithmetic is modulo maxInt. Block 0 is the end: it does nothing and
# leads to itself. The run begins in block 1 with all registers 0.
#
# Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428, section 4 (interpreter models).
# Names of hyper-parameters, inputs, outputs and choices are those of the published model, so the
# published data files (access, decrement, list-K) run unchanged.
#
# What is different here: all choices of the halting block are fixed, not only some of them, so
# that the number of open choices is that of the paper. On integers both models are the same.

numBlocks = Hyper()      # without the halting block
numRegisters = Hyper()
numTimesteps = Hyper()
maxInt = Hyper()
boolSize = 2
numInstructions = 9

initial_memory = Input(maxInt)[maxInt]
final_is_halted = Output(boolSize)
final_memory = Output(maxInt)[maxInt]

# ---- the program

numBlocksWithHalt = numBlocks + 1
instructions = Param(numInstructions)[numBlocksWithHalt]
thenBlock = Param(numBlocksWithHalt)[numBlocksWithHalt]
elseBlock = Param(numBlocksWithHalt)[numBlocksWithHalt]
arg1Reg = Param(numRegisters)[numBlocksWithHalt]
arg2Reg = Param(numRegisters)[numBlocksWithHalt]
outReg = Param(numRegisters)[numBlocksWithHalt]
condReg = Param(numRegisters)[numBlocksWithHalt]

# the halting block copies register 0 to itself and goes to itself
instructions[0].set_to_constant(0)
arg1Reg[0].set_to_constant(0)
arg2Reg[0].set_to_constant(0)
outReg[0].set_to_constant(0)
condReg[0].set_to_constant(0)
thenBlock[0].set_to_constant(0)
elseBlock[0].set_to_constant(0)

# ---- the instructions

@Runtime([maxInt], maxInt)
def Inc(a): return (a + 1) % maxInt
@Runtime([maxInt], maxInt)
def Dec(a): return (a - 1) % maxInt
@Runtime([maxInt, maxInt], maxInt)
def Add(a, b): return (a + b) % maxInt
@Runtime([maxInt, maxInt], maxInt)
def Sub(a, b): return (a - b) % maxInt
@Runtime([maxInt, maxInt], maxInt)
def LessThan(a, b): return 1 if a < b else 0
@Runtime([maxInt, maxInt], boolSize)
def EqualityTest(a, b): return 1 if a == b else 0
@Runtime([maxInt], boolSize)
def GreaterThanZero(a): return 1 if a > 0 else 0

# ---- how it runs

blockPointer = Var(numBlocksWithHalt)[numTimesteps + 1]
registers = Var(maxInt)[numTimesteps + 1, numRegisters]
memory = Var(maxInt)[numTimesteps + 1, maxInt]

tmpArg1Val = Var(maxInt)[numTimesteps]
tmpArg2Val = Var(maxInt)[numTimesteps]
tmpOutput = Var(maxInt)[numTimesteps]
tmpDoWriteMemoryCell = Var(boolSize)[numTimesteps, maxInt]
tmpGoToThenBlock = Var(boolSize)[numTimesteps]

blockPointer[0].set_to(1)
for a in range(maxInt):
    memory[0, a].set_to(initial_memory[a])
for r in range(numRegisters):
    registers[0, r].set_to(0)

for t in range(numTimesteps):
    with blockPointer[t] as b:
        with arg1Reg[b] as r:
            tmpArg1Val[t].set_to(registers[t, r])
        with arg2Reg[b] as r:
            tmpArg2Val[t].set_to(registers[t, r])

        if instructions[b] == 0:      # noop: a copy
            tmpOutput[t].set_to(tmpArg1Val[t])
        elif instructions[b] == 1:    # write: see below, this is not used
            tmpOutput[t].set_to(tmpArg1Val[t])
        elif instructions[b] == 2:    # read
            with tmpArg1Val[t] as address:
                tmpOutput[t].set_to(memory[t, address])
        elif instructions[b] == 3:    # zero
            tmpOutput[t].set_to(0)
        elif instructions[b] == 4:    # inc
            tmpOutput[t].set_to(Inc(tmpArg1Val[t]))
        elif instructions[b] == 5:    # dec
            tmpOutput[t].set_to(Dec(tmpArg1Val[t]))
        elif instructions[b] == 6:    # add
            tmpOutput[t].set_to(Add(tmpArg1Val[t], tmpArg2Val[t]))
        elif instructions[b] == 7:    # sub
            tmpOutput[t].set_to(Sub(tmpArg1Val[t], tmpArg2Val[t]))
        else:                         # lessThan
            tmpOutput[t].set_to(LessThan(tmpArg1Val[t], tmpArg2Val[t]))

        if instructions[b] == 1:      # write: memory[first argument] = second argument
            for r in range(numRegisters):
                registers[t + 1, r].set_to(registers[t, r])
            for a in range(maxInt):
                tmpDoWriteMemoryCell[t, a].set_to(EqualityTest(tmpArg1Val[t], a))
                if tmpDoWriteMemoryCell[t, a] == 1:
                    memory[t + 1, a].set_to(tmpArg2Val[t])
                else:
                    memory[t + 1, a].set_to(memory[t, a])
        else:
            with outReg[b] as o:
                for r in range(numRegisters):
                    if r == o:
                        registers[t + 1, r].set_to(tmpOutput[t])
                    else:
                        registers[t + 1, r].set_to(registers[t, r])
            for a in range(maxInt):
                memory[t + 1, a].set_to(memory[t, a])

        # the next block, by what the register holds now
        with condReg[b] as r:
            tmpGoToThenBlock[t].set_to(GreaterThanZero(registers[t + 1, r]))
        if tmpGoToThenBlock[t] == 1:
            blockPointer[t + 1].set_to(thenBlock[b])
        else:
            blockPointer[t + 1].set_to(elseBlock[b])

if blockPointer[numTimesteps] == 0:
    final_is_halted.set_to(1)
else:
    final_is_halted.set_to(0)
for a in range(maxInt):
    final_memory[a].set_to(memory[numTimesteps, a])

# ---- how a learned program reads; WRITE(a, b) is memory[a] = b, READ(a) is memory[a]

@Listing()
def listing():
    for b in range(1, numBlocks + 1):
        if instructions[b] == 0:
            work = f"r{outReg[b]} = r{arg1Reg[b]}"
        elif instructions[b] == 1:
            work = f"WRITE(r{arg1Reg[b]}, r{arg2Reg[b]})"
        elif instructions[b] == 2:
            work = f"r{outReg[b]} = READ(r{arg1Reg[b]})"
        elif instructions[b] == 3:
            work = f"r{outReg[b]} = 0"
        elif instructions[b] < 6:
            work = f"r{outReg[b]} = {instructions[b] - 4:INC|DEC}(r{arg1Reg[b]})"
        else:
            args = f"r{arg1Reg[b]}, r{arg2Reg[b]}"
            work = f"r{outReg[b]} = {instructions[b] - 6:ADD|SUB|LESS}({args})"
        if thenBlock[b] == elseBlock[b]:
            next = f"goto {thenBlock[b]:halt}"
        else:
            next = f"if r{condReg[b]} > 0 goto {thenBlock[b]:halt} else goto {elseBlock[b]:halt}"
        line(f"block {b}: {work}; {next}")
