"""Recurrent layers: simple, LSTM and GRU, in both directions and stacked.

A cell is a number of gates side by side in Keras's order, and the order and names that the other frameworks have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Size
from service.networks.fans import Fans
from service.networks.layers.layer import ActivationName, BiasedLayerSpec
from service.networks.layouts import Arrangement, Cut, Join, Move, Placement, Placements, Reshape, Sum, Take
from service.networks.parameters import TORCH, ZEROS, Parameter
from service.networks.schemes import PRESETS, AnyScheme
from service.networks.site import Axes

SIZES = Field(min_length=2, max_length=2, description="[in, units]", examples=[[32, 16]])


@dataclass(frozen=True, slots=True)
class Gating:
    """`torch` is the order in which PyTorch has Keras's gates; `flax` their letters there, in Keras's order."""

    name: str
    torch: tuple[int, ...]
    flax: tuple[str, ...]
    two_biases: bool = False  # one for the input, one for the state, as GRU has them (Keras's reset_after)

    @property
    def gates(self) -> int:
        return len(self.torch)


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of a layer: where each framework keeps it."""

    inputs: int
    keras: str
    torch: str
    flax: str


class Recurrent(BiasedLayerSpec):
    """Gates that each see the input (kernel) and the state (recurrent kernel)."""

    gating: ClassVar[Gating]
    shape: list[Size]
    activation: ActivationName = Field("tanh", description="Of the cell.")
    recurrent_scheme: AnyScheme | None = Field(None, description="How the recurrent kernel starts, as `scheme`.")
    num_layers: Annotated[Size, Field(le=64)] = Field(1, description="Layers one upon the other.")
    bidirectional: bool = Field(False, description="A second cell a layer that reads backwards.")
    cell: bool = Field(
        False,
        description="The cell alone, which its user steps: LSTMCell, GRUCell, RNNCell, with such a cell's names.",
    )

    @model_validator(mode="after")
    def _cell_stands_alone(self) -> Self:
        if self.cell and (self.num_layers > 1 or self.bidirectional):
            raise PydanticCustomError("cell", "a cell alone is one layer, in one direction")
        return self

    @property
    def state(self) -> int:
        """Width of the state that a cell hands on."""
        return self.shape[1]

    def places(self) -> Iterator[Place]:
        inputs = self.shape[0]
        directions = 2 if self.bidirectional else 1
        for number in range(self.num_layers):
            stack = f"layer_{number}/" if self.num_layers > 1 else ""
            for way in range(directions):
                side = "backward" if way else "forward"
                keras, flax = (f"{side}_{self.type}/", f"{side}_rnn/cell/") if self.bidirectional else ("", "")
                suffix = "" if self.cell else f"_l{number}{'_reverse' if way else ''}"
                width = inputs if number == 0 else self.state * directions
                yield Place(width, f"{stack}{keras}{self.type}_cell/", suffix, f"{stack}{flax}")

    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(parameter for place in self.places() for parameter in self._cell_parameters(place))

    def _cell_parameters(self, place: Place) -> Iterator[Parameter]:
        units, gates = self.shape[1], self.gating.gates
        by_units = {"pytorch": Fans(units, gates * units)}  # torch bounds all by 1 / sqrt(units)
        yield Parameter(
            f"{place.keras}kernel", (place.inputs, gates * units), Fans(place.inputs, units), "weights", "scheme",
            {"keras": Fans(place.inputs, gates * units), **by_units},
            axes=Axes.gated((place.inputs, gates * units), gates), gates=gates,
        )  # fmt: skip
        yield Parameter(
            f"{place.keras}recurrent_kernel", (self.state, gates * units), Fans(self.state, units), "recurrent",
            "recurrent_scheme", {"keras": Fans(self.state, gates * units), **by_units},
            axes=Axes.gated((self.state, gates * units), gates), gates=gates,
        )  # fmt: skip
        if not self.has_bias:
            return
        shape = (2, gates * units) if self.gating.two_biases else (gates * units,)
        forget = PRESETS["unit_forget_bias"]
        usual = {"recommended": forget, "keras": forget} if self.gating.name == "lstm" else {}
        yield Parameter(
            f"{place.keras}bias", shape, Fans(place.inputs, units), "bias", "bias", by_units, usual, gates=gates
        )
        if not self.gating.two_biases:
            torch = TORCH if self.bias is None else ZEROS  # torch adds a second bias; no other framework has one
            yield Parameter(
                f"{place.keras}recurrent_bias", shape, Fans(units, units), "bias", None, by_units, {"pytorch": torch},
                gates=gates,
            )  # fmt: skip

    def placements(self) -> Placements:
        found: dict[str, list[Placement]] = {"keras": [], "pytorch": [], "flax": []}
        for place in self.places():
            found["keras"] += self._in_keras(place)
            found["pytorch"] += self._in_torch(place)
            found["flax"] += self._in_flax(place)
        return {"keras": tuple(found["keras"]), "pytorch": tuple(found["pytorch"]), "flax": tuple(found["flax"])}

    def _take(self, place: Place, name: str) -> Arrangement:
        return Take(f"{place.keras}{name}")

    def _one_bias(self, place: Place) -> Arrangement:
        return Sum((self._take(place, "bias"), self._take(place, "recurrent_bias")))

    def _in_keras(self, place: Place) -> Iterator[Placement]:
        prefix = "" if self.cell else place.keras
        for name in ("kernel", "recurrent_kernel"):
            yield Placement(f"{prefix}{name}", self._take(place, name))
        if self.has_bias:
            bias = self._take(place, "bias") if self.gating.two_biases else self._one_bias(place)
            yield Placement(f"{prefix}bias", bias)

    def _in_torch(self, place: Place) -> Iterator[Placement]:
        def ordered(of: Arrangement, axis: int) -> Arrangement:
            gates = self.gating.gates
            if self.gating.torch == tuple(range(gates)):
                return of
            return Join(tuple(Cut(of, axis, gate, gates) for gate in self.gating.torch), axis)

        for name, short in (("kernel", "ih"), ("recurrent_kernel", "hh")):
            yield Placement(f"weight_{short}{place.torch}", Move(ordered(self._take(place, name), 1), (1, 0)))
        if self.has_bias:
            for row, (short, name) in enumerate((("ih", "bias"), ("hh", "recurrent_bias"))):
                if self.gating.two_biases:
                    bias = Reshape(Cut(self._take(place, "bias"), 0, row, 2), lambda shape: shape[1:])
                    yield Placement(f"bias_{short}{place.torch}", ordered(bias, 0))
                else:
                    yield Placement(f"bias_{short}{place.torch}", ordered(self._take(place, name), 0))

    def _in_flax(self, place: Place) -> Iterator[Placement]:
        gates = self.gating.gates

        def bias(row: int | None, gate: int) -> Arrangement:
            if row is None:
                return Cut(self._one_bias(place), 0, gate, gates)
            return Reshape(Cut(Cut(self._take(place, "bias"), 0, row, 2), 1, gate, gates), lambda shape: shape[1:])

        for gate, letter in enumerate(self.gating.flax):
            yield Placement(f"{place.flax}i{letter}/kernel", Cut(self._take(place, "kernel"), 1, gate, gates))
            yield Placement(f"{place.flax}h{letter}/kernel", Cut(self._take(place, "recurrent_kernel"), 1, gate, gates))
            if not self.has_bias:
                continue
            if not self.gating.two_biases:  # LSTM keeps it with the state, the simple cell with the input
                side = "h" if self.gating.name == "lstm" else "i"
                yield Placement(f"{place.flax}{side}{letter}/bias", bias(None, gate))
            elif letter == "n":  # only the candidate's two biases are apart: the reset gate stands between them
                yield Placement(f"{place.flax}in/bias", bias(0, gate))
                yield Placement(f"{place.flax}hn/bias", bias(1, gate))
            else:
                yield Placement(f"{place.flax}i{letter}/bias", Sum((bias(0, gate), bias(1, gate))))


