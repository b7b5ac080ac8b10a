"""A published model's checkpoint is verified by the names that it has, which need not be its modules' own."""

from service.specs.published import as_in_a_checkpoint, names_in_a_checkpoint
from tests.verification import file_of, planned, verify


def test_a_checkpoint_is_equal_under_either_names() -> None:
    config = {"hidden_size": 60, "num_hidden_layers": 1}
    plan = planned(recipe="vit", config=config, seed=3)
    published = as_in_a_checkpoint(plan)
    names = names_in_a_checkpoint(plan)
    assert names["encoder.layer.0.attention.attention.query.weight"] == "layers.0.attention.q_proj.weight"
    assert len(names) == 16  # four projections, two dense layers and two norms, each of two arrays
    for each in (plan, published):
        answer = verify(file_of(each, "safetensors"), plan)
        assert answer["equal"], answer["summary"]
        assert answer["totals"]["parameters"] == len(plan.parameters)
    other = verify(file_of(published, "safetensors"), planned(recipe="vit", config=config, seed=4))
    assert other["totals"]["unexpected"] == other["totals"]["missing"] == 0
    assert not other["equal"]


def test_other_specs_have_no_other_names() -> None:
    for document in ({"recipe": "gpt2"}, {"recipe": "vit", "layout": "keras"}, {"recipe": "lora"}):
        assert names_in_a_checkpoint(planned(seed=1, **document)) == {}
