"""Branches and blocks are found in the graphs of published networks, as their papers draw them."""

import pytest

from service.analysis.residuals.blocks import blocks_of, number_of, shared_name
from service.analysis.residuals.branches import branches_of
from service.analysis.residuals.ways import Site, Ways
from tests.analysis.residuals.graphs import GPT2, RESNET, UNET, graph, names, pre_norm


def branches(sites: list[Site]) -> list[tuple[str, str, str, list[str]]]:
    """What is found: at, origin, shortcut, and the layers of the branch."""
    return [
        (*names(sites, (one.at, one.origin, one.shortcut)), names(sites, one.places))  # type: ignore[misc]
        for here in branches_of(Ways(sites))
        for one in here
    ]


def test_a_transformers_blocks_are_attention_and_what_follows_it() -> None:
    first, second = blocks_of(GPT2)
    assert (first.name, second.name) == ("h.0", "h.1")
    assert names(GPT2, (first.enters, first.leaves)) == ["drop", "h.0.add_2"]
    assert names(GPT2, (second.enters, second.leaves)) == ["h.0.add_2", "h.1.add_2"]
    attention, dense = first.branches
    assert names(GPT2, attention.places) == ["h.0.ln_1", "h.0.attn"]
    assert names(GPT2, dense.places) == ["h.0.ln_2", "h.0.fc", "h.0.gelu", "h.0.proj"]
    assert names(GPT2, (dense.at, dense.shortcut)) == ["h.0.add_2", "h.0.add_1"]
    assert [GPT2[place].name for place in first.places] == [site.name for site in GPT2 if site.name.startswith("h.0.")]


def test_embeddings_that_are_added_are_no_branches() -> None:
    of_one_input = graph("input: input", "a: embedding(input)", "b: embedding(input)", "sum: add(a, b)")
    assert branches(of_one_input) == []


def test_a_norm_behind_the_sum_is_its_blocks_at_the_end_too() -> None:
    def post_norm(number: int, x: str) -> list[str]:
        at = f"layer.{number}"
        return [
            f"{at}.attention: attention({x})",
            f"{at}.add: add({x}, {at}.attention)",
            f"{at}.norm: norm({at}.add)",
            f"{at}.fc: dense({at}.norm)",
            f"{at}.add_2: add({at}.norm, {at}.fc)",
            f"{at}.norm_2: norm({at}.add_2)",
        ]

    bert = graph("input: input", *post_norm(0, "input"), *post_norm(1, "layer.0.norm_2"), "head: dense(layer.1.norm_2)")
    blocks = blocks_of(bert)
    assert [(one.name, *names(bert, (one.enters, one.leaves))) for one in blocks] == [
        ("layer.0", "input", "layer.0.norm_2"),
        ("layer.1", "layer.0.norm_2", "layer.1.norm_2"),
    ]


def test_a_networks_last_norm_is_not_the_last_blocks() -> None:
    assert names(GPT2, [blocks_of(GPT2)[-1].leaves]) == ["h.1.add_2"]


def test_an_encoders_last_norm_is_not_its_last_blocks_though_many_take_it() -> None:
    encoder = graph(
        "x: input",
        *pre_norm(0, "x"),
        *pre_norm(1, "h.0.add_2"),
        "final: norm(h.1.add_2)",
        "cross_1: attention(final)",
        "cross_2: attention(final)",
        "end: concat(cross_1, cross_2)",
    )
    assert names(encoder, [blocks_of(encoder)[-1].leaves]) == ["h.1.add_2"]


def test_residual_networks_have_projections_for_shortcuts() -> None:
    blocks = blocks_of(RESNET)
    assert [(one.name, *names(RESNET, (one.enters, one.leaves))) for one in blocks] == [
        ("layer1.0", "pool", "layer1.0.relu"),
        ("layer1.1", "layer1.0.relu", "layer1.1.relu"),
        ("layer2.0", "layer1.1.relu", "layer2.0.relu"),
    ]
    [branch] = blocks[2].branches
    assert names(RESNET, (branch.at, branch.shortcut)) == ["layer2.0.add", "layer2.0.downsample.1"]
    assert names(RESNET, branch.places) == ["layer2.0.conv1", "layer2.0.bn1", "layer2.0.conv2", "layer2.0.bn2"]
    assert "layer2.0.downsample.0" in names(RESNET, blocks[2].places)


def test_blocks_without_names_are_called_after_their_sums() -> None:
    plain = graph(
        "input: input",
        "dense_0: dense(input)",
        "dense_1: dense(dense_0)",
        "add_2: add(input, dense_1)",
        "dense_3: dense(add_2)",
        "dense_4: dense(dense_3)",
        "add_5: add(add_2, dense_4)",
    )
    assert [(one.name, len(one.branches)) for one in blocks_of(plain)] == [("add_2", 1), ("add_5", 1)]


