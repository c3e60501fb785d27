# A register machine programmed in assembly: lines that run in order, and jumps.
#
# A line is an instruction with two argument registers, an output register and a branch address. A
# jump looks at its first argument and goes to the branch address or to the next line; all others
# go to the next line. Line 0 is the end; after the last line comes line 0. Values and addresses
# are the numbers 0 .. const_maxInt - 1, arithmetic is modulo const_maxInt. The run begins in
# line 1 with all registers 0. Compared with basic_block.py most of the control flow comes for
# free, which makes the space smaller although there are jumps to choose.
#
# Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428, section 4 (interpreter models). That
# model was never published; only its data file for the access task was, whose names are kept here.
# The instruction set is the one of basic_block.py with the no-operation replaced by two jumps: its
# (10 * 2^3 * (B + 1))^B programs agree with the sizes in the paper's table, 13, 20 and 29 digits
# for B = 5, 7 and 10 lines.

const_maxInt = Hyper()
const_numRegisters = Hyper()
const_numTimesteps = Hyper()
const_numBlocks = Hyper()     # lines that may be written, without the halting line 0
numLines = const_numBlocks + 1
numInstructions = 10

initial_envMemory = Input(const_maxInt)[const_maxInt]
final_envMemory_0 = Output(const_maxInt)   # the first cell, all that some tasks ask for
final_envMemory = Output(const_maxInt)[const_maxInt]
final_block = Output(numLines)             # 0 where the program has come to its end

# ---- the program; its line b + 1 is entry b

instructions = Param(numInstructions)[const_numBlocks]
arg1Reg = Param(const_numRegisters)[const_numBlocks]
arg2Reg = Param(const_numRegisters)[const_numBlocks]
outReg = Param(const_numRegisters)[const_numBlocks]
branchAddr = Param(numLines)[const_numBlocks]

# ---- the instructions

@Runtime([const_maxInt], const_maxInt)
def Inc(a): return (a + 1) % const_maxInt
@Runtime([const_maxInt], const_maxInt)
def Dec(a): return (a - 1) % const_maxInt
@Runtime([const_maxInt, const_maxInt], const_maxInt)
def Add(a, b): return (a + b) % const_maxInt
@Runtime([const_maxInt, const_maxInt], const_maxInt)
def Sub(a, b): return (a - b) % const_maxInt
@Runtime([const_maxInt, const_maxInt], const_maxInt)
def LessThan(a, b): return 1 if a < b else 0
@Runtime([const_maxInt, const_maxInt], 2)
def EqualityTest(a, b): return 1 if a == b else 0
@Runtime([const_maxInt], 2)
def IsZero(a): return 1 if a == 0 else 0

# ---- how it runs

block = Var(numLines)[const_numTimesteps + 1]   # the line that is next
registers = Var(const_maxInt)[const_numTimesteps + 1, const_numRegisters]
envMemory = Var(const_maxInt)[const_numTimesteps + 1, const_maxInt]

tmpArg1Val = Var(const_maxInt)[const_numTimesteps]
tmpArg2Val = Var(const_maxInt)[const_numTimesteps]
tmpOutput = Var(const_maxInt)[const_numTimesteps]
tmpIsZero = Var(2)[const_numTimesteps]
tmpDoWriteMemoryCell = Var(2)[const_numTimesteps, const_maxInt]

block[0].set_to(1)
for r in range(const_numRegisters):
    registers[0, r].set_to(0)
for a in range(const_maxInt):
    envMemory[0, a].set_to(initial_envMemory[a])

