"""The request: layers, rules, seed, layout, dtype, defaults; and the plan that it comes to."""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.weights.description import Description
from service.weights.distributions import Expectation
from service.weights.dtypes import DTYPES, DtypeName
from service.weights.errors import InitserveError, InvalidSpec, TooLarge, UnsupportedCombination
from service.weights.layers import Layer
from service.weights.layers.layer import LARGEST_EXACT, LayerSpec, Seed
from service.weights.layouts import Layout
from service.weights.matrices import WithZeroRow
from service.weights.parameters import AS_ASKED, Choice, Defaults, FanRule, Parameter, by_default, recommended
from service.weights.plan import Caution, Plan, PlannedLayer, PlannedParameter, Source, without_zeros
from service.weights.recipes import RECIPES, expand
from service.weights.rules import Rule, choose_by_rule
from service.weights.schemes import Auto
from service.weights.streams import stream_of
from service.weights.warnings import warn, warn_of_twins

MOST_LAYERS = 1024
MOST_RULES = 64
MOST_PARAMETERS = 8192  # of a spec: a stacked recurrent layer alone can have hundreds
MOST_ELEMENTS = 2**63 - 1  # of a parameter
# A normal value is never farther from its mean: the quantile of half a word in 2^32 is 6.34 deviations.
REACH = 6.4