def test_a_pooled_and_padded_shortcut_is_one() -> None:
    option_a = graph(
        "x: input", "conv1: conv(x)", "conv2: conv(conv1)", "half: pool(x)", "wide: pool(half)", "y: add(conv2, wide)"
    )
    assert branches(option_a) == [("y", "x", "wide", ["conv1", "conv2"])]


def test_a_scaled_shortcut_is_one() -> None:
    deepnorm = graph("x: input", "by: scale(x)", "attn: attention(x)", "y: add(by, attn)", "z: norm(y)")
    assert branches(deepnorm) == [("y", "x", "by", ["attn"])]


def test_parallel_branches_share_a_sum() -> None:
    gpt_j = graph("x: input", "ln: norm(x)", "attn: attention(ln)", "fc: dense(ln)", "y: add(attn, fc, x)")
    assert branches(gpt_j) == [("y", "x", "x", ["ln", "attn"]), ("y", "x", "x", ["ln", "fc"])]
    in_two_sums = graph(
        "x: input", "ln: norm(x)", "attn: attention(ln)", "fc: dense(ln)", "both: add(attn, fc)", "y: add(both, x)"
    )
    assert branches(in_two_sums) == [("y", "x", "x", ["ln", "attn", "fc", "both"])]


def test_a_unets_levels_lie_within_each_other() -> None:
    blocks = blocks_of(UNET)
    assert [(one.name, names(UNET, one.places)) for one in blocks] == [
        ("up2.concat", ["pool2", "middle.conv", "up2.up", "up2.concat"]),
        ("up1.concat", ["pool1", "down2.conv1", "up2.conv", "up1.up", "up1.concat"]),
    ]
    [outer] = blocks[1].branches
    assert names(UNET, (outer.origin, outer.shortcut, outer.end)) == ["down1.conv2", "down1.conv2", "up1.up"]
    assert "middle.conv" in names(UNET, outer.places)


def test_a_skip_that_is_cropped_is_one_as_well() -> None:
    """Ronneberger et al. 2015: convolutions without padding leave less than the skip has."""
    valid = graph("x: conv", "crop: pool(x)", "down: conv(x)", "up: conv(down)", "y: concat(up, crop)")
    assert branches(valid) == [("y", "x", "crop", ["down", "up"])]


def test_a_way_with_a_projection_is_no_concatenations_shortcut() -> None:
    assert branches(graph("x: input", "a: conv(x)", "b: conv(x)", "c: conv(b)", "y: concat(a, c)")) == []


def test_attention_is_no_shortcut_of_what_stands_beside_it() -> None:
    parallel = graph("x: input", "attn: attention(x)", "fc: dense(x)", "proj: dense(fc)", "both: add(attn, proj)")
    assert branches(parallel) == []


def test_channels_that_are_doubled_by_a_concatenation_are_a_shortcut() -> None:
    fixup = graph(
        "x: input", "a: conv(x)", "b: conv(a)", "half: pool(x)", "twice: concat(half, half)", "y: add(twice, b)"
    )
    assert branches(fixup) == [("y", "x", "twice", ["a", "b"])]


def test_a_sum_with_what_lies_within_another_branch_has_no_shortcut() -> None:
    across = graph(
        "x: input", "a: dense(x)", "b: dense(a)", "y: add(x, b)", "c: dense(y)", "d: dense(c)", "z: add(a, d)"
    )
    assert [one[0] for one in branches(across)] == ["y"]


def test_the_parallel_ways_of_an_inception_are_no_shortcuts() -> None:
    inception = graph("x: input", "a: conv(x)", "b: conv(x)", "c: conv(b)", "p: pool(x)", "y: concat(a, c, p)")
    assert branches(inception) == []


def test_a_dense_networks_concatenations_are_shortcuts() -> None:
    densenet = graph("x: input", "a: conv(x)", "y: concat(x, a)", "b: conv(y)", "z: concat(y, b)")
    assert [one[:3] for one in branches(densenet)] == [("y", "x", "x"), ("z", "y", "y")]


def test_what_comes_in_beside_every_block_is_no_stream() -> None:
    """A diffusion network adds the time to every block; the blocks before are no branch of the time."""

    def block(n: int, x: str) -> list[str]:
        return [
            f"{n}.conv1: conv({x})",
            f"{n}.time: dense(temb)",
            f"{n}.in: add({n}.conv1, {n}.time)",
            f"{n}.conv2: conv({n}.in)",
            f"{n}.skip: conv({x})",
            f"{n}.out: add({n}.skip, {n}.conv2)",
        ]

    sites = graph("image: input", "time: input", "temb: dense(time)", *block(1, "image"), *block(2, "1.out"))
    assert [one[:3] for one in branches(sites)] == [("1.out", "image", "1.skip"), ("2.out", "1.out", "2.skip")]


def test_positions_that_are_added_before_every_attention_are_no_stream() -> None:
    def layer(n: int, x: str) -> list[str]:
        return [f"q{n}: add({x}, pos)", f"attn{n}: attention(q{n}, {x})", f"y{n}: add({x}, attn{n})"]

    detr = graph("image: input", "x0: dense(image)", "pos: tensor", *layer(1, "x0"), *layer(2, "y1"), *layer(3, "y2"))
    assert [one[:3] for one in branches(detr)] == [("y1", "x0", "x0"), ("y2", "y1", "y1"), ("y3", "y2", "y2")]