for t in range(const_numTimesteps):
    with block[t] as b:
        if b == 0:
            block[t + 1].set_to(0)
            for r in range(const_numRegisters):
                registers[t + 1, r].set_to(registers[t, r])
            for a in range(const_maxInt):
                envMemory[t + 1, a].set_to(envMemory[t, a])
        else:
            with arg1Reg[b - 1] as r:
                tmpArg1Val[t].set_to(registers[t, r])
            with arg2Reg[b - 1] as r:
                tmpArg2Val[t].set_to(registers[t, r])

            if instructions[b - 1] == 0:    # read
                with tmpArg1Val[t] as address:
                    tmpOutput[t].set_to(envMemory[t, address])
            elif instructions[b - 1] == 1:  # zero
                tmpOutput[t].set_to(0)
            elif instructions[b - 1] == 2:  # inc
                tmpOutput[t].set_to(Inc(tmpArg1Val[t]))
            elif instructions[b - 1] == 3:  # dec
                tmpOutput[t].set_to(Dec(tmpArg1Val[t]))
            elif instructions[b - 1] == 4:  # add
                tmpOutput[t].set_to(Add(tmpArg1Val[t], tmpArg2Val[t]))
            elif instructions[b - 1] == 5:  # sub
                tmpOutput[t].set_to(Sub(tmpArg1Val[t], tmpArg2Val[t]))
            elif instructions[b - 1] == 6:  # lessThan
                tmpOutput[t].set_to(LessThan(tmpArg1Val[t], tmpArg2Val[t]))
            else:                           # write and the jumps: this is not used
                tmpOutput[t].set_to(tmpArg1Val[t])

            # the registers
            if instructions[b - 1] < 7:
                with outReg[b - 1] as o:
                    for r in range(const_numRegisters):
                        if r == o:
                            registers[t + 1, r].set_to(tmpOutput[t])
                        else:
                            registers[t + 1, r].set_to(registers[t, r])
            else:
                for r in range(const_numRegisters):
                    registers[t + 1, r].set_to(registers[t, r])

            # the memory
            if instructions[b - 1] == 7:    # write: memory[first argument] = second argument
                for a in range(const_maxInt):
                    tmpDoWriteMemoryCell[t, a].set_to(EqualityTest(tmpArg1Val[t], a))
                    if tmpDoWriteMemoryCell[t, a] == 1:
                        envMemory[t + 1, a].set_to(tmpArg2Val[t])
                    else:
                        envMemory[t + 1, a].set_to(envMemory[t, a])
            else:
                for a in range(const_maxInt):
                    envMemory[t + 1, a].set_to(envMemory[t, a])

            # the next line
            tmpIsZero[t].set_to(IsZero(tmpArg1Val[t]))
            if instructions[b - 1] == 8:    # jz: jump if the first argument is 0
                if tmpIsZero[t] == 1:
                    block[t + 1].set_to(branchAddr[b - 1])
                else:
                    block[t + 1].set_to((b + 1) % numLines)
            elif instructions[b - 1] == 9:  # jnz: jump if it is not
                if tmpIsZero[t] == 0:
                    block[t + 1].set_to(branchAddr[b - 1])
                else:
                    block[t + 1].set_to((b + 1) % numLines)
            else:
                block[t + 1].set_to((b + 1) % numLines)

final_envMemory_0.set_to(envMemory[const_numTimesteps, 0])
for a in range(const_maxInt):
    final_envMemory[a].set_to(envMemory[const_numTimesteps, a])
final_block.set_to(block[const_numTimesteps])

# ---- how a learned program reads; WRITE(a, b) is memory[a] = b, READ(a) is memory[a]

@Listing()
def listing():
    for b in range(const_numBlocks):
        if instructions[b] == 0:
            line(f"line {b + 1}: r{outReg[b]} = READ(r{arg1Reg[b]})")
        elif instructions[b] == 1:
            line(f"line {b + 1}: r{outReg[b]} = 0")
        elif instructions[b] < 4:
            line(f"line {b + 1}: r{outReg[b]} = {instructions[b] - 2:INC|DEC}(r{arg1Reg[b]})")
        elif instructions[b] < 7:
            line(
                f"line {b + 1}: r{outReg[b]} = {instructions[b] - 4:ADD|SUB|LESS}"
                f"(r{arg1Reg[b]}, r{arg2Reg[b]})"
            )
        elif instructions[b] == 7:
            line(f"line {b + 1}: WRITE(r{arg1Reg[b]}, r{arg2Reg[b]})")
        else:
            line(
                f"line {b + 1}: if r{arg1Reg[b]} {instructions[b] - 8:==|>} 0 "
                f"goto {branchAddr[b]:halt}"
            )
