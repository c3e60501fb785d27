"""Pictures by matplotlib, which is an extra: a figure to draw on, and the figure as PNG."""

from __future__ import annotations

import io
from typing import Any

from neuralc.errors import MissingExtra


def new_figure(purpose: str, size: tuple[float, float]) -> Any:
    """Return an empty `matplotlib.figure.Figure`.

    Args:
        purpose: what is to be drawn, for the message.
        size: width and height in inches.

    Raises:
        MissingExtra: matplotlib is not installed.

    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("matplotlib", "demo", purpose) from None
    return Figure(figsize=size, layout="constrained")


def png(figure: Any, *, dpi: int = 120) -> bytes:
    """Return a figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
