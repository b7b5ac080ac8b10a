"""What one answer may cost: each limit set low once, and just not passed once."""

from typing import Any

import pytest

from service.api.admission import Budget, Room, admit
from service.api.problems import RequestProblem
from service.errors import TooLarge
from service.formats import Include
from service.settings import Settings
from service.specs.spec import Spec

TENSOR = {"type": "tensor", "shape": [100], "scheme": "random_normal"}  # 400 bytes
CLIENT = "192.0.2.1"
LARGE = {"type": "tensor", "shape": [2048, 2048], "scheme": "orthogonal"}  # 2^36 operations
MATRIX = {"type": "tensor", "shape": [10, 10], "scheme": "orthogonal"}  # 8,000 operations, 5,600 bytes that stand


@pytest.mark.parametrize(
    ("setting", "enough", "layers", "format", "include", "what"),
    [
        ("max_layers", 2, [TENSOR, TENSOR], "npz", Include(), "2 layers; at most 1"),
        ("max_elements", 200, [TENSOR, TENSOR], "json", Include(False, True), "200 elements; at most 199"),
        ("max_json_bytes", 400, [TENSOR], "json", Include(), "400 bytes of weights; at most 399 are allowed in JSON"),
        ("max_binary_bytes", 400, [TENSOR], "npy", Include(), "400 bytes of weights; at most 399 are allowed in npy"),
        ("max_binary_bytes", 400, [TENSOR], "safetensors", Include(), "at most 399 are allowed in safetensors"),
        ("max_processor_seconds", 2, [LARGE], "npz", Include(), "takes 2 seconds of a processor before its first"),
        ("max_standing_bytes", 5600, [MATRIX], "json", Include(), "5,600 bytes in memory at once"),
        ("max_standing_bytes_in_flight", 5600, [MATRIX], "json", Include(), "5,600 bytes in memory at once"),
    ],
)
def test_a_limit_is_held_to_the_last_unit(
    setting: str, enough: int, layers: list[dict[str, Any]], format: str, include: Include, what: str
) -> None:
    plan = Spec.model_validate({"seed": 1, "layers": layers}).plan()
    admit(plan, format, include, Settings.model_validate({setting: enough}))
    with pytest.raises(TooLarge, match=what):
        admit(plan, format, include, Settings.model_validate({setting: enough - 1}))


def test_the_limit_of_one_format_is_not_that_of_another() -> None:
    plan = Spec.model_validate({"seed": 1, "layers": [TENSOR]}).plan()
    admit(plan, "npz", Include(), Settings(max_json_bytes=1))
    admit(plan, "json", Include(), Settings(max_binary_bytes=1))
    admit(plan, "json", Include(weights=False, statistics=True), Settings(max_json_bytes=1, max_binary_bytes=1))


def test_what_a_grant_took_is_given_back_once_however_it_grew() -> None:
    budget, other = Budget(100, "memory"), Budget(3, "matrices", "matrices")
    with budget.take("a", 40) as grant:
        grant.grow(budget, 10)
        grant.grow(other, 2)
        assert (budget.taken, other.taken) == (50, 2)
        with pytest.raises(RequestProblem, match="2 of 3 matrices; this needs 2 more"):
            grant.grow(other, 2)
        with pytest.raises(RequestProblem, match="50 of 80 bytes"):
            budget.take("b", 31, kept=20)
        grant.release()
        assert (budget.taken, other.taken) == (0, 0)
    assert (budget.taken, other.taken) == (0, 0)


def test_an_answer_that_finds_no_room_to_stand_takes_none_of_the_rest() -> None:
    room = Room(Settings(max_standing_bytes_in_flight=5600))
    plan = Spec.model_validate({"seed": 1, "layers": [MATRIX]}).plan()
    first = room.for_answer(CLIENT, plan.cost, 2**30)
    held = room.memory.taken
    with pytest.raises(RequestProblem) as caught:
        room.for_answer(CLIENT, plan.cost, 2**30)
    assert caught.value.headers == {"retry-after": "1"}
    assert room.memory.taken == held
    first.release()
    assert (room.memory.taken, room.standing.taken) == (0, 0)


def test_a_client_may_have_as_much_as_it_leaves_to_all_others() -> None:
    budget = Budget(100, "memory")
    grants = [budget.take("many", 10) for _ in range(5)]
    with pytest.raises(RequestProblem, match="50 bytes; with 10 more that would be more than it leaves") as caught:
        budget.take("many", 10)
    assert (caught.value.code, caught.value.headers) == ("too-many-requests", {"retry-after": "1"})
    grants += [budget.take("other", 10), budget.take("other", 10), budget.take("third", 10)]
    with pytest.raises(RequestProblem, match="20 bytes; with 10 more") as caught:
        budget.take("other", 10)
    assert caught.value.code == "too-many-requests"
    grants += [budget.take("fourth", 20)]  # whoever has nothing gets what there is
    with pytest.raises(RequestProblem) as caught:
        budget.take("fifth", 10)
    assert caught.value.code == "busy"
    for grant in grants:
        grant.release()
    assert budget.taken == 0
    with budget.take("many", 100):
        pass


def test_what_takes_nothing_of_a_budget_is_not_refused_for_it() -> None:
    budget = Budget(40, "standing-memory")
    with budget.take("a", 34) as grant:
        grant.grow(budget, 0)
