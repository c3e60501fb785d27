# MATH: the value of a handwritten expression, such as 3 + 5 * 2, read from a tape of images.
#
# A program is a loop of three blocks. Block b writes register b: MOVE reads the next image of the
# tape with one of two networks, one for digits and one for operators; APPLY gives `a op b` for
# three registers. After each block comes GOTO_IF: where a MOVE has left the tape, nothing was read
# and the run ends with the value of a chosen register, else it goes on with the block that is
# chosen. The run begins in block 0 with all registers 0, and 0 as an operator is +.
# Operators are numbers: 0 is +, 1 is -, 2 is *, 3 is /. Any register may be used as an
# operator; its value counts modulo 4. Results are modulo 19, division is rounded down, and a
# division by zero gives 18. Expressions are evaluated from left to right.
#
# No choice depends on the length of the tape or on the number of steps, so a program that was
# learned on short expressions runs on longer ones: load the model with other hyper-parameters.
#
# Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
# arXiv:1611.02109, section 4.1 and figure 4. The paper counts about 10^6 programs. Here a block is
# one of 2 * 3 MOVEs or 3^3 * 3 APPLYs, which makes 87^3 * 3 = 2 * 10^6; the choices of a MOVE that
# only an APPLY looks at, and the other way round, are not counted.

image_size = Hyper()   # 28 for MNIST
length = Hyper()       # images on the tape: 2 * n - 1 for n digits
num_steps = Hyper()    # blocks that are run at most; n digits take 3 * n
num_blocks = 3
max_int = 19

@Learn([Tensor(image_size, image_size)], 10, hid_sizes=[256, 256])
def net_0(image): pass   # digits

@Learn([Tensor(image_size, image_size)], 4, hid_sizes=[256, 256])
def net_1(image): pass   # operators

tape = InputTensor(image_size, image_size)[length]
result = Output(max_int)
is_halted = Output(2)   # 1 where the program has come to the end of the tape

# ---- the program; block b writes register b

instr = Param(2)[num_blocks]   # MOVE, APPLY
net_choice = Param(2)[num_blocks]
arg1 = Param(num_blocks)[num_blocks]
arg2 = Param(num_blocks)[num_blocks]
arg_op = Param(num_blocks)[num_blocks]
goto = Param(num_blocks)[num_blocks]
ret = Param(num_blocks)

# ---- how it runs

@Runtime([max_int], 4)
def OPERATOR(value): return value % 4

@Runtime([max_int, max_int, 4], max_int)
def APPLY(a, b, op):
    if op == 0:
        return (a + b) % max_int
    elif op == 1:
        return (a - b) % max_int
    elif op == 2:
        return (a * b) % max_int
    elif b == 0:
        return max_int - 1
    else:
        return a // b

block = Var(num_blocks + 1)[num_steps + 1]   # the last one is the end
pos = Var(length + 1)[num_steps + 1]         # the image that is next
reg = Var(max_int)[num_steps + 1, num_blocks]
tmpArg1 = Var(max_int)[num_steps]
tmpArg2 = Var(max_int)[num_steps]
tmpOp = Var(4)[num_steps]

block[0].set_to(0)
pos[0].set_to(0)
for r in range(num_blocks):
    reg[0, r].set_to(0)

for t in range(num_steps):
    with block[t] as b:
        if b == num_blocks:   # halted: nothing changes any more
            block[t + 1].set_to(b)
            pos[t + 1].set_to(pos[t])
            for r in range(num_blocks):
                reg[t + 1, r].set_to(reg[t, r])
        else:
            if instr[b] == 0:   # MOVE
                # inside this gate `p` is known, so that place, value and end stay together
                with pos[t] as p:
                    if p == length:   # the head leaves the tape
                        block[t + 1].set_to(num_blocks)
                        pos[t + 1].set_to(p)
                        for r in range(num_blocks):
                            reg[t + 1, r].set_to(reg[t, r])
                    else:
                        block[t + 1].set_to(goto[b])
                        pos[t + 1].set_to(p + 1)
                        for r in range(num_blocks):
                            if r == b:
                                if net_choice[b] == 0:
                                    reg[t + 1, r].set_to(net_0(tape[p]))
                                else:
                                    reg[t + 1, r].set_to(net_1(tape[p]))
                            else:
                                reg[t + 1, r].set_to(reg[t, r])
            else:               # APPLY
                with arg1[b] as a:
                    tmpArg1[t].set_to(reg[t, a])
                with arg2[b] as a:
                    tmpArg2[t].set_to(reg[t, a])
                with arg_op[b] as a:
                    tmpOp[t].set_to(OPERATOR(reg[t, a]))
                block[t + 1].set_to(goto[b])
                pos[t + 1].set_to(pos[t])
                for r in range(num_blocks):
                    if r == b:
                        reg[t + 1, r].set_to(APPLY(tmpArg1[t], tmpArg2[t], tmpOp[t]))
                    else:
                        reg[t + 1, r].set_to(reg[t, r])

with ret as r:
    result.set_to(reg[num_steps, r])
if block[num_steps] == num_blocks:
    is_halted.set_to(1)
else:
    is_halted.set_to(0)

# ---- how a learned program reads

@Listing()
def listing():
    line("# initialization:")
    for b in range(num_blocks):
        line(f"R{b} = 0")
    line("# program:")
    for b in range(num_blocks):
        if instr[b] == 0:
            line(f"L{b}: R{b} = net_{net_choice[b]}(MOVE)")
        else:
            line(f"L{b}: R{b} = APPLY(R{arg1[b]}, R{arg2[b]}, R{arg_op[b]})")
        line(f"    GOTO_IF L{goto[b]}")
    line("halt:")
    line(f"    return R{ret}")
