"""Building a network quickly: sliders, groups, undo, the drawing, published models, text, files read in the browser."""

import io
import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from safetensors.numpy import save

from tests.pages.reader import (
    IN_CHROMIUM,
    PHONE,
    Reader,
    begin_with,
    drawn,
    focused,
    serious_violations,
    settle,
    shoot,
    spec,
    verdict,
    way,
)
from tests.pages.test_links import link

pytestmark = IN_CHROMIUM
MARKER = b"these bytes stay where they are"
CONFIG = {
    "model_type": "gpt2",
    "architectures": ["GPT2LMHeadModel"],
    "n_layer": 2,
    "n_embd": 32,
    "n_head": 2,
    "vocab_size": 64,
}
TENSORS: dict[str, np.ndarray[Any, Any]] = {
    "embed.weight": np.zeros((50, 8), np.float32),
    "blocks.0.attn.in_proj_weight": np.zeros((24, 8), np.float16),
    "blocks.0.norm.weight": np.zeros(8, np.float32),
    "blocks.0.mystery": np.zeros((7, 3), np.float32),
    "position_ids": np.zeros((1, 12), np.int64),
}


def field(page: Page, key: str) -> Locator:
    return page.locator(f'[data-key="{key}"]')


def deep(depth: int) -> dict[str, Any]:
    """Return a chain of equal layers of 16 features, which gives 4."""
    layer = {"type": "dense", "shape": [16, 16], "activation": "relu"}
    layers: list[dict[str, Any]] = [{"name": f"fc{each}", **layer} for each in range(1, depth)]
    return {"seed": "1", "layers": [*layers, {"name": "out", "type": "dense", "shape": [16, 4]}]}


def with_layers(reader: Reader, held: dict[str, Any]) -> Page:
    """Open what a link holds, and wait for its layers, not for the diagnosis of so many."""
    page = reader.window()
    page.goto(reader.server + link({"view": "diagnosis", **held}))
    page.locator(".layer, .node").first.wait_for()
    return page


def shapes(page: Page) -> list[Any]:
    return [layer.get("shape") for layer in spec(page)["layers"]]


def test_depth_width_and_activation_of_all_layers_are_one_slider_each(reader: Reader) -> None:
    page = reader.open()
    field(page, "all/depth").press("ArrowLeft")
    field(page, "all/width").focus()
    page.keyboard.press("ArrowLeft")
    field(page, "all/activation").select_option("tanh")
    settle(page)
    layers = spec(page)["layers"]
    assert [layer["shape"] for layer in layers] == [[784, 96], *[[96, 96]] * 5, [96, 10]]
    assert [layer["activation"] for layer in layers] == [*["tanh"] * 6, "softmax"]
    field(page, "all/depth/exact").fill("1")
    drawn(page)
    assert shapes(page) == [[784, 10]]
    field(page, "all/depth/exact").fill("3")
    drawn(page)
    assert shapes(page) == [[784, 96], [96, 96], [96, 10]]  # what one layer cannot hold is not forgotten
    field(page, "all/depth/exact").fill("0")
    expect(field(page, "all/depth/exact")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#all-depth-error")).to_have_text("A whole number from 1 to 200")
    assert len(shapes(page)) == 3


def test_a_slider_that_is_dragged_moves_all_the_way_in_one_step_of_history(reader: Reader) -> None:
    page = reader.open()
    steps = page.evaluate("history.length")
    box = field(page, "all/depth").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 5, y)
    page.mouse.down()
    seen = set()
    for part in (0.2, 0.4, 0.6):
        page.mouse.move(box["x"] + part * box["width"], y)
        drawn(page)
        seen.add(len(shapes(page)))
    page.mouse.up()
    settle(page)
    assert len(seen) == 3
    assert page.evaluate("history.length") == steps + 1
    page.keyboard.press("Control+z")
    expect(field(page, "all/depth/exact")).to_have_value("8")


