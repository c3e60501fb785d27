# ADD2X2: a program that walks over a 2 x 2 grid of handwritten digits and adds some of them.
#
# A head starts on the top left image. R0 is what it reads there. Each line then writes a register
# of its own, once: a move (north, east, south, west; a move over the border stays) gives what
# is read in the new cell, an addition the sum of two registers written before, a NOOP gives 0.
# At the end the program returns one of the registers. Neither the program nor the meaning of the
# images is known: the network that reads a digit is trained together with the program, from
# examples that say only what the whole thing should return.
#
# Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
# arXiv:1611.02109, section 4.1 and figure 3. About 10^7 programs of 4 lines.

image_size = Hyper()   # 28 for MNIST, 8 for the small digits of scikit-learn
num_lines = Hyper()    # 4 in the paper
max_int = 19           # 0 .. 18, the sum of two digits at most
num_instructions = 6   # NOOP, MOVE_NORTH, MOVE_EAST, MOVE_SOUTH, MOVE_WEST, ADD

@Learn([Tensor(image_size, image_size)], 10, hid_sizes=[256, 256])
def net_0(image): pass

images = InputTensor(image_size, image_size)[4]   # cell = 2 * row + column
result = Output(max_int)

# ---- the program; line k writes register k + 1 and may read registers 0 .. k

instr = Param(num_instructions)[num_lines]
for k in range(num_lines):
    arg1[k] = Param(k + 1)
    arg2[k] = Param(k + 1)
ret = Param(num_lines + 1)

# ---- how it runs

@Runtime([max_int, max_int], max_int)
def ADD(a, b): return (a + b) % max_int

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

reg = Var(max_int)[num_lines + 1]
cell = Var(4)[num_lines + 1]      # where the head is before line k
tmpArg1 = Var(max_int)[num_lines]
tmpArg2 = Var(max_int)[num_lines]
tmpCell = Var(4)[num_lines]

cell[0].set_to(0)
reg[0].set_to(net_0(images[0]))

for k in range(num_lines):
    # inside this gate `op` is known, so that the place and the value of a move stay together
    with instr[k] as op:
        if op == 0:
            reg[k + 1].set_to(0)
            cell[k + 1].set_to(cell[k])
        elif op == 5:
            with arg1[k] as r:
                tmpArg1[k].set_to(reg[r])
            with arg2[k] as r:
                tmpArg2[k].set_to(reg[r])
            reg[k + 1].set_to(ADD(tmpArg1[k], tmpArg2[k]))
            cell[k + 1].set_to(cell[k])
        else:
            tmpCell[k].set_to(MOVE(cell[k], op))
            with tmpCell[k] as p:
                reg[k + 1].set_to(net_0(images[p]))
            cell[k + 1].set_to(tmpCell[k])

with ret as r:
    result.set_to(reg[r])

# ---- how a learned program reads

@Listing()
def listing():
    line("# initialization:")
    line("R0 = READ")
    line("# program:")
    for k in range(num_lines):
        if instr[k] == 5:
            line(f"R{k + 1} = ADD(R{arg1[k]}, R{arg2[k]})")
        else:
            line(f"R{k + 1} = {instr[k]:NOOP|MOVE_NORTH|MOVE_EAST|MOVE_SOUTH|MOVE_WEST}")
    line(f"return R{ret}")
