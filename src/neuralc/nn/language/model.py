"""A Hugging Face causal language model with a differentiable computer between two of its layers.

It is a `PreTrainedModel` like any other: `transformers.Trainer` trains it from answers alone,
`generate` generates, `save_pretrained` and `from_pretrained` save and load it, with the library in
its `config.json`. What a call is stands in `computer.py`.

Source: Saldyt and Kambhampati, "Algorithmic Language Models with Neurally Compiled Libraries"
(2024), arXiv:2407.04899, section 3; pointing to numbers of the text, joint calls and the copy head
are ours.
"""

from __future__ import annotations

from copy import deepcopy
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, GenerationMixin
from transformers.cache_utils import Cache, DynamicLayer
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.modeling_utils import PreTrainedModel

from neuralc.errors import NeuralcError, SolutionError
from neuralc.nn.language.computer import Called
from neuralc.nn.language.config import Augmentation, layer_path, plain_model
from neuralc.nn.language.explain import Explanation, explanation
from neuralc.nn.language.inserted import Inserted
from neuralc.nn.language.tokenizer import load_tokenizer

MODEL_TYPE = "neuralc"


class AugmentedConfig(PreTrainedConfig):
    """The configuration of the base model, and how it is augmented (see `Augmentation`)."""

    model_type = MODEL_TYPE
    sub_configs_defaults = {  # noqa: RUF012  (as transformers wants it)
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama")
    }

    keys_to_ignore_at_inference = ["cache"]  # noqa: RUF012

    text_config: dict[str, Any] | PreTrainedConfig | None = None
    augmentation: dict[str, Any] | None = None
    use_cache: bool = True


