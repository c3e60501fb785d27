"""Another body for the neural functions of a program. Knows no weights."""

from __future__ import annotations

from dataclasses import replace

from neuralc.errors import NeuralcError
from neuralc.ir.nodes import Network, Program, Real

BODIES = ("mlp", "cnn")
SMALLEST = 4  # pixels of a side; what two poolings need


def with_bodies(program: Program, body: str) -> Program:
    """Return a program whose neural functions all have this body.

    Args:
        program: a checked program.
        body: "mlp", a fully connected network with the hidden layers that the program says; or
            "cnn", a convolutional network. Hidden sizes in a program are meant for the former, so
            one that becomes convolutional gets the sizes that suit it.

    Raises:
        NeuralcError: no such body, no neural function, or one that does not take one image.

    """
    if body not in BODIES:
        raise NeuralcError(f"net: there is no {body!r}\n  hint: {' or '.join(BODIES)}")
    if not program.networks:
        raise NeuralcError(
            f"net: the model {program.name} has no neural function\n  hint: leave {body!r} out"
        )
    return replace(program, networks=tuple(_changed(n, body) for n in program.networks))


def _changed(network: Network, body: str) -> Network:
    if network.body == body:
        return network
    if body == "cnn" and not takes_image(network):
        inputs = ", ".join(map(str, network.inputs))
        raise NeuralcError(
            f"net: {network.name}([{inputs}]) cannot be convolutional: it takes no single image\n"
            f"  hint: an image is a Tensor(h, w) or Tensor(channels, h, w), from {SMALLEST} x "
            f'{SMALLEST} on; write net="cnn" in the @Learn of those functions that take one'
        )
    return replace(network, body=body, hidden=() if body == "cnn" else network.hidden)


def takes_image(network: Network) -> bool:
    """Tell whether a function takes one image and nothing else."""
    if len(network.inputs) != 1 or not isinstance(network.inputs[0], Real):
        return False
    shape = network.inputs[0].shape
    return len(shape) in (2, 3) and min(shape[-2:]) >= SMALLEST
