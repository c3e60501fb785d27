"""The two networks of the Fibonacci experiment, with the one program that they call.

*small*: a Llama of two layers, the computer between them. *minimal*: one linear layer before the
computer and one behind it. How they are trained is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neuralc.data.sentences import Fibonacci
from neuralc.nn.language.augment import augment
from neuralc.nn.language.calling import Call
from neuralc.nn.language.router import Parse
from neuralc.nn.language.tokenizer import word_tokenizer
from neuralc.nn.library.library import RoutineLibrary

Network = Literal["small", "minimal"]

PROGRAM = """routine fibonacci a b
    set k {depth}
loop: add a b sum
    copy b a
    copy sum b
    dec k k
    jump k 0 done
    goto loop
done: ret b
"""


@dataclass(frozen=True)
class Way:
    """A network and how it calls.

    Attributes:
        network: see above.
        parse: how operands are found.
        call: how the program is called.

    """

    network: Network
    parse: Parse
    call: Call


class Minimal(nn.Module):
    """Token ids `(B, T)` to logits `(B, T, V)` by two linear layers, T up to `length`.

    The first is applied to the concatenated one-hot tokens up to a position: every token has a
    vector of its own at each place, and they are added up.
    """

    def __init__(self, vocabulary: int, length: int, hidden: int, deviation: float) -> None:
        """Draw the weights of the first layer with this standard deviation."""
        super().__init__()
        self.vocabulary = vocabulary
        self.before = nn.Embedding(vocabulary * length, hidden)
        nn.init.normal_(self.before.weight, std=deviation)
        self.computer = nn.Identity()  # the place where it is put in
        self.after = nn.Linear(hidden, vocabulary)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits."""
        places = torch.arange(ids.shape[1], device=ids.device) * self.vocabulary
        hidden = self.before(ids + places).cumsum(1)
        logits: Tensor = self.after(self.computer(hidden))
        return logits


class Answering(nn.Module):
    """An augmented network that is asked for the token behind sentences of one length."""

    def __init__(
        self, task: Fibonacci, way: Way, *, hidden: int, deviation: float, scale: float,
        write: float,
    ) -> None:  # fmt: skip
        """Make it.

        Args:
            task: the sentences.
            way: the network and how it calls.
            hidden: d.
            deviation: standard deviation of the weights of the network.
            scale: of the weights that decode operands, see `Router.begin`.
            write: the logit of writing the result before training.

        """
        super().__init__()
        library = RoutineLibrary(task.n, cells=1, depth=2)
        library.add(PROGRAM.format(depth=task.depth))
        self.tokenizer = word_tokenizer(task.words(), task.n)
        self.network = way.network
        parts: dict[str, Any] = {
            "library": library, "operands": 2, "parse": way.parse, "call": way.call,
            "callers": ["="], "tokenizer": self.tokenizer,
        }  # fmt: skip
        size = len(self.tokenizer)
        if way.network == "small":
            self.model = augment(_llama(size, hidden, deviation), layer=1, **parts)
        else:
            length = len(self.tokens([task.every()[0].text])[0])
            base = Minimal(size, length, hidden, deviation)
            self.model = augment(base, layer="computer", hidden=hidden, vocabulary=size, **parts)
        decoded = way.parse == "decode"
        self.router.begin(write=write, scale=scale if decoded else None)

    @property
    def router(self) -> Any:
        """What is learned of calls, a `Router`."""
        return self.model.inserted.computer.router

    def tokens(self, texts: list[str]) -> Tensor:
        """Return the ids of texts of one length, `(B, T)`."""
        return torch.tensor(self.tokenizer(texts, add_special_tokens=False)["input_ids"])

    def answers(self, numbers: list[int]) -> Tensor:
        """Return the tokens of numbers, `(B,)`."""
        return torch.tensor(self.model.inserted.augmentation.numbers.first)[numbers]

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits of what follows texts `(B, T)`, `(B, V)`."""
        if self.network == "minimal":
            logits: Tensor = self.model(ids)
        else:
            logits = self.model(input_ids=ids).logits
        return logits[:, -1]


def _llama(vocabulary: int, hidden: int, deviation: float) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=2 * hidden,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=32, initializer_range=deviation, pad_token_id=0, bos_token_id=2,
        eos_token_id=3, rope_parameters={"rope_type": "default", "rope_theta": 10.0},
    )  # fmt: skip
    return LlamaForCausalLM(config)
