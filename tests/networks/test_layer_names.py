"""What frameworks call the layers: each stands for this service's type, in a spec and in the catalogue."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from service.api.entries import layer_example
from service.networks.layers import LAYERS
from service.networks.layers.names import ALIASES, SPELLINGS, own_type
from service.networks.layers.structure import STRUCTURE
from service.networks.layouts import LAYOUTS
from service.specs.spec import Spec

# Classes of torch.nn, keras.layers and flax.linen or flax.nnx.
TORCH = {
    "Linear": "dense", "Bilinear": "bilinear", "Conv1d": "conv1d", "Conv2d": "conv2d", "Conv3d": "conv3d",
    "ConvTranspose1d": "conv1d_transpose", "ConvTranspose2d": "conv2d_transpose", "ConvTranspose3d": "conv3d_transpose",
    "Embedding": "embedding", "RNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru",
    "MultiheadAttention": "multi_head_attention", "TransformerEncoderLayer": "transformer_encoder_layer",
    "TransformerDecoderLayer": "transformer_decoder_layer", "TransformerEncoder": "transformer_encoder",
    "TransformerDecoder": "transformer_decoder", "EmbeddingBag": "embedding", "RNNCell": "simple_rnn",
    "BatchNorm1d": "batch_norm", "BatchNorm2d": "batch_norm", "BatchNorm3d": "batch_norm", "LayerNorm": "layer_norm",
    "GroupNorm": "group_norm", "InstanceNorm2d": "instance_norm", "RMSNorm": "rms_norm", "PReLU": "prelu",
    "Dropout": "dropout", "Parameter": "tensor",
}  # fmt: skip
KERAS = {
    "Dense": "dense", "EinsumDense": "einsum_dense", "Conv1D": "conv1d", "Conv2D": "conv2d", "Conv3D": "conv3d",
    "Conv1DTranspose": "conv1d_transpose", "Conv2DTranspose": "conv2d_transpose", "Conv3DTranspose": "conv3d_transpose",
    "DepthwiseConv1D": "depthwise_conv1d", "DepthwiseConv2D": "depthwise_conv2d",
    "SeparableConv1D": "separable_conv1d", "SeparableConv2D": "separable_conv2d", "Embedding": "embedding",
    "SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru", "MultiHeadAttention": "multi_head_attention",
    "GroupQueryAttention": "grouped_query_attention", "BatchNormalization": "batch_norm",
    "LayerNormalization": "layer_norm", "GroupNormalization": "group_norm", "RMSNormalization": "rms_norm",
    "PReLU": "prelu", "Dropout": "dropout",
}  # fmt: skip
FLAX = {
    "Dense": "dense", "Linear": "dense", "Einsum": "einsum_dense", "Embed": "embedding", "SimpleCell": "simple_rnn",
    "LSTMCell": "lstm", "GRUCell": "gru", "MultiHeadDotProductAttention": "multi_head_attention",
    "BatchNorm": "batch_norm", "LayerNorm": "layer_norm", "GroupNorm": "group_norm", "InstanceNorm": "instance_norm",
    "RMSNorm": "rms_norm", "PReLU": "prelu", "Dropout": "dropout",
}  # fmt: skip
EVERY = [*TORCH.items(), *KERAS.items(), *FLAX.items(), ("conv_transpose2d", "conv2d_transpose"), ("linear", "dense")]


def named(kind: str, name: str) -> Any:
    (layer,) = layer_example(kind)["layers"]
    return Spec.model_validate({"layers": [{**layer, "type": name}]}).weighted[0]


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_every_frameworks_name_of_a_layer_is_known(name: str, kind: str) -> None:
    for spelling in (name, name.lower(), f"nn.{name}", f"keras.layers.{name}"):
        assert type(named(kind, spelling)) is LAYERS[kind]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_flaxs_convolution_has_as_many_axes_as_its_shape(axes: int) -> None:
    assert named(f"conv{axes}d", "Conv").type == f"conv{axes}d"
    assert named(f"conv{axes}d_transpose", "nn.ConvTranspose").type == f"conv{axes}d_transpose"


@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru"])
def test_a_cell_has_a_layers_bytes_under_a_cells_names(kind: str) -> None:
    """As `LSTMCell` of PyTorch and of Keras has them; Flax's is what its recurrent layers are made of."""
    spelling = {"simple_rnn": "RNNCell", "lstm": "LSTMCell", "gru": "GRUCell"}[kind]

    def arrays(layout: str, **more: Any) -> dict[str, bytes]:
        layer = {"type": spelling, "name": "x", "shape": [3, 2], **more}
        plan = Spec.model_validate({"seed": 1, "layout": layout, "layers": [layer]}).plan()
        return {each.name: b"".join(block.tobytes() for block in each.blocks()) for each in plan.parameters}

    names = {"pytorch": ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]}
    names["keras"] = ["kernel", "recurrent_kernel", "bias"]
    for layout, expected in names.items():
        assert list(arrays(layout)) == expected
        assert list(arrays(layout).values()) == list(arrays(layout, cell=False).values())
    assert arrays("flax") == arrays("flax", cell=False)
    with pytest.raises(ValidationError, match="a cell alone is one layer"):
        arrays("keras", cell=True, num_layers=2)
    assert "weight_ih_l1_reverse" in arrays("pytorch", num_layers=2, bidirectional=True)


def test_no_alias_hides_a_type_and_every_row_is_of_one() -> None:
    types = LAYERS.keys() | STRUCTURE.keys()
    assert SPELLINGS.keys() <= types
    assert not ALIASES.keys() & types
    assert all(own_type(kind) == kind for kind in types)


def test_the_catalogue_lists_them_and_answers_by_each(client: httpx.Client) -> None:
    for entry in client.get("/layers").json()["layers"]:
        for alias in entry["aliases"]:
            if alias not in ("Conv", "ConvTranspose"):  # of one axis, two or three
                assert client.get(f"/layers/{alias}").json() == entry
    assert client.get("/layers/Linear").json()["name"] == "dense"


def test_a_name_that_is_nearly_one_is_answered_with_it(client: httpx.Client) -> None:
    problem = client.post("/plan", json={"layers": [{"type": "Linaer", "shape": [3, 4]}]}).json()
    (error,) = problem["errors"]
    assert error["pointer"] == "/layers/0/type"
    assert "did you mean Linear?" in error["detail"]
    wrong = client.post("/plan", json={"layers": [{"type": "Linear", "shape": [3, 4, 5], "bais": None}]}).json()
    assert {error["pointer"] for error in wrong["errors"]} == {"/layers/0/shape", "/layers/0/bais"}


def test_what_is_no_layer_is_refused() -> None:
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        Spec.model_validate({"layers": [{"type": "Lambda", "shape": [3]}]})


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", LAYERS)
def test_every_parameter_of_a_layer_stands_in_every_layout(kind: str, layout: Any) -> None:
    (layer,) = layer_example(kind)["layers"]
    (spec,) = Spec.model_validate({"layers": [layer]}).weighted
    placed = {name for placement in spec.placements()[layout] for name in placement.of.sources()}
    assert placed == {parameter.name for parameter in spec.parameters()}