def test_proportions_of_every_network_to_build_on_give_one_that_runs(reader: Reader) -> None:
    page = reader.open()
    made = page.evaluate(
        """async () => {
          const { PRESETS } = await import('/network/presets.js');
          const { proportionsOf, withDepth, withWidth } = await import('/network/proportions.js');
          return Object.entries(PRESETS).flatMap(([name, begin]) => {
            const network = begin();
            const { depth, width } = proportionsOf(network.layers);
            const sizes = depth === undefined ? [] : [1, 3, depth + 2].map((each) => ['depth', each, withDepth]);
            const widths = width === undefined ? [] : [5, 48].map((each) => ['width', each, withWidth]);
            return [...sizes, ...widths].map(([what, each, change]) => {
              const layers = change(network.layers, each);
              return { name, what, each, told: proportionsOf(layers)[what], spec: { ...network, layers } };
            });
          });
        }"""
    )
    assert len(made) > 20
    for each in made:
        what = (each["name"], each["what"], each["each"])
        if each["told"] is not None:  # a width of no hidden layer
            assert each["told"] == each["each"], what
        answer = httpx.post(f"{reader.server}/diagnose", json={"seed": 1, "batch": 2, **each["spec"]}, timeout=60)
        assert answer.status_code == 200, (what, answer.text)


def test_blocks_are_counted_and_widened_by_slider(reader: Reader) -> None:
    page = reader.open()
    begin_with(page, "residual")
    field(page, "all/depth/exact").fill("14")
    field(page, "all/width/exact").fill("32")
    settle(page)
    layers = {layer["name"]: layer for layer in spec(page)["layers"]}
    assert layers["block14.norm"]["inputs"] == ["block13.add"]
    assert layers["block14.add"]["inputs"] == ["block13.add", "block14.fc2"]
    assert (layers["in"]["shape"], layers["block14.fc1"]["shape"], layers["out"]["shape"]) == (
        [64, 32],
        [32, 64],
        [32, 10],
    )
    expect(verdict(page)).to_have_text("Normal zone")
    field(page, "all/depth/exact").fill("2")
    drawn(page)
    assert spec(page)["layers"][-3]["name"] == "block2.add"


def test_equal_layers_are_one_row_that_opens(reader: Reader) -> None:
    page = with_layers(reader, {"spec": deep(200)})
    expect(page.locator(".layer-name")).to_have_text(["fc1 … fc199", "out"])
    group = page.locator(".layer.group .layer-toggle")
    expect(group).to_contain_text("199 × dense 16 → 16, relu")
    group.focus()
    page.keyboard.press("ArrowRight")
    expect(field(page, "layer-fc30")).to_be_visible()
    assert page.locator(".layer").count() <= 70  # the others come when they are asked for
    field(page, "more-layers").click()
    expect(field(page, "layer-fc60")).to_be_visible()
    field(page, "layer-fc5").click()
    drawn(page)
    field(page, "/layers/4/activation").select_option("tanh")
    drawn(page)
    expect(page.locator(".layer-name").filter(has_text=re.compile("…"))).to_have_text(["fc6 … fc199"])
    assert spec(page)["layers"][4]["activation"] == "tanh"


@pytest.mark.parametrize("building", ["layers", "drawn"])
def test_typing_beside_two_hundred_different_layers_draws_none_of_them_anew(reader: Reader, building: str) -> None:
    network = deep(200)
    for place, layer in enumerate(network["layers"][:-1]):
        layer["activation"] = ["relu", "tanh", "gelu"][place % 7 % 3]
    page = with_layers(reader, {"building": building, "spec": network})
    parts = {"layers": ".layer", "drawn": ".node"}[building]
    assert page.locator(parts).count() <= 90
    page.route(re.compile("/(diagnose|init|plan)"), lambda _: None)  # no answer comes in between
    field(page, "/batch").type("6", delay=30)
    drawn(page)
    page.evaluate("(parts) => document.querySelectorAll(parts).forEach((part) => (part.kept = true))", parts)
    field(page, "/batch").type("4", delay=30)
    field(page, "/seed").type("23", delay=30)
    drawn(page)
    assert page.evaluate("(parts) => [...document.querySelectorAll(parts)].every((part) => part.kept)", parts)


