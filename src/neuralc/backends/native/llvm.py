"""A function of LLVM's intermediate language, written line by line.

Knows how loops, loads and sums of products are spelled; not what they are for. Only `contract` is
allowed of what is called fast math: a product and a sum may become one instruction. Nothing is
ever reordered.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

Real = str  # "float" or "double"


@dataclass(frozen=True)
class Target:
    """The type of a number, how many lanes a vector has, and which GPU it is for, if any.

    A thread of a GPU is one lane, where what is a vector elsewhere is a number. The elements of
    `threads` neighbours stand side by side, so that they are read at once.
    """

    real: Real
    lanes: int
    threads: int = 1
    chip: str = ""

    @property
    def bytes(self) -> int:
        """The size of a number."""
        return 4 if self.real == "float" else 8

    @property
    def vector(self) -> str:
        """The type of a vector with a number for each lane."""
        return self.each(self.real)

    @property
    def apart(self) -> int:
        """How many numbers it is from an element with lanes to the next."""
        return self.lanes * self.threads

    def each(self, kind: str, lanes: bool = True) -> str:
        """Return the type of something for each lane."""
        return f"<{self.lanes} x {kind}>" if lanes and self.lanes > 1 else kind

    @property
    def layout(self) -> tuple[str, int, int]:
        """The integer as large as a number, where in it the exponent begins, and its bias."""
        return ("i32", 23, 127) if self.real == "float" else ("i64", 52, 1023)

    def all(self, kind: str, literal: object, lanes: bool = True) -> str:
        """Return a literal of an element, the same in each lane."""
        if not lanes or self.lanes == 1:
            return str(literal)
        return "<" + ", ".join([f"{kind} {literal}"] * self.lanes) + ">"

    def step(self, lanes: bool) -> str:
        """Return the type that is as large as it is from an element to the next."""
        kind = self.type(lanes)
        return f"[{self.threads} x {kind}]" if lanes and self.threads > 1 else kind

    def type(self, lanes: bool) -> str:
        """Return the type of an element."""
        return self.vector if lanes else self.real

    def suffix(self, lanes: bool) -> str:
        """Return how intrinsics for elements end."""
        short = "f32" if self.real == "float" else "f64"
        return f"v{self.lanes}{short}" if lanes and self.lanes > 1 else short

    def align(self, lanes: bool) -> int:
        """Return how elements are aligned."""
        return self.bytes * self.lanes if lanes else self.bytes

    def literal(self, number: float) -> str:
        """Return a number as a literal."""
        if self.real == "float":  # as the nearest one of that type
            (number,) = struct.unpack("f", struct.pack("f", number))
        return "0x" + struct.pack(">d", number).hex().upper()


@dataclass
class Loop:
    """A loop that is being written: its index and the values that go round."""

    index: str
    values: list[str]
    label: str
    patch: int
    stop: str
    step: int | str
    types: list[str]


@dataclass
class Writer:
    """Writes the body of one function."""

    target: Target
    lines: list[str] = field(default_factory=list)
    count: int = 0
    block: str = "entry"
    known: list[dict[object, str]] = field(default_factory=lambda: [{}])
    drafts: set[object] = field(default_factory=set)  # arrays that do not get into memory
    held: dict[object, str] = field(default_factory=dict)  # their numbers, at one place

    def fresh(self, hint: str = "v") -> str:
        """Return a name that is not used yet."""
        self.count += 1
        return f"%{hint}{self.count}"

    def let(self, code: str, hint: str = "v") -> str:
        """Give the value of an instruction a name."""
        name = self.fresh(hint)
        self.lines.append(f"  {name} = {code}")
        return name

    def do(self, code: str) -> None:
        """Write an instruction without a value."""
        self.lines.append(f"  {code}")

    def once(self, key: object, code: str) -> str:
        """Give a value a name, or return the name that it has."""
        for scope in self.known:
            if key in scope:
                return scope[key]
        self.known[-1][key] = self.let(code)
        return self.known[-1][key]

    # ---- control

    def begin(
        self, stop: int | str, carried: Sequence[tuple[str, str]] = (), start: int | str = 0,
        step: int | str = 1,
    ) -> Loop:  # fmt: skip
        """Begin a loop that is gone through at least once; `carried` are types and first values."""
        label = self.fresh("loop")[1:]
        before = self.block
        self.do(f"br label %{label}")
        self.lines.append(f"{label}:")
        self.block = label
        index = self.fresh("i")
        patch = len(self.lines)
        self.lines.append(f"  {index} = phi i64 [{start}, %{before}], [{index}n, %LATCH]")
        values = []
        for kind, first in carried:
            value = self.fresh("c")
            self.lines.append(f"  {value} = phi {kind} [{first}, %{before}], [NEXT, %LATCH]")
            values.append(value)
        self.known.append({})
        return Loop(index, values, label, patch, str(stop), step, [kind for kind, _ in carried])

    def end(self, loop: Loop, values: Sequence[str] = ()) -> None:
        """End a loop; `values` go into the next turn, and are the result of the last one."""
        self.known.pop()
        self.do(f"{loop.index}n = add nuw nsw i64 {loop.index}, {loop.step}")
        more = self.let(f"icmp slt i64 {loop.index}n, {loop.stop}", "m")
        after = self.fresh("after")[1:]
        self.do(f"br i1 {more}, label %{loop.label}, label %{after}")
        for k in range(len(values) + 1):
            line = self.lines[loop.patch + k].replace("%LATCH", f"%{self.block}")
            if k:
                line = line.replace("NEXT", values[k - 1])
            self.lines[loop.patch + k] = line
        self.lines.append(f"{after}:")
        self.block = after

    def branch(self, condition: str) -> str:
        """Go on only where a condition holds; `join` with what this returns ends that part."""
        yes, after = self.fresh("then")[1:], self.fresh("join")[1:]
        self.do(f"br i1 {condition}, label %{yes}, label %{after}")
        self.lines.append(f"{yes}:")
        self.block = yes
        self.known.append({})
        return after

    def join(self, after: str) -> None:
        """End a part that was only gone through where a condition holds."""
        self.known.pop()
        self.do(f"br label %{after}")
        self.lines.append(f"{after}:")
        self.block = after

    # ---- elements

    def address(self, base: str, lanes: bool, const: int, parts: Sequence[tuple[str, int]]) -> str:
        """Return a pointer to element `const + sum of index * stride` behind a pointer."""
        index = ""
        for name, stride in parts:
            if stride == 0:
                continue
            term = name if stride == 1 else self.once(
                ("mul", name, stride), f"mul nsw i64 {name}, {stride}")  # fmt: skip
            if not index:
                index = term
            else:
                index = self.once(("add", index, term), f"add nsw i64 {index}, {term}")
        kind = self.target.step(lanes)
        if index:
            base = self.once(
                ("gep", base, index, lanes), f"getelementptr {kind}, ptr {base}, i64 {index}"
            )
        if const:
            base = self.once(
                ("gep", base, const, lanes), f"getelementptr {kind}, ptr {base}, i64 {const}"
            )
        return base

    def load(self, pointer: str, lanes: bool) -> str:
        """Return an element."""
        return self.once(("load", pointer), self.loading(pointer, lanes))

    def loading(self, pointer: str, lanes: bool) -> str:
        """Return the instruction that loads an element."""
        return f"load {self.target.type(lanes)}, ptr {pointer}, align {self.target.align(lanes)}"

    def store(self, value: str, pointer: str, lanes: bool) -> None:
        """Store an element."""
        kind, align = self.target.type(lanes), self.target.align(lanes)
        self.do(f"store {kind} {value}, ptr {pointer}, align {align}")

    def splat(self, value: str) -> str:
        """Return a vector with the same number in all lanes."""
        t = self.target
        if t.lanes == 1:
            return value
        one = self.once(("one", value), f"insertelement {t.vector} poison, {t.real} {value}, i64 0")
        mask = f"<{t.lanes} x i32> zeroinitializer"
        return self.once(
            ("splat", value), f"shufflevector {t.vector} {one}, {t.vector} poison, {mask}"
        )

    def put(self, vector: str, value: str, lane: int) -> str:
        """Return a vector with a number in one of its lanes."""
        t = self.target
        if t.lanes == 1:
            return value
        return self.let(f"insertelement {t.vector} {vector}, {t.real} {value}, i64 {lane}")

    def get(self, vector: str, lane: int) -> str:
        """Return the number in one of the lanes."""
        if self.target.lanes == 1:
            return vector
        return self.let(f"extractelement {self.target.vector} {vector}, i64 {lane}")

    def across(self, vector: str) -> str:
        """Return the sum over the lanes."""
        t = self.target
        if t.lanes == 1:
            return vector
        call = f"@llvm.vector.reduce.fadd.{t.suffix(True)}({t.real} 0.0, {t.vector} {vector})"
        return self.let(f"call {t.real} {call}")

    def number(self, value: float, lanes: bool) -> str:
        """Return a literal of an element."""
        t = self.target
        if value == 0 and lanes and t.lanes > 1:
            return "zeroinitializer"
        return t.all(t.real, t.literal(value), lanes)

    def times(self, a: str, b: str, lanes: bool) -> str:
        """Return a product."""
        key = ("times", *sorted((a, b)), lanes)
        return self.once(key, f"fmul contract {self.target.type(lanes)} {a}, {b}")

    def plus(self, a: str, b: str, lanes: bool, *, fused: bool = True) -> str:
        """Return a sum; `fused`: it may become one instruction with a product."""
        return self.let(f"fadd {'contract ' * fused}{self.target.type(lanes)} {a}, {b}")


def function(
    name: str, arguments: str, lines: Sequence[str], what: str = "", *, inline: bool = True
) -> str:
    """Return a function without a result; `what` is said of it before."""
    head = [f"; {line}" for line in what.split("\n")] if what else []
    attributes = "" if inline else " noinline"
    first = f"define internal void @{name}({arguments}){attributes} {{"
    return "\n".join([*head, first, "entry:", *lines, "  ret void", "}", ""])
