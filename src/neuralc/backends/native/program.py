"""A plan as the text of a module of LLVM: one function for each kind of instruction, and calls.

An instruction that occurs in every step of a long run is one function that is called with other
addresses, so that the code grows with the kinds of instructions and not with the steps.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from neuralc.backends.native import code, llvm_table
from neuralc.backends.native.arena import place
from neuralc.backends.native.banding import banded
from neuralc.backends.native.code import Group
from neuralc.backends.native.drafts import shrunk
from neuralc.backends.native.driver import FIRST, VALID, WEIGHT, driver, share, slot, word
from neuralc.backends.native.folding import folded
from neuralc.backends.native.gathering import gathered
from neuralc.backends.native.grouping import grouped
from neuralc.backends.native.helpers import helpers
from neuralc.backends.native.llvm import Target, Writer, function
from neuralc.backends.native.nests import Access, Table
from neuralc.backends.native.plan import Item, Loss, Plan, Section, Transfer
from neuralc.backends.native.recompute import recomputed
from neuralc.backends.native.views import Buffer
from neuralc.backends.native.words import Commenter, described
from neuralc.source import Source

PART = 300  # instructions in one function: the time to compile one grows faster than its length


@dataclass
class Module:
    """The text of a kernel; `size` is how many numbers one thread works in.

    `again`: what the gradient wants is computed again, where that saves memory.
    """

    plan: Plan
    target: Target
    source: Source | None = None
    again: bool = False
    size: int = 0
    functions: dict[Hashable, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Put instructions together, and buffers into places."""
        plan, t = self.plan, self.target
        if t.chip:  # threads share no memory: each has its own of what does not depend on lanes
            for buffer in plan.buffers:
                buffer.lanes = True
        for name, items in plan.items.items():
            again = self.again and name == "example"
            items = folded(items)
            parts = recomputed(items, t.apart) if again else [items]
            bands: list[Item] = []
            later: set[Buffer] = set()
            for part in reversed(parts):
                bands = banded(gathered(part), later) + bands
                later.update(b for i in part for b in (*i.instruction.reads, *i.instruction.writes))
            plan.items[name] = grouped(shrunk(bands))
        self.size = place(plan.items["example"], plan.buffers, t.apart)

    def text(self) -> str:
        """Return the whole module."""
        plan, t = self.plan, self.target
        sections: list[str] = []
        for name in plan.items:
            sections += self.section(name)
        if t.chip:
            last = share(t, self.size * t.bytes)
        else:
            reduce = f"@llvm.vector.reduce.fadd.{t.suffix(True)}({t.real}, {t.vector})"
            last = f"declare {t.real} {reduce}"
        return "\n".join(
            [*self.head(), driver(plan, t), *sections, *self.texts, helpers(t),
             last, *self.constants, ""]
        )  # fmt: skip

    def head(self) -> list[str]:
        """Return comments that say how to read the text."""
        plan, t = self.plan, self.target
        lanes, count = "restarts" if plan.lanes == "P" else "examples", len(self.functions)
        arrays = [
            f";   {e.role} {e.name} [{', '.join((*e.dims, str(e.count)))}]" for e in plan.externals
        ]
        who = "A warp" if t.chip else "A thread"
        what = f"; A value is a vector of {t.lanes} {lanes}, or one number where that is enough."
        if t.chip:
            what = f"; A thread is one of the {lanes}; {t.threads} have their numbers side by side."
        return [
            what,
            "; `run` goes through blocks of restarts: `before` is what does not depend on",
            "; examples, `example` what does, `after` the rest of the gradient. They call one",
            f"; function for each kind of instruction, {count} in all. {who} works in",
            f"; {self.size * t.bytes} bytes.",
            "; Arrays of the caller, in this order:",
            *arrays,
            "",
        ]

    def section(self, name: Section) -> list[str]:
        """Return a section as a function that calls its parts."""
        items, comments = self.plan.items[name], Commenter(self.source)
        texts, calls = [], []
        for k in range(0, len(items), PART):
            w = Writer(self.target)
            for item in items[k : k + PART]:
                w.lines += comments.lines(item)
                self.call(w, item)
            part = f"{name}_{k // PART}"
            texts.append(function(part, "ptr noalias %arena, ptr noalias %frame", w.lines))
            calls.append(f"  call void @{part}(ptr %arena, ptr %frame)")
        texts.append(function(name, "ptr noalias %arena, ptr noalias %frame", calls))
        return texts

    # ---- one instruction

    def call(self, w: Writer, item: Item) -> None:
        """Write what does an instruction."""
        match item.instruction:
            case Transfer() as step:
                self.transfer(w, step)
            case Loss() as step:
                self.loss(w, step)
            case instruction:
                group = instruction if isinstance(instruction, Group) else Group((instruction,))
                name = self.function(group)
                spots = [self.pointer(w, Access(b, 0, ())) for b in code.buffers(group)]
                w.do(f"call void @{name}({', '.join(f'ptr {spot}' for spot in spots)})")

    def pointer(self, w: Writer, access: Access) -> str:
        """Return the address of an operand."""
        buffer, real = access.buffer, self.target.real
        if buffer.array is not None:
            base, at = self.constant(buffer), access.offset
        else:
            step = self.target.apart if buffer.lanes else 1
            base, at = "%arena", buffer.place + access.offset * step
        return w.once((base, at), f"getelementptr {real}, ptr {base}, i64 {at}") if at else base

    def constant(self, buffer: Buffer) -> str:
        """Return the name of an array of constants."""
        assert buffer.array is not None
        values = [self.target.literal(float(x)) for x in buffer.array.reshape(-1)]
        return self.array(self.target.real, values)

    def array(self, kind: str, values: Sequence[str]) -> str:
        """Return the name of an array of numbers, each array being there once."""
        text = ", ".join(f"{kind} {value}" for value in values)
        if text not in self.names:
            self.names[text] = f"@k{len(self.names)}"
            kinds = f"[{len(values)} x {kind}]"
            # LLVM loads two numbers at once as if this were so, but PTX has what is said here
            align = ", align 16" if self.target.chip else ""
            name = self.names[text]
            self.constants.append(f"{name} = internal constant {kinds} [{text}]{align}")
        return self.names[text]

    def function(self, group: Group) -> str:
        """Return the function for a group, written if it is new."""
        key = code.key(group)
        if key not in self.functions:
            first = group.parts[0]
            kind = "group" if len(group.parts) > 1 else type(first).__name__.lower()
            name = self.functions[key] = f"{kind}_{len(self.functions)}"
            names = [f"%p{k}" for k in range(len(code.buffers(group)))]
            w = Writer(self.target)
            code.write(w, group, names, self.arrays)
            what = "\n".join(described(part) for part in code.singles(group))
            arguments = ", ".join(f"ptr noalias %p{k}" for k in range(len(names)))
            self.texts.append(function(name, arguments, w.lines, what, inline=False))
        return self.functions[key]

    def arrays(self, table: Table) -> list[str]:
        """Return the names of the arrays that a long table reads."""
        if not llvm_table.is_long(table):
            return []
        *places, factors = llvm_table.numbers(table)
        real = [self.target.literal(x) for x in factors]
        return [*(self.array("i32", [str(int(i)) for i in p]) for p in places),
                self.array(self.target.real, real)]  # fmt: skip

    # ---- what goes in and out

    def transfer(self, w: Writer, step: Transfer) -> None:
        """Write the copy of an external array."""
        k = self.plan.externals.index(step.external)
        buffer = step.buffer
        there, stride = slot(w, self.plan, k)
        if step.start:
            there = w.let(f"getelementptr {self.target.real}, ptr {there}, i64 {step.start}")
        here = self.pointer(w, Access(buffer, 0, ()))
        count = f"i64 {buffer.count}"
        after = None
        if step.once:
            if not step.store:
                self.fill(w, here, buffer)
            first = word(w, FIRST)
            after = w.branch(w.let(f"icmp ne i64 {first}, 0"))
        to, source = (there, here) if step.store else (here, there)
        if buffer.lanes:
            name, valid = "gather" if step.store else "spread", word(w, VALID)
            arguments = f"ptr {to}, ptr {source}, {count}, i64 {stride}, i64 {valid}"
            w.do(f"call void @{name}({arguments})")
            if step.external.role == "seed":
                w.do(f"call void @clear(ptr {here}, {count}, i64 {valid})")
        else:
            size = buffer.count * self.target.bytes
            w.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {size}, i1 false)")
        if after:
            w.join(after)

    def fill(self, w: Writer, here: str, buffer: Buffer) -> None:
        """Write zeros."""
        if self.target.chip:
            w.do(f"call void @clear(ptr {here}, i64 {buffer.count}, i64 0)")
            return
        size = buffer.count * self.target.bytes * (self.target.lanes if buffer.lanes else 1)
        w.do(f"call void @llvm.memset.p0.i64(ptr {here}, i8 0, i64 {size}, i1 false)")

    def loss(self, w: Writer, step: Loss) -> None:
        """Write the call that compares an output with its targets."""
        k = self.plan.externals.index(step.external)
        there, stride = slot(w, self.plan, k)
        lanes, t = step.value.lanes, self.target
        weight = word(w, WEIGHT, "double")
        if t.real == "float":
            weight = w.let(f"fptrunc double {weight} to float")
        value, gradient, total = (
            self.pointer(w, Access(b, 0, ())) for b in (step.value, step.gradient, step.total)
        )
        w.do(
            f"call void @observe(ptr {value}, i64 {t.apart if lanes else 1}, i64 {int(lanes)}, "
            f"ptr {gradient}, ptr {total}, ptr {there}, i64 {stride}, "
            f"i64 {step.external.count}, i64 {step.size}, i64 {word(w, VALID)}, {t.real} {weight})"
        )
