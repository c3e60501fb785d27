"""The Turing machine by hand: its tables, mixed by the state, are applied to every cell."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Turing(nn.Module):
    """A soft Turing machine; choices `write`, `dir`, `newState`: `[P, states, symbols, n]`."""

    def __init__(self, hypers: Mapping[str, int]) -> None:
        super().__init__()
        self.steps = hypers["numTimesteps"] - 1
        self.cells = hypers["tapeLength"]

    def forward(
        self, params: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Run from `initial_tape`, `[B, cells, symbols]`; the outputs are `[P, B, ...]`."""
        direction, follow, write = params["dir"], params["newState"], params["write"]
        restarts, states, symbols, moves = direction.shape
        rules = torch.cat((direction, follow, write), -1).flatten(2)  # [P, states, symbols * all]
        tape = inputs["initial_tape"].expand(restarts, -1, -1, -1)
        batch = tape.shape[1]
        state = tape.new_zeros(restarts, batch, states)
        state[..., 1] = 1
        place = tape.new_zeros(restarts, batch, self.cells)
        place[..., 0] = 1
        for _ in range(self.steps):
            mixed = torch.bmm(state, rules).unflatten(-1, (symbols, -1))
            here = place.unsqueeze(-1)
            results = here * (tape @ mixed)  # [P, B, cells, all]
            stay, right, left = results[..., :moves].unbind(-1)
            place = stay + right.roll(1, -1) + left.roll(-1, -1)
            state, written = results[..., moves:].sum(-2).split((states, symbols), -1)
            tape = torch.lerp(tape, written.unsqueeze(-2), here)
        halted = state[..., 0]
        return {"final_is_halted": torch.stack((1 - halted, halted), -1), "final_tape": tape}
