"""Structure changes no weight: a spec with it and one without give the same bytes, texts, digests and links."""

from typing import Any

import httpx
import pytest

from service.api.entries import layer_example
from service.errors import InvalidSpec, TooLarge
from service.networks.layers import LAYERS
from service.networks.layers.structure import STRUCTURE
from service.replay import ALGORITHMS
from service.specs.spec import Spec

Document = dict[str, Any]
# Members that change no weight, as values that nothing has to begin with.
STATED: Document = {
    "inputs": ["input"],
    "padding": "same",
    "dilation": 2,
    "strides": 2,
    "causal": True,
    "epsilon": 0.001,
    "num_groups": 1,
    "output_padding": 1,
}
AROUND: list[Document] = [
    {"type": "activation", "activation": "tanh"},
    {"type": "flatten"},
    {"type": "scale", "by": 0.5},
    {"type": "add", "inputs": ["input", "input"]},
    {"type": "split", "name": "parts", "sizes": [1, -1]},
    {"type": "max_pool", "window": 2, "inputs": ["parts:1"]},
]


AFTER: list[Document] = [{"type": "upsample", "name": "twice", "factor": 2}]


def with_structure(layer: Document) -> Document:
    kind = LAYERS[layer["type"]]
    return {**layer, **{name: value for name, value in STATED.items() if name in kind.structure}}


@pytest.mark.parametrize("kind", LAYERS)
def test_structure_changes_no_text_of_a_layer(kind: str) -> None:
    plain = layer_example(kind)
    around = {**plain, "layers": [*AROUND, *map(with_structure, plain["layers"]), *AFTER]}
    assert planned(around).canonical() == planned(plain).canonical()
    assert names(around) == names(plain)


@pytest.mark.parametrize("algorithm", [None, *ALGORITHMS])
def test_names_count_layers_with_weights_alone_in_every_stream(algorithm: str | None) -> None:
    stated = {} if algorithm is None else {"algorithm": algorithm}
    layer = {"type": "tensor", "shape": [3, 4], "scheme": "random_normal"}
    plain = {"seed": 1, **stated, "layers": [layer] * 3}
    around = {"seed": 1, **stated, "layers": [layer, {"type": "flatten"}, layer, *AROUND, layer]}
    assert names(around) == names(plain)


def planned(document: Document) -> Any:
    return Spec.model_validate(document).plan()


def names(document: Document) -> list[str]:
    return [parameter.key for parameter in planned(document).parameters]


STACK: Document = {
    "seed": 7,
    "layers": [
        {"type": "conv2d", "shape": [3, 3, 1, 4], "activation": "relu"},
        {"type": "batch_norm", "shape": [4]},
        {"name": "head", "type": "dense", "shape": [64, 3]},
    ],
}
NETWORK: Document = {
    "seed": 7,
    "input_shape": [8, 8, 1],
    "layers": [
        {"type": "conv2d", "shape": [3, 3, 1, 4], "activation": "relu", "padding": "same"},
        {"type": "batch_norm", "shape": [4], "epsilon": 0.001},
        {"type": "max_pool", "window": 2},
        {"type": "flatten"},
        {"name": "head", "type": "dense", "shape": [64, 3]},
    ],
}


@pytest.mark.parametrize("format", ["json", "safetensors", "npz"])
def test_a_network_and_its_bare_layers_answer_the_same_bytes(client: httpx.Client, format: str) -> None:
    bare, whole = (client.post(f"/init?format={format}", json=document) for document in (STACK, NETWORK))
    assert whole.status_code == 200
    assert whole.content == bare.content
    assert whole.headers["content-location"] == bare.headers["content-location"]


def test_a_plan_is_the_same_too(client: httpx.Client) -> None:
    assert client.post("/plan", json=NETWORK).json() == client.post("/plan", json=STACK).json()


