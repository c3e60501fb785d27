"""Assembly text: both styles, the numbers that lines and registers get, listings that read back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuralc import routines
from neuralc.errors import ModelErrors
from neuralc.ir.assembly import OPERATIONS, Assembly, Line
from neuralc.lang import asm
from neuralc.source import Source
from tests.asm.plain import run


def parse(text: str) -> Assembly:
    return asm.parse(Source("test.asm", text))


# ---- the style of the published compiler

ADDITION = """
var a = 0;
var b = 1;
var zero = 0;
a = READ(a);
b = READ(b);
loop: JEZ(b, end);
b = DEC(b);
a = INC(a);
JEZ(zero, loop);
end: WRITE(zero, a);
STOP();
"""


def test_registers_in_reverse_order_of_their_definitions() -> None:
    program = parse(ADDITION)
    assert len(program.lines) == 8
    assert program.registers == (6, 2, 0, 1, 0, 0)
    assert program.names == ("end", "loop", "zero", "b", "a", "junk")
    assert program.labels == {2: "loop", 6: "end"}
    assert program == parse(ADDITION.replace("\n", " ").replace("var b", "\nvar b"))


def test_a_label_used_before_it_is_defined() -> None:
    """What counts is the definition: `late` is used first and defined last."""
    program = parse("var x = 0; JEZ(x, late); soon: JEZ(x, soon); late: STOP();")
    assert program.names == ("late", "soon", "x", "junk")
    assert program.registers == (2, 1, 0, 0)


def test_what_is_missing_is_the_junk_register() -> None:
    program = parse("var x = 5; var y = INC(x); READ(x); ZERO(); STOP();")
    assert program.names == ("y", "x", "junk")
    assert program.registers == (0, 5, 0)
    assert program.lines == (
        Line("INC", 1, 2, 0), Line("READ", 1, 2, 2), Line("ZERO", 2, 2, 2), Line("STOP", 2, 2, 2),
    )  # fmt: skip


def test_a_variable_called_junk() -> None:
    assert parse("var junk = 3; STOP();").names == ("junk", "junk_")


# ---- listings


def test_numbers_as_written() -> None:
    program = parse("""
        var r1 = 6          # comment
        var r2 = ?          // another
        var r4 = @LABEL
               r3 = ZERO
               r0 = READ r1
        LABEL: r3 = ADD r1 r2
        r3 = SUB r1, r2; r3 = MIN(r1, r2)
        r2 = WRITE (r1 r3)
        r2 = JEZ r0 r4
        _  = STOP
    """)
    assert program.registers == (0, 6, None, 0, 2)
    assert program.names == ("r0", "r1", "r2", "r3", "r4")
    assert program.labels == {2: "LABEL"}
    assert program.lines == (
        Line("ZERO", None, None, 3), Line("READ", 1, None, 0), Line("ADD", 1, 2, 3),
        Line("SUB", 1, 2, 3), Line("MIN", 1, 2, 3), Line("WRITE", 1, 3, 2), Line("JEZ", 0, 4, 2),
        Line("STOP", None, None, None),
    )  # fmt: skip


def test_names_follow_the_numbers() -> None:
    program = parse("var x = 7; var y = ?; r1 = ADD x r0; JEZ y end; x = INC x; end: STOP")
    assert program.names == ("r0", "r1", "x", "y", "end", "junk")
    assert program.registers == (0, 0, 7, None, 3, None)


def test_only_labels_that_are_used_need_a_register() -> None:
    assert parse("loop: r0 = INC r0; r0 = JEZ r0 r0; end: STOP").names == ("r0",)


@pytest.mark.parametrize("text", ["r0 = INC r0; JEZ r0 r0; STOP", "JEZ(r0, r0); _ = STOP()"])
def test_a_missing_target_does_no_harm(text: str) -> None:
    """JEZ writes a 0 somewhere; no register of the program may lose its value to that."""
    program = parse(text)
    assert program.names == ("r0", "junk")
    assert program.registers == (0, None)
    assert {line.target for line in program.lines if line.operation == "JEZ"} == {1}


def test_any_register() -> None:
    program = parse("var r0 = -1; _ = WRITE _ r0; _ = ADD r0 _; r0 = READ _; STOP _ r0")
    assert program.lines == (
        Line("WRITE", None, 0, None), Line("ADD", 0, None, None), Line("READ", None, None, 0),
        Line("STOP", None, 0, None),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "start"), [("start @b", 1), ("start 2", 2), ("start: r0 = ZERO; start @start", 0)]
)
def test_the_first_line(text: str, start: int) -> None:
    tail = "" if ":" in text else "; a: r0 = ZERO; b: r0 = INC r0"
    assert parse(f"{text}{tail}; STOP").start == start


def test_several_labels_of_a_line() -> None:
    program = parse("var x = 0;\none:\n\ntwo: # here\n  STOP();")
    assert program.registers == (0, 0, 0, 0)
    assert program.names == ("two", "one", "x", "junk")
    assert program.labels == {0: "one"}


@pytest.mark.parametrize(
    "listing",
    ["0: STOP()", "STOP", "_ = STOP()", "start 0; STOP()", "var x = ?; STOP()",
     "x: var y = @x; STOP()", "var r0 = 0; STOP()", "STOP(r0)"],
)  # fmt: skip
def test_what_makes_a_listing(listing: str) -> None:
    """A listing has no junk register where none is needed, but one register at least."""
    assert parse("STOP()").lines == (Line("STOP", 0, 0, 0),)
    line = parse(listing).lines[0]
    assert line in (Line("STOP"), Line("STOP", first=0))
    assert parse(listing).registers


def test_several_errors_at_once() -> None:
    with pytest.raises(ModelErrors) as caught:
        parse("loop: r0 = RAED r1\nr1 = ADD r0\nvar loop = 3.5\nJEZ r1 lop\n")
    assert [error.code for error in caught.value.errors] == ["E401", "E402", "E406", "E403"]
    assert [error.span.line for error in caught.value.errors] == [1, 2, 3, 4]


@given(st.text("rvSTOPINCx01_:=(),@?-;# \n/", max_size=60) | st.text(max_size=40))
def test_any_text_is_a_program_or_an_error(text: str) -> None:
    try:
        program = parse(text)
    except ModelErrors:
        return
    assert parse(asm.text(program)) == program


# ---- from the program to text


@st.composite
def programs(draw: st.DrawFn) -> Assembly:
    """Programs of all shapes; names and labels are anything."""
    count = draw(st.integers(1, 5))
    starts = st.lists(st.none() | st.integers(-30, 30), min_size=count, max_size=count)
    register = st.none() | st.integers(0, count - 1)
    line = st.builds(Line, st.sampled_from(OPERATIONS), register, register, register)
    lines = draw(st.lists(line, min_size=1, max_size=12))
    words = st.text(max_size=5) | st.sampled_from(["r1", "_", "loop", "JEZ", "var", "start"])
    names = draw(st.just([]) | st.lists(words, min_size=count, max_size=count))
    labels = draw(st.dictionaries(st.integers(0, len(lines)), words))
    start = draw(st.integers(0, 15))
    return Assembly(tuple(lines), tuple(draw(starts)), start, tuple(names), labels)


@given(programs())
def test_a_listing_reads_back(program: Assembly) -> None:
    assert parse(asm.text(program)) == program


@pytest.mark.parametrize("name", routines.names())
def test_a_routine_as_a_listing_reads_back(name: str) -> None:
    program = parse(routines.path(name).read_text(encoding="utf-8"))
    again = parse(asm.text(program))
    assert again == program
    assert again.labels == program.labels


def test_a_listing() -> None:
    assert asm.text(parse("var x = ?; loop: x = INC x; JEZ x loop; start 1; STOP")) == (
        "var r0 = ?  # x\n"
        "var r1 = 0  # loop\n"
        "var r2 = ?  # junk\n"
        "\n"
        "start 1\n"
        "\n"
        "0: loop: r0 = INC  r0     # x = INC x\n"
        "1:       r2 = JEZ  r0 r1  # JEZ x loop\n"
        "2:            STOP\n"
    )


def test_the_listing_of_the_machine_is_assembly() -> None:
    """Solutions of `machines/ram.py` print lines like these."""
    program = parse(
        "var r0 = 3\nvar r1 = 0\n0: r1 = READ r0 r0\n1: r0 = JEZ r1 r0\n2: r0 = STOP r0 r1"
    )
    assert program.lines[0] == Line("READ", 0, 0, 1)
    assert program.lines[2] == Line("STOP", 0, 1, 0)


# ---- the size of the memory


@given(programs(), st.integers(1, 40))
def test_fit(program: Assembly, memory: int) -> None:
    constants = [value for value in program.registers if value is not None]
    small = all(-memory <= value < memory for value in constants)
    fits = len(program.lines) <= memory and program.start < memory and small
    assert fits == (memory >= asm.smallest_memory(program))
    if fits:
        asm.fit(program, memory)
        program.choices(memory)
    else:
        with pytest.raises(ModelErrors) as caught:
            asm.fit(program, memory)
        assert {error.code for error in caught.value.errors} == {"E410"}


def test_a_misfit_is_shown_where_it_is_written() -> None:
    program = parse("# var far = 20\nvar far = 20\nfar = READ far\nSTOP")
    with pytest.raises(ModelErrors, match=re.escape("test.asm:2:1")):
        asm.fit(program, 20)


def test_a_misfit_without_a_text_is_shown_in_the_listing() -> None:
    program = Assembly((Line("STOP"),) * 3, (0, 20), source=Source("f.py", "def f(mem): pass"))
    with pytest.raises(ModelErrors) as caught:
        asm.fit(program, 2)
    assert "--> listing:6:4" in str(caught.value)
    assert "line 2, of 3 lines, does not fit" in str(caught.value)
    assert "--> listing:2:1" in str(caught.value)


def test_minus_one_is_the_largest_value() -> None:
    program = parse("var r0 = -1; STOP")
    assert asm.smallest_memory(program) == 1
    assert run(program, [0] * 7).registers == [6]
