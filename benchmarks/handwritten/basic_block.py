"""The machine of basic blocks by hand: one table of all arithmetic per block, mixed once."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

WRITE, READ = 1, 2


class BasicBlock(nn.Module):
    """A soft register machine of basic blocks; choices `[P, blocks, n]`."""

    tables: Tensor

    def __init__(self, hypers: Mapping[str, int]) -> None:
        super().__init__()
        self.steps, self.registers = hypers["numTimesteps"], hypers["numRegisters"]
        m = hypers["maxInt"]
        a, b = torch.arange(m).unsqueeze(1), torch.arange(m)
        functions = {0: a + 0 * b, 1: a + 0 * b, 3: 0 * a * b, 4: a + 1 + 0 * b,
                     5: a - 1 + 0 * b, 6: a + b, 7: a - b, 8: (a < b).long()}  # fmt: skip
        tables = torch.zeros(9, m * m, m)
        for number, results in functions.items():
            tables[number] = nn.functional.one_hot(results.flatten() % m, m)
        self.register_buffer("tables", tables)

    def forward(
        self, params: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Run from `initial_memory`, `[B, cells, m]`; the outputs are `[P, B, ...]`."""
        instructions, out = params["instructions"], params["outReg"].unsqueeze(1)
        arithmetic = torch.einsum("pni,iqm->pnqm", instructions, self.tables)
        reads = instructions[:, None, :, READ, None]  # [P, 1, blocks, 1]
        writes = instructions[:, None, :, WRITE]  # [P, 1, blocks]
        change = (out * (1 - writes).unsqueeze(-1)).unsqueeze(-1)  # [P, 1, blocks, registers, 1]
        yes, no = params["thenBlock"].unsqueeze(1), params["elseBlock"].unsqueeze(1)
        restarts, blocks = instructions.shape[:2]
        memory = inputs["initial_memory"].expand(restarts, -1, -1, -1)
        batch, size = memory.shape[1], memory.shape[-1]
        registers = memory.new_zeros(restarts, batch, self.registers, size)
        registers[..., 0] = 1
        block = memory.new_zeros(restarts, batch, blocks)
        block[..., 1] = 1
        for _ in range(self.steps):
            a = torch.einsum("pnr,pbrm->pbnm", params["arg1Reg"], registers)
            b = torch.einsum("pnr,pbrm->pbnm", params["arg2Reg"], registers)
            pairs = (a.unsqueeze(-1) * b.unsqueeze(-2)).flatten(-2)
            value = torch.einsum("pbnq,pnqm->pbnm", pairs, arithmetic) + reads * (a @ memory)
            after = torch.lerp(registers.unsqueeze(2), value.unsqueeze(3), change)
            positive = 1 - torch.einsum("pnr,pbnr->pbn", params["condReg"], after[..., 0])
            follow = torch.lerp(no, yes, positive.unsqueeze(-1))
            stored = (block * writes).unsqueeze(-1) * a  # by block and address
            memory = (1 - stored.sum(2)).unsqueeze(-1) * memory + stored.mT @ b
            registers = torch.einsum("pbn,pbnrm->pbrm", block, after)
            block = torch.einsum("pbn,pbnk->pbk", block, follow)
        halted = block[..., 0]
        return {"final_is_halted": torch.stack((1 - halted, halted), -1), "final_memory": memory}
