"""Bodies as they are read: strictly, once; refusals that lead into them, small whatever they quote."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from service.api.entries import layer_example
from service.api.parsing import parse_json, parse_spec, pointing_into
from service.api.problems import MOST_ERRORS, RequestProblem, problem
from service.errors import InitserveError
from service.networks.layers import LAYERS
from service.networks.schemes import PRESETS
from service.replay import ALGORITHMS
from service.specs.places import nearest_written
from service.specs.recipes import RECIPES

DENSE: dict[str, Any] = {"type": "dense", "shape": [3, 2]}
LARGEST = 16 * 1024


def refusal(document: Any) -> InitserveError | RequestProblem | None:
    body = json.dumps(document).encode()
    try:
        with pointing_into(body):
            parse_spec(body).plan()
    except (InitserveError, RequestProblem) as error:
        return error
    return None


def resolve(document: Any, pointer: str) -> Any:
    """Return what a pointer leads to, as RFC 6901 has it; raises where it leads nowhere."""
    assert pointer == "" or pointer.startswith("/")
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def spread() -> Iterator[dict[str, Any]]:
    """Yield specs of which many cannot be: every layer and many schemes under every stream, recipes too."""
    layers = [layer_example(name)["layers"][0] for name in LAYERS]
    for algorithm, layer in product(["initserve/1", *ALGORITHMS], layers):
        yield {"algorithm": algorithm, "layers": [DENSE, layer]}
        yield {"algorithm": algorithm, "layers": [layer], "dtype": "bfloat16", "fans": "keras"}
    for layer, scheme in product((DENSE, *layers[::9]), PRESETS):
        yield {"layers": [DENSE, {**layer, "scheme": scheme}]}
    for algorithm, recipe in product(["initserve/1", *ALGORITHMS], RECIPES):
        yield {"algorithm": algorithm, "recipe": recipe, "fans": "flax"}
        yield {"algorithm": algorithm, "recipe": recipe, "rules": [{"match": "*", "scheme": "dirac"}]}


def test_whatever_is_refused_is_pointed_at_in_the_document_as_posted() -> None:
    refused = 0
    for document in spread():
        error = refusal(document)
        if isinstance(error, InitserveError):
            resolve(document, error.pointer)
            refused += 1
        elif error is not None:
            for each in error.errors:
                resolve(document, each["pointer"])
            refused += 1
    assert refused > 300


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"layers": [{"name": "dense_1", **DENSE}, DENSE]}, "/layers/1"),
        ({"layers": [{**DENSE, "shape": [2**53 - 1] * 2}]}, "/layers/0/shape"),
        ({"layers": [{**DENSE, "gain": 1e9}], "dtype": "half"}, "/layers/0/gain"),
        ({"layers": [{**DENSE, "scheme": "identity", "bias": {"name": "torch:xavier_normal"}}]}, "/layers/0/bias"),
        ({"algorithm": "jax-threefry/1", "layers": [DENSE], "fans": "torch"}, "/fans"),
        ({"algorithm": "jax-threefry/1", "recipe": "gpt2"}, "/recipe"),
        ({"recipe": "bert", "size": "large", "rules": [{"match": "*a" * 120, "scheme": "zeros"}] * 64}, "/rules"),
    ],
)
def test_a_refusal_of_a_plan_leads_to_what_was_posted(document: Any, pointer: str) -> None:
    error = refusal(document)
    found = error.pointer if isinstance(error, InitserveError) else error and error.errors[0]["pointer"]
    assert found == pointer


def test_what_a_shorter_form_comes_to_is_pointed_at_as_that_form() -> None:
    for document, pointer in (({"tensors": {}}, "/tensors"), ({"recipe": "gpt2"}, "/recipe"), ({"recipe": None}, "")):
        assert nearest_written(document, "/layers/1/shape") == pointer


HOSTILE: dict[str, Any] = {
    "1,024 layers, each wrong in 60 ways": {"layers": [{**DENSE, **{f"k{i}": 1 for i in range(60)}}] * 1024},
    "200,000 wrong sizes": {"layers": [{**DENSE, "shape": ["a"] * 200_000}]},
    "names of control characters": {"\x01" * 3000 + str(i): 1 for i in range(60)},
    "names of emoji": {"\U0001f600" * 3000 + str(i): 1 for i in range(60)},
    "words of a megabyte": {"layers": [{**DENSE, "activation": "r" * 2**19, "scheme": "h" * 2**19}]},
    "64 wrong rules": {"layers": [DENSE], "rules": [{"match": "*", "scheme": {"name": "zeros", "x": 1}}] * 64},
    "many words of a framework": {
        "layers": [{**DENSE, "scheme": {"name": "torch:trunc_normal", **{f"k{i}": 1 for i in range(60)}}}]
    },
    "arrays in arrays": {"layers": json.loads("[" * 900 + "]" * 900)},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_refusal_is_small_whatever_it_quotes(name: str) -> None:
    error = refusal(HOSTILE[name])
    assert isinstance(error, RequestProblem)
    answer = problem(error.code, error.detail, error.errors, error.remedy)
    assert len(answer.body) < LARGEST
    assert 1 <= len(json.loads(bytes(answer.body))["errors"]) <= MOST_ERRORS


def test_a_remedy_mends_everything_or_is_not_given() -> None:
    error = refusal({"layers": [DENSE], "dtype": "float", "layout": "kears", "seed": 1.5})
    assert isinstance(error, RequestProblem)
    assert error.remedy == {"dtype": "float32", "layout": "keras", "seed": 1}
    assert refusal({"layers": [DENSE], **error.remedy}) is None
    for document in (
        {"layers": [{**DENSE, "activation": "rleu"}], "dtype": "float"},
        {"layers": [DENSE], "dtype": "float", "x": 1},
    ):
        error = refusal(document)
        assert isinstance(error, RequestProblem)
        assert (len(error.errors), error.remedy) == (2, None)


def test_a_remedy_that_would_fill_the_answer_is_left_out() -> None:
    assert "try" in json.loads(bytes(problem("too-large", "so", (), {"layers": ["a" * 1000]}).body))
    assert "try" not in json.loads(bytes(problem("too-large", "so", (), {"layers": ["a" * 10_000]}).body))


@pytest.mark.parametrize(
    "text",
    [
        r'{"name": "\ud800"}', r'{"\udfff": 1}', r'["\ud83d", "\ude00"]', r'{"a": [{"b": "x\uDC00y"}]}',
        '{"a": 1, "a": 2}', "[NaN]", "[1e999]", "[-Infinity]", "", "  ", "\ufeff{}", "{", "9" * 5000,
    ],
)  # fmt: skip
def test_what_json_leaves_open_is_refused(text: str) -> None:
    with pytest.raises(RequestProblem) as caught:
        parse_json(text.encode())
    assert caught.value.code == "malformed-json"
    assert caught.value.detail


@pytest.mark.parametrize(
    ("text", "value"),
    [(r'"\ud83d\ude00"', "\U0001f600"), (r'"\\ud800"', r"\ud800"), ("[1, 2.5, -0.0]", [1, 2.5, -0.0])],
)
def test_what_json_says_is_read(text: str, value: Any) -> None:
    assert parse_json(text.encode()) == value


def test_a_body_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []

    def counted(body: bytes) -> Any:
        parsed.append(body)
        return json.loads(body)

    monkeypatch.setattr("service.api.parsing.parse_json", counted)
    assert parse_spec(json.dumps({"layers": [DENSE]}).encode()).layers
    assert len(parsed) == 1
