# APPLY2X2: like ADD2X2, but the grid shows operators, and three digits are given as numbers.
#
# Registers R0, R1, R2 hold the digits d1, d2, d3; R3 is what is read in the top left cell. Each
# line then writes a register of its own, once: a move (clamped at the border) gives what is read in
# the new cell, APPLY gives `a op b` for three registers written before, a NOOP gives 0. There are
# two networks, one for digits and one for operators, and each reading chooses between them.
# Operators are numbers: 0 is +, 1 is -, 2 is *, 3 is /. Any register may be used as an
# operator; its value counts modulo 4. Results are modulo 19, division is rounded down, and a
# division by zero gives 18.
#
# Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
# arXiv:1611.02109, section 4.1 and figure 3.

image_size = Hyper()   # 28 for MNIST, 8 for the small digits of scikit-learn
num_lines = Hyper()    # 4 in the paper
max_int = 19
num_instructions = 6   # NOOP, MOVE_NORTH, MOVE_EAST, MOVE_SOUTH, MOVE_WEST, APPLY

@Learn([Tensor(image_size, image_size)], 10, hid_sizes=[256, 256])
def net_0(image): pass   # digits

@Learn([Tensor(image_size, image_size)], 4, hid_sizes=[256, 256])
def net_1(image): pass   # operators

images = InputTensor(image_size, image_size)[4]   # cell = 2 * row + column
d1 = Input(10)
d2 = Input(10)
d3 = Input(10)
result = Output(max_int)

# ---- the program; line k writes register k + 4 and may read registers 0 .. k + 3

net_choice = Param(2)[num_lines + 1]   # the first is that of the READ
instr = Param(num_instructions)[num_lines]
for k in range(num_lines):
    arg1[k] = Param(k + 4)
    arg2[k] = Param(k + 4)
    arg_op[k] = Param(k + 4)
ret = Param(num_lines + 4)

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

@Runtime([4, num_instructions], 4)
def MOVE(cell, instruction):
    if instruction == 1:     # north: to the upper row
        return cell % 2
    elif instruction == 2:   # east: to the right column
        return cell - cell % 2 + 1
    elif instruction == 3:   # south: to the lower row
        return cell % 2 + 2
    elif instruction == 4:   # west: to the left column
        return cell - cell % 2
    else:
        return cell

reg = Var(max_int)[num_lines + 4]
cell = Var(4)[num_lines + 1]      # where the head is before line k
tmpArg1 = Var(max_int)[num_lines]
tmpArg2 = Var(max_int)[num_lines]
tmpOp = Var(4)[num_lines]
tmpCell = Var(4)[num_lines]

cell[0].set_to(0)
reg[0].set_to(d1)
reg[1].set_to(d2)
reg[2].set_to(d3)
if net_choice[0] == 0:
    reg[3].set_to(net_0(images[0]))
else:
    reg[3].set_to(net_1(images[0]))

for k in range(num_lines):
    # inside this gate `op` is known, so that the place and the value of a move stay together
    with instr[k] as op:
        if op == 0:
            reg[k + 4].set_to(0)
            cell[k + 1].set_to(cell[k])
        elif op == 5:
            with arg1[k] as r:
                tmpArg1[k].set_to(reg[r])
            with arg2[k] as r:
                tmpArg2[k].set_to(reg[r])
            with arg_op[k] as r:
                tmpOp[k].set_to(OPERATOR(reg[r]))
            reg[k + 4].set_to(APPLY(tmpArg1[k], tmpArg2[k], tmpOp[k]))
            cell[k + 1].set_to(cell[k])
        else:
            tmpCell[k].set_to(MOVE(cell[k], op))
            with tmpCell[k] as p:
                if net_choice[k + 1] == 0:
                    reg[k + 4].set_to(net_0(images[p]))
                else:
                    reg[k + 4].set_to(net_1(images[p]))
            cell[k + 1].set_to(tmpCell[k])

with ret as r:
    result.set_to(reg[r])

# ---- how a learned program reads

@Listing()
def listing():
    line("# initialization:")
    line("R0 = d1")
    line("R1 = d2")
    line("R2 = d3")
    line(f"R3 = net_{net_choice[0]}(READ)")
    line("# program:")
    for k in range(num_lines):
        if instr[k] == 0:
            line(f"R{k + 4} = NOOP")
        elif instr[k] == 5:
            line(f"R{k + 4} = APPLY(R{arg1[k]}, R{arg2[k]}, R{arg_op[k]})")
        else:
            line(
                f"R{k + 4} = net_{net_choice[k + 1]}"
                f"({instr[k] - 1:MOVE_NORTH|MOVE_EAST|MOVE_SOUTH|MOVE_WEST})"
            )
    line(f"return R{ret}")
