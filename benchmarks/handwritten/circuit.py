"""The Boolean circuit by hand: the gates' truth tables are mixed once, then looked up softly."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

# results for the arguments 00, 01, 10, 11
GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0), "NOT": (1, 1, 0, 0),
         "NOP": (0, 0, 1, 1)}  # fmt: skip


class Circuit(nn.Module):
    """A soft circuit; choices `gate`, `in1`, `in2`, `out`: `[P, gates, n]`."""

    tables: Tensor

    def __init__(self, hypers: Mapping[str, int]) -> None:
        super().__init__()
        self.gates, self.outputs = hypers["numGates"], hypers["numOutputs"]
        numbers = torch.tensor(list(GATES.values()))
        self.register_buffer("tables", nn.functional.one_hot(numbers).float())  # [5, 4, 2]

    def forward(
        self, params: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Run on `initial_wires`, `[B, wires, 2]`; the output is `[P, B, outputs, 2]`."""
        tables = torch.einsum("pgk,kqv->pgqv", params["gate"], self.tables)
        wires = inputs["initial_wires"].expand(len(tables), -1, -1, -1)
        for g in range(self.gates):
            a = torch.einsum("pw,pbwv->pbv", params["in1"][:, g], wires)
            b = torch.einsum("pw,pbwv->pbv", params["in2"][:, g], wires)
            pairs = (a.unsqueeze(-1) * b.unsqueeze(-2)).flatten(-2)
            value = torch.bmm(pairs, tables[:, g]).unsqueeze(2)
            wires = torch.lerp(wires, value, params["out"][:, g, None, :, None])
        return {"final_wires": wires[:, :, : self.outputs]}


class BitCircuit(nn.Module):
    """The same, a bit as one number, its chance of being 1: what only bits allow."""

    def __init__(self, hypers: Mapping[str, int]) -> None:
        super().__init__()
        self.gates, self.outputs = hypers["numGates"], hypers["numOutputs"]

    def forward(
        self, params: Mapping[str, Tensor], inputs: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Run on `initial_wires`, `[B, wires, 2]`; the output is `[P, B, outputs, 2]`."""
        wires = inputs["initial_wires"][..., 1].expand(len(params["gate"]), -1, -1)
        for g in range(self.gates):
            a = torch.bmm(wires, params["in1"][:, g, :, None])
            b = torch.bmm(wires, params["in2"][:, g, :, None])
            both = a * b
            either = a + b - both
            results = torch.cat((both, either, either - both, 1 - a, a), -1)
            value = torch.bmm(results, params["gate"][:, g, :, None])
            wires = torch.lerp(wires, value, params["out"][:, g, None, :])
        ones = wires[..., : self.outputs]
        return {"final_wires": torch.stack((1 - ones, ones), -1)}
