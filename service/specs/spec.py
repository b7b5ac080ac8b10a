"""The request: layers, rules, seed, layout, dtype, defaults."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, TypeAdapter, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Description, Size
from service.networks.families.wiring import Network
from service.networks.graph.graph import INPUT, POSITIONS, Graph, graph_of, is_structure
from service.networks.graph.shapes import shapes_of
from service.networks.layers import Layer
from service.networks.layers.layer import LayerName, LayerSpec, PlacedSpec, Seed
from service.networks.layouts import Layout, key_of
from service.networks.parameters import Defaults, FanRule
from service.networks.plan import Plan
from service.networks.vocabulary import AnyDtype
from service.once import once
from service.replay import ALGORITHMS
from service.specs import planning
from service.specs.canonical import canonical_document
from service.specs.choosing import names_of, weighted
from service.specs.completion import complete
from service.specs.jcs import canonical
from service.specs.named import OF_RECIPE, named_in
from service.specs.recipes import RECIPES, Expanded, expand, structured
from service.specs.rules import Rule
from service.specs.tensors import Tensors
from service.specs.vocabulary import DEFAULTS, FANS, LAYOUT, STREAMS
from service.stream.streams import ALGORITHM

MOST_LAYERS = 100_000
MOST_RULES = 64
LOOKED_AT = 100  # layers: a millisecond's work at the most
NETWORK = TypeAdapter(list[Layer])


Sizes: TypeAlias = Annotated[list[Size], Field(min_length=1, max_length=8)]
ShapesByName: TypeAlias = Annotated[dict[LayerName, Sizes], Field(min_length=1, max_length=16)]
AnyShape: TypeAlias = Sizes | Annotated[list[Sizes], Field(min_length=2, max_length=2)] | ShapesByName  # as written


def by_name(value: object) -> object:
    """Return the shapes of inputs by their names: of one that has none, `input`."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) == 2 and all(isinstance(each, list) for each in value):
        return {INPUT: value[0], POSITIONS: value[1]}
    if isinstance(value, list) and all(type(each) is int for each in value):
        return {INPUT: value}
    raise PydanticCustomError(
        "input_shape",
        "this takes the sizes of an example, whole numbers without the batch, as [32, 32, 3]; of several, by name",
    )


InputShape: TypeAlias = Annotated[ShapesByName, BeforeValidator(by_name, json_schema_input_type=AnyShape)]
RecipeName: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "enum": list(RECIPES)})]
AlgorithmName: TypeAlias = Annotated[
    str, STREAMS.validator, WithJsonSchema({"type": "string", "enum": list(STREAMS.words), "title": "Algorithm"})
]


def without_layers(schema: dict[str, Any]) -> None:
    """Drop layers from what a request must have: a recipe or a listing may stand in their place."""
    schema["required"] = [name for name in schema["required"] if name != "layers"]
    if not schema["required"]:
        del schema["required"]


