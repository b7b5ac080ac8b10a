"""Adds what canonical texts leave unsaid to addresses.json. What stands there never changes: addresses rest on it."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from service.networks.activations import ACTIVATIONS
from service.networks.layers import LAYERS
from service.networks.parameters import FRAMEWORK_DEFAULTS, RECOMMENDED
from service.networks.schemes import PRESETS
from service.replay import ALGORITHMS
from service.specs.canonical import defaults_of
from service.specs.completion import usual
from service.specs.jcs import canonical
from service.specs.recipes import RECIPES
from service.specs.spec import Spec
from service.stream.streams import ALGORITHM

FILE = Path(__file__).parent / "addresses.json"


def meaning(recipe: str, size: str) -> str:
    """Return a digest of what a recipe comes to: its arrays in order, their shapes, schemes and rows of zeros."""
    arrays = []
    for parameter in Spec.model_validate({"recipe": recipe, "size": size, "seed": 0}).plan().parameters:
        source = parameter.source
        scheme, row = source.choice.scheme.model_dump(), source.stated.zero_row
        arrays.append([parameter.key, list(parameter.shape), scheme, row])
    return hashlib.sha256(canonical(arrays).encode()).hexdigest()


def unsaid() -> Iterator[tuple[str, str]]:
    """Yield what an address names or leaves out, and what it means; a recipe by the digest of its arrays."""
    for name, recipe in RECIPES.items():
        yield f"recipe {name}", next(iter(recipe.sizes))
        for size in recipe.sizes:
            yield f"recipe {name} {size}", meaning(name, size)
    for name, replay in {ALGORITHM: None, **ALGORITHMS}.items():
        for of_recipe in (False, True):
            yield f"{name}{' with a recipe' * of_recipe}", canonical(usual(replay, of_recipe))
    for kind, layer in LAYERS.items():
        for member, field in layer.model_fields.items():
            if not (field.is_required() or member in layer.structure):
                yield f"layer {kind}, {member}", canonical(defaults_of(layer)[member])
    for name, preset in PRESETS.items():
        yield f"scheme {name}", canonical(preset.model_dump())
    for name, activation in ACTIVATIONS.items():
        yield f"activation {name}", activation.scheme
    for role, choice in RECOMMENDED.items():
        yield f"recommended {role}", canonical(choice.scheme.model_dump())
    for framework, roles in FRAMEWORK_DEFAULTS.items():
        for role, scheme in roles.items():
            yield f"{framework} {role}", canonical(scheme.model_dump())


def still_means(made: str | None, kept: str) -> bool:
    """Whether a meaning is what it was; a scheme may have parameters more, whose defaults are what it did before."""
    if made is None or not kept.startswith("{"):
        return made == kept
    return bool(json.loads(made).items() >= json.loads(kept).items())


def main() -> None:
    """Write the file; refuses to change what stands in it."""
    kept: dict[str, str] = json.loads(FILE.read_text()) if FILE.exists() else {}
    made = dict(unsaid())
    changed = [name for name, meaning in kept.items() if not still_means(made.get(name), meaning)]
    if changed:
        raise SystemExit(f"these never change, and came out otherwise: {changed}; give it another name")
    FILE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
