# A register machine with subroutines: immediates, labels, a memory, and a stack of return lines.
#
# A line is an operation with two source registers, a target register, an immediate value and a
# label. Values are numbers 0 .. num_values - 1, arithmetic is modulo num_values; lines are numbers
# of their own, 0 .. num_lines - 1, and stand only in labels and on the stack of return lines. JUMP
# goes on at its label if its first register holds its immediate value; STORE pushes its label, RET
# pops a line and goes on there. So a call is a STORE of the line behind it and a GOTO. The lowest
# line on the stack is where the run ends: it is returned to, and stays. READ is the cell that the
# first register names, WRITE puts the second register there. Operations without a result leave all
# registers as they are. After the last line comes line 0.
#
# HALT ends a run. A run ends trapped by TRAP, by a STORE on a full stack, a RET on an empty one, and
# a READ or WRITE of a cell that is not there. Once a run has ended nothing changes. The whole state
# is given and asked for, so that a run can go on where another was cut off.
#
# Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
# (2024), arXiv:2407.04899, section 3; their `jump` goes where a register is 1.

num_values = Hyper()
num_cells = Hyper()       # at most num_values: an address is a value
num_lines = Hyper()
num_registers = Hyper()
depth = Hyper()           # of the stack of return lines
max_steps = Hyper()       # a run is cut off after this many lines
num_operations = 19

initial_line = Input(num_lines)
initial_registers = Input(num_values)[num_registers]
initial_memory = Input(num_values)[num_cells]
initial_stack = Input(num_lines)[depth]
initial_height = Input(depth + 1)
final_line = Output(num_lines)
final_registers = Output(num_values)[num_registers]
final_memory = Output(num_values)[num_cells]
final_stack = Output(num_lines)[depth]
final_height = Output(depth + 1)
final_ended = Output(3)             # 0: cut off, 1: halted, 2: trapped
steps = Output(max_steps + 1)       # lines executed, HALT included

# ---- the program

operation = Param(num_operations)[num_lines]
first = Param(num_registers)[num_lines]
second = Param(num_registers)[num_lines]
target = Param(num_registers)[num_lines]
immediate = Param(num_values)[num_lines]
label = Param(num_lines)[num_lines]

# ---- the operations

@Runtime([num_values], num_values)
def Inc(a): return (a + 1) % num_values
@Runtime([num_values], num_values)
def Dec(a): return (a - 1) % num_values
@Runtime([num_values, num_values], num_values)
def Add(a, b): return (a + b) % num_values
@Runtime([num_values, num_values], num_values)
def Sub(a, b): return (a - b) % num_values
@Runtime([num_values, num_values], num_values)
def Mul(a, b): return (a * b) % num_values
@Runtime([num_values, num_values], num_values)
def Min(a, b): return min(a, b)
@Runtime([num_values, num_values], num_values)
def Max(a, b): return max(a, b)
@Runtime([num_values, num_values], num_values)
def Less(a, b): return int(a < b)
@Runtime([num_values, num_values], num_values)
def Equal(a, b): return int(a == b)
@Runtime([num_values, num_values], 2)
def Same(a, b): return int(a == b)
@Runtime([num_values], num_cells + 1)
def Place(a): return min(a, num_cells)
@Runtime([num_lines], num_lines)
def Next(l): return (l + 1) % num_lines
@Runtime([depth + 1], depth + 1)
def Higher(h): return min(h + 1, depth)
@Runtime([depth + 1], depth + 1)
def Lower(h): return max(h - 1, min(h, 1))
@Runtime([max_steps + 1], max_steps + 1)
def Count(n): return min(n + 1, max_steps)

# ---- how it runs

line_number = Var(num_lines)[max_steps + 1]
registers = Var(num_values)[max_steps + 1, num_registers]
memory = Var(num_values)[max_steps + 1, num_cells + 1]   # the last takes what goes nowhere
stack = Var(num_lines)[max_steps + 1, depth + 1]         # so here
height = Var(depth + 1)[max_steps + 1]
ended = Var(3)[max_steps + 1]
count = Var(max_steps + 1)[max_steps + 1]

what = Var(num_operations)[max_steps]
first_register = Var(num_registers)[max_steps]
second_register = Var(num_registers)[max_steps]
target_register = Var(num_registers)[max_steps]
value = Var(num_values)[max_steps]
goal = Var(num_lines)[max_steps]
x = Var(num_values)[max_steps]
y = Var(num_values)[max_steps]
place = Var(num_cells + 1)[max_steps]
result = Var(num_values)[max_steps]

line_number[0].set_to(initial_line)
for r in range(num_registers):
    registers[0, r].set_to(initial_registers[r])
for c in range(num_cells):
    memory[0, c].set_to(initial_memory[c])
memory[0, num_cells].set_to(0)
for d in range(depth):
    stack[0, d].set_to(initial_stack[d])
stack[0, depth].set_to(0)
height[0].set_to(initial_height)
ended[0].set_to(0)
count[0].set_to(0)

