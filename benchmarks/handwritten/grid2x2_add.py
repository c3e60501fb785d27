"""ADD2X2 by hand: each image is read once, a move is one mixed 4 x 4 matrix."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

VALUES, NOOP, ADD = 19, 0, 5
# where each move leads from the cells 0 .. 3, which are 2 * row + column
MOVES = {1: (0, 1, 0, 1), 2: (1, 1, 3, 3), 3: (2, 3, 2, 3), 4: (0, 0, 2, 2)}


class Grid2x2Add(nn.Module):
    """A soft walk over four images; choices `instr`, `arg1`, `arg2`: `[P, lines, n]`, `ret`."""

    moves: Tensor
    circle: Tensor

    def __init__(self, hypers: Mapping[str, int], read: nn.Module) -> None:
        """Make the machine; `read` turns `[B, 4, pixels]` into digits `[P, B, 4, 10]`."""
        super().__init__()
        self.lines, self.read = hypers["num_lines"], read
        moves = torch.zeros(6, 4, 4)
        for number, cells in MOVES.items():
            moves[number] = nn.functional.one_hot(torch.tensor(cells), 4)
        self.register_buffer("moves", moves)
        values = torch.arange(VALUES)
        self.register_buffer("circle", (values - values.unsqueeze(1)) % VALUES)

    def forward(
        self, params: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Run on `images`, `[B, 4, pixels]`; the output is `[P, B, 19]`."""
        instr = params["instr"]
        digits = self.read(inputs["images"], restarts=False)
        digits = nn.functional.pad(digits, (0, VALUES - digits.shape[-1]))
        cell = digits.new_zeros(len(digits), 1, 4)  # no input moves the head: the same for all
        cell[..., 0] = 1
        zero = digits.new_zeros(VALUES)
        zero[0] = 1
        registers = digits[:, :, :1]  # [P, B, lines so far, values]
        for k in range(self.lines):
            op = instr[:, k, None]  # [P, 1, instructions]
            a = torch.einsum("pr,pbrv->pbv", params["arg1"][:, k, : k + 1], registers)
            b = torch.einsum("pr,pbrv->pbv", params["arg2"][:, k, : k + 1], registers)
            total = (a.unsqueeze(-2) @ b[..., self.circle]).squeeze(-2)
            moved = cell @ torch.einsum("pi,icd->pcd", instr[:, k], self.moves)
            seen = torch.einsum("pc,pbcv->pbv", moved[:, 0], digits)
            value = op[..., NOOP, None] * zero + op[..., ADD, None] * total + seen
            registers = torch.cat((registers, value.unsqueeze(2)), 2)
            cell = (op[..., NOOP, None] + op[..., ADD, None]) * cell + moved
        result = torch.einsum("pr,pbrv->pbv", params["ret"], registers)
        return {"result": result}
