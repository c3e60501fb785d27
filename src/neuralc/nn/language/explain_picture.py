"""An explanation as a picture: which program, and which tokens its operands point to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neuralc.pictures import new_figure, png

if TYPE_CHECKING:
    from neuralc.nn.language.explain import Explanation, Step

MOST = 8  # programs


def draw(explanation: Explanation) -> bytes:
    """Return the picture as PNG: a row for each step, programs left, operands right.

    Raises:
        MissingExtra: matplotlib is not installed.

    """
    steps = explanation.steps
    rows = max(len(steps), 1)
    width = 4 + 0.55 * len(explanation.words)
    figure = new_figure("the picture of an explanation", (max(width, 7), 0.8 + 2.4 * rows))
    axes = figure.subplots(rows, 2, squeeze=False, gridspec_kw={"width_ratios": [1, 2]})
    for step, (left, right) in zip(steps, axes, strict=False):
        _programs(left, step, explanation.words[step.place])
        _operands(right, step, explanation.words)
    if not steps:
        for axis in axes[0]:
            axis.axis("off")
        axes[0, 0].text(0, 0.5, "no call is made here")
    figure.suptitle(" ".join(explanation.words), fontsize=10)
    return png(figure)


def _programs(axis: Any, step: Step, word: str) -> None:
    shown = step.programs[:MOST][::-1]
    axis.barh([name for name, _ in shown], [p for _, p in shown], color="tab:blue")
    axis.set_xlim(0, 1)
    axis.set_title(f"behind {word!r}: {str(step).split(', result')[0]}", fontsize=9)


def _operands(axis: Any, step: Step, words: tuple[str, ...]) -> None:
    rows = [operand.words for operand in step.operands if operand.words]
    if not rows:
        axis.axis("off")
        sources = [f"operand {k}: {o.number} ({o.source}, {o.chance:.2f})"
                   for k, o in enumerate(step.operands, 1)]  # fmt: skip
        axis.text(0, 0.5, "\n".join(sources))
        return
    axis.imshow(rows, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    axis.set_xticks(range(len(words)), words, rotation=45, ha="right", fontsize=8)
    axis.set_yticks(range(len(rows)), [f"operand {k}" for k in range(1, len(rows) + 1)], fontsize=8)
