"""A step of RMSProp or Adam as instructions, so that a run of steps stays within machine code.

What they compute is what `learning/train.py` does in torch: gradients that are not finite count as
0, that of each restart is scaled down to a norm that is allowed, then the logits move.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neuralc.backends.native.llvm import Writer
from neuralc.backends.native.steps import Step
from neuralc.backends.native.views import Buffer

SETTINGS = ("beta", "gain", "decay", "share", "rate", "bias", "floor", "clip")
"""What a step is called with, in this order: `m = beta m + gain g`, `v = decay v + share g^2`,
`x -= rate m / (sqrt(bias v) + floor)`, where g is scaled down to the norm `clip`."""


@dataclass(frozen=True)
class Squares(Step):
    """`total += sum(g^2)`; what is not finite becomes 0. Operands g, total."""

    results = 2

    def write(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the code."""
        lanes, t = self.operands[0].buffer.lanes, w.target
        kind, bits = t.type(lanes), t.each("i1", lanes)
        loop = w.begin(self.sizes[0])
        spot = w.address(spots[0], lanes, 0, [(loop.index, 1)])
        g = w.let(w.loading(spot, lanes))
        none = w.let(f"fsub {kind} {g}, {g}")  # 0, but for what is not finite
        fine = w.let(f"fcmp oeq {kind} {none}, {w.number(0, True) if lanes else '0.0'}")
        zero = w.number(0, lanes)
        g = w.let(f"select {bits} {fine}, {kind} {g}, {kind} {zero}")
        w.store(g, spot, lanes)
        total = w.plus(w.let(w.loading(spots[1], lanes)), w.times(g, g, lanes), lanes)
        w.store(total, spots[1], lanes)
        w.end(loop)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        """The buffers that are read: both are changed."""
        return tuple(a.buffer for a in self.operands)


@dataclass(frozen=True)
class Update(Step):
    """One step of the optimiser; operands x, v, m (if there is a momentum), g, total, settings."""

    results = 3

    def write(self, w: Writer, spots: Sequence[str]) -> None:
        """Write the code."""
        lanes, t = self.operands[0].buffer.lanes, w.target
        kind = t.type(lanes)
        adam = len(self.operands) > 5
        names = ("x", "v", "m", "g", "total", "settings") if adam else (
            "x", "v", "g", "total", "settings")  # fmt: skip
        at = dict(zip(names, spots, strict=True))
        given = {}
        own = self.operands[-1].buffer.lanes
        for k, name in enumerate(SETTINGS):
            number = w.let(w.loading(w.address(at["settings"], own, k, ()), own))
            given[name] = w.splat(number) if lanes and not own else number

        def do(op: str, a: str, b: str) -> str:
            return w.let(f"{op} {kind} {a}, {b}")

        def root(value: str) -> str:
            return w.let(f"call {kind} @llvm.sqrt.{t.suffix(lanes)}({kind} {value})")

        norm = do("fadd", root(w.let(w.loading(at["total"], lanes))), w.number(1e-30, lanes))
        share = do("fdiv", given["clip"], norm)
        least = f"@llvm.minnum.{t.suffix(lanes)}"
        scale = w.let(f"call {kind} {least}({kind} {share}, {kind} {w.number(1, lanes)})")
        loop = w.begin(self.sizes[0])
        spot = {
            name: w.address(at[name], lanes, 0, [(loop.index, 1)]) for name in "xvmg" if name in at
        }
        value = {name: w.let(w.loading(s, lanes)) for name, s in spot.items()}
        g = do("fmul", value["g"], scale)
        kept = do("fmul", value["v"], given["decay"])
        v = do("fadd", kept, do("fmul", do("fmul", g, g), given["share"]))
        w.store(v, spot["v"], lanes)
        m = g
        if adam:
            m = do("fadd", do("fmul", value["m"], given["beta"]), do("fmul", g, given["gain"]))
            w.store(m, spot["m"], lanes)
        below = do("fadd", root(do("fmul", v, given["bias"])), given["floor"])
        move = do("fmul", do("fdiv", m, below), given["rate"])
        w.store(do("fsub", value["x"], move), spot["x"], lanes)
        w.end(loop)

    @property
    def reads(self) -> tuple[Buffer, ...]:
        """The buffers that are read: all of them."""
        return tuple(a.buffer for a in self.operands)
