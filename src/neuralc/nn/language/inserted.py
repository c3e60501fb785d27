"""What is put into a model: reading, computer and copy head, and how one forward pass uses them.

The computer stands behind the output of a layer, as a forward hook; what it needs to know beside
hidden states (the numbers of the text) is kept for the time of one pass. Any module that maps
tokens to logits will do; Hugging Face models are not known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from neuralc.errors import NeuralcError
from neuralc.nn.language.calling import Calls, check_fits
from neuralc.nn.language.computer import Called, Computer
from neuralc.nn.language.config import Augmentation
from neuralc.nn.language.reading import Reader, Reading
from neuralc.nn.language.writing import Writer
from neuralc.nn.library.library import RoutineLibrary

TOO_LONG = 99  # digits of a number that is too large: no result goes on with it


class Inserted(nn.Module):
    """Reader, computer and writer of an augmented model.

    Attributes:
        augmentation: what it is made of.
        library: the programs.
        computer: with all that is trained.

    """

    def __init__(
        self, augmentation: Augmentation, hidden: int, vocabulary: int,
        library: RoutineLibrary | None = None,
    ) -> None:  # fmt: skip
        """Make the parts.

        Args:
            augmentation: what it is made of.
            hidden: d, of the hidden states.
            vocabulary: how many tokens there are.
            library: that of the augmentation, if it has been read before: its tables are kept.

        Raises:
            NeuralcError: the parts do not fit.

        """
        super().__init__()
        self.library = library or RoutineLibrary.from_json(augmentation.library)
        n, numbers = self.library.n, augmentation.numbers
        check_fits(self.library, n, augmentation.operands)
        _check_tokens(augmentation, n, vocabulary)
        self.digits = numbers.writing == "digits"
        calls = Calls(self.library, n, augmentation.call)
        self.computer = Computer(
            calls, hidden, augmentation.operands, steps=augmentation.steps,
            parse=augmentation.parse, residual=augmentation.residual, width=augmentation.width,
            digits=self.digits,
        )  # fmt: skip
        self.augmentation = augmentation
        self.reader = Reader(numbers, vocabulary, n)
        self.writer = Writer(numbers)
        self.callers: Tensor | None
        callers = None
        if augmentation.callers is not None:
            callers = torch.zeros(vocabulary, dtype=torch.bool)
            callers[list(augmentation.callers)] = True
        self.register_buffer("callers", callers, persistent=False)
        self._now: Pass | None = None
        self._watched: list[Called] | None = None
        if augmentation.bits is not None:
            self.use_circuits(augmentation.bits)

    def use_circuits(self, bits: int) -> Augmentation:
        """Compute with circuits of so many bits, see `AugmentedCausalLM.use_circuits`."""
        if not self.digits:
            raise NeuralcError(
                "numbers are whole tokens, so there are no larger ones to compute with\n"
                '  hint: augment(…, numbers="digits")'
            )
        if isinstance(bits, bool) or not isinstance(bits, int):
            raise NeuralcError(f"bits are a whole number, not {bits!r}")
        self.computer.calls.use_circuits(bits)
        self.reader.limit = 2**bits
        self.augmentation = replace(self.augmentation, bits=bits)
        return self.augmentation

    @contextmanager
    def reading(self, ids: Tensor, present: Tensor | None, kept: Any = None) -> Iterator[Pass]:
        """Begin a pass over tokens; within it, the hook runs the computer.

        Args:
            ids: int64 `(B, T)`.
            present: 0 at padding, `(B, T')` of all tokens; None: there is none.
            kept: a cache layer with what earlier passes have left, if there were any.

        """
        self._now = Pass(self, ids, present, kept)
        try:
            yield self._now
        finally:
            self._now = None

    @contextmanager
    def watched(self, called: list[Called]) -> Iterator[None]:
        """Collect the calls of passes."""
        self._watched = called
        try:
            yield
        finally:
            self._watched = None

    def hook(self, _: nn.Module, __: Any, output: Any) -> Any:
        """Run the computer on the output of a layer, hidden states or a tuple that begins so."""
        now = self._now
        if now is None:
            return output
        hidden = output if isinstance(output, Tensor) else output[0]
        changed = now.run(hidden)
        if self._watched is not None and now.called is not None:
            self._watched.append(now.called)
        return changed if isinstance(output, Tensor) else (changed, *output[1:])


class Pass:
    """One forward pass: the texts as read, and the calls that were made.

    Attributes:
        reading: of the whole texts.
        begin: how many tokens earlier passes have seen.
        called: what was called, once the computer has run.
        digits: whether numbers are written as digits.
        masked: whether attention is limited, see `visible`.

    """

    def __init__(self, inserted: Inserted, ids: Tensor, present: Tensor | None, kept: Any) -> None:
        """Read the texts."""
        self.inserted, self.kept, self.ids = inserted, kept, ids
        self.begin, whole = 0, ids
        if kept is not None and kept.is_initialized:
            before = kept.values[:, 0, :, 0]
            self.begin, whole = before.shape[1], torch.cat([before, ids], 1)
        if present is not None and present.shape != whole.shape:
            raise NeuralcError(
                f"attention_mask is of shape {tuple(present.shape)}, and the tokens so far are "
                f"{tuple(whole.shape)}"
            )
        self.reading: Reading = inserted.reader(whole, present)
        callers = inserted.callers
        self.may = torch.ones_like(whole, dtype=torch.bool) if callers is None else callers[whole]
        self.called: Called | None = None
        self.digits = inserted.digits
        self.masked = self.digits or inserted.augmentation.isolated

    def visible(self, dtype: torch.dtype) -> Tensor:
        """Return the mask of attention, `(B, 1, T, T')`, which is added to scores."""
        seen = self.reading.visible()
        if self.inserted.augmentation.isolated:
            part = self.may.cumsum(1) - self.may.long()  # how many callers stand before a token
            seen &= (part.unsqueeze(2) == part.unsqueeze(1)) | self.may.unsqueeze(1)
        seen = seen[:, self.begin :]
        mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
        mask = mask.masked_fill(~seen, torch.finfo(dtype).min)
        return mask.unsqueeze(1)

    def places(self) -> Tensor:
        """Return the places of the tokens of this pass in the sentence, int64 `(B, T)`."""
        return self.reading.places()[:, self.begin :]

    def run(self, hidden: Tensor) -> Tensor:
        """Make the calls of hidden states `(B, T, d)`, and return them with results added."""
        computer = self.inserted.computer
        features = computer.router(hidden)
        if self.kept is not None:
            ids = self.ids[:, None, :, None]
            features = self.kept.update(features.unsqueeze(1), ids)[0][:, 0]
        self.called = computer.call(features, self.reading, self.may, self.begin)
        return computer.returned(hidden, self.called, self.begin)

    def written(self, logits: Tensor) -> Tensor:
        """Return logits `(B, T, V)` with the results of the calls mixed in."""
        called = self.called
        if called is None:
            raise NeuralcError("the layer behind which the computer stands was not run")
        sites, writer = called.sites, self.inserted.writer
        if not len(sites.example):
            return logits
        place = (sites.example, sites.position - self.begin)
        with torch.autocast(logits.device.type, enabled=False):
            rows = sites.rows(logits, self.begin)
            if self.digits:
                at = (sites.example, sites.position)
                begun, length = self.reading.values[at], self.reading.digits[at]
                length = length.where(self.reading.readable[at] | (length == 0), TOO_LONG)
                mixed = writer.digits(rows, called.spread_written(), begun, length)
            else:
                mixed = writer.whole(rows, called.written())
            if len(mixed) == logits.shape[0] * logits.shape[1]:
                return mixed.view(logits.shape)
            return logits.float().index_put(place, mixed)


def _check_tokens(augmentation: Augmentation, n: int, vocabulary: int) -> None:
    numbers = augmentation.numbers
    if numbers.writing == "whole" and len(numbers.first) != n:
        raise NeuralcError(
            f"the library works on {n} numbers, and the tokenizer writes {len(numbers.first)}"
        )
    largest = max(*numbers.texts, *(augmentation.callers or ()))
    if largest >= vocabulary:
        raise NeuralcError(
            f"the model has {vocabulary} tokens, and numbers and callers go up to token {largest}\n"
            "  hint: vocab_size=len(tokenizer) in the configuration of the model"
        )
    if numbers.writing == "digits":
        for name, value in (
            ("steps", 1),
            ("parse", "point"),
            ("residual", False),
            ("call", "joint"),
        ):
            if getattr(augmentation, name) != value:
                raise NeuralcError(
                    f"where numbers are written as digits, {name} is {value!r}, "
                    f"not {getattr(augmentation, name)!r}"
                )
    if augmentation.isolated and augmentation.callers is None:
        raise NeuralcError(
            "words are isolated by the calls between them: with calls everywhere nothing is seen\n"
            '  hint: say behind which words there may be calls: augment(…, callers=[",", "="])'
        )
    if augmentation.steps > 1 and augmentation.callers is None:
        raise NeuralcError(
            "calls that use earlier results need to be few\n"
            '  hint: say behind which words there may be calls: augment(…, callers=[",", "="])'
        )
