"""An augmented language model: what it says, cached or not, padded or not, of which family."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    DynamicCache,
    GemmaConfig,
    GemmaForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    StaticCache,
)

from neuralc.errors import NeuralcError
from neuralc.nn.language.augment import augment
from tests.nn.language.small import (
    augmented,
    base,
    ids_of,
    library,
    stir,
    ternary,
    tokenizer,
)

TEXTS = ["add 3 and 4 =", "what is 12 sub 5 from 7 ? then 6 , =", "= 1"]
FAMILIES = [(Qwen2Config, Qwen2ForCausalLM), (MistralConfig, MistralForCausalLM),
            (GemmaConfig, GemmaForCausalLM)]  # fmt: skip
KINDS: list[dict[str, Any]] = [
    {}, {"steps": 3, "callers": [",", "=", "sub"]}, {"numbers": "digits"},
    {"parse": "decode", "steps": 2, "library": ternary(), "callers": [",", "=", "sub"]},
    {"steps": 2, "callers": [",", "="], "isolated": True},
    {"call": "marginal"}, {"callers": ["and", "?"]},
    {"call": "marginal", "callers": ["?", "then"], "steps": 2},
]  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore:.*generation flags:UserWarning")


def inputs(model: Any) -> dict[str, Tensor]:
    return ids_of(TEXTS, model.inserted.augmentation.numbers.writing)


def full(model: Any, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    with torch.no_grad():
        found: Tensor = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    return found.log_softmax(-1)


# ---- what augmenting changes


@pytest.mark.parametrize("numbers", ["whole", "digits"])
def test_before_training(numbers: Any) -> None:
    """Only the copy head adds something: the model's own words keep their proportions."""
    own = base()
    before = copy.deepcopy(own.state_dict())
    plain, mask = ids_of(TEXTS, numbers).values()
    made = augment(own, library=library(), layer=1, operands=2, numbers=numbers,
                   tokenizer=tokenizer(numbers)).eval()  # fmt: skip
    assert all(torch.equal(weights, own.state_dict()[k]) for k, weights in before.items())
    assert made.base is own
    # where numbers are digits, attention is another: compare within what both see alike
    places = (mask.cumsum(1) - 1).clamp_min(0)
    one = ids_of(["add 3 and 4 ="], numbers)["input_ids"] if numbers == "digits" else plain
    with torch.no_grad():
        if numbers == "digits":
            wanted, found = own(one).logits, made(one).logits
        else:
            wanted = own(plain, attention_mask=mask, position_ids=places).logits
            found = made(input_ids=plain, attention_mask=mask).logits
    words = [t for t in range(48) if t not in made.inserted.augmentation.numbers.texts]
    there = slice(None) if numbers == "digits" else mask.bool()
    a, b = (x[there][..., words].log_softmax(-1) for x in (wanted, found))
    assert torch.allclose(a, b, atol=1e-5)
    # and a quarter is left to results, where there are numbers
    assert torch.allclose(found.exp()[0, -1].sum(), torch.tensor(1.0), atol=1e-5)


def test_a_copy_is_a_model_of_its_own() -> None:
    model = augmented()
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.inserted.computer.router.project.weight.zero_()
    ids = inputs(model)["input_ids"][:1]
    assert not torch.allclose(full(model, ids), full(other, ids))
    assert torch.equal(full(model, ids), full(augmented(), ids))


