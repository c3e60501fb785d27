# The register machine of adaptive neural compilation: eleven instructions, a memory, registers.
#
# A line is an instruction with two argument registers and a target register. Cells, values and
# lines are all numbers 0 .. memory_size - 1, arithmetic is modulo memory_size. Every instruction
# writes its result to its target register, those without a result write 0. JEZ a b goes on at line
# b if a is 0, all others at the next line; after the last line comes line 0. READ a is the cell a,
# WRITE a b puts b into cell a. All arguments are read, and memory too, before anything is written.
# STOP ends the run; from then on nothing changes. The first line and what the registers hold at
# the start belong to the program.
#
# Source: Bunel et al., "Adaptive Neural Compilation" (2016), arXiv:1605.07969, section 3.

memory_size = Hyper()     # M: cells, values and lines
num_registers = Hyper()   # R: the instruction pointer is not one of them
max_steps = Hyper()       # T: a run is cut off after this many instructions
num_instructions = 11

initial_memory = Input(memory_size)[memory_size]
final_memory = Output(memory_size)[memory_size]
final_halted = Output(2)            # 0 where the run was cut off
steps = Output(max_steps + 1)       # instructions executed, STOP included

# ---- the program

instruction = Param(num_instructions)[memory_size]
first = Param(num_registers)[memory_size]
second = Param(num_registers)[memory_size]
target = Param(num_registers)[memory_size]
initial_registers = Param(memory_size)[num_registers]
initial_line = Param(memory_size)

# ---- the instructions

@Runtime([memory_size], memory_size)
def Inc(a): return (a + 1) % memory_size
@Runtime([memory_size], memory_size)
def Dec(a): return (a - 1) % memory_size
@Runtime([memory_size, memory_size], memory_size)
def Add(a, b): return (a + b) % memory_size
@Runtime([memory_size, memory_size], memory_size)
def Sub(a, b): return (a - b) % memory_size
@Runtime([memory_size, memory_size], memory_size)
def Min(a, b): return min(a, b)
@Runtime([memory_size, memory_size], memory_size)
def Max(a, b): return max(a, b)
@Runtime([max_steps + 1], max_steps + 1)
def Count(n): return min(n + 1, max_steps)

# ---- how it runs

line_number = Var(memory_size)[max_steps + 1]
registers = Var(memory_size)[max_steps + 1, num_registers]
memory = Var(memory_size)[max_steps + 1, memory_size]
halted = Var(2)[max_steps + 1]
count = Var(max_steps + 1)[max_steps + 1]

operation = Var(num_instructions)[max_steps]
first_register = Var(num_registers)[max_steps]
second_register = Var(num_registers)[max_steps]
target_register = Var(num_registers)[max_steps]
x = Var(memory_size)[max_steps]
y = Var(memory_size)[max_steps]
result = Var(memory_size)[max_steps]

line_number[0].set_to(initial_line)
for r in range(num_registers):
    registers[0, r].set_to(initial_registers[r])
for c in range(memory_size):
    memory[0, c].set_to(initial_memory[c])
halted[0].set_to(0)
count[0].set_to(0)

for t in range(max_steps):
    if halted[t] == 1:
        line_number[t + 1].set_to(line_number[t])
        for r in range(num_registers):
            registers[t + 1, r].set_to(registers[t, r])
        for c in range(memory_size):
            memory[t + 1, c].set_to(memory[t, c])
        halted[t + 1].set_to(1)
        count[t + 1].set_to(count[t])
    else:
        # fetch
        with line_number[t] as l:
            operation[t].set_to(instruction[l])
            first_register[t].set_to(first[l])
            second_register[t].set_to(second[l])
            target_register[t].set_to(target[l])
        with first_register[t] as r:
            x[t].set_to(registers[t, r])
        with second_register[t] as r:
            y[t].set_to(registers[t, r])

        # compute
        if operation[t] == 2:
            result[t].set_to(Inc(x[t]))
        elif operation[t] == 3:
            result[t].set_to(Add(x[t], y[t]))
        elif operation[t] == 4:
            result[t].set_to(Sub(x[t], y[t]))
        elif operation[t] == 5:
            result[t].set_to(Dec(x[t]))
        elif operation[t] == 6:
            result[t].set_to(Min(x[t], y[t]))
        elif operation[t] == 7:
            result[t].set_to(Max(x[t], y[t]))
        elif operation[t] == 8:
            with x[t] as address:
                result[t].set_to(memory[t, address])
        else:   # STOP, ZERO, WRITE, JEZ
            result[t].set_to(0)

        # the memory
        if operation[t] == 9:
            with x[t] as address:
                for c in range(memory_size):
                    if c == address:
                        memory[t + 1, c].set_to(y[t])
                    else:
                        memory[t + 1, c].set_to(memory[t, c])
        else:
            for c in range(memory_size):
                memory[t + 1, c].set_to(memory[t, c])

        # the registers
        with target_register[t] as o:
            for r in range(num_registers):
                if r == o:
                    registers[t + 1, r].set_to(result[t])
                else:
                    registers[t + 1, r].set_to(registers[t, r])

        # the next line
        if operation[t] == 10:
            if x[t] == 0:
                line_number[t + 1].set_to(y[t])
            else:
                line_number[t + 1].set_to(Inc(line_number[t]))
        else:
            line_number[t + 1].set_to(Inc(line_number[t]))

        # the end
        if operation[t] == 0:
            halted[t + 1].set_to(1)
        else:
            halted[t + 1].set_to(0)
        count[t + 1].set_to(Count(count[t]))

for c in range(memory_size):
    final_memory[c].set_to(memory[max_steps, c])
final_halted.set_to(halted[max_steps])
steps.set_to(count[max_steps])

# ---- how a program reads

@Listing()
def listing():
    for r in range(num_registers):
        line(f"var r{r} = {initial_registers[r]}")
    for l in range(memory_size):
        line(
            f"{l}: r{target[l]} = "
            f"{instruction[l]:STOP|ZERO|INC|ADD|SUB|DEC|MIN|MAX|READ|WRITE|JEZ}"
            f" r{first[l]} r{second[l]}"
        )
