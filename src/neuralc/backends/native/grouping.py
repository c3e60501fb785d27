"""Which small instructions become one function. Changes nothing of what is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neuralc.backends.native.code import Group
from neuralc.backends.native.plan import Item, Loss, Transfer

SMALL = 240  # products in a group at most, unless it is a single instruction
PARTS = 12


def grouped(items: Sequence[Item]) -> list[Item]:
    """Return instructions with small neighbours of one node of the program put together."""
    result: list[Item] = []
    parts: list[Item] = []

    def close() -> None:
        if parts:
            group = Group(tuple(item.instruction for item in parts))  # type: ignore[misc]
            result.append(replace(parts[0], instruction=group))
            parts.clear()

    for item in items:
        if isinstance(item.instruction, Transfer | Loss):
            close()
            result.append(item)
            continue
        if parts and not _together(parts, item):
            close()
        parts.append(item)
    close()
    return result


def _together(parts: Sequence[Item], item: Item) -> bool:
    first = parts[0]
    here = first.node.line if first.node else 0
    there = item.node.line if item.node else 0
    work = sum(getattr(part.instruction, "work", 0) for part in (*parts, item))
    same = (here, first.back) == (there, item.back)
    return same and len(parts) < PARTS and work <= SMALL