# ---- generating


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_cached_as_in_one_go(options: dict[str, Any]) -> None:
    model = augmented(**options)
    ids, mask = inputs(model).values()
    whole = full(model, ids, mask)
    cache, rows = None, []
    with torch.no_grad():
        for k in range(0, ids.shape[1], 3):
            out = model(input_ids=ids[:, k : k + 3], attention_mask=mask[:, : k + 3], cache=cache)
            cache = out.cache
            rows.append(out.logits.log_softmax(-1))
    there = mask.bool()
    assert torch.allclose(torch.cat(rows, 1)[there], whole[there], atol=1e-4)


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_gradients_are_finite(options: dict[str, Any]) -> None:
    model = augmented(**options).train()
    given = inputs(model)
    model(**given, labels=given["input_ids"]).loss.backward()
    for name, weights in model.named_parameters():
        assert weights.grad is None or bool(weights.grad.isfinite().all()), name
    assert bool(model.inserted.computer.router.project.weight.grad.any())


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_padding_changes_nothing(options: dict[str, Any]) -> None:
    model = augmented(**options)
    ids, mask = inputs(model).values()
    together = full(model, ids, mask)
    for row, there in enumerate(mask.bool()):
        alone = full(model, ids[row : row + 1, there])
        assert torch.allclose(together[row, there], alone[0], atol=1e-4)


@pytest.mark.parametrize("options", KINDS[:3], ids=str)
def test_generation(options: dict[str, Any]) -> None:
    model = augmented(**options)
    given = inputs(model)
    settings = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": None}
    cached = model.generate(**given, **settings)
    assert torch.equal(cached, model.generate(**given, use_cache=False, **settings))
    ids, mask = given.values()
    for _ in range(8):  # by hand
        new = full(model, ids, mask)[:, -1].argmax(-1, keepdim=True)
        ids, mask = torch.cat([ids, new], 1), torch.cat([mask, torch.ones_like(new)], 1)
    assert torch.equal(cached, ids)


@pytest.mark.parametrize("options", KINDS[:3], ids=str)
def test_beams(options: dict[str, Any]) -> None:
    model = augmented(**options)
    given = inputs(model)
    settings = {"max_new_tokens": 6, "num_beams": 3, "do_sample": False, "eos_token_id": None,
                "return_dict_in_generate": True, "output_scores": True,
                "length_penalty": 0.0}  # fmt: skip
    found = model.generate(**given, **settings)
    assert torch.equal(
        found.sequences, model.generate(**given, use_cache=False, **settings).sequences
    )
    begin = given["input_ids"].shape[1]
    mask = torch.cat([given["attention_mask"], torch.ones(3, 6, dtype=torch.int64)], 1)
    logs = full(model, found.sequences, mask)[:, begin - 1 : -1]
    total = logs.gather(2, found.sequences[:, begin:, None]).sum((1, 2))
    assert torch.allclose(total, found.sequences_scores, atol=1e-3)


def test_loss_and_kept_logits() -> None:
    model = augmented()
    ids, mask = inputs(model).values()
    labels = ids.clone()
    labels[:, :-2] = -100
    out = model(input_ids=ids, attention_mask=mask, labels=labels, output_hidden_states=True)
    wanted = nn.functional.cross_entropy(out.logits[:, -3:-1].flatten(0, 1), ids[:, -2:].flatten())
    assert torch.allclose(out.loss, wanted)
    assert len(out.hidden_states) == 3
    last = model(input_ids=ids, attention_mask=mask, logits_to_keep=2).logits
    assert torch.equal(last, out.logits[:, -2:])


def test_what_cannot_be_read() -> None:
    model = augmented()
    ids, mask = inputs(model).values()
    with pytest.raises(NeuralcError, match="needs input_ids"):
        model(input_ids=None, inputs_embeds=torch.zeros(1, 2, 32))
    with pytest.raises(NeuralcError, match="attention_mask is of shape"):
        model(input_ids=ids, attention_mask=mask[:, 1:])
    with pytest.raises(NeuralcError, match="a cache that grows, not StaticCache"):
        model(input_ids=ids, cache=StaticCache(config=model.config.text_config, max_cache_len=9))
    cache = model.base(input_ids=ids, use_cache=True).cache
    with pytest.raises(NeuralcError, match="not one of this model"):
        model(input_ids=ids[:, :1], cache=cache)
    with pytest.raises(NeuralcError, match="not one of this model"):
        model(input_ids=ids[:, :1], cache=DynamicCache())


# ---- families


