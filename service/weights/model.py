"""The request: layers, seed, layout, dtype, defaults; and the plan that it comes to."""

import secrets
from math import prod
from typing import Annotated, Any, Literal

from pydantic import Field

from service.weights.description import Description
from service.weights.distributions import Constant
from service.weights.dtypes import DTYPES, DtypeName
from service.weights.errors import InitserveError, InvalidSpec, TooLarge, UnsupportedCombination
from service.weights.layers import Layer
from service.weights.layers.layer import LARGEST_EXACT, Seed
from service.weights.layouts import Layout
from service.weights.parameters import Choice, Defaults, Parameter, by_default, recommended
from service.weights.plan import Caution, Plan, PlannedLayer, PlannedParameter
from service.weights.schemes import Auto
from service.weights.streams import stream_of

MOST_LAYERS = 1024
MOST_ELEMENTS = 2**63 - 1  # of a parameter
# A normal value is never farther from its mean: the quantile of half a word in 2^32 is 6.34 deviations.
REACH = 6.4


class Spec(Description):
    """A neural network to initialise: its layers, and how."""

    algorithm: Literal["initserve/1"] = Field("initserve/1", description="The random stream. Its bytes never change.")
    seed: Seed | None = Field(None, description="Left out: a fresh one is drawn and returned.")
    layout: Layout = Field("keras", description="Shapes and parameter names of this framework.")
    dtype: DtypeName = Field("float32", description="Values are rounded to it once. bfloat16 has no .npy form.")
    defaults: Defaults = Field(
        "recommended",
        description="What a layer gets that names no scheme: by its activation, or what this framework gives it.",
    )
    layers: Annotated[
        list[Layer],
        Field(min_length=1, max_length=MOST_LAYERS, fail_fast=True, description=f"1 to {MOST_LAYERS} layers."),
    ]

    def plan(self) -> Plan:
        """Return every parameter with its scheme and address; raises InitserveError for what cannot be."""
        seed = secrets.randbelow(LARGEST_EXACT + 1) if self.seed is None else self.seed
        layers: list[PlannedLayer] = []
        warnings: list[Caution] = []
        taken: set[str] = set()
        for index, layer in enumerate(self.layers):
            name = f"{layer.type}_{index}" if layer.name is None else layer.name
            if name in taken:
                raise InvalidSpec(
                    f"two layers are called {name!r}; every layer needs a name of its own", f"/layers/{index}/name"
                )
            taken.add(name)
            parameters = []
            for parameter in layer.parameters():
                pointer = f"/layers/{index}/{parameter.field}"
                choice = self._choose(layer, parameter)
                try:
                    planned = self._plan_parameter(parameter, choice, name, seed if layer.seed is None else layer.seed)
                except InitserveError as error:
                    raise error.at(pointer) from None
                parameters.append(planned)
                warnings.extend(warn_of_symmetry(parameter, planned, layer.activation, pointer))
            layers.append(PlannedLayer(name, layer.type, layer.activation, tuple(parameters)))
        return Plan(
            self.algorithm, seed, self.layout, self.dtype, tuple(layers), tuple(warnings), self._canonical(seed)
        )

    def _choose(self, layer: Layer, parameter: Parameter) -> Choice:
        asked = getattr(layer, parameter.field)
        if asked is None:
            return by_default(parameter, layer.activation, self.defaults)
        return recommended(parameter, layer.activation) if isinstance(asked, Auto) else Choice(asked, "as asked")

    def _plan_parameter(self, parameter: Parameter, choice: Choice, layer: str, seed: int) -> PlannedParameter:
        place = parameter.placements[self.layout]
        if prod(parameter.shape) > MOST_ELEMENTS:
            raise TooLarge(f"{parameter.name} has more elements than 64 bits can count; no address reaches them")
        distribution = choice.scheme.realise(parameter.shape, parameter.fans)
        reach = max(
            abs(bound)
            for bound, way in ((distribution.low, -REACH), (distribution.high, REACH))
            for bound in (distribution.mean + way * distribution.deviation if bound is None else bound,)
        )
        if reach > DTYPES[self.dtype].largest:
            raise UnsupportedCombination(
                f"values up to {reach:.6g} do not fit {self.dtype}, whose largest is {DTYPES[self.dtype].largest:.6g}",
                remedy={"dtype": "float64"},
            )
        shape = parameter.shape
        return PlannedParameter(
            layer=layer,
            name=place.name,
            shape=shape if place.axes is None else tuple(shape[axis] for axis in place.axes),
            canonical_shape=shape,
            axes=place.axes,
            dtype=self.dtype,
            layout=self.layout,
            fans=parameter.fans,
            scheme=choice.scheme,
            reason=choice.reason,
            distribution=distribution,
            stream=stream_of(seed, f"{layer}/{parameter.name}"),
        )

    def _canonical(self, seed: int) -> dict[str, Any]:
        """Return the spec as a request that gives the same answer: seeds as strings, nothing that was left out."""
        document = self.model_dump(mode="json", exclude_unset=True)
        document |= {"algorithm": self.algorithm, "seed": str(seed)}
        for layer in document["layers"]:
            if layer.get("seed") is not None:
                layer["seed"] = str(layer["seed"])
        return document


def warn_of_symmetry(parameter: Parameter, planned: PlannedParameter, activation: str, pointer: str) -> list[Caution]:
    """Return a warning where weights all start at one value: nothing tells one unit from the next, for ever."""
    distribution = planned.distribution
    if not isinstance(distribution, Constant) or parameter.role == "bias" or len(parameter.shape) < 2:
        return []
    detail = (
        "all weights start at 0: every output and every derivative is 0, and nothing is learnt"
        if distribution.value == 0.0
        else f"all weights start at {distribution.value:g}: every unit computes the same and is changed alike, for ever"
    )
    remedy: dict[str, Any] = {parameter.field: recommended(parameter, activation).scheme.name}
    return [Caution("symmetric-weights", pointer, detail, remedy)]
