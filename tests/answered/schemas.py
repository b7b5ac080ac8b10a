"""Whether a value is what a JSON Schema of the document allows: as much of JSON Schema as its schemas use."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(value: Any, schema: Mapping[str, Any], named: Mapping[str, Any], at: str = "") -> Iterator[str]:
    """Yield what of a value is otherwise than its schema has it, each with its place; `named` are those of `$ref`."""
    if "$ref" in schema:
        yield from faults(value, named[schema["$ref"].rpartition("/")[2]], named, at)
    for kind in ("anyOf", "oneOf"):
        if kind in schema and all(any(faults(value, each, named, at)) for each in schema[kind]):
            yield f"{at}: {value!r} is none of {kind}"
    if "type" in schema:
        allowed = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        is_one = any(isinstance(value, TYPES[each]) for each in allowed)
        if not is_one or (isinstance(value, bool) and "boolean" not in allowed):
            yield f"{at}: {value!r} is no {schema['type']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not among {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), named, f"{at}/{place}")
    if isinstance(value, dict):
        yield from of_members(value, schema, named, at)


def of_members(value: dict[str, Any], schema: Mapping[str, Any], named: Mapping[str, Any], at: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in schema.get("required", []):
        if name not in value:
            yield f"{at}: {name} is missing"
    for name, member in value.items():
        if name not in properties and others is False:
            yield f"{at}/{name} is not among {sorted(properties)}"
        inner = properties.get(name, others if isinstance(others, dict) else {})
        yield from faults(member, inner, named, f"{at}/{name}")
