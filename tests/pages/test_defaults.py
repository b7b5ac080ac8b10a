"""Nothing that the page offers contradicts the course notes: its networks under each of the notes' starts."""

from typing import Any

import httpx
import pytest

from tests.pages.reader import IN_CHROMIUM, Reader

pytestmark = IN_CHROMIUM
CHIPS = """async (seed) => {
  const { PRESETS } = await import('/network/presets.js');
  const { NOTES, withScheme } = await import('/network/spec.js');
  return Object.fromEntries(Object.entries(PRESETS).map(([name, make]) =>
    [name, Object.fromEntries(NOTES.map(({ label, scheme }) => [label, withScheme({ seed, ...make() }, scheme)]))]));
}"""
SMALL, LARGE = "σ = 0.001", "σ = 1"
DEEP = ("mlp", "relu30", "tanh20")  # stacks in which nothing but the start sets the scale


@pytest.mark.parametrize("seed", ["42", pytest.param("7", marks=pytest.mark.long)])
def test_every_network_does_under_the_notes_starts_what_the_notes_say(reader: Reader, seed: str) -> None:
    page = reader.open()
    offered: dict[str, dict[str, Any]] = page.evaluate(CHIPS, seed)

    def found(preset: str, chip: str) -> tuple[str, set[str], str]:
        answer = httpx.post(f"{reader.server}/diagnose", json=offered[preset][chip], timeout=60).json()
        also = {verdict for layer in answer["layers"] for verdict in layer["also"]}
        return answer["verdict"], also | {answer["verdict"]}, answer["code"]

    for preset in offered:
        assert "symmetric" in found(preset, "0")[1], preset
        assert found(preset, "5")[0] in ("symmetric", "steep"), preset
        assert found(preset, "auto")[0] == "normal", preset
    for preset in DEEP:
        assert found(preset, "5")[0] == "symmetric"
        assert found(preset, SMALL)[0] == "low-gradient"
        assert found(preset, LARGE)[0] == "steep"
        assert found(preset, "He")[0] == "normal"
    assert found("tanh20", "Glorot")[0] == "normal"
    assert found("relu30", "Glorot")[0] == "low-gradient"
    assert found("mlp", "Glorot")[2] == "drifts"  # eight layers are few enough to learn, and yet it is seen
    assert found("lenet5", SMALL)[0] == "low-gradient"
