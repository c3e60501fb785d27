# A straight-line circuit: a row of gates, each of which reads two wires and overwrites one.
#
# The wires carry bits. Gate after gate is applied to the same wires, so a gate may destroy what a
# later one needs: swapping two wires takes the old trick of three XORs. What is to be learned of
# each gate: its type, its two input wires, its output wire.
#
# Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428, section 4 (interpreter models).
# Names of hyper-parameters, inputs, outputs and choices are those of the published model, so the
# published data files run unchanged.

numGates = Hyper()
numWires = Hyper()
numOutputs = Hyper()   # the first wires are the outputs
numGateTypes = 5

initial_wires = Input(2)[numWires]
final_wires = Output(2)[numOutputs]

# ---- the program

gate = Param(numGateTypes)[numGates]   # AND, OR, XOR, NOT, NOP
in1 = Param(numWires)[numGates]
in2 = Param(numWires)[numGates]        # NOT and NOP do not look at it
out = Param(numWires)[numGates]

# ---- how it runs

@Runtime([2, 2], 2)
def AND(a, b): return a * b

@Runtime([2, 2], 2)
def OR(a, b): return max(a, b)

@Runtime([2, 2], 2)
def XOR(a, b): return (a + b) % 2

@Runtime([2], 2)
def NOT(a): return 1 - a

wires = Var(2)[numGates + 1, numWires]   # wires[g]: before gate g
tmpArg1 = Var(2)[numGates]
tmpArg2 = Var(2)[numGates]
tmpOutput = Var(2)[numGates]

for w in range(numWires):
    wires[0, w].set_to(initial_wires[w])

for g in range(numGates):
    with in1[g] as i:
        tmpArg1[g].set_to(wires[g, i])
    with in2[g] as i:
        tmpArg2[g].set_to(wires[g, i])

    if gate[g] == 0:
        tmpOutput[g].set_to(AND(tmpArg1[g], tmpArg2[g]))
    elif gate[g] == 1:
        tmpOutput[g].set_to(OR(tmpArg1[g], tmpArg2[g]))
    elif gate[g] == 2:
        tmpOutput[g].set_to(XOR(tmpArg1[g], tmpArg2[g]))
    elif gate[g] == 3:
        tmpOutput[g].set_to(NOT(tmpArg1[g]))
    else:
        tmpOutput[g].set_to(tmpArg1[g])

    with out[g] as o:
        for w in range(numWires):
            if w == o:
                wires[g + 1, w].set_to(tmpOutput[g])
            else:
                wires[g + 1, w].set_to(wires[g, w])

for w in range(numOutputs):
    final_wires[w].set_to(wires[numGates, w])

# ---- how a learned circuit reads

@Listing()
def listing():
    for g in range(numGates):
        if gate[g] < 3:
            line(f"gate {g}: w{out[g]} = {gate[g]:AND|OR|XOR}(w{in1[g]}, w{in2[g]})")
        elif gate[g] == 3:
            line(f"gate {g}: w{out[g]} = NOT(w{in1[g]})")
        else:
            line(f"gate {g}: w{out[g]} = w{in1[g]}")
