"""The request: layers, rules, seed, layout, dtype, defaults."""

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Description
from service.networks.layers import Layer
from service.networks.layers.layer import Seed
from service.networks.layouts import Layout
from service.networks.parameters import Defaults, FanRule
from service.networks.plan import Plan
from service.replay import ALGORITHMS
from service.specs import planning
from service.specs.completion import complete
from service.specs.recipes import RECIPES
from service.specs.rules import Rule
from service.stream.dtypes import DtypeName
from service.stream.streams import ALGORITHM

MOST_LAYERS = 1024
MOST_RULES = 64


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
    def _complete(cls, document: Any) -> Any:
        return complete(document)

    def plan(self) -> Plan:
        """Return every parameter with its scheme and address; raises InitserveError for what cannot be."""
        return planning.plan(self, self.canonical)

    def canonical(self, seed: int) -> dict[str, Any]:
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
