"""The assembly machine by hand: one table of all arithmetic per line, mixed once."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

READ, WRITE, JUMP_ZERO, JUMP_NOT_ZERO = 0, 7, 8, 9


class Assembly(nn.Module):
    """A soft register machine programmed in assembly; choices `[P, lines, n]`."""

    tables: Tensor

    def __init__(self, hypers: Mapping[str, int]) -> None:
        super().__init__()
        self.steps, self.registers = hypers["const_numTimesteps"], hypers["const_numRegisters"]
        m = hypers["const_maxInt"]
        a, b = torch.arange(m).unsqueeze(1), torch.arange(m)
        functions = {1: 0 * a * b, 2: a + 1 + 0 * b, 3: a - 1 + 0 * b, 4: a + b, 5: a - b,
                     6: (a < b).long(), 7: a + 0 * b, 8: a + 0 * b, 9: a + 0 * b}  # fmt: skip
        tables = torch.zeros(10, m * m, m)
        for number, results in functions.items():
            tables[number] = nn.functional.one_hot(results.flatten() % m, m)
        self.register_buffer("tables", tables)

    def forward(
        self, params: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Run from `initial_envMemory`, `[B, cells, m]`; the outputs are `[P, B, ...]`."""
        instructions, out = params["instructions"], params["outReg"].unsqueeze(1)
        arithmetic = torch.einsum("pni,iqm->pnqm", instructions, self.tables)
        reads = instructions[:, None, :, READ, None]
        writes = instructions[:, None, :, WRITE]
        if_zero, unless = (
            instructions[:, None, :, JUMP_ZERO],
            instructions[:, None, :, JUMP_NOT_ZERO],
        )
        change = instructions[:, None, :, :WRITE].sum(-1, keepdim=True) * out
        restarts, lines = instructions.shape[:2]
        memory = inputs["initial_envMemory"].expand(restarts, -1, -1, -1)
        batch, size = memory.shape[1], memory.shape[-1]
        registers = memory.new_zeros(restarts, batch, self.registers, size)
        registers[..., 0] = 1
        block = memory.new_zeros(restarts, batch, lines + 1)
        block[..., 1] = 1
        for _ in range(self.steps):
            halted, line = block[..., :1], block[..., 1:]
            a = torch.einsum("pnr,pbrm->pbnm", params["arg1Reg"], registers)
            b = torch.einsum("pnr,pbrm->pbnm", params["arg2Reg"], registers)
            pairs = (a.unsqueeze(-1) * b.unsqueeze(-2)).flatten(-2)
            value = torch.einsum("pbnq,pnqm->pbnm", pairs, arithmetic) + reads * (a @ memory)
            weights = line.unsqueeze(-1) * change  # [P, B, lines, registers]
            registers = (1 - weights.sum(2)).unsqueeze(-1) * registers + weights.mT @ value
            stored = (line * writes).unsqueeze(-1) * a  # by line and address
            memory = (1 - stored.sum(2)).unsqueeze(-1) * memory + stored.mT @ b
            jump = line * torch.lerp(unless, if_zero, a[..., 0])
            go_on = line - jump  # to the next line, from the last one to line 0
            block = torch.cat((halted + go_on[..., -1:], 0 * halted, go_on[..., :-1]), -1)
            block = block + torch.bmm(jump, params["branchAddr"])
        return {"final_envMemory_0": memory[:, :, 0], "final_block": block}
