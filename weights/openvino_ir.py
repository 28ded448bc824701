"""Reads the constants of an OpenVINO IR and the little of its graph that says what they are for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """A convolution, the noise and the bias added to it (both constant), and a leaky ReLU's slope."""

    weight: Floats
    noise: Floats
    bias: Floats
    slope: float


class Constants:
    """The float32 constants by name."""

    def __init__(self, values: dict[str, Floats], inputs: dict[str, list[str]]) -> None:
        self._values = values
        self._inputs = inputs  # of each operator, by name
        self._users: dict[str, list[str]] = defaultdict(list)
        for name, names in inputs.items():
            for given in names:
                self._users[given].append(name)

    @classmethod
    def read(cls, xml: Path) -> Constants:
        """From the .xml and the .bin beside it. Raises OSError and ElementTree.ParseError."""
        network, content = ElementTree.parse(xml).getroot(), xml.with_suffix(".bin").read_bytes()
        names, values = {}, {}
        for layer in network.iterfind("layers/layer"):
            names[layer.attrib["id"]] = layer.attrib["name"]
            data = layer.find("data")
            if layer.get("type") == "Const" and data is not None and data.get("element_type") == "f32":
                shape = [int(length) for length in data.attrib["shape"].split(",") if length.strip()]
                start, size = int(data.attrib["offset"]), int(data.attrib["size"])
                values[layer.attrib["name"]] = np.frombuffer(content[start : start + size], "<f4").reshape(
                    shape
                )
        inputs = defaultdict(list)
        for edge in sorted(network.iterfind("edges/edge"), key=lambda edge: int(edge.attrib["to-port"])):
            inputs[names[edge.attrib["to-layer"]]].append(names[edge.attrib["from-layer"]])
        return cls(values, inputs)

    def __getitem__(self, name: str) -> Floats:
        return self._values[name]

    def factor_after(self, bias: str) -> float:
        """The number that an affine map's output is multiplied by after its bias is added, or 1."""
        (added,) = self._users[bias]
        (shaped,) = self._users[added]
        (scaled,) = self._users[shaped]
        factors = [self._values[name] for name in self._inputs[scaled] if name in self._values]
        return float(factors[0].item()) if factors else 1.0

    def layer_with_bias(self, bias: str) -> Layer:
        """The layer that adds the bias of this name."""
        (with_bias,) = self._users[bias]
        (with_noise,) = (name for name in self._inputs[with_bias] if name != bias)
        convolution, noise = self._inputs[with_noise]
        _, weight = self._inputs[convolution]
        (activation,) = self._users[with_bias]
        _, slope = self._inputs[activation]
        return Layer(
            weight=self._values[weight],
            noise=self._values[noise],
            bias=self._values[bias].reshape(-1),
            slope=float(self._values[slope].item()),
        )