RecipeName: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "enum": list(RECIPES)})]


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
    fans: FanRule = Field(
        "true", description="How fans are counted: true connectivity, or as this framework's own initialisers do."
    )
    recipe: RecipeName | None = Field(None, description="A published model or start, instead of layers; GET /recipes.")
    size: Annotated[str, Field(max_length=32)] | None = Field(None, description="Of the recipe; left out: its first.")
    layers: Annotated[
        list[Layer],
        Field(min_length=1, max_length=MOST_LAYERS, fail_fast=True, description=f"1 to {MOST_LAYERS} layers."),
    ]
    rules: Annotated[list[Rule], Field(max_length=MOST_RULES, fail_fast=True)] = Field(
        default_factory=list,
        description="Schemes by pattern on the canonical path, layer/parameter; they win over layers, later ones win.",
    )

    @model_validator(mode="before")
    @classmethod
    def _expand_recipe(cls, document: Any) -> Any:
        """Put a recipe's layers and rules in its place; the spec's own rules come after them."""
        if not isinstance(document, Mapping) or not isinstance(document.get("recipe"), str):
            return document
        rest = {key: value for key, value in document.items() if key not in ("recipe", "size")}
        name, size = document["recipe"], document.get("size")
        if name not in RECIPES:
            raise PydanticCustomError(
                "recipe", "no recipe has this name; choose one of {names}", {"names": ", ".join(RECIPES)}
            )
        sizes = RECIPES[name].sizes
        if size is not None and (not isinstance(size, str) or size not in sizes):
            raise PydanticCustomError(
                "recipe", "{name} comes in the sizes {sizes}", {"name": name, "sizes": ", ".join(sizes)}
            )
        if "layers" in rest:
            raise PydanticCustomError("recipe", "a spec has layers or a recipe, not both; rules may change a recipe")
        layers, rules = expand(name, size)
        own = rest.get("rules", [])
        return {
            "layout": "pytorch",
            **rest,
            "layers": layers,
            "rules": [*rules, *own] if isinstance(own, list) else own,
        }

    def plan(self) -> Plan:
        """Return every parameter with its scheme and address; raises InitserveError for what cannot be."""
        seed = secrets.randbelow(LARGEST_EXACT + 1) if self.seed is None else self.seed
        layers: list[PlannedLayer] = []
        warnings: list[Caution] = []
        drawn: list[tuple[str, Source]] = []
        taken: set[str] = set()
        for index, layer in enumerate(self.layers):
            name = f"{layer.type}_{index}" if layer.name is None else layer.name
            if name in taken:
                raise InvalidSpec(
                    f"two layers are called {name!r}; every layer needs a name of its own", f"/layers/{index}/name"
                )
            taken.add(name)
            parameters = layer.parameters()
            if len(drawn) + len(parameters) > MOST_PARAMETERS:
                raise TooLarge(f"the spec has more than {MOST_PARAMETERS:,} parameters", f"/layers/{index}")
            sources = {}
            for parameter in parameters:
                choice, pointer = self._choose(layer, parameter, f"{name}/{parameter.name}", f"/layers/{index}")
                try:
                    source = self._source(parameter, choice, name, seed if layer.seed is None else layer.seed)
                except InitserveError as error:
                    raise error.at(pointer) from None
                sources[parameter.name] = source
                drawn.append((pointer, source))
                warnings.extend(warn(source, layer.activation, pointer))
            layers.append(PlannedLayer(name, layer.type, layer.activation, self._arrange(layer, name, sources)))
        refuse_shared_keys(layers)
        warnings.extend(warn_of_twins(drawn))
        canonical = partial(self._canonical, seed)
        return Plan(self.algorithm, seed, self.layout, self.dtype, tuple(layers), tuple(warnings), canonical)

    def _choose(self, layer: LayerSpec, parameter: Parameter, path: str, pointer: str) -> tuple[Choice, str]:
        """Return the scheme of a parameter, and the pointer to the member that says so."""
        ruled = choose_by_rule(self.rules, path)
        member = parameter.member
        if ruled is not None:
            asked, pointer = self.rules[ruled].scheme, f"/rules/{ruled}/scheme"
        elif member is None or getattr(layer, member) is None:
            pointer = f"{pointer}/{member}" if member else pointer
            return by_default(parameter, layer.activation, self.defaults, layer.gain), pointer
        else:
            asked, pointer = getattr(layer, member), f"{pointer}/{member}"
        if isinstance(asked, Auto):
            return recommended(parameter, layer.activation, layer.gain), pointer
        because = None if ruled is None else self.rules[ruled].because
        return Choice(asked, because or AS_ASKED, self.fans), pointer

    def _source(self, parameter: Parameter, choice: Choice, layer: str, seed: int) -> Source:
        if prod(parameter.shape) > MOST_ELEMENTS:
            raise TooLarge(f"{parameter.name} has more elements than 64 bits can count; no address reaches them")
        site = parameter.site(choice.fans)
        distribution = choice.scheme.realise(site)
        if parameter.zero_row is not None:
            distribution = WithZeroRow(distribution, parameter.zero_row, *parameter.shape)
        self._refuse_overflow(distribution)
        return Source(parameter, choice, site.fans, distribution, stream_of(seed, f"{layer}/{parameter.name}"))

    def _refuse_overflow(self, expected: Expectation) -> None:
        reach = max(
            abs(expected.mean + way * expected.deviation if bound is None else bound)
            for bound, way in ((expected.low, -REACH), (expected.high, REACH))
        )
        largest = DTYPES[self.dtype].largest
        if reach > largest:
            raise UnsupportedCombination(
                f"values up to {reach:.6g} do not fit {self.dtype}, whose largest is {largest:.6g}",
                remedy={"dtype": "float64"},
            )

    def _arrange(self, layer: LayerSpec, name: str, sources: dict[str, Source]) -> tuple[PlannedParameter, ...]:
        shapes = {key: source.stated.shape for key, source in sources.items()}
        return tuple(
            PlannedParameter(
                layer=name,
                name=placement.name,
                shape=placement.of.form(shapes).shape,
                dtype=self.dtype,
                layout=self.layout,
                arrangement=without_zeros(placement.of, sources),
                sources=sources,
            )
            for placement in layer.placements()[self.layout]
        )

    def _canonical(self, seed: int) -> dict[str, Any]:
        """Return the spec as a request that gives the same answer: seeds as strings, nothing that was left out."""
        document = self.model_dump(mode="json", exclude_unset=True)
        document |= {"algorithm": self.algorithm, "seed": str(seed)}
        for layer in document["layers"]:
            if layer.get("seed") is not None:
                layer["seed"] = str(layer["seed"])
        return document


def refuse_shared_keys(layers: Sequence[PlannedLayer]) -> None:
    """Refuse two arrays under one key, which a file of many could not hold, and the key of a file's metadata."""
    seen: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for parameter in layer.parameters:
            first = seen.setdefault(parameter.key, index)
            if first != index or parameter.key == "__metadata__":
                other = f"layer {layers[first].name} has one too" if first != index else "it is safetensors' own"
                raise InvalidSpec(f"an array would be called {parameter.key!r}: {other}", f"/layers/{index}/name")
