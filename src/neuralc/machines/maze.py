# The street-sign maze: follow the signs to the stop sign and count the steps.
#
# An agent stands on a grid of W x H photographs of street signs. It has a direction, one register,
# and a program of three lines, each an instruction (INC, DEC the register; MOVE one cell in the
# direction; LOOK at the sign here, which gives the direction) and the line that follows. A sign
# that LOOK takes for a stop sign (direction 0) ends the run. From the final place and the length of
# the path alone it is to be learned what the signs mean and how to walk.
#
# Source: Gaunt et al., "Differentiable Programs with Neural Libraries" (Neural TerpreT, 2017),
# arXiv:1611.02109, figure 1; the slips of that listing are mended. Its solution is
# instr = [3, 2, 0] (LOOK, MOVE, INC), goto = [1, 2, 0]: a path of 7 moves gives path_len = 7.

W = Hyper()            # cells in a row; x grows to the right
H = Hyper()            # rows; y grows downwards
T = Hyper()            # moments: one fewer instructions are run; a path of n takes 3 * n + 1
image_size = Hyper()   # 32 for the German traffic signs, in colour
max_int = Hyper()      # the register counts modulo this
n_instr = 3            # lines of the program
n_opcodes = 4          # INC, DEC, MOVE, LOOK
n_dirs = 5             # 0 stop, 1 up, 2 right, 3 down, 4 left

@Learn([Tensor(3, image_size, image_size)], n_dirs, hid_sizes=[256, 256])
def LOOK(image): pass

img_grid = InputTensor(3, image_size, image_size)[H, W]
init_X = Input(W)
init_Y = Input(H)
final_X = Output(W)
final_Y = Output(H)
path_len = Output(max_int)

# ---- the program

instr = Param(n_opcodes)[n_instr]
goto = Param(n_instr)[n_instr]

# ---- how it runs; the maze wraps around

@Runtime([max_int], max_int)
def INC(a): return (a + 1) % max_int

@Runtime([max_int], max_int)
def DEC(a): return (a - 1) % max_int

@Runtime([W, n_dirs], W)
def move_X(x, direction):
    if direction == 2:
        return (x + 1) % W
    elif direction == 4:
        return (x - 1) % W
    else:
        return x

@Runtime([H, n_dirs], H)
def move_Y(y, direction):
    if direction == 1:
        return (y - 1) % H
    elif direction == 3:
        return (y + 1) % H
    else:
        return y

X = Var(W)[T]
Y = Var(H)[T]
dir = Var(n_dirs)[T]
reg = Var(max_int)[T]
instr_ptr = Var(n_instr)[T]

X[0].set_to(init_X)
Y[0].set_to(init_Y)
dir[0].set_to(1)
reg[0].set_to(0)
instr_ptr[0].set_to(0)

for t in range(T - 1):
    with dir[t] as d:
        if d == 0:   # stopped: nothing changes any more
            X[t + 1].set_to(X[t])
            Y[t + 1].set_to(Y[t])
            dir[t + 1].set_to(0)
            reg[t + 1].set_to(reg[t])
            instr_ptr[t + 1].set_to(instr_ptr[t])
        else:
            with instr_ptr[t] as i:
                if instr[i] == 0:     # INC
                    X[t + 1].set_to(X[t])
                    Y[t + 1].set_to(Y[t])
                    dir[t + 1].set_to(d)
                    reg[t + 1].set_to(INC(reg[t]))
                elif instr[i] == 1:   # DEC
                    X[t + 1].set_to(X[t])
                    Y[t + 1].set_to(Y[t])
                    dir[t + 1].set_to(d)
                    reg[t + 1].set_to(DEC(reg[t]))
                elif instr[i] == 2:   # MOVE
                    X[t + 1].set_to(move_X(X[t], d))
                    Y[t + 1].set_to(move_Y(Y[t], d))
                    dir[t + 1].set_to(d)
                    reg[t + 1].set_to(reg[t])
                else:                 # LOOK
                    X[t + 1].set_to(X[t])
                    Y[t + 1].set_to(Y[t])
                    with Y[t] as y:
                        with X[t] as x:
                            dir[t + 1].set_to(LOOK(img_grid[y, x]))
                    reg[t + 1].set_to(reg[t])
                instr_ptr[t + 1].set_to(goto[i])

final_X.set_to(X[T - 1])
final_Y.set_to(Y[T - 1])
path_len.set_to(reg[T - 1])

# ---- how a learned program reads

@Listing()
def listing():
    for i in range(3):
        line(f"line {i}: {instr[i]:INC|DEC|MOVE|LOOK}, goto {goto[i]}")
