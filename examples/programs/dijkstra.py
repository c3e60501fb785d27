"""Shortest paths from node 1.

Cell 0 holds where the answer goes. From cell 1 on stand the addresses of the lists of edges, one
for each node, then a 0. A list has pairs of a neighbour and a length, then a 0. The answer is a
pair for each node: its distance (99 where there is no path), and a 0.
"""

import neuralc as nc

FAR = 99


@nc.program
def dijkstra(mem):
    """Settle the nearest node that is not settled yet, and try its edges; as long as there is one.

    While it runs, the second cell of a pair says whether the node is settled.
    """
    out = mem[0]
    end, place = 1, out
    while mem[end] != 0:
        mem[place], mem[place + 1] = FAR, 0
        place += 2
        end += 1
    mem[out] = 0
    while True:
        best, node = FAR, 0
        i, place = 1, out
        while i != end:
            if mem[place + 1] == 0 and mem[place] < best:
                best, node = mem[place], i
            place += 2
            i += 1
        if node == 0:
            break
        mem[out + node + node - 1] = 1
        edge = mem[node]
        while mem[edge] != 0:
            there = out + mem[edge] + mem[edge] - 2
            mem[there] = min(mem[there], best + mem[edge + 1])
            edge += 2
    place = out
    for _ in range(1, end):
        mem[place + 1] = 0
        place += 2
