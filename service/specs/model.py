"""The request: layers, rules, seed, layout, dtype, defaults; and the plan that it comes to."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.errors import InitserveError, InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.description import Description
from service.networks.layers import Layer
from service.networks.layers.layer import LARGEST_EXACT, LayerSpec, Seed
from service.networks.layouts import Layout, as_they_are
from service.networks.parameters import AS_ASKED, Choice, Defaults, FanRule, Parameter, by_default, recommended
from service.networks.plan import (
    Asked,
    Caution,
    Decided,
    Made,
    Plan,
    PlannedLayer,
    PlannedParameter,
    Source,
    without_zeros,
)
from service.networks.schemes import Auto
from service.replay import ALGORITHMS, Replay
from service.replay.network import construct
from service.specs.recipes import RECIPES, expand
from service.specs.rules import Rule, choose_by_rule
from service.specs.warnings import warn, warn_of_twins
from service.stream.distributions import Expectation
from service.stream.draws import Addressed, Draws
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.matrices import WithZeroRow
from service.stream.streams import ALGORITHM, stream_of

MOST_LAYERS = 1024
MOST_RULES = 64
MOST_PARAMETERS = 8192  # of a spec: a stacked recurrent layer alone can have hundreds
MOST_ELEMENTS = 2**63 - 1  # of a parameter
# A normal value is never farther from its mean: the quantile of half a word in 2^32 is 6.34 deviations.
REACH = 6.4


def refuse_recipe(name: str, rules: object, replay: Replay) -> None:
    """Refuse a recipe that no published model in this framework is like, and changes to one that is."""
    if name not in replay.recipes:
        built = [f"{each.name} builds {', '.join(each.recipes)}" for each in ALGORITHMS.values() if each.recipes]
        raise PydanticCustomError(
            "recipe",
            "no published model draws {name} from {algorithm}: post its layers and rules, or use initserve/1; {built}",
            {"name": name, "algorithm": replay.name, "built": "; ".join(built)},
        )
    if rules:
        raise PydanticCustomError("recipe", "under a framework's stream {name} is as published", {"name": name})


def known_algorithm(name: str) -> str:
    if name != ALGORITHM and name not in ALGORITHMS:
        names = ", ".join([ALGORITHM, *ALGORITHMS])
        raise PydanticCustomError("algorithm", "no stream has this name; choose one of {names}", {"names": names})
    return name


RecipeName: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "enum": list(RECIPES)})]


AlgorithmName: TypeAlias = Annotated[
    str,
    AfterValidator(known_algorithm),
    WithJsonSchema({"type": "string", "enum": [ALGORITHM, *ALGORITHMS], "title": "Algorithm"}),
]


class Spec(Description):
    """A neural network to initialise: its layers, and how."""

    algorithm: AlgorithmName = Field(
        ALGORITHM, description="The random stream: initserve's own, whose bytes never change, or a framework's."
    )
    exact: bool = Field(
        True, description="With a framework's stream: refuse what is not that framework's to the bit, and say why."
    )
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
    def _as_the_framework_has_it(cls, document: Any) -> Any:
        """Let layout, defaults and fans start as the framework's whose stream is replayed."""
        if not isinstance(document, Mapping) or not isinstance(document.get("algorithm"), str):
            return document
        replay = ALGORITHMS.get(document["algorithm"])
        if replay is None:
            return document
        # A published model's own initialisation leaves no default of its layers.
        defaults = "recommended" if "recipe" in document else replay.layout
        return {"layout": replay.layout, "defaults": defaults, "fans": replay.layout, **document}

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
        kept = {}
        if rest.get("algorithm") in ALGORITHMS:
            refuse_recipe(name, own, ALGORITHMS[rest["algorithm"]])
            kept = {"recipe": name, "size": size}
        return {
            "layout": "pytorch",
            **kept,
            **rest,
            "layers": layers,
            "rules": [*rules, *own] if isinstance(own, list) else own,
        }

    def plan(self) -> Plan:
        """Return every parameter with its scheme and address; raises InitserveError for what cannot be."""
        replay = ALGORITHMS.get(self.algorithm)
        seeds = LARGEST_EXACT + 1 if replay is None else replay.seeds
        seed = secrets.randbelow(seeds) if self.seed is None else self.seed
        asked = self._asked()
        warnings: list[Caution] = []
        if replay is not None and self.fans != replay.layout:
            raise UnsupportedCombination(
                f"{replay.name} counts fans as the framework does: {replay.layout}", "/fans", {"fans": replay.layout}
            )
        if replay is None:
            made = [self._make(layer, seed) for layer in asked]
        else:
            made, warnings = construct(replay, asked, seed, self.dtype, self.exact, self.recipe)
        exact = all(warning.code != "not-exact" for warning in warnings)
        drawn: list[tuple[str, Source]] = []
        layers = []
        for layer, each in zip(asked, made, strict=True):
            for name, source in each.sources.items():
                pointer = layer.choices[name].pointer
                try:
                    refuse_overflow(source.distribution, self.dtype)
                except InitserveError as error:
                    raise error.at(pointer) from None
                drawn.append((pointer, source))
                warnings.extend(warn(source, layer.spec.activation, pointer))
            layers.append(PlannedLayer(layer.name, layer.spec.type, layer.spec.activation, self._arrange(layer, each)))
        refuse_shared_keys(layers)
        warnings.extend(warn_of_twins(drawn))
        canonical = partial(self._canonical, seed)
        return Plan(self.algorithm, exact, seed, self.layout, self.dtype, tuple(layers), tuple(warnings), canonical)

    def _asked(self) -> list[Asked]:
        """Return the layers by name, with the scheme that each of their parameters gets."""
        found: list[Asked] = []
        taken: set[str] = set()
        count = 0
        for index, (name, layer) in enumerate(zip(self._names(), self.layers, strict=True)):
            if name in taken:
                raise InvalidSpec(
                    f"two layers are called {name!r}; every layer needs a name of its own", f"/layers/{index}/name"
                )
            taken.add(name)
            parameters = layer.parameters()
            count += len(parameters)
            if count > MOST_PARAMETERS:
                raise TooLarge(f"the spec has more than {MOST_PARAMETERS:,} parameters", f"/layers/{index}")
            choices = {}
            for parameter in parameters:
                choice, pointer = self._choose(layer, parameter, f"{name}/{parameter.name}", f"/layers/{index}")
                if parameter.elements > MOST_ELEMENTS:
                    raise TooLarge(
                        f"{parameter.name} has more elements than 64 bits can count; no address reaches them", pointer
                    )
                choices[parameter.name] = Decided(parameter, choice, pointer)
            found.append(Asked(name, layer, f"/layers/{index}", choices))
        return found

    def _names(self) -> list[str]:
        replay = ALGORITHMS.get(self.algorithm)
        if replay is not None and replay.name_layers is not None:
            return replay.name_layers(self.layers)
        return [
            f"{layer.type}_{index}" if layer.name is None else layer.name for index, layer in enumerate(self.layers)
        ]

    def _choose(self, layer: LayerSpec, parameter: Parameter, path: str, pointer: str) -> tuple[Choice, str]:
        """Return the scheme of a parameter, and the pointer to the member that says so."""
        ruled = choose_by_rule(self.rules, path)
        member = parameter.member
        if ruled is not None:
            asked, pointer = self.rules[ruled].scheme, f"/rules/{ruled}/scheme"
        elif member is None or getattr(layer, member) is None:
            pointer = f"{pointer}/{member}" if member else pointer
            choice = by_default(parameter, layer.activation, self.defaults, layer.gain)
            return (choice if choice.of else self._in_kind(choice)), pointer
        else:
            asked, pointer = getattr(layer, member), f"{pointer}/{member}"
        if isinstance(asked, Auto):
            return self._in_kind(recommended(parameter, layer.activation, layer.gain)), pointer
        because = None if ruled is None else self.rules[ruled].because
        return Choice(asked, because or AS_ASKED, self.fans), pointer

    def _in_kind(self, choice: Choice) -> Choice:
        """Return what is recommended as the framework has it whose stream is replayed."""
        replay = ALGORITHMS.get(self.algorithm)
        return choice if replay is None else replace(choice, scheme=replay.in_kind(choice.scheme))

    def _make(self, layer: Asked, seed: int) -> Made:
        """Return the canonical parameters of a layer in initserve's own stream."""
        sources: dict[str, Source] = {}
        arrays: dict[str, Draws] = {}
        own = seed if layer.spec.seed is None else layer.spec.seed
        for name, decided in layer.choices.items():
            stated, choice = decided.stated, decided.choice
            site = stated.site(choice.fans)
            try:
                distribution = choice.scheme.realise(site)
            except InitserveError as error:
                raise error.at(decided.pointer) from None
            if stated.zero_row is not None:
                distribution = WithZeroRow(distribution, stated.zero_row, *stated.shape)
            sources[name] = Source(stated, choice, site.fans, distribution)
            arrays[name] = Addressed(distribution, stream_of(own, f"{layer.name}/{name}"), stated.elements)
        return Made(sources, as_they_are({name: each.stated.shape for name, each in layer.choices.items()}), arrays)

    def _arrange(self, layer: Asked, made: Made) -> tuple[PlannedParameter, ...]:
        return tuple(
            PlannedParameter(
                layer=layer.name,
                name=placement.name,
                form=arrangement.form(made.forms),
                dtype=self.dtype,
                layout=self.layout,
                arrangement=arrangement,
                sources=made.sources,
                arrays=made.arrays,
            )
            for placement in layer.spec.placements()[self.layout]
            for arrangement in (without_zeros(placement.of, made.sources),)
        )

    def _canonical(self, seed: int) -> dict[str, Any]:
        """Return the spec as a request that gives the same answer: seeds as strings, nothing that was left out."""
        document = self.model_dump(mode="json", exclude_unset=True)
        document |= {"algorithm": self.algorithm, "seed": str(seed)}
        if self.recipe is not None:  # it says layers and rules, and in which order they are drawn
            del document["layers"], document["rules"]
            return document
        for layer in document["layers"]:
            if layer.get("seed") is not None:
                layer["seed"] = str(layer["seed"])
        return document


def refuse_overflow(expected: Expectation, dtype: DtypeName) -> None:
    reach = max(
        abs(expected.mean + way * expected.deviation if bound is None else bound)
        for bound, way in ((expected.low, -REACH), (expected.high, REACH))
    )
    largest = DTYPES[dtype].largest
    if reach > largest:
        raise UnsupportedCombination(
            f"values up to {reach:.6g} do not fit {dtype}, whose largest is {largest:.6g}", remedy={"dtype": "float64"}
        )


def refuse_shared_keys(layers: Sequence[PlannedLayer]) -> None:
    """Refuse two arrays under one key, which a file of many could not hold, and the key of a file's metadata."""
    seen: dict[str, int] = {}
    for index, layer in enumerate(layers):
        for parameter in layer.parameters:
            first = seen.setdefault(parameter.key, index)
            if first != index or parameter.key == "__metadata__":
                other = f"layer {layers[first].name} has one too" if first != index else "it is safetensors' own"
                raise InvalidSpec(f"an array would be called {parameter.key!r}: {other}", f"/layers/{index}/name")
