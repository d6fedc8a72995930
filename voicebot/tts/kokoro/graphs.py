"""Cuts the published network in two, so that a voice is heard while it is being made.

The front reads a whole clause: sounds, their lengths, melody, and what the decoder makes of them (about a tenth of the
work). The generator turns any stretch of that into a spectrum. In the published network it cannot: at 48 places it
levels each channel by the mean and the deviation over the whole clause. Here both are handed in (see ``norms.py``),
which leaves convolutions that see 100 ms to each side.

The generator is written anew around the published weights, with time before channels: each convolution becomes one
product of 8-bit matrices. What that brings, and costs, is measured by ``benchmarks/voice.py`` (``results/voice.json``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from voicebot.tts.kokoro.layers import BINS, CHANNELS_LEVELLED, DILATIONS, NORMS, UPSAMPLING, Norm, stage_blocks

Array = NDArray[np.float32]

_GENERATOR = "/decoder/decoder/generator/"
_WEIGHTS = "decoder.decoder.generator."
_HIDDEN = f"{_GENERATOR}LeakyRelu_output_0"
_PITCH = "/decoder/decoder/Unsqueeze_output_0"
_DURATIONS = "/encoder/Clip_output_0"
_STEEPEST = 63  # weights in 7 bits: without VNNI, sums of 8 by 8 bits overflow (onnxruntime's "reduce_range")
_END = 2**40
_FRONT_INPUTS: tuple[tuple[str, int, Sequence[str | int | None]], ...] = (
    ("tokens", TensorProto.INT64, [1, "tokens"]),
    ("style", TensorProto.FLOAT, [1, 256]),
    ("speed", TensorProto.FLOAT, [1]),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """The network in two, each in ONNX, and what makes the buzz that goes into the generator.

    ``mix``, shape (9,): how loud each harmonic is; ``bias`` is added to their sum.
    """

    front: bytes
    generator: bytes
    mix: Array
    bias: float


def cut(model: bytes) -> Parts:
    """The published network (ONNX) in parts; about a second.

    Raises ``google.protobuf.message.DecodeError`` or KeyError for something else than that network.
    """
    published = Published(onnx.load_model_from_string(model))
    mix, bias = published.buzz()
    return Parts(published.front().SerializeToString(), _Generator(published).model().SerializeToString(), mix, bias)


class Published:
    """The network as it is published, by the names of its parts."""

    def __init__(self, model: ModelProto):
        self._model = model
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self._by_name = {node.name: node for node in model.graph.node}
        self._maker = {output: node for node in model.graph.node for output in node.output}
        self._users: dict[str, list[NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def buzz(self) -> tuple[Array, float]:
        """How loud each harmonic is in the buzz, shape (9,), and what is added to their sum."""
        mix = self._array(self._by_name[f"{_GENERATOR}m_source/l_linear/MatMul"].input[1])
        return mix.astype(np.float32).reshape(-1), float(self.tensor("m_source.l_linear.bias")[0])

    def front(self) -> ModelProto:
        """Everything before the generator; outputs: hidden, pitch, durations, then gain and offset of each norm."""
        levels = [name for norm in NORMS for name in self._gain_and_offset(norm)]
        return self._part([_HIDDEN, _PITCH, _DURATIONS, *levels])

    def with_statistics(self) -> ModelProto:
        """The whole network; outputs: hidden, audio, then mean and variance at each norm. For measuring them."""
        statistics = dict.fromkeys(name for norm in NORMS for name in self.mean_and_variance(norm))
        return self._part([_HIDDEN, "audio", *statistics])

    def mean_and_variance(self, norm: Norm) -> tuple[str, str]:
        """Names of the two statistics that a norm uses; some norms share them."""
        gain = self._user(self._gain_and_offset(norm)[0], "Add").output[0]
        product = self._user(gain, "Mul")
        quotient = self._maker[next(name for name in product.input if name != gain)]
        difference, deviation = (self._maker[name] for name in quotient.input)
        padded = self._maker[deviation.input[0]]
        variance = next(name for name in padded.input if name in self._maker)
        return difference.input[1], variance

    def tensor(self, name: str) -> Array:
        """A weight of the generator by the end of its name."""
        return np.asarray(self._array(_WEIGHTS + name), np.float32)

    def convolution(self, name: str) -> tuple[Array, Array]:
        """Weights (out, in, taps) and biases of a convolution that is published in 8 bits."""
        node = self._by_name[f"{_GENERATOR}{name}/Conv_quant"]
        (addition,) = self._users[node.output[0]]
        bias = self._maker[next(name for name in addition.input if name != node.output[0])]
        while bias.op_type != "Div":
            bias = self._maker[bias.input[0]]
        scale = next(name for name in self._maker[bias.input[1]].input if name in self._tensors)
        steps = self._array(node.input[1]).astype(np.float32) - float(self._array(node.input[3]).reshape(-1)[0])
        weights = steps * np.float32(self._array(scale).reshape(-1)[0])
        return weights, self._array(bias.input[0]).astype(np.float32).reshape(-1)

    def plain(self, name: str) -> tuple[Array, Array]:
        """Weights and biases of a layer that is published in 32 bits."""
        node = self._by_name[_GENERATOR + name]
        return self._array(node.input[1]).astype(np.float32), self._array(node.input[2]).astype(np.float32)

    def _gain_and_offset(self, norm: Norm) -> tuple[str, str]:
        return f"{_GENERATOR}{norm.path}/Slice_output_0", f"{_GENERATOR}{norm.path}/Slice_1_output_0"

    def _user(self, name: str, kind: str) -> NodeProto:
        return next(node for node in self._users[name] if node.op_type == kind)

    def _array(self, name: str) -> NDArray[np.generic]:
        return np.asarray(numpy_helper.to_array(self._tensors[name]))

    def _part(self, outputs: Sequence[str]) -> ModelProto:
        """The nodes that some tensors rest on, as a network of its own."""
        graph = self._model.graph
        wanted, tensors = set[str](), set[str]()
        left = list(outputs)
        while left:
            name = left.pop()
            if name in self._tensors:
                tensors.add(name)
            elif name in self._maker and self._maker[name].name not in wanted:
                wanted.add(self._maker[name].name)
                left += _inputs(self._maker[name])
        part = helper.make_graph(
            [node for node in graph.node if node.name in wanted],
            "part",
            [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in _FRONT_INPUTS],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [self._tensors[name] for name in sorted(tensors)],
        )
        return helper.make_model(part, opset_imports=self._model.opset_import, ir_version=self._model.ir_version)


def _inputs(node: NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield from _inputs(inner)


class _Generator:
    """Writes the generator: residual blocks of level, snake (x + sin²(ax)/a) and convolution."""

    def __init__(self, published: Published):
        self._published = published
        self._nodes: list[NodeProto] = []
        self._tensors: list[TensorProto] = []
        self._scale = dict(zip(NORMS, self._apart("scale"), strict=True))
        self._shift = dict(zip(NORMS, self._apart("shift"), strict=True))

    def model(self) -> ModelProto:
        """Inputs: hidden (1, frames, 512), buzz (1, 60 frames + 1, 22), scale and shift; output: spectrum."""
        voice = "hidden"
        for stage, factor in enumerate(UPSAMPLING):
            first = stage == 0
            weights, biases = self._published.convolution(f"noise_convs.{stage}")
            buzz = self._convolve("buzz", weights, biases, stride=6 if first else 1, padding=3 if first else 0)
            own, *others = stage_blocks(stage)
            voice = self._add("Add", self._upsample(voice, stage, factor), self._block(buzz, own))
            ways = [self._block(voice, block) for block in others]
            voice = self._add("Add", self._add("Add", ways[0], ways[1]), ways[2])
            voice = self._add("Mul", voice, self._constant(np.float32(1 / 3)))
            voice = self._add("LeakyRelu", voice, alpha=0.1 if first else 0.01)
        weights, biases = self._published.plain("conv_post/Conv")
        columns = self._add("Transpose", voice, perm=[0, 2, 1])
        columns = self._add("Conv", columns, self._constant(weights), self._constant(biases), pads=[3, 3])
        self._nodes.append(helper.make_node("Transpose", [columns], ["spectrum"], perm=[0, 2, 1]))
        return helper.make_model(
            self._graph(),
            opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)],
            ir_version=9,
        )

    def _graph(self) -> GraphProto:
        shapes: dict[str, Sequence[str | int | None]] = {
            "hidden": [1, "frames", 512],
            "buzz": [1, "columns", 2 * BINS],
            "scale": [1, 1, CHANNELS_LEVELLED],
            "shift": [1, 1, CHANNELS_LEVELLED],
        }
        spectrum = helper.make_tensor_value_info("spectrum", TensorProto.FLOAT, [1, "columns", 2 * BINS])
        inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
        return helper.make_graph(self._nodes, "generator", inputs, [spectrum], self._tensors)

    def _block(self, x: str, block: str) -> str:
        for step, dilation in enumerate(DILATIONS):
            y = x
            for half in (1, 2):
                norm = next(one for one in NORMS if (one.block, one.half, one.step) == (block, half, step))
                y = self._add("Add", self._add("Mul", y, self._scale[norm]), self._shift[norm])
                y = self._snake(y, self._published.tensor(f"{block}.alpha{half}.{step}").reshape(-1))
                weights, biases = self._published.convolution(f"{block}/convs{half}.{step}")
                y = self._convolve(y, weights, biases, dilation=dilation if half == 1 else 1)
            x = self._add("Add", x, y)
        return x

    def _snake(self, x: str, alpha: Array) -> str:
        wave = self._add("Sin", self._add("Mul", x, self._constant(alpha)))
        return self._add("Add", x, self._add("Mul", self._add("Mul", wave, wave), self._constant(1 / alpha)))

    def _upsample(self, x: str, stage: int, factor: int) -> str:
        weights, biases = self._published.plain(f"ups.{stage}/ConvTranspose")
        x = self._add("Transpose", x, perm=[0, 2, 1])
        half = factor // 2
        x = self._add(
            "ConvTranspose", x, self._constant(weights), self._constant(biases), strides=[factor], pads=[half, half]
        )
        if stage == 1:  # the buzz has one column more
            x = self._add("Pad", x, self._integers(0, 0, 1, 0, 0, 0), mode="reflect")
        return self._add("Transpose", x, perm=[0, 2, 1])

    def _convolve(
        self, x: str, weights: Array, biases: Array, *, dilation: int = 1, stride: int = 1, padding: int | None = None
    ) -> str:
        """Taps laid side by side, then one product; weights in 8 bits by output channel, input in 8 bits as it is."""
        out, into, taps = weights.shape
        around = (taps - 1) * dilation // 2 if padding is None else padding
        unit = np.maximum(np.abs(weights).max(axis=(1, 2)), 1e-8) / _STEEPEST
        steps = np.round(weights / unit[:, None, None]).astype(np.int8).transpose(2, 1, 0).reshape(taps * into, out)
        x, scale, zero = self._add_several("DynamicQuantizeLinear", [x], 3)
        if around:
            x = self._add("Pad", x, self._integers(0, around, 0, 0, around, 0), zero)
        if taps > 1:
            ends = [(tap - taps + 1) * dilation or _END for tap in range(taps)]
            cuts = [
                self._add("Slice", x, *map(self._integers, (tap * dilation, end, 1, stride)))
                for tap, end in enumerate(ends)
            ]
            x = self._add("Concat", *cuts, axis=2)
        factors = self._constant(steps), scale, self._constant(unit.astype(np.float32)), zero, ""
        return self._add("MatMulIntegerToFloat", x, *factors, self._constant(biases), domain="com.microsoft")

    def _apart(self, name: str) -> list[str]:
        widths = self._integers(*(norm.channels for norm in NORMS))
        return self._add_several("Split", [name, widths], len(NORMS), axis=2)

    def _add(self, kind: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        return self._add_several(kind, inputs, 1, domain=domain, **attributes)[0]

    def _add_several(
        self, kind: str, inputs: Iterable[str], outputs: int, *, domain: str = "", **attributes: Any
    ) -> list[str]:
        names = [f"t{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def _constant(self, value: NDArray[np.generic] | np.generic) -> str:
        name = f"c{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _integers(self, *values: int) -> str:
        return self._constant(np.array(values, np.int64))