class SimpleRnn(Recurrent):
    """Keras `SimpleRNN`, PyTorch `RNN`, Flax `SimpleCell`."""

    gating = Gating("simple_rnn", (0,), ("",))
    type: Literal["simple_rnn"]
    shape: Annotated[list[Size], SIZES]


class Lstm(Recurrent):
    """Keras and PyTorch `LSTM`, Flax `LSTMCell`: four gates (Hochreiter and Schmidhuber 1997)."""

    gating = Gating("lstm", (0, 1, 2, 3), ("i", "f", "g", "o"))
    type: Literal["lstm"]
    shape: Annotated[list[Size], SIZES]
    projection: Size | None = Field(
        None, description="Width that a matrix takes the state to, less than units: PyTorch's proj_size."
    )

    @model_validator(mode="after")
    def _projection_narrows(self) -> Self:
        if self.projection is not None and self.cell:
            raise PydanticCustomError("cell", "a cell alone has no projection")
        if self.projection is not None and self.projection >= self.shape[1]:
            raise PydanticCustomError(
                "projection", "projection must be less than units, {units}", {"units": self.shape[1]}
            )
        return self

    @property
    def state(self) -> int:
        return self.projection or self.shape[1]

    def _cell_parameters(self, place: Place) -> Iterator[Parameter]:
        yield from super()._cell_parameters(place)
        if self.projection is not None:
            units = self.shape[1]
            yield Parameter(
                f"{place.keras}projection_kernel", (units, self.projection), Fans(units, self.projection), "recurrent",
                "recurrent_scheme", {"pytorch": Fans(units, 4 * units)},
            )  # fmt: skip

    def _in_keras(self, place: Place) -> Iterator[Placement]:
        yield from super()._in_keras(place)
        if self.projection is not None:
            yield Placement(f"{place.keras}projection_kernel", self._take(place, "projection_kernel"))

    def _in_torch(self, place: Place) -> Iterator[Placement]:
        yield from super()._in_torch(place)
        if self.projection is not None:
            yield Placement(f"weight_hr{place.torch}", Move(self._take(place, "projection_kernel"), (1, 0)))

    def _in_flax(self, place: Place) -> Iterator[Placement]:
        yield from super()._in_flax(place)
        if self.projection is not None:
            yield Placement(f"{place.flax}projection/kernel", self._take(place, "projection_kernel"))


class Gru(Recurrent):
    """Keras and PyTorch `GRU`, Flax `GRUCell`: gates update, reset, candidate (Cho et al. 2014), reset after."""

    gating = Gating("gru", (1, 0, 2), ("z", "r", "n"), two_biases=True)
    type: Literal["gru"]
    shape: Annotated[list[Size], SIZES]