def test_what_was_done_is_undone_and_done_again(reader: Reader) -> None:
    page = reader.open()
    before = spec(page)
    expect(field(page, "undo")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Remove fc3").click()
    page.get_by_role("button", name="Remove fc5").click()
    settle(page)
    assert len(spec(page)["layers"]) == 6
    page.keyboard.press("Control+z")
    expect(field(page, "layer-fc5")).to_be_visible()
    field(page, "undo").click()
    expect(field(page, "layer-fc3")).to_be_visible()
    assert spec(page) == before
    expect(field(page, "undo")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Control+Shift+z")
    expect(field(page, "layer-fc3")).to_have_count(0)
    field(page, "redo").click()
    expect(field(page, "layer-fc5")).to_have_count(0)
    page.go_back()
    expect(field(page, "layer-fc5")).to_be_visible()
    page.go_forward()
    expect(field(page, "layer-fc5")).to_have_count(0)


def test_undo_in_a_text_field_is_the_field_s_own_and_a_quick_one_loses_nothing(reader: Reader) -> None:
    page = reader.open()
    page.get_by_role("button", name="Remove fc3").click()
    page.keyboard.press("Control+z")  # before the address has followed
    expect(field(page, "layer-fc3")).to_be_visible()
    page.get_by_role("button", name="Remove fc3").click()
    settle(page)
    field(page, "/seed").focus()
    page.keyboard.press("Control+z")
    settle(page)
    expect(field(page, "layer-fc3")).to_have_count(0)


@pytest.mark.parametrize("pause", [0, 100, 250, 300])  # milliseconds, around the moment when the address follows
def test_two_quick_changes_are_two_steps_back(reader: Reader, pause: int) -> None:
    page = reader.open()
    before = spec(page)
    page.evaluate(
        """async (pause) => {
            const press = (key) => document.querySelector(`[data-key="${key}"]`).click();
            const keys = { key: "z", ctrlKey: true, cancelable: true };
            const wait = () => new Promise((done) => setTimeout(done, pause));
            press("remove-fc3");
            await wait();
            press("remove-fc5");
            await wait();
            dispatchEvent(new KeyboardEvent("keydown", keys));
        }""",
        pause,
    )
    expect(field(page, "layer-fc5")).to_be_visible()
    expect(field(page, "layer-fc3")).to_have_count(0)
    field(page, "undo").click()
    expect(field(page, "layer-fc3")).to_be_visible()
    assert spec(page) == before


def test_the_network_is_drawn_with_its_verdicts_sizes_and_shortcuts(reader: Reader) -> None:
    page = reader.open()
    way(page, "drawn")
    begin_with(page, "residual")
    expect(page.locator(".node.run")).to_contain_text("12 × 4 layers")
    expect(page.locator(".node.is-normal").first).to_be_visible()
    page.locator(".node.run").click()
    page.locator(".node.block").first.click()
    expect(page.locator(".arc.sum").first).to_be_attached()
    expect(page.locator(".edge-size").filter(has_text=re.compile("^128$"))).to_be_visible()
    field(page, "node-layer-block1.fc1").click()
    expect(field(page, "/layers/2/shape/1")).to_have_value("128")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "node-layer-block1.fc2"
    page.keyboard.press("Enter")
    expect(field(page, "/layers/3/name")).to_have_value("block1.fc2")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Escape")
    expect(field(page, "/layers/3/name")).to_have_count(0)
    shoot(page, "drawn-residual")


def test_a_shortcut_is_put_around_layers_in_the_drawing_and_taken_out_again(reader: Reader) -> None:
    page = reader.open()
    way(page, "drawn")
    before = spec(page)
    field(page, "node-layer-fc2").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+ArrowDown")
    drawn(page)
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="Shortcut around fc2 … fc4").click()
    settle(page)
    layers = spec(page)["layers"]
    assert layers[4] == {"name": "add1", "type": "add", "inputs": ["fc1", "fc4"]}
    expect(page.locator(".arc.sum")).to_have_count(1)
    expect(verdict(page)).to_be_visible()
    field(page, "node-block-fc2 … add1").press("ArrowRight") if page.locator(".node.block").count() else None
    field(page, "node-layer-add1").click()
    page.get_by_role("button", name="Remove this shortcut").click()
    settle(page)
    assert spec(page) == before
    field(page, "node-layer-fc3").click()
    page.get_by_role("button", name="Residual block of fc3").click()
    settle(page)
    assert [layer["type"] for layer in spec(page)["layers"][1:5]] == ["dense", "layer_norm", "dense", "add"]
    expect(verdict(page)).to_be_visible()


@pytest.mark.parametrize("kind", ["residual", "transformer"])
def test_a_block_is_added_in_one_action(reader: Reader, kind: str) -> None:
    page = reader.open()
    field(page, "add-type").select_option(f"block {kind}")
    field(page, "add").click()
    settle(page)
    layers = spec(page)["layers"]
    assert layers[7]["inputs"] == ["fc7"]
    assert layers[-2]["type"] == "add"
    assert layers[-1]["name"] == "out"
    expect(verdict(page)).to_be_visible()
    expect(page.locator("#panel .problem")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.locator(".layer-name")).to_have_count(8)


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_a_recipe_is_drawn_on_a_phone(reader: Reader, locale: str) -> None:
    network = {"seed": "1", "recipe": "gpt2", "config": {**CONFIG, "n_layer": 12}}
    address = link({"view": "diagnosis", "language": locale[:2], "spec": network})
    page = reader.open(address, viewport=PHONE, is_mobile=True, has_touch=True, locale=locale, color_scheme="dark")
    way(page, "drawn")
    run = page.locator(".node.run")
    expect(run).to_contain_text("12 × 11 capas" if locale == "es-ES" else "12 × 11 layers")
    run.click()
    page.locator(".node.block").first.click()
    field(page, "node-layer-h.0.attn.c_attn").click()
    expect(page.locator(".facts")).to_contain_text("32 × 96")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    shoot(page, f"phone-drawn-{locale}")
    assert serious_violations(page) == []


def test_a_model_is_searched_for_by_name_and_size(reader: Reader) -> None:
    page = reader.open()
    field(page, "models").click()
    expect(page.locator(".model")).to_have_count(48)
    assert serious_violations(page) == []
    page.locator("#model-search").fill("lstm small")
    page.locator("#model-search").fill("diffusion")
    expect(page.locator(".model strong")).to_have_text(["unet_2d", "unet_2d_condition", "unet"])
    page.locator("#model-search").fill("zero_init")
    field(page, "model-resnet50-zero_init_residual").click()
    drawn(page)
    assert spec(page) == {"seed": "42", "recipe": "resnet50", "size": "zero_init_residual"}
    field(page, "models").click()
    expect(page.locator("#model-search")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    assert focused(page) == "models"


def paste(page: Page, text: str) -> None:
    """Paste text beside all fields."""
    page.evaluate(
        """(text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData('text/plain', text);
          document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def test_a_config_that_is_pasted_is_the_model_that_it_says(reader: Reader) -> None:
    page = reader.open()
    paste(page, json.dumps(CONFIG))
    expect(page.locator(".opened")).to_contain_text("gpt2, with the head causal_lm")
    settle(page)
    expect(verdict(page)).to_be_visible()
    assert spec(page) == {"seed": "42", "recipe": "gpt2", "config": CONFIG, "head": "causal_lm"}
    expect(field(page, "/config/n_embd")).to_have_value("32")
    field(page, "/config/n_head").fill("3")
    expect(page.locator('[id="field--config-n_head-error"], .problem').first).to_be_visible()
    field(page, "/config/n_head").fill("4")
    settle(page)
    assert spec(page)["config"] == {**CONFIG, "n_head": 4}
    expect(verdict(page)).to_be_visible()
    paste(page, json.dumps({"model_type": "gpt3"}))
    expect(page.locator(".opened.wrong")).to_contain_text("Models of the type gpt3 are not known here")
    expect(page.locator(".opened.wrong")).to_contain_text("Nearest is gpt2")
    paste(page, '{"weight_map": {"a": "b"}}')
    expect(page.locator(".opened.wrong")).to_contain_text("An index says which file")
    paste(page, '{"layers": [')
    expect(page.locator(".opened.wrong")).to_contain_text("What was pasted is no valid JSON")
    paste(page, '{"fc.weight": [4, 8], "fc.bias": [4]}')
    expect(page.locator(".tensors tbody tr")).to_have_count(2)
    reader.forgive(422)


def test_the_layers_of_a_recipe_are_made_one_s_own_with_the_same_weights(reader: Reader) -> None:
    page = reader.open(link({"view": "diagnosis", "spec": {"seed": "3", "recipe": "gpt2", "config": CONFIG}}))
    recipe = spec(page)
    field(page, "make-mine").click()
    expect(page.locator(".layers > summary")).to_contain_text("Layers (26)")
    settle(page)
    expect(verdict(page)).to_be_visible()
    own = spec(page)
    assert "recipe" not in own
    digests = [
        {
            f"{layer['name']}.{each['name']}": each["sha256"]
            for layer in httpx.post(f"{reader.server}/init?include=statistics", json=asked).json()["layers"]
            for each in layer["parameters"]
        }
        for asked in (recipe, own)
    ]
    assert digests[0] == digests[1]
    page.keyboard.press("Control+z")
    expect(field(page, "make-mine")).to_be_visible()


def test_what_the_service_finds_wrong_is_marked_at_its_line(reader: Reader) -> None:
    page = reader.open()
    way(page, "text")
    box = page.locator("#spec-json")
    layers = ",\n  ".join(json.dumps({"type": "dense", "shape": shape}) for shape in ([4, 8], [9, 0]))
    box.fill('{"seed": "1",\n "layers": [\n  ' + layers + "\n ]\n}")
    expect(page.locator(".found li").first).to_contain_text("Line 4")
    expect(page.locator(".gutter mark")).to_have_text("4")
    page.locator(".found .line").first.click()
    assert box.evaluate("(box) => box.value.slice(box.selectionStart, box.selectionEnd)").strip().startswith('{"type"')
    box.fill('{"seed": "1", "layers": [{"type": "dense", "shape": [4, 8]}]}')
    settle(page)
    expect(verdict(page)).to_be_visible()
    field(page, "json-format").click()
    assert box.input_value().count("\n") == 5
    with page.expect_download() as saving:
        field(page, "json-save").click()
    assert saving.value.suggested_filename == "spec.json"
    assert json.loads(Path(saving.value.path()).read_text()) == spec(page)
    reader.forgive(422)


def give(page: Page, *files: tuple[str, bytes]) -> None:
    """Open files by the button's own field."""
    payload = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
    page.locator('[data-key="file"]').set_input_files(payload)  # type: ignore[arg-type]


def test_a_spec_is_opened_from_a_file_and_dropped_anywhere(reader: Reader) -> None:
    page = reader.open()
    give(page, ("mine.json", json.dumps(deep(3)).encode()))
    expect(page.locator(".opened")).to_contain_text("taken as it stands")
    settle(page)
    assert spec(page) == deep(3)
    drag = """([kind, text]) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([text], 'other.json'));
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drag, ["dragenter", ""])
    expect(page.locator(".overlay")).to_contain_text("nothing is uploaded")
    page.evaluate(drag, ["drop", json.dumps(deep(2))])
    expect(page.locator(".overlay")).to_be_hidden()
    settle(page)
    assert spec(page) == deep(2)


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_the_header_of_a_safetensors_file_is_read_in_the_browser_alone(reader: Reader, locale: str) -> None:
    page = reader.open(locale=locale)
    data = save({**TENSORS, "fc.weight": np.frombuffer(MARKER * 4096, np.uint8).view(np.float32).reshape(-1, 31)})
    give(page, ("model.safetensors", data))
    length = int.from_bytes(data[:8], "little")
    expect(page.locator(".opened")).to_contain_text(f"{8 + length:,}".replace(",", "," if locale == "en-GB" else ""))
    settle(page)
    listed = spec(page)["tensors"]
    assert {name: entry if isinstance(entry, list) else entry["shape"] for name, entry in listed.items()} == {
        **{name: list(array.shape) for name, array in TENSORS.items()},
        "fc.weight": [1024, 31],
    }
    assert listed["blocks.0.attn.in_proj_weight"] == {"shape": [24, 8], "dtype": "F16"}
    rows = page.locator(".tensors tbody tr")
    told = {row.locator("th").inner_text(): row.locator("td").last.inner_text() for row in rows.all()}
    kinds = (
        ("embedding", "normalisation", "unknown")
        if locale == "en-GB"
        else ("embedding", "normalización", "desconocido")
    )
    assert [told[name] for name in ("embed.weight", "blocks.0.norm.weight", "blocks.0.mystery")] == list(kinds)
    expect(page.locator("#panel .problem")).to_contain_text(
        "does not say which layer" if locale == "en-GB" else "no dice qué capa"
    )
    assert page.locator("#panel [lang=en]" if locale == "es-ES" else "#panel [lang=es]").count() == 0
    bodies = [request.post_data_buffer or b"" for request in reader.requests]
    assert not any(MARKER in body for body in bodies)
    assert max(map(len, bodies)) < 2000
    assert serious_violations(page) == []
    reader.forgive(422)


def as_npz(compressed: bool, **arrays: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_of_an_npz_file_are_read_too(reader: Reader, compressed: bool) -> None:
    page = reader.open()
    arrays: dict[str, Any] = {
        "dense/kernel": np.zeros((640, 300), np.float32),
        "dense/bias": np.zeros(300),
        "scalar": np.zeros(()),
    }
    give(page, ("weights.npz", as_npz(compressed, **arrays)))
    settle(page)
    found = spec(page)
    assert found["layout"] == "keras"
    assert found["tensors"] == {
        "dense/kernel": [640, 300],
        "dense/bias": {"shape": [300], "dtype": "float64"},
        "scalar": {"shape": [], "dtype": "float64"},
    }
    reader.forgive(422)


WRONG_FILES: list[tuple[str, bytes]] = [
    ("empty.json", b""),
    ("short.safetensors", b"1234"),
    ("huge.safetensors", (101_000_000).to_bytes(8, "little") + b"{}"),
    ("cut.safetensors", (5000).to_bytes(8, "little") + b'{"a": '),
    ("noise.safetensors", (6).to_bytes(8, "little") + b"no JSON here"),
    ("list.safetensors", (2).to_bytes(8, "little") + b"[]"),
    ("shape.safetensors", (24).to_bytes(8, "little") + b'{"a":{"dtype":"F32"}}   '),
    ("none.safetensors", (2).to_bytes(8, "little") + b"{}"),
    ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(40)),
    ("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(40)),
    ("model.keras", b"PK\x03\x04" + bytes(40)),
    ("hidden.bin", b"\x80\x02}q\x00."),
    ("model.pt", b"PK\x03\x04" + bytes(40)),
    ("model.gguf", b"GGUF" + bytes(40)),
    ("model.onnx", bytes(40)),
    ("model.msgpack", bytes(40)),
    ("photo.png", b"\x89PNG\r\n\x1a\n"),
    ("all.tar.gz", b"\x1f\x8b" + bytes(20)),
    ("train.py", b"import torch"),
    ("notes.unheard", b"hello"),
    ("none", b"\x00\x01\x02"),
    ("cut.npz", b"PK\x03\x04" + bytes(100)),
    ("texts.npz", b"PK\x05\x06" + bytes(18)),
    ("noise.npy", b"\x93NUMPY\x01\x00\x08\x00nonsense"),
    ("broken.json", b'{"layers": ['),
    ("list.json", b"[1, 2]"),
    ("model.safetensors.index.json", b'{"weight_map": {"a": "model-00001.safetensors"}}'),
    ("keras.json", b'{"class_name": "Sequential", "config": {"layers": []}, "keras_version": "3.0"}'),
    ("generation_config.json", b'{"transformers_version": "5.0", "eos_token_id": 1}'),
    ("package.json", b'{"name": "left-pad"}'),
    ("unknown.json", b'{"model_type": "falcon", "hidden_size": 4}'),
]


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_every_wrong_file_gets_a_plain_sentence_and_changes_nothing(reader: Reader, locale: str) -> None:
    page = reader.open(locale=locale)
    before = spec(page)
    sentences: dict[str, str] = {}
    for name, data in WRONG_FILES:
        page.locator('[data-key="close-opened"]').click() if sentences else None
        expect(page.locator(".opened")).to_have_count(0)
        give(page, (name, data))
        told = page.locator(".opened.wrong")
        expect(told).to_be_visible()
        sentences[name] = told.locator("p").inner_text()
        assert not re.search(r"[{}]|^file\.|^config\.|undefined", sentences[name]), name
        assert len(sentences[name]) >= 20, name
    assert len(set(sentences.values())) >= 25
    assert spec(page) == before
    words = set(" ".join(sentences.values()).split())
    assert ({"the", "is", "file"} if locale == "es-ES" else {"es", "archivo", "que"}).isdisjoint(words)


def test_files_of_one_model_are_opened_together(reader: Reader) -> None:
    page = reader.open()
    one, other = (save({f"blocks.{place}.fc.weight": np.zeros((8, 8), np.float32)}) for place in range(2))
    index = json.dumps({"weight_map": {"blocks.0.fc.weight": "a"}}).encode()
    config = json.dumps({"model_type": "gemma"}).encode()
    give(
        page,
        ("a.safetensors", one),
        ("b.safetensors", other),
        ("model.safetensors.index.json", index),
        ("config.json", config),
    )
    expect(page.locator(".opened")).to_be_visible()
    settle(page)
    assert list(spec(page)["tensors"]) == ["blocks.0.fc.weight", "blocks.1.fc.weight"]
    assert spec(page)["config"] == {"model_type": "gemma"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_build(reader: Reader, theme: str) -> None:
    page = reader.open(color_scheme=theme)
    way(page, "drawn")
    begin_with(page, "transformer")
    field(page, "node-layer-block1.fc1").click()
    drawn(page)
    assert serious_violations(page) == []
    way(page, "text")
    page.locator("#spec-json").fill('{"layers": [')
    expect(page.locator("#spec-json-error")).to_be_visible()
    assert serious_violations(page) == []
