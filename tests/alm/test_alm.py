"""The assembly of the machine with subroutines: what a text means, and back."""

from __future__ import annotations

import numpy as np
import pytest

from neuralc import routines
from neuralc.ir.alm import ENDS, FORMS, OPERATIONS, Code, Line
from neuralc.lang import alm
from neuralc.source import Source


def parsed(text: str) -> dict[str, Code]:
    return {code.name: code for code in alm.parse(Source("text", text))}


def rows(text: str, *entries: str, values: int = 16) -> list[list[int]]:
    codes = parsed(text)
    image = alm.link(codes, entries or list(codes)[:1], values)
    found: list[list[int]] = image.lines.tolist()
    return found


def op(name: str) -> int:
    return OPERATIONS.index(name)


# The listing of the paper, section 3.2: consecutive Fibonacci numbers in registers 1 and 2.
FIBONACCI = """
    inc 2 2
loop: write 3 2; add 1 2 2; read 3 1; write 3 2
    inc 3 3
    jump 4 loop
    halt
"""


def test_the_listing_of_the_paper() -> None:
    assert rows(FIBONACCI) == [
        [op("halt"), 0, 0, 0, 0, 0],
        [op("inc"), 2, 0, 2, 0, 0],
        [op("write"), 3, 2, 0, 0, 0],
        [op("add"), 1, 2, 2, 0, 0],
        [op("read"), 3, 0, 1, 0, 0],
        [op("write"), 3, 2, 0, 0, 0],
        [op("inc"), 3, 0, 3, 0, 0],
        [op("jump"), 4, 0, 0, 1, 2],
        [op("halt"), 0, 0, 0, 0, 0],
    ]


def test_a_text_without_a_header_is_one_routine() -> None:
    (code,) = alm.parse(Source("text", FIBONACCI), "fibonacci")
    assert (code.name, code.operands, code.labels) == ("fibonacci", (), {"loop": 1})


def test_values_jumps_and_returns() -> None:
    text = "routine f a b\nloop: set c -1 # the largest\n jump b 0 loop\n jump b loop\n ret c\n"
    assert rows(text)[1:] == [
        [op("set"), 0, 0, 2, 15, 0],
        [op("jump"), 1, 0, 0, 0, 1],
        [op("jump"), 1, 0, 0, 1, 1],
        [op("copy"), 2, 0, 0, 0, 0],
        [op("ret"), 0, 0, 0, 0, 0],
    ]


def test_a_call_is_a_store_of_the_next_line_and_a_jump() -> None:
    text = "routine f a\n call g\n call g\n ret\nroutine g a\n inc a a\n ret a\n"
    assert rows(text)[1:6] == [
        [op("store"), 0, 0, 0, 0, 3],
        [op("goto"), 0, 0, 0, 0, 6],
        [op("store"), 0, 0, 0, 0, 5],
        [op("goto"), 0, 0, 0, 0, 6],
        [op("ret"), 0, 0, 0, 0, 0],
    ]


def test_names_are_above_what_callees_may_change() -> None:
    text = """
    routine top a
        copy a kept; call middle; add 0 kept 0; ret 0
    routine middle a b
        copy a kept; copy b other; call low; ret kept
    routine low a
        inc 5 a; ret a
    """
    codes = parsed(text)
    found = rows(text, "top", "middle", "low")
    assert found[1][3] == 8  # top's, above middle's 6 and 7, above low's 5
    assert alm.link(codes, ["top"], 16).registers == 9
    assert alm.link(codes, ["middle"], 16).registers == 8
    assert alm.link(codes, ["low"], 16).registers == 6


def test_only_what_is_reached_is_linked_and_depth_is_known() -> None:
    codes = parsed("""
    routine a x
        call b; ret
    routine b x
        call c; call c; ret
    routine c x
        ret
    routine again x
        jump x 0 done; dec x x; call again
    done: ret
    """)
    image = alm.link(codes, ["a"], 16)
    assert list(image.places) == ["a", "b", "c"]
    assert [place.start for place in image.places.values()] == [1, 4, 9]
    assert image.depth == 3
    assert alm.link(codes, ["c"], 16).depth == 1
    assert alm.link(codes, ["again"], 16).depth is None
    assert not image.memory


def test_routines_in_a_circle_share_registers() -> None:
    codes = parsed("""
    routine even a
        copy a x; jump x 0 yes; dec a a; goto odd
    yes: set 0 1; ret
    routine odd a
        copy a y; jump y 0 no; dec a a; goto even
    no: set 0 0; ret
    """)
    assert alm.link(codes, ["even"], 16).registers == 2


def random_codes(seed: int) -> list[Code]:
    """Draw routines that are well formed and mean nothing."""
    rng = np.random.default_rng(seed)
    codes = []
    for k in range(3):
        count = int(rng.integers(1, 8))
        operands = tuple(f"a{i}" for i in range(rng.integers(3)))
        labels = {f"l{i}": int(rng.integers(count)) for i in range(rng.integers(4))}
        lines = [_line(rng, operands, [*labels, "r0_", "r1_", "r2_"]) for _ in range(count)]
        end = _line(rng, operands, [*labels, f"r{k}_"])
        while end.operation not in ENDS:
            end = _line(rng, operands, [*labels, f"r{k}_"])
        codes.append(Code(f"r{k}_", operands, (*lines[:-1], end), labels))
    return codes


def _line(rng: np.random.Generator, operands: tuple[str, ...], labels: list[str]) -> Line:
    registers: list[str | int] = [*operands, 0, 3, 5]
    operation = str(rng.choice(list(FORMS)))
    draws = {
        "first": lambda: registers[rng.integers(len(registers))],
        "second": lambda: registers[rng.integers(len(registers))],
        "target": lambda: registers[rng.integers(len(registers))],
        "value": lambda: int(rng.integers(-4, 4)),
        "label": lambda: labels[rng.integers(len(labels))],
    }
    parts = FORMS[operation] if operation != "ret" or rng.random() < 0.5 else ()
    return Line(operation, **{part: draws[part]() for part in parts})  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(100))
def test_what_is_printed_reads_back(seed: int) -> None:
    codes = random_codes(seed)
    found = alm.parse(Source("text", alm.text(codes)))
    assert [code.name for code in found] == [code.name for code in codes]
    assert list(found) == codes


def test_the_standard_library_reads_back() -> None:
    codes = alm.parse(Source("standard", routines.standard().read_text("utf-8")))
    assert alm.parse(Source("again", alm.text(codes))) == codes
