"""Recipes against the numbers of their papers: how wide each size is, and what depth does to deviations."""

import pytest

from service.networks.plan import PlannedParameter
from service.specs.spec import Spec


def parameters(recipe: str, size: str) -> dict[str, PlannedParameter]:
    plan = Spec.model_validate({"seed": 1, "recipe": recipe, "size": size}).plan()
    return {parameter.key: parameter for parameter in plan.parameters}


@pytest.mark.parametrize(
    ("recipe", "table", "widths"),
    [
        ("t5", "shared.weight", {"small": 512, "base": 768, "large": 1024}),  # Raffel et al. 2020, section 3.7
        ("vit", "embeddings.cls_token", {"base": 768, "large": 1024}),  # Dosovitskiy et al. 2021, table 1
    ],
)
def test_a_size_is_as_wide_as_published(recipe: str, table: str, widths: dict[str, int]) -> None:
    for size, width in widths.items():
        assert parameters(recipe, size)[table].shape[-1] == width


@pytest.mark.parametrize(("size", "width", "depth"), [("small", 512, 6), ("base", 768, 12), ("large", 1024, 24)])
def test_t_fixup_narrows_by_the_fourth_root_of_depth(size: str, width: int, depth: int) -> None:
    """Huang et al. 2020, section 3.2: embeddings by (9 N)^-1/4, weights by 0.67 N^-1/4, Xavier as without heads."""
    found = parameters("t_fixup", size)
    assert len([key for key in found if key.endswith("v_proj.weight")]) == depth
    xavier = (2.0 / (2.0 * width)) ** 0.5
    for key, deviation in {
        "embedding.weight": width**-0.5 * (9.0 * depth) ** -0.25,
        "block_0.attention.q_proj.weight": xavier,
        "block_0.attention.v_proj.weight": xavier * 2.0**0.5 * 0.67 * depth**-0.25,
    }.items():
        assert found[key].expectation.deviation == pytest.approx(deviation, rel=1e-6)
