"""Random programs: the machine does what CPython does with every result reduced modulo M."""

from __future__ import annotations

from random import Random

import pytest

from neuralc.errors import ModelErrors
from neuralc.lang import pyasm
from neuralc.source import Source
from tests.pyasm.plain import run
from tests.pyasm.random_programs import program
from tests.pyasm.reference import TooLong, functions, on_memory

SIZE = 140
PROGRAMS, CHUNK = 320, 40
STEPS = 300_000


def memory(random: Random) -> list[int]:
    """Return cells with many small and many large numbers."""
    near = [0, 1, 2, SIZE - 1]
    return [random.choice([*near, random.randrange(10), random.randrange(SIZE)])
            for _ in range(SIZE)]  # fmt: skip


def compared(seed: int) -> int:
    """Run one program on the machine and in CPython; return on how many memories."""
    text, stack = program(seed, SIZE, small=True)
    try:
        compiled = pyasm.compile(Source("p.py", text), memory=SIZE, entry="main", stack=stack)
    except ModelErrors as error:
        if {one.code for one in error.errors} != {"E521"}:  # only ever too long
            raise
        return 0
    reference, random, count = functions(text, SIZE), Random(seed), 0
    for _ in range(2):
        cells = memory(random)
        try:
            wanted = on_memory(reference, "main", cells, SIZE)
        except TooLong:
            continue
        found, _, line = run(compiled.assembly, cells, STEPS, random.randrange(SIZE))
        if compiled.overflow(found):
            assert line in compiled.traps
            continue
        data = compiled.status if compiled.status is not None else SIZE
        assert found[:data] == wanted[:data], text
        count += 1
    return count


@pytest.mark.parametrize("chunk", range(PROGRAMS // CHUNK))
def test_random_programs(chunk: int) -> None:
    counts = [compared(seed) for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK)]
    assert sum(count > 0 for count in counts) > 0.9 * CHUNK


def test_the_programs_are_varied() -> None:
    texts = [program(seed, SIZE, small=True)[0] for seed in range(PROGRAMS)]
    for word in ("while", "for", "elif", "break", "continue", "return", " if ", "and", "d - 1"):
        assert sum(word in text for text in texts) > 20, word
