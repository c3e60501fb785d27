"""Random programs of the subset: all its statements, loops that mostly end, calls, recursion."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random


@dataclass
class Function:
    """A function that others may call; `recursive`: its first parameter bounds the depth."""

    name: str
    numbers: int
    memory: bool
    gives: bool
    recursive: bool


@dataclass
class Maker:
    """Writes one program for machines with `size` cells; `cells` of them are for data."""

    random: Random
    size: int
    cells: int
    functions: list[Function] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    here: Function | None = None
    loops: int = 0
    fresh: int = 0

    # ---- expressions

    def number(self) -> str:
        top = self.size - 1
        small = [0, 1, 1, 2, 3, 5]
        value = self.random.choice([*small, *small, top, top - 1, top - 3, self.size // 2, -1, -2])
        return self.random.choice([str(value), str(value), "N"])

    def value(self, depth: int = 2) -> str:
        r = self.random
        if depth == 0 or r.random() < 0.25:
            return r.choice([self.number(), *self.known * 2])
        a, b = self.value(depth - 1), self.value(depth - 1)
        kind = r.randrange(15)
        if kind in (0, 1, 2, 3, 4, 9) and is_constant(a) and is_constant(b):
            kind = 5  # what is computed beforehand must not be larger than the memory
        if kind < 5:
            return f"({a} {r.choice('+-')} {b})"
        if kind < 7:
            return f"{r.choice(['min', 'max'])}({a}, {b})"
        if kind == 7:
            return f"({a} if {self.condition(1)} else {b})"
        if kind == 8:
            return f"({self.condition(1)})"
        if kind == 9 and not is_constant(a):
            return f"({a} * {r.choice(['2', '3', '5', 'N'])})"
        if kind == 10:
            return f"({a} {r.choice(['and', 'or'])} {b})"
        if kind == 11:
            return f"(-{r.choice(self.known)})" if self.known else a
        if kind == 12:
            call = self.call(giving=True)
            return call or a
        return f"mem[{self.index()}]" if self.sees() else b

    def index(self) -> str:
        if self.random.random() < 0.4:
            return str(self.random.randrange(min(self.cells, 6)))
        value = self.value(1)
        return value if self.cells == self.size else f"min({value}, {self.cells - 1})"

    def condition(self, depth: int = 2) -> str:
        r = self.random
        kind = r.randrange(8)
        if depth and kind == 0:
            return f"not ({self.condition(depth - 1)})"
        if depth and kind == 1:
            return f"({self.condition(depth - 1)} and {self.condition(depth - 1)})"
        if depth and kind == 2:
            return f"({self.condition(depth - 1)} or {self.condition(depth - 1)})"
        if kind == 3:
            return self.value(1)
        ops = ["==", "!=", "<", "<=", ">", ">="]
        a, b = self.value(1), self.value(1)
        if kind == 4:
            return f"({a} {r.choice(ops)} {b} {r.choice(ops)} {self.value(1)})"
        return f"{a} {r.choice(ops)} {b}"

    def call(self, giving: bool) -> str:
        found = [f for f in self.functions if (f.gives or not giving)
                 and (self.sees() or not f.memory) and f is not self.here]  # fmt: skip
        if self.here is not None and self.here.recursive and (self.here.gives or not giving):
            found.append(self.here)
        if not found:
            return ""
        callee = self.random.choice(found)
        args = [self.value(1) for _ in range(callee.numbers)]
        if callee.recursive:
            args[0] = "d - 1" if callee is self.here else f"min({args[0]}, 3)"
        return f"{callee.name}({', '.join([*['mem'] * callee.memory, *args])})"

    def sees(self) -> bool:
        return self.here is None or self.here.memory

    # ---- statements

    def name(self) -> str:
        return self.random.choice(["a", "b", "c", "i", "j"])

    def block(self, depth: int, least: int = 1) -> list[str]:
        count = self.random.randint(least, 4)
        lines = [line for _ in range(count) for line in self.statement(depth)]
        return ["    " + line for line in lines]

    def inner(self, depth: int) -> list[str]:
        """Return a block whose variables are not known behind it."""
        before = list(self.known)
        lines = self.block(depth)
        self.known = before
        return lines

    def statement(self, depth: int) -> list[str]:
        r = self.random
        kind = r.randrange(16)
        if kind < 4:
            value, name = self.value(), self.name()
            return [f"{name} = {value}", *self.learn(name)]
        if kind == 4 and self.known:
            name = r.choice([one for one in self.known if one != "d"] or ["a"])
            if name in self.known:
                return [f"{name} {r.choice(['+=', '-='])} {self.value(1)}"]
        if kind in (5, 6) and self.sees():
            if r.random() < 0.3:
                return [f"mem[{self.index()}] {r.choice(['+=', '-='])} {self.value(1)}"]
            return [f"mem[{self.index()}] = {self.value()}"]
        if kind == 7 and self.sees():
            i, j = self.index(), self.index()
            return [f"mem[{i}], mem[{j}] = mem[{j}], mem[{i}]"]
        if kind == 8:
            a, b = r.sample(["a", "b", "c", "i", "j"], 2)
            lines = [f"{a}, {b} = {self.value(1)}, {self.value(1)}"]
            return [*lines, *self.learn(a), *self.learn(b)]
        if kind == 9:
            call = self.call(giving=False)
            return [call] if call else ["pass"]
        if kind == 10 and self.loops and r.random() < 0.7:
            return [f"if {self.condition(1)}: {r.choice(['break', 'continue'])}"]
        if kind == 11 and r.random() < 0.3:
            result = f" {self.value(1)}" if self.here and self.here.gives else ""
            return [f"if {self.condition(1)}: return{result}"]
        if depth == 0:
            return ["pass"]
        if kind < 14:
            return self.choice(depth)
        return self.loop(depth)

    def learn(self, name: str) -> list[str]:
        self.known += [] if name in self.known else [name]
        return []

    def choice(self, depth: int) -> list[str]:
        lines = [f"if {self.condition()}:", *self.inner(depth - 1)]
        if self.random.random() < 0.3:
            lines += [f"elif {self.condition()}:", *self.inner(depth - 1)]
        if self.random.random() < 0.6:
            lines += ["else:", *self.inner(depth - 1)]
        return lines

    def loop(self, depth: int) -> list[str]:
        r = self.random
        before = list(self.known)
        if r.random() < 0.3:
            self.fresh += 1
            name = f"w{self.fresh}"  # counts down, so that most loops end
            head = [f"{name} = {r.randrange(5)}"]
            test = r.choice([f"{name}", f"{name} != 0", f"{name} > 0 and {self.condition(1)}"])
            lines = [*head, f"while {test}:", f"    {name} -= 1"]
        else:
            name = self.name()
            lines = [f"for {name} in {self.range()}:"]
            self.learn(name)
        self.loops += 1
        lines += self.block(depth - 1)
        self.loops -= 1
        self.known = before
        return lines

    def range(self) -> str:
        r = self.random
        near = [self.number() for _ in range(2)]
        ends = [*near, self.value(1), str(r.randrange(6)), "len(mem)" if self.sees() else "3"]
        step = r.choice(["1", "2", "3", "-1", "-2", "-3", "5"])
        start = r.choice([str(r.randrange(6)), str(self.size - 1 - r.randrange(6)), self.value(1)])
        if start.startswith("-"):
            start = "2"
        end = r.choice([*ends, "-1"])
        end = "-1" if end == "-2" else end
        plain = [f"range({end})", f"range({start}, {end})"]
        return r.choice([*plain, *[f"range({start}, {end}, {step})"] * 2])

    # ---- functions

    def function(self, name: str, depth: int) -> list[str]:
        r = self.random
        recursive = self.cells < self.size and r.random() < 0.7
        memory = r.random() < 0.5
        here = Function(name, r.randint(1, 3), memory, r.random() < 0.7, recursive)
        self.here = here
        numbers = ["d" if recursive else "p", "q", "s"][: here.numbers]
        self.known = list(numbers)
        lines = [f"def {name}({', '.join([*['mem'] * memory, *numbers])}):"]
        if recursive:
            result = r.choice([self.number(), *numbers]) if here.gives else ""
            lines.append(f"    if d == 0: return {result}".rstrip())
        lines += self.block(depth)
        if here.gives:
            lines.append(f"    return {self.value()}")
        self.here = None
        self.functions.append(here)
        return [*lines, ""]

    def program(self, small: bool) -> str:
        r = self.random
        lines = [f"N = {r.choice([2, 3, 7, self.size - 2])}", ""]
        for k in range(r.choice([0, 1] if small else [0, 0, 1, 1, 2, 3])):
            lines += self.function(f"f{k}", 1 if small else 2)
        self.known = []
        body = self.block(2, least=2) if small else self.block(3, least=3)
        return "\n".join([*lines, "def main(mem):", *body]) + "\n"


def is_constant(text: str) -> bool:
    """Return whether an expression consists of numbers and `N` only."""
    return bool(re.fullmatch(r"[-+*() \dN]+", text))


def program(seed: int, size: int, small: bool = False) -> tuple[str, int]:
    """Return the text of a program, and how many cells it leaves to a stack."""
    random = Random(seed)
    stack = size // 2 if random.random() < 0.5 else 0
    return Maker(random, size, size - stack).program(small), stack