class Spec(Description):
    """A neural network to initialise: its layers, and how."""

    model_config = ConfigDict(json_schema_extra=without_layers)

    algorithm: AlgorithmName = Field(
        ALGORITHM, description="The random stream: initserve's own, whose bytes never change, or a framework's."
    )
    exact: bool = Field(
        True, description="With a framework's stream: refuse what is not that framework's to the bit, and say why."
    )
    seed: Seed | None = Field(None, description="Left out: a fresh one is drawn and returned.")
    layout: Annotated[Layout, LAYOUT.validator] = Field(
        "keras", description="Shapes and parameter names of this framework."
    )
    dtype: AnyDtype = Field("float32", description="Values are rounded to it once. bfloat16 has no .npy form.")
    defaults: Annotated[Defaults, DEFAULTS.validator] = Field(
        "recommended",
        description="What a layer gets that names no scheme: by its activation, or what this framework gives it.",
    )
    fans: Annotated[FanRule, FANS.validator] = Field(
        "true", description="How fans are counted: true connectivity, or as this framework's own initialisers do."
    )
    recipe: RecipeName | None = Field(None, description="A published model or start, instead of layers; GET /recipes.")
    size: Annotated[str, Field(max_length=32)] | None = Field(None, description="Of the recipe; left out: its first.")
    config: dict[str, Any] | None = Field(
        None,
        description="Of a published model: its config.json, or what is otherwise with it than with `size`; without a "
        "size, what it leaves out is the transformers library's default. Beside tensors: its model_type, which says "
        "how some of them start.",
    )
    head: Annotated[str, Field(max_length=32)] | None = Field(
        None,
        description="Of a published model, as AutoModelFor… has it: causal_lm, …; GET /recipes lists them. "
        "Null or left out: the model without one.",
    )
    tensors: Tensors | None = Field(
        None,
        description="Anybody's model, instead of layers: names and shapes as a state_dict, a safetensors header, or a "
        "Keras or Flax tree has them; `layout` says whose names they are, PyTorch's unless stated.",
        examples=[{"fc.weight": [10, 64], "fc.bias": [10]}],
    )
    layers: Annotated[
        list[Layer],
        Field(min_length=1, max_length=MOST_LAYERS, fail_fast=True, description=f"1 to {MOST_LAYERS} layers."),
    ]
    input_shape: InputShape | None = Field(
        None,
        description="Of an example, without the batch: [32, 32, 3]; of tokens: [32]. Several inputs by name, of which "
        "`positions` count 0, 1, 2, …; a list of two is `input` and `positions`. With it, sizes must chain.",
        examples=[[32, 32, 3]],
    )
    rules: Annotated[list[Rule], Field(max_length=MOST_RULES, fail_fast=True)] = Field(
        default_factory=list,
        description="Schemes, seeds and dtypes by pattern on parameters' names; they win over layers, later ones win.",
    )

    select: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None,
        description="A pattern on the names of arrays, or on layer/parameter in Keras's names, as a rule's: these "
        "alone are answered, with the bytes that they have in the whole.",
        examples=["encoder.layer.11.*"],
    )

    _spoken: Layout | None = PrivateAttr(None)

    @property
    def spoken(self) -> Layout:
        """The layout whose names the rules speak of."""
        return self._spoken or self.layout

    def shown_in(self, layout: Layout) -> Self:
        """Return the same network in another layout: its rules mean what they meant."""
        shown = self.model_copy(update={"layout": layout})
        shown._spoken = self.spoken
        return shown

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, document: Any) -> Any:
        return complete(document)

    @once
    def expanded(self) -> Expanded:
        """What the recipe comes to; nothing where there is none."""
        return Expanded(()) if self.recipe is None else expand(named_in(self.recipe, dict(self)))

    @property
    def all_rules(self) -> list[Rule]:
        """A recipe's rules, then the spec's own."""
        return [*(Rule.model_validate(each) for each in self.expanded.rules), *self.rules]

    @property
    def ties_in_part(self) -> bool:
        """Whether one array of a layer is another's, and another is its own: DistilBERT's projection to words."""
        tied, layers = self.expanded.tied, self.expanded.tied_layers
        return any(
            key_of(str(layer.name), placement.name, "pytorch") not in tied
            for layer in self.layers
            if isinstance(layer, LayerSpec) and layer.name in layers
            for placement in layer.placements()["pytorch"]
        )

    def plan(self) -> Plan:
        """Return every parameter with its scheme and address; raises InitserveError for what cannot be."""
        if self.recipe is None and self.tensors is None and (self.input_shape or any(map(is_structure, self.layers))):
            self.check_graph()
        return planning.plan(self, lambda seed: canonical(canonical_document(self, seed)), self.written_out)

    @property
    def weighted(self) -> list[LayerSpec]:
        """The layers that have weights, or a place in a framework's order."""
        return [layer for _, layer in weighted(self.layers)]

    def has_more_than(self, elements: int) -> bool:
        """Whether the weights of the first layers alone are more, as is known before they are planned.

        False where only the plan tells: of what a recipe or a listing has, and of what is selected.
        """
        if self.recipe is not None or self.tensors is not None or self.select is not None:
            return False
        first = (layer for layer in self.layers[:LOOKED_AT] if isinstance(layer, LayerSpec))
        # Weights stand in every layout; a second bias, say, in some alone.
        sizes = (each.elements for layer in first for each in layer.parameters() if each.role == "weights")
        return any(total > elements for total in accumulate(sizes))

    @once
    def network(self) -> Network:
        """The shapes of the network's inputs, where they are known, and its layers in order, as documents."""
        if self.recipe is None:
            return Network(self.input_shape or {}, ())
        told = structured(named_in(self.recipe, dict(self)))
        return told._replace(input_shape=self.input_shape or told.input_shape)

    @once
    def graph(self) -> Graph:
        """The network that the layers state; raises InitserveError for one that cannot be."""
        layers: Sequence[PlacedSpec] = self.layers
        if self.recipe is not None:
            layers = NETWORK.validate_python([*self.network.layers])
        return graph_of(layers, names_of(layers, ALGORITHMS.get(self.algorithm)), tuple(self.network.input_shape))

    def check_graph(self) -> None:
        """Refuse inputs that are not there, and where sizes are stated, layers that cannot take what comes."""
        graph = self.graph
        if self.input_shape:
            shapes_of(graph, {name: (1, *shape) for name, shape in self.input_shape.items()})

    def written_out(self, seed: int) -> dict[str, Any]:
        """Return a request that gives the same answer, with a recipe's layers in its place: to be changed and sent."""
        document = self.model_dump(mode="json", exclude_unset=True, exclude={"layers"} if self.tensors else None)
        document |= {"algorithm": self.algorithm, "seed": str(seed)}
        if self.tensors is not None:
            return document
        # Of a framework's stream a recipe says in which order it is drawn, too; half of a layer no layer states.
        if self.recipe is not None and (self.algorithm in ALGORITHMS or self.ties_in_part):
            del document["layers"]
            return document
        if self.recipe is not None:
            rules = [rule.model_dump(mode="json") for rule in self.all_rules]
            document = {key: value for key, value in document.items() if key not in ("recipe", *OF_RECIPE)}
            document |= {"rules": rules} if rules else {}
            document["layers"] = [each for each in document["layers"] if each["name"] not in self.expanded.tied_layers]
        for layer in document["layers"]:
            if layer.get("seed") is not None:
                layer["seed"] = str(layer["seed"])
        return document