@pytest.mark.parametrize("numbers", ["whole", "digits"])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f[0].__name__)
def test_families(family: Any, numbers: Any) -> None:
    extra = {"head_dim": 16} if family[0] is GemmaConfig else {}
    model = augmented(model=base(family=family, **extra), numbers=numbers)
    given = inputs(model)
    settings = {"max_new_tokens": 5, "do_sample": False, "eos_token_id": None}
    assert torch.equal(
        model.generate(**given, **settings), model.generate(**given, use_cache=False, **settings)
    )
    model(**given, labels=given["input_ids"]).loss.backward()
    assert model.inserted.computer.router.project.weight.grad.abs().sum() > 0


def gpt2() -> Any:
    torch.manual_seed(0)
    sizes = {"vocab_size": 48, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
    return GPT2LMHeadModel(
        GPT2Config(**sizes, bos_token_id=2, eos_token_id=3, pad_token_id=0)
    ).eval()


@pytest.mark.parametrize("numbers", ["whole", "digits"])
def test_other_families_by_the_name_of_a_layer(numbers: Any) -> None:
    with pytest.raises(NeuralcError, match=r"GPT2LMHeadModel is not of a family .*\n  hint: name"):
        augmented(model=gpt2())
    model = augmented(model=gpt2(), layer="transformer.h.0", numbers=numbers)
    ids, mask = inputs(model).values()
    together = full(model, ids, mask)
    alone = full(model, ids[:1, mask[0].bool()])
    assert torch.allclose(together[0, mask[0].bool()], alone[0], atol=1e-4)
    settings = {"max_new_tokens": 5, "do_sample": False, "eos_token_id": None}
    given = inputs(model)
    assert torch.equal(
        model.generate(**given, **settings), model.generate(**given, use_cache=False, **settings)
    )


class Stack(nn.Module):
    """A plain module of token ids to logits."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(48, 16)
        self.blocks = nn.Sequential(nn.Linear(16, 16), nn.Tanh())
        self.head = nn.Linear(16, 48)

    def forward(self, ids: Tensor, scale: float = 1.0) -> Tensor:
        found: Tensor = self.head(self.blocks(self.embed(ids).cumsum(1))) * scale
        return found


@pytest.mark.parametrize("numbers", ["whole", "digits"])
def test_a_plain_module(numbers: Any) -> None:
    plain = Stack()
    with pytest.raises(NeuralcError, match=r"hint: say hidden=.*vocabulary="):
        augment(plain, library=library(), layer="blocks.0", operands=2)
    made: Any = augment(plain, library=library(), layer="blocks.0", operands=2, hidden=16,
                        vocabulary=48, numbers=numbers)  # fmt: skip
    stir(made)
    ids, mask = ids_of(TEXTS, numbers).values()
    logits = made(ids, mask, scale=0.5)
    logs = logits[mask.bool()].log_softmax(-1)
    assert not torch.allclose(logs, plain(ids, scale=0.5)[mask.bool()].log_softmax(-1), atol=0.1)
    nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten()).backward()
    assert made.inserted.computer.router.project.weight.grad.abs().sum() > 0
    other: Any = augment(Stack(), library=library(), layer="blocks.0", operands=2, hidden=16,
                         vocabulary=48, numbers=numbers)  # fmt: skip
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(ids, mask, scale=0.5), logits)


def test_isolated_words() -> None:
    """Words behind a call do not see those before it; without isolation they do."""
    texts = ["add 3 and 4 , then sub 2 =", "sub 3 of 4 , then sub 2 ="]
    ids = tokenizer()(texts, return_tensors="pt", add_special_tokens=False)["input_ids"]
    behind = ids[0].tolist().index(tokenizer().convert_tokens_to_ids(",")) + 1
    for isolated in (False, True):
        made = augmented(steps=2, callers=[",", "="], isolated=isolated)
        states: list[Tensor] = []
        made.base.model.layers[0].register_forward_hook(lambda *x: states.append(x[2]))  # noqa: B023
        full(made, ids)
        one, other = states[0][:, behind:-1]  # at `=` there is a result
        assert torch.allclose(one, other, atol=1e-5) == isolated