for t in range(max_steps):
    if ended[t] == 0:
        # fetch
        with line_number[t] as l:
            what[t].set_to(operation[l])
            first_register[t].set_to(first[l])
            second_register[t].set_to(second[l])
            target_register[t].set_to(target[l])
            value[t].set_to(immediate[l])
            goal[t].set_to(label[l])
        with first_register[t] as r:
            x[t].set_to(registers[t, r])
        with second_register[t] as r:
            y[t].set_to(registers[t, r])
        place[t].set_to(Place(x[t]))

        # compute
        if what[t] == 7:
            result[t].set_to(value[t])
        elif what[t] == 8:
            result[t].set_to(x[t])
        elif what[t] == 9:
            result[t].set_to(Inc(x[t]))
        elif what[t] == 10:
            result[t].set_to(Dec(x[t]))
        elif what[t] == 11:
            result[t].set_to(Add(x[t], y[t]))
        elif what[t] == 12:
            result[t].set_to(Sub(x[t], y[t]))
        elif what[t] == 13:
            result[t].set_to(Mul(x[t], y[t]))
        elif what[t] == 14:
            result[t].set_to(Min(x[t], y[t]))
        elif what[t] == 15:
            result[t].set_to(Max(x[t], y[t]))
        elif what[t] == 16:
            result[t].set_to(Less(x[t], y[t]))
        elif what[t] == 17:
            result[t].set_to(Equal(x[t], y[t]))
        elif what[t] == 18:
            with place[t] as p:
                result[t].set_to(memory[t, p])
        else:   # HALT, TRAP, GOTO, JUMP, STORE, RET, WRITE
            result[t].set_to(0)

        # the registers
        if what[t] < 7:
            for r in range(num_registers):
                registers[t + 1, r].set_to(registers[t, r])
        else:
            with target_register[t] as o:
                for r in range(num_registers):
                    if r == o:
                        registers[t + 1, r].set_to(result[t])
                    else:
                        registers[t + 1, r].set_to(registers[t, r])

        # the memory
        if what[t] == 6:
            with place[t] as p:
                for c in range(num_cells + 1):
                    if c == p:
                        memory[t + 1, c].set_to(y[t])
                    else:
                        memory[t + 1, c].set_to(memory[t, c])
        else:
            for c in range(num_cells + 1):
                memory[t + 1, c].set_to(memory[t, c])

        # the stack
        if what[t] == 4:
            with height[t] as h:
                for d in range(depth + 1):
                    if d == h:
                        stack[t + 1, d].set_to(goal[t])
                    else:
                        stack[t + 1, d].set_to(stack[t, d])
            height[t + 1].set_to(Higher(height[t]))
        elif what[t] == 5:
            for d in range(depth + 1):
                stack[t + 1, d].set_to(stack[t, d])
            height[t + 1].set_to(Lower(height[t]))
        else:
            for d in range(depth + 1):
                stack[t + 1, d].set_to(stack[t, d])
            height[t + 1].set_to(height[t])

        # the next line
        if what[t] == 2:
            line_number[t + 1].set_to(goal[t])
        elif what[t] == 3:
            if Same(x[t], value[t]) == 1:
                line_number[t + 1].set_to(goal[t])
            else:
                line_number[t + 1].set_to(Next(line_number[t]))
        elif what[t] == 5:
            with height[t] as h:
                if h == 0:
                    line_number[t + 1].set_to(0)
                else:
                    line_number[t + 1].set_to(stack[t, h - 1])
        else:
            line_number[t + 1].set_to(Next(line_number[t]))

        # the end
        if what[t] == 0:
            ended[t + 1].set_to(1)
        elif what[t] == 1:
            ended[t + 1].set_to(2)
        elif what[t] == 4:
            if height[t] == depth:
                ended[t + 1].set_to(2)
            else:
                ended[t + 1].set_to(0)
        elif what[t] == 5:
            if height[t] == 0:
                ended[t + 1].set_to(2)
            else:
                ended[t + 1].set_to(0)
        elif what[t] == 6 or what[t] == 18:
            if place[t] == num_cells:
                ended[t + 1].set_to(2)
            else:
                ended[t + 1].set_to(0)
        else:
            ended[t + 1].set_to(0)
        count[t + 1].set_to(Count(count[t]))
    else:
        line_number[t + 1].set_to(line_number[t])
        for r in range(num_registers):
            registers[t + 1, r].set_to(registers[t, r])
        for c in range(num_cells + 1):
            memory[t + 1, c].set_to(memory[t, c])
        for d in range(depth + 1):
            stack[t + 1, d].set_to(stack[t, d])
        height[t + 1].set_to(height[t])
        ended[t + 1].set_to(ended[t])
        count[t + 1].set_to(count[t])

final_line.set_to(line_number[max_steps])
for r in range(num_registers):
    final_registers[r].set_to(registers[max_steps, r])
for c in range(num_cells):
    final_memory[c].set_to(memory[max_steps, c])
for d in range(depth):
    final_stack[d].set_to(stack[max_steps, d])
final_height.set_to(height[max_steps])
final_ended.set_to(ended[max_steps])
steps.set_to(count[max_steps])

# ---- how a program reads

@Listing()
def listing():
    for l in range(num_lines):
        line(
            f"{l}: {operation[l]:halt|trap|goto|jump|store|ret|write|set|copy|inc|dec|add|sub|mul|min|max|less|equal|read}"
            f" r{first[l]} r{second[l]} -> r{target[l]}, {immediate[l]}, to {label[l]}"
        )
