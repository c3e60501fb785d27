"""A linked library as one soft machine: entries and operands are distributions.

One turn of the model `machines/alm.py` is compiled by the soft execution and made until every
example has ended. The program is made of weights, frozen or trainable entry by entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neuralc.backends.soft.module import SoftModule
from neuralc.backends.soft.runtime import centred_softmax
from neuralc.errors import DataError, NeuralcError
from neuralc.ir.alm import FIELDS, RESULT, Image
from neuralc.nn.library.frozen import MaskedWeights
from neuralc.nn.library.machine import FETCHED, Sizes, one_turn
from neuralc.nn.library.routine import SOFT_STEPS
from neuralc.nn.weights import SHARP

RUNNING = 1e-6
"""An example is at its end when less than this is the probability that it still runs."""


@dataclass(frozen=True, slots=True)
class SoftRun:
    """How a soft run ended.

    Attributes:
        result: the distribution of register 0, `(B, n)`.
        registers: distributions of all registers, `(B, R, n)`.
        memory: distributions of the cells, `(B, C, n)`.
        ended: probabilities that it was cut off, has halted, is trapped, `(B, 3)`.
        steps: the turns that were made.

    """

    result: Tensor
    registers: Tensor
    memory: Tensor
    ended: Tensor
    steps: int


class SoftLibrary(nn.Module):
    """The soft machine with a library as its program.

    Attributes:
        sizes: of the machine.
        places: the lines of each routine by name.
        entries: the names of the routines, in the order of their probabilities.
        weights: logits of the parts of all lines, each `(L, size)`, see `MaskedWeights`.

    Source:
        Saldyt and Kambhampati (2024), arXiv:2407.04899, section 3. A turn mixes the lines by the
        distribution of the line that is next.

    """

    def __init__(self, image: Image, sizes: Sizes, *, sharpness: float = SHARP) -> None:
        """Put a program into the machine; nothing is frozen yet.

        Args:
            image: the linked library.
            sizes: of a machine that it fits.
            sharpness: the logit of what is chosen, in nats; the others are 0. The default is
                exact, with gradients that are 0; 5 to 10 leaves something to learn.

        """
        super().__init__()
        self.sizes, self.places = sizes, dict(image.places)
        self.entries = tuple(image.places)
        choices = image.choices(sizes.lines)
        self.weights = nn.ModuleDict()
        for name, size in zip(FIELDS, sizes.of_lines(), strict=True):
            hot = nn.functional.one_hot(torch.from_numpy(choices[name][0]), size)
            self.weights[name] = MaskedWeights(sharpness * hot.to(torch.get_default_dtype()))
        one = one_turn(sizes)
        self.step = SoftModule(one.program, carried=[d.name for d in one.program.of("input")])
        self.step.requires_grad_(requires_grad=False)  # it has no choices of its own
        self.following = dict(one.following)

    # ---- freezing

    def freeze(
        self, *, keep: Collection[str] = (), lines: Iterable[int] | None = None
    ) -> SoftLibrary:
        """Freeze the whole program but some routines, or only single lines; return the machine.

        What was frozen before and is not named now can be trained again.

        Args:
            keep: names of routines that stay trainable.
            lines: the numbers of the lines to freeze; None: all but those of `keep`.

        Raises:
            NeuralcError: a routine or line that is not there.

        """
        frozen = torch.zeros(self.sizes.lines, dtype=torch.bool)
        chosen = list(range(self.sizes.lines) if lines is None else lines)
        if any(not 0 <= line < self.sizes.lines for line in chosen):
            raise NeuralcError(f"the lines are 0 … {self.sizes.lines - 1}, found {chosen}")
        frozen[chosen] = True
        for name in keep:
            place = self._place(name)
            frozen[place.start : place.stop] = False
        for part in self.weights.values():
            assert isinstance(part, MaskedWeights)
            part.freeze(frozen.unsqueeze(-1).to(part.mask.device))
            part.free.requires_grad_(not bool(frozen.all()))
        return self

    def _place(self, name: str) -> range:
        if name not in self.places:
            raise NeuralcError(
                f"there is no routine {name!r}\n  hint: there are {', '.join(self.places)}"
            )
        return self.places[name]

    def lines(self) -> Tensor:
        """Return the probabilities of the parts of all lines, `(L, sum of their sizes)`."""
        return torch.cat([centred_softmax(part()) for part in self.weights.values()], -1)

    # ---- running

    def forward(
        self, entry: str | Tensor, operands: Sequence[Tensor], memory: Tensor | None = None,
        *, max_steps: int = SOFT_STEPS,
    ) -> SoftRun:  # fmt: skip
        """Run softly.

        Args:
            entry: the name of a routine, or a distribution over `entries`, `(B, entries)`.
            operands: distributions `(B, n)` of the registers 0, 1, …; the others hold 0.
            memory: distributions `(B, C, n)` of the cells; None: all hold 0.
            max_steps: the most turns.

        Raises:
            DataError: shapes that do not fit.

        """
        state = self._begin(entry, operands, memory)
        commands = self.lines().unsqueeze(0)
        sizes = list(self.sizes.of_lines())
        steps = 0
        while steps < max_steps and float(state["ended"][..., 0].detach().max()) > RUNNING:
            fetched = (state["line_number"] @ commands).split(sizes, -1)
            after, _ = self.step.run({**state, **dict(zip(FETCHED, fetched, strict=True))})
            state = {name: after[following] for name, following in self.following.items()}
            steps += 1
        registers, cells = state["registers"][0], state["memory"][0, :, : self.sizes.cells]
        return SoftRun(registers[:, RESULT], registers, cells, state["ended"][0], steps)

    def _begin(
        self, entry: str | Tensor, operands: Sequence[Tensor], memory: Tensor | None
    ) -> Mapping[str, Tensor]:
        """Return the state at the start, each `(1, B, …)`."""
        sizes, like = self.sizes, self.weights["operation"].fixed
        assert isinstance(like, Tensor)
        given = [t for t in (*operands, memory, entry) if isinstance(t, Tensor)]
        batch = given[0].shape[0] if given else 1
        for t, wanted in self._wanted(entry, operands, memory, batch):
            if tuple(t.shape) != wanted or not t.is_floating_point():
                raise DataError(f"found {t.dtype} of shape {tuple(t.shape)}, wanted {wanted}")

        def sure(value: int, size: int, *shape: int) -> Tensor:
            row = nn.functional.one_hot(torch.tensor(value, device=like.device), size).to(like)
            return row.expand(1, batch, *shape, size)

        held = [t.to(like).unsqueeze(0).unsqueeze(2) for t in operands]
        rest = sure(0, sizes.values, sizes.registers - len(held))
        cells = sure(0, sizes.values, sizes.cells) if memory is None else memory.to(like)[None]
        return {
            "line_number": self._line(entry, batch).unsqueeze(0),
            "registers": torch.cat([*held, rest], 2),
            "memory": torch.cat([cells, sure(0, sizes.values, 1)], 2),
            "stack": sure(0, sizes.lines, sizes.depth + 1),
            "height": sure(1, sizes.depth + 1),
            "ended": sure(0, 3),
        }

    def _wanted(
        self, entry: str | Tensor, operands: Sequence[Tensor], memory: Tensor | None, batch: int
    ) -> list[tuple[Tensor, tuple[int, ...]]]:
        sizes = self.sizes
        if len(operands) > sizes.registers:
            raise DataError(f"{len(operands)} operands do not fit {sizes.registers} registers")
        found: list[tuple[Tensor, tuple[int, ...]]] = [(t, (batch, sizes.values)) for t in operands]
        if memory is not None:
            found.append((memory, (batch, sizes.cells, sizes.values)))
        if isinstance(entry, Tensor):
            found.append((entry, (batch, len(self.entries))))
        return found

    def _line(self, entry: str | Tensor, batch: int) -> Tensor:
        """Return the distribution of the first line, `(B, L)`."""
        like: Any = self.weights["operation"].fixed
        names = (entry,) if isinstance(entry, str) else self.entries
        starts = torch.tensor([self._place(name).start for name in names], device=like.device)
        hot = nn.functional.one_hot(starts, self.sizes.lines).to(like)
        return hot.expand(batch, -1) if isinstance(entry, str) else entry.to(like) @ hot