@pytest.mark.parametrize("path", ["/init", "/plan", "/diagnose"])
@pytest.mark.parametrize(
    ("layer", "pointer", "words"),
    [
        ({"type": "add", "inputs": ["dense_0", "dens_0"]}, "/layers/1/inputs/1", "did you mean dense_0?"),
        ({"type": "add", "inputs": ["later"]}, "/layers/1/inputs/0", "later comes later"),
        ({"type": "add", "inputs": ["dense_0:1"]}, "/layers/1/inputs/0", "is no split"),
        ({"type": "tied", "to": "nothing"}, "/layers/1/to", "no earlier layer is called 'nothing'"),
        ({"type": "flatten", "scheme": "zeros"}, "/layers/1/scheme", "no such field"),
        ({"type": "max_pool"}, "/layers/1/window", "required"),
        ({"type": "concatenate", "axis": 0}, "/layers/1/axis", "axis 0 is the batch"),
        (
            {"type": "conv2d", "shape": [3, 3, 4, 4], "strides": [1, 2, 3]},
            "/layers/1/strides",
            "one for each of 2, not 3",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused(
    client: httpx.Client, path: str, layer: Document, pointer: str, words: str
) -> None:
    layers = [{"type": "dense", "shape": [3, 4]}, layer, {"name": "later", "type": "dense", "shape": [4, 4]}]
    answer = client.post(path, json={"seed": 1, "layers": layers})
    assert answer.status_code == 422
    (found,) = answer.json()["errors"]
    assert found["pointer"] == pointer
    assert words in found["detail"]


@pytest.mark.parametrize("path", ["/init", "/plan", "/diagnose"])
def test_sizes_that_do_not_chain_are_told_with_what_comes_and_what_is_taken(client: httpx.Client, path: str) -> None:
    layers = [*NETWORK["layers"][:4], {"name": "head", "type": "dense", "shape": [63, 3]}]
    answer = client.post(path, json={**NETWORK, "layers": layers})
    assert answer.status_code == 422
    (found,) = answer.json()["errors"]
    assert found["pointer"] == "/layers/4/shape"
    assert found["detail"] == "head (dense) takes 63 features, and 64 comes in"


def test_layers_that_say_nothing_of_a_network_need_not_chain() -> None:
    assert names({"seed": 1, "layers": [{"type": "dense", "shape": [3, 4]}, {"type": "dense", "shape": [9, 9]}]})


def test_two_shapes_are_tokens_and_their_positions() -> None:
    document = {
        "seed": 1,
        "input_shape": [[12], [12]],
        "layers": [
            {"name": "words", "type": "embedding", "shape": [50, 8]},
            {"name": "places", "type": "embedding", "shape": [12, 8], "inputs": ["positions"]},
            {"type": "add", "inputs": ["words", "places"]},
        ],
    }
    spec = Spec.model_validate(document)
    assert spec.input_shape == {"input": [12], "positions": [12]}
    assert spec.graph.inputs == ("input", "positions")


def test_every_type_of_structure_is_refused_what_layers_with_weights_have() -> None:
    for kind in STRUCTURE.values():
        assert not kind.model_fields.keys() & {"scheme", "gain", "seed", "dtype"}


def test_a_layer_called_input_is_meant_once_it_is_there() -> None:
    layers = [
        {"name": "input", "type": "dense", "shape": [3, 4]},
        {"type": "dense", "shape": [4, 4]},
        {"type": "add", "inputs": ["input", "dense_1"]},
    ]
    places = Spec.model_validate({"layers": layers}).graph.places
    assert [taken.place for taken in places[2].takes] == [0, 1]
    assert places[0].takes[0].place is None


def test_a_split_says_which_part() -> None:
    split = {"name": "parts", "type": "split", "sizes": [2, 2]}
    for inputs, words in ((None, "parts:0"), (["parts"], "parts:0 to parts:1"), (["parts:2"], "parts:0 to parts:1")):
        stated = {} if inputs is None else {"inputs": inputs}
        with pytest.raises(InvalidSpec, match=words):
            planned({"layers": [split, {"type": "dense", "shape": [2, 2], **stated}]})


def test_layers_that_take_without_end_are_refused() -> None:
    layers = [{"name": "d", "type": "dense", "shape": [4, 4]}, *[{"type": "add", "inputs": ["d"] * 64}] * 4097]
    with pytest.raises(TooLarge, match="262,144 inputs together"):
        planned({"layers": layers})