def test_a_decoder_has_three_branches_a_block_and_what_the_encoder_gives_is_in_none() -> None:
    def decoder(n: int, x: str) -> list[str]:
        at = f"decoder.block.{n}.layer"
        return [
            f"{at}.0.attn: attention({x})",
            f"{at}.0.add: add({x}, {at}.0.attn)",
            f"{at}.1.cross: attention({at}.0.add, encoder)",
            f"{at}.1.add: add({at}.0.add, {at}.1.cross)",
            f"{at}.2.wi: dense({at}.1.add)",
            f"{at}.2.wo: dense({at}.2.wi)",
            f"{at}.2.add: add({at}.1.add, {at}.2.wo)",
        ]

    t5 = graph(
        "input: input",
        "decoder_input: input",
        "encoder: attention(input)",
        "x: embedding(decoder_input)",
        *decoder(0, "x"),
        *decoder(1, "decoder.block.0.layer.2.add"),
    )
    blocks = blocks_of(t5)
    assert [(one.name, len(one.branches)) for one in blocks] == [("decoder.block.0", 3), ("decoder.block.1", 3)]
    assert all("encoder" not in names(t5, one.places) for one in blocks)


def test_blocks_within_numbered_stages_are_told_apart() -> None:
    swin = graph(
        "x: input", *pre_norm(0, "x", "layers.0.blocks."), *pre_norm(1, "layers.0.blocks.0.add_2", "layers.0.blocks.")
    )
    assert [(one.name, len(one.branches)) for one in blocks_of(swin)] == [
        ("layers.0.blocks.0", 2),
        ("layers.0.blocks.1", 2),
    ]


def test_a_mixers_two_branches_are_one_block() -> None:
    mixer = graph(
        "x: input",
        "blocks.0.norm1: norm(x)",
        "blocks.0.tokens: dense(blocks.0.norm1)",
        "blocks.0.add1: add(x, blocks.0.tokens)",
        "blocks.0.norm2: norm(blocks.0.add1)",
        "blocks.0.channels: dense(blocks.0.norm2)",
        "blocks.0.add2: add(blocks.0.add1, blocks.0.channels)",
    )
    assert [(one.name, len(one.branches)) for one in blocks_of(mixer)] == [("blocks.0", 2)]


def test_a_residual_within_a_residual_is_a_block_of_its_own() -> None:
    rrdb = graph(
        "x: input",
        "rdb1.conv: conv(x)",
        "rdb1.add: add(x, rdb1.conv)",
        "rdb2.conv: conv(rdb1.add)",
        "rdb2.add: add(rdb1.add, rdb2.conv)",
        "scaled: scale(rdb2.add)",
        "out: add(x, scaled)",
    )
    blocks = blocks_of(rrdb)
    assert [(one.name, names(rrdb, one.places)) for one in blocks] == [
        ("rdb1", ["rdb1.conv", "rdb1.add"]),
        ("rdb2", ["rdb2.conv", "rdb2.add"]),
        ("out", ["scaled", "out"]),
    ]


def test_a_plain_stack_has_no_blocks() -> None:
    assert blocks_of(graph("x: input", "a: dense(x)", "b: dense(a)")) == []


def test_adding_a_place_to_itself_is_no_branch() -> None:
    assert branches(graph("x: input", "a: dense(x)", "y: add(a, a)")) == []


def test_two_blocks_never_share_a_name() -> None:
    sites = graph(
        "x: input",
        "b.one: dense(x)",
        "b.two: dense(b.one)",
        "b.sum: add(x, b.two)",
        "b.three: dense(b.sum)",
        "b.four: dense(b.three)",
        "b.end: add(b.sum, b.four)",
    )
    assert [one.name for one in blocks_of(sites)] == ["b.sum", "b.end"]


@pytest.mark.parametrize(
    ("layers", "whole", "number"),
    [
        (["h.0.ln_1", "h.0.attn.c_attn"], "h.0", "h.0"),
        (["block1_fc1", "block1_fc2"], "", "block1"),
        (["dense_1", "dense_10"], "", ""),
        (["middle.conv1", "middle.conv2"], "middle", ""),
        (["layer2.0.conv1"], "layer2.0.conv1", "layer2.0.conv1"),
        (["a", "b"], "", ""),
    ],
)
def test_names_share_whole_words(layers: list[str], whole: str, number: str) -> None:
    assert (shared_name(layers), number_of(layers)) == (whole, number)


def test_a_hundred_blocks_are_found_at_once() -> None:
    lines = ["x: input"]
    x = "x"
    for number in range(100):
        lines += pre_norm(number, x)
        x = f"h.{number}.add_2"
    assert len(blocks_of(graph(*lines))) == 100
