"""Messages between processes: a JSON object and some numpy arrays, over a pipe.

Data only: nothing is pickled, so whatever comes in can be wrong but cannot be run. Knows nothing of
what the messages mean.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

Array = np.ndarray[Any, Any]
Frame = tuple[dict[str, Any], dict[str, Array]]
_HEAD = struct.Struct("<QQ")  # bytes of JSON, bytes of arrays
_LARGEST = 1 << 34


def write(
    stream: BinaryIO, message: Mapping[str, Any], arrays: Mapping[str, Array] | None = None
) -> None:
    """Write one message and flush.

    Args:
        stream: a pipe, opened for writing.
        message: what JSON can hold.
        arrays: numbers or truth values by name; names may be any text.

    Raises:
        OSError: nobody reads any more.
        ValueError: an array of objects.

    """
    arrays = arrays or {}
    text = json.dumps([dict(message), list(arrays)]).encode()
    packed = io.BytesIO()
    if arrays:  # by position: a name in an archive may not be just anything
        plain = [np.asarray(array) for array in arrays.values()]
        if any(array.dtype.kind not in "biuf" for array in plain):
            raise ValueError("only arrays of numbers can be sent")
        np.savez(packed, *plain)
    stream.write(_HEAD.pack(len(text), packed.tell()) + text + packed.getvalue())
    stream.flush()


def read(stream: BinaryIO) -> Frame | None:
    """Return the next message with its arrays; None at the end of the stream.

    A message that breaks off, because its writer was ended, is the end as well.

    Raises:
        ValueError: this is not a message.

    """
    head = _exactly(stream, _HEAD.size)
    if head is None:
        return None
    sizes = _HEAD.unpack(head)
    if max(sizes) > _LARGEST:
        raise ValueError("a message is too long")
    text, packed = (_exactly(stream, size) for size in sizes)
    if text is None or packed is None:
        return None
    message, names = json.loads(text)
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    if not names:
        return message, {}
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        return message, {name: archive[f"arr_{k}"] for k, name in enumerate(names)}


def _exactly(stream: BinaryIO, size: int) -> bytes | None:
    found = stream.read(size) if size else b""
    return found if len(found) == size else None
