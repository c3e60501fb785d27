# A ring of bits, each of which is unknown; what is observed is where neighbours differ.
#
# With no difference anywhere and the first bit known, one solution is left. A chain of such
# constraints is what gradient descent does not get through once it is long: this is a benchmark of
# solvers more than a machine.
#
# Source: Gaunt et al., "TerpreT" (2016), arXiv:1608.04428 (the parity chain). The names
# are ours.

numBits = Hyper()

differs = Output(2)[numBits]   # bit k and the one after it; the last one's neighbour is the first
first = Output(2)

# ---- the unknown

bits = Param(2)[numBits]

# ---- what is observed

@Runtime([2, 2], 2)
def XOR(a, b): return (a + b) % 2

for k in range(numBits):
    differs[k].set_to(XOR(bits[k], bits[(k + 1) % numBits]))
first.set_to(bits[0])

# ---- how a solution reads

@Listing()
def listing():
    for k in range(numBits):
        line(f"bit {k} = {bits[k]}")