class AugmentedCausalLM(PreTrainedModel, GenerationMixin):
    """A causal language model that calls compiled programs; made by `neuralc.nn.augment`.

    Attributes:
        base: the language model.
        inserted: what was added; see `Inserted`.
        tokenizer: a Hugging Face tokenizer, or None; needed by `explain`, saved with the model.

    """

    config_class = AugmentedConfig
    base_model_prefix = "base"
    supports_gradient_checkpointing = False
    _supports_sdpa = True
    _supports_flash_attn = False
    _no_split_modules: list[str] = []  # noqa: RUF012
    _keep_in_fp32_modules_strict: list[str] = ["inserted"]  # noqa: RUF012

    def __init__(self, config: AugmentedConfig, base: Any = None, tokenizer: Any = None) -> None:
        """Put the computer into a base model; None: a new one of the configuration.

        Raises:
            SolutionError: the configuration is damaged, or of a newer version.
            NeuralcError: a part does not fit the others.

        """
        super().__init__(config)
        self.loss_type = "ForCausalLM"
        augmentation = Augmentation.from_json(config.augmentation)
        self.base = AutoModelForCausalLM.from_config(config.text_config) if base is None else base
        self.inserted = self._made(augmentation)
        self.tokenizer = tokenizer
        plain = plain_model(self.base)
        layer = plain.get_submodule(layer_path(plain, augmentation.layer))
        layer.register_forward_hook(self._hook)
        self._takes_places = "position_ids" in signature(plain.forward).parameters
        self.post_init()  # type: ignore[no-untyped-call]  # of transformers

    def _made(self, augmentation: Augmentation, library: Any = None) -> Inserted:
        text = self.config.text_config
        return Inserted(augmentation, text.hidden_size, text.vocab_size, library)

    def _hook(self, layer: nn.Module, inputs: Any, output: Any) -> Any:
        return self.inserted.hook(layer, inputs, output)

    def _init_weights(self, module: nn.Module) -> None:
        """Leave everything as it was made."""

    def get_input_embeddings(self) -> Any:
        """Return the embedding of tokens."""
        return self.base.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        """Return the head of the base model."""
        return self.base.get_output_embeddings()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None, labels: Tensor | None = None,
        cache: Cache | None = None, use_cache: bool | None = None, logits_to_keep: int = 0,
        **options: Any,
    ) -> CausalLMOutputWithPast:  # fmt: skip
        """Return logits, which are logarithms of probabilities where a call was made, and the loss.

        Args:
            input_ids: int64 `(B, T)`; with a cache the new tokens only.
            attention_mask: 0 at padding, `(B, T)`, of all tokens; None: there is none.
            position_ids: `(B, T)`; None, and in any case with digits: of the words, no padding.
            labels: `(B, T)`, -100 where nothing is asked.
            cache: of earlier tokens; it also keeps what calls need of them.
            use_cache: make one where there is none; None: as configured, but not in training.
            logits_to_keep: of the last so many positions only; 0: of all.
            options: passed on to the base model.

        Raises:
            NeuralcError: no token ids, or a cache that cannot grow.

        """
        if input_ids is None:
            raise NeuralcError("the model reads numbers from tokens: it needs input_ids")
        options = {k: v for k, v in options.items() if k not in ("inputs_embeds", "return_dict")}
        items = options.pop("num_items_in_batch", None)
        older = options.pop("past_key_values", None)
        cache = self._cache(older if cache is None else cache, use_cache)
        before = self._kept(cache)
        with self.inserted.reading(input_ids, attention_mask, before) as now:
            mask = now.visible(self.dtype) if now.masked else attention_mask
            if now.masked or (position_ids is None and attention_mask is not None):
                position_ids = now.places()
            if self._takes_places:
                options["position_ids"] = position_ids
            out = self.base(
                input_ids=input_ids, attention_mask=mask, cache=cache, return_dict=True,
                use_cache=cache is not None, **options,
            )  # fmt: skip
            logits = now.written(out.logits)[:, -logits_to_keep:]
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=self.config.text_config.vocab_size,
                num_items_in_batch=items,
            )  # fmt: skip
        return CausalLMOutputWithPast(
            loss=loss, logits=logits, cache=out.cache, hidden_states=out.get("hidden_states"),
            attentions=out.get("attentions"),
        )  # fmt: skip

    def _cache(self, cache: Cache | None, use_cache: bool | None) -> Cache | None:
        """Return the cache of a pass, a new one where one is wanted and there is none."""
        if use_cache is None:
            use_cache = self.config.use_cache and not self.training
        if use_cache and cache is None:
            return DynamicCache(config=self.config.text_config)
        return cache

    def _kept(self, cache: Cache | None) -> DynamicLayer | None:
        """Return where the computer keeps what it needs of earlier tokens: one more layer."""
        if cache is None:
            return None
        own = self.config.text_config.num_hidden_layers
        if not isinstance(cache, DynamicCache):
            raise NeuralcError(
                f"the computer needs a cache that grows, not {type(cache).__name__}\n"
                "  hint: leave out cache_implementation, or set use_cache=False"
            )
        if len(cache.layers) not in (own, own + 1) or (
            len(cache.layers) == own and cache.get_seq_length()
        ):
            raise NeuralcError(
                "the cache is not one of this model\n"
                "  hint: use that of an earlier output, or DynamicCache(config=model.config)"
            )
        if len(cache.layers) == own:
            cache.layers.append(DynamicLayer())
        kept = cache.layers[own]
        assert isinstance(kept, DynamicLayer)
        return kept

    def _remake(self) -> None:
        """Make what was added anew around the weights: only these come from the file."""
        old = self.inserted
        self.inserted = self._made(old.augmentation, old.library)
        self.inserted.load_state_dict(old.state_dict())
        self.inserted.to(self.device).train(self.training)

    # ---- what is inside

    @property
    def library(self) -> Any:
        """The programs, a `RoutineLibrary`."""
        return self.inserted.library

    def freeze_base(self) -> AugmentedCausalLM:
        """Train only what was added; return the model."""
        self.base.requires_grad_(False)
        return self

    def use_circuits(self, bits: int = 64) -> AugmentedCausalLM:
        """Let the same router call circuits on numbers below 2^bits in place of tables.

        Raises:
            NeuralcError: numbers are whole tokens, or a program has no circuit.

        """
        augmentation = self.inserted.use_circuits(bits)
        self.config.augmentation = augmentation.to_json()
        return self

    @torch.no_grad()
    def explain(self, text: str) -> Explanation:
        """Say what is called behind the last token of a text, on what, and how likely.

        Raises:
            NeuralcError: the model has no tokenizer.

        """
        tokenizer = self._tokenizer()
        encoded = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        ids = encoded["input_ids"].to(self.device)
        if not ids.numel():
            raise NeuralcError("there is nothing to explain: the text is empty")
        reading = self.inserted.reader(ids)
        goes_on, places = reading.goes_on[0].tolist(), reading.places()[0].tolist()
        words: list[str] = []
        for token, later in zip(ids[0].tolist(), goes_on, strict=True):
            word = self._word(token)
            if later:
                words[-1] += word
            else:
                words.append(word)
        called: list[Called] = []
        training = self.training
        self.train(False)
        logits = self._calls_of(ids, called)
        self.train(training)
        best = logits[0, -1].softmax(-1).topk(3)
        likely = []
        for chance, token in zip(*best, strict=True):
            later = int(token) in self.inserted.augmentation.numbers.goes_on
            begun = later and bool(reading.digits[0, -1])
            likely.append((("…" if begun else "") + self._word(int(token)), float(chance)))
        return explanation(words, places, self.inserted, called[0], likely)

    def _word(self, token: int) -> str:
        """Return what a token says; of numbers the digits."""
        number = self.inserted.augmentation.numbers.texts.get(token)
        return number or str(self._tokenizer().decode([token])).strip() or " "

    def _calls_of(self, ids: Tensor, called: list[Called]) -> Tensor:
        with self.inserted.watched(called):
            logits: Tensor = self(input_ids=ids).logits
        return logits

    def _tokenizer(self) -> Any:
        if self.tokenizer is None:
            raise NeuralcError(
                "the model does not know its tokenizer\n  hint: model.tokenizer = …, or "
                "augment(…, tokenizer=…)"
            )
        return self.tokenizer

    # ---- on disk

    def save_pretrained(self, save_directory: Any, *arguments: Any, **options: Any) -> None:
        """Save weights (safetensors), configuration with library, and the tokenizer if known.

        Adapters of peft in the base model are saved merged into its weights.
        """
        own = self.base
        try:
            if hasattr(own, "merge_and_unload"):
                self.base = deepcopy(own).merge_and_unload()
                options["state_dict"] = self.state_dict()
            super().save_pretrained(save_directory, *arguments, **options)
        finally:
            self.base = own
        if self.tokenizer is not None:
            self.tokenizer.save_pretrained(save_directory)

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: Any, *arguments: Any, **options: Any
    ) -> Any:
        """Load what `save_pretrained` has saved.

        Raises:
            SolutionError: it is damaged, or was saved by a newer neuralc.
            OSError: there is none.

        """
        folder = pretrained_model_name_or_path
        told = options.pop("output_loading_info", False)
        options["output_loading_info"] = True
        loaded: Any = super().from_pretrained(folder, *arguments, **options)
        found, info = loaded
        if info["missing_keys"]:
            some = ", ".join(sorted(info["missing_keys"])[:3])
            raise SolutionError(f"the model in {folder} is damaged: it has no weights {some}")
        found._remake()
        if (Path(folder) / "tokenizer_config.json").exists():
            found.tokenizer = load_tokenizer(folder)
        return (found, info) if told else found


AutoConfig.register(MODEL_TYPE, AugmentedConfig)
AutoModelForCausalLM.register(AugmentedConfig, AugmentedCausalLM)
