"""Recipes as networks: every layer that has weights stands in it once, and takes what was there before."""

from collections.abc import Iterator

import pytest

from service.errors import UnsupportedCombination
from service.networks.graph.shapes import shapes_of
from service.specs.recipes import RECIPES, Named, expand, networks, structured
from service.specs.spec import Spec
from service.specs.starts import STARTS, Start


def told() -> Iterator[Named]:
    """Yield every recipe whose network is told, at its first size with each of its heads; starts at every size."""
    for name in networks():
        recipe = RECIPES[name]
        if isinstance(recipe, Start):
            yield from (Named(name, size) for size in recipe.sizes)
        else:
            yield from (Named(name, config=CONFIGS.get((name, str(head))), head=head) for head in recipe.heads)


CONFIGS = {("distilbert", "masked_lm"): '{"tie_word_embeddings": false}'}  # tied, its bias is no layer by itself
UNREAD = {  # what a decoder alone has and does not read, and what stands for patches that are hidden
    ("bart", "causal_lm"): ".encoder_attn",
    ("dinov2", "None"): "mask_token",
    ("dinov2", "image_classification"): "mask_token",
}
TOLD = [pytest.param(named, id="-".join(filter(None, (named.recipe, named.size, named.head)))) for named in told()]


@pytest.mark.parametrize("named", TOLD)
def test_every_layer_with_weights_stands_in_the_network_once_as_init_has_it(named: Named) -> None:
    expanded = expand(named)
    unread = UNREAD.get((named.recipe, str(named.head)), "nothing in it")
    others = expanded.tied_layers | {each["name"] for each in expanded.layers if unread in each["name"]}
    own = {layer["name"]: layer for layer in expanded.layers if layer["name"] not in others}
    network = structured(named)
    names = [layer["name"] for layer in network.layers]
    assert len(names) == len(set(names))
    assert own.keys() <= set(names)
    for layer in network.layers:
        stated = own.get(layer["name"], {})
        changed = {member for member, value in stated.items() if layer[member] != value}
        assert changed <= {"activation"}, layer["name"]


@pytest.mark.parametrize("named", TOLD)
def test_a_layer_takes_what_came_before_and_nothing_is_left_but_the_last(named: Named) -> None:
    network = structured(named)
    known, taken = set(network.input_shape), set[str]()
    for layer in network.layers:
        sources = {each.partition(":")[0] for each in layer["inputs"]}
        assert sources <= known, layer["name"]
        known.add(layer["name"])
        taken |= sources | ({layer["to"]} if layer["type"] == "tied" else set())
    assert known - taken == {network.layers[-1]["name"]}


@pytest.mark.parametrize("name", networks())
def test_sizes_chain_from_the_inputs_to_the_output(name: str) -> None:
    spec = Spec.model_validate({"recipe": name, "seed": 1})
    *_, last = shapes_of(spec.graph, {each: (2, *shape) for each, shape in spec.network.input_shape.items()})
    assert last[0][0] == 2


@pytest.mark.parametrize("name", ["gpt2", "bert", "t5", "vit", "resnet50", "vgg16", "mlp_mixer", *STARTS])
def test_these_recipes_are_networks(name: str) -> None:
    assert name in networks()


def test_a_recipe_that_is_known_by_its_weights_alone_is_refused_with_those_that_are_networks() -> None:
    strange = next(name for name in RECIPES if name not in networks())
    with pytest.raises(UnsupportedCombination, match=r"gpt2.*unet") as refused:
        structured(Named(strange))
    assert refused.value.pointer == "/recipe"


def test_unet_has_the_sizes_of_its_figure() -> None:
    """A tile of 572 by 572 gives 388 by 388: crops are those of the publication's arrows."""
    cropped = [layer["padding"][0] for layer in structured(Named("unet")).layers if layer["type"] == "pad"]
    assert cropped == [[-4, -4], [-16, -16], [-40, -40], [-88, -88]]
