"""Tensors: a model's listing in a spec, read to its end and told."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn, TypeAlias

from pydantic import PlainSerializer, PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from service.errors import InitserveError
from service.networks.layouts import SEPARATOR, Layout
from service.networks.plan import Caution
from service.networks.telling.keras import TAG
from service.networks.telling.listing import tell
from service.networks.telling.module import UNKNOWN_KIND
from service.networks.telling.told import Doubt, Listed, Told
from service.networks.vocabulary import DTYPE
from service.stream.dtypes import DTYPES, DtypeName

Path: TypeAlias = tuple[str, ...]

MOST_TENSORS = 200_000
LONGEST_NAME = 256
MOST_AXES = 32
DEEPEST = 32  # objects within each other: parts of a name
NAME = re.compile(r"[A-Za-z0-9_.:+@=~(),\-/]+", re.ASCII)
STEPS = re.compile(r"(^|/)\.*(/|$)")
METADATA = "__metadata__"  # of a safetensors header
MEMBERS = {"shape", "dtype", "data_offsets"}  # of an entry there, too
WHOLE = re.compile(r"(\w+\.)?(u?int\d+|bool|long|int|[iu](8|16|32|64)|[<>|][iub]\d)", re.IGNORECASE)
FLOAT8 = re.compile(r".*(float8|f8|fp8|f4|float4|mxfp)", re.IGNORECASE)
# What quantisation leaves: packed integers; and scales beside the weight that they are of.
PACKED = frozenset({
    "qweight", "qzeros", "g_idx", "scb", "absmax", "quant_map", "nested_absmax", "nested_quant_map", "weight_packed",
    "weight_format", "weight_shape", "scales_and_zeros",
})  # fmt: skip
SCALES = frozenset({
    "weight_scale", "weight_scale_inv", "weight_scale_2", "weight_zero_point", "input_scale", "kernel_scale",
    "kernel_zero", "scales",
})  # fmt: skip
WEIGHTS = ("weight", "kernel", "qweight")
MATRIX = 2
SHOWN = 3  # names in a warning
MOST_CAUTIONS = 100


def refuse(path: Path, detail: str) -> NoReturn:
    error = PydanticCustomError("listing", "{detail}", {"detail": detail})
    raise ValidationError.from_exception_data(
        "Spec", [InitErrorDetails(type=error, loc=("tensors", *path), input=None)]
    )


@dataclass(frozen=True)
class Listing:
    """A listing and what it was told to be: `stated` is what it says, each tensor by its whole name.

    `places` leads from names to where they stand in objects within each other, for those that do.
    """

    stated: Mapping[str, Any]
    told: Told
    places: Mapping[str, Path] = field(default_factory=dict)

    def pointer(self, name: str) -> str:
        """Return the pointer to a tensor, as the spec states it."""
        parts = self.places.get(name, (name,))
        return "/tensors/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)

    def cautions(self, ruled: Set[str]) -> Iterator[Caution]:
        """Yield what to warn of: each doubt once, at the first tensor that it is about; of very many the first.

        Of tensors that are `ruled`, rules say how they start, and there is no doubt.
        """
        doubts = [(doubt, [name for name in names if name not in ruled]) for doubt, names in self.told.doubts]
        doubts = [(doubt, names) for doubt, names in doubts if names]
        for doubt, names in doubts[:MOST_CAUTIONS]:
            yield Caution(doubt.code, self.pointer(names[0]), detail_of(doubt, names), {})
        if count := sum(len(names) for _, names in doubts[MOST_CAUTIONS:]):
            yield Caution(UNKNOWN_KIND, "/tensors", f"{count:,} more tensors are not told, or not how they start", {})


def detail_of(doubt: Doubt, names: Sequence[str]) -> str:
    about = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    return f"{doubt.what}; this is of {about}: state a rule for how they start"


def read(value: Any, layout: Layout, dtype: DtypeName, model_type: str | None = None) -> Listing:
    """Return a listing; raises ValidationError, with the place in it, for what cannot be."""
    if not isinstance(value, Mapping):
        refuse((), "a listing is an object: of each tensor's name its shape, or an object with shape and dtype")
    listed: dict[str, Listed] = {}
    stated: dict[str, Any] = {}
    places: dict[str, Path] = {}
    for path, entry in leaves(value, ()):
        name = SEPARATOR[layout].join(path)
        spellings = {name, name.removesuffix(TAG), f"{name}{TAG}"} if layout == "keras" else {name}
        if not listed.keys().isdisjoint(spellings):  # a set would look through all that is listed
            refuse(path, f"{name!r} stands twice")
        refuse_name(path, name)
        each = listed[name] = read_tensor(path, name, entry, dtype)
        shape = list(each.shape)
        stated[name] = stated_dtype(entry, shape, each, dtype)
        if len(path) > 1:
            places[name] = path
        if len(listed) > MOST_TENSORS:
            refuse((), f"a listing has at most {MOST_TENSORS:,} tensors")
    if not listed:
        refuse((), "there is no tensor in this listing")
    refuse_quantised(listed, places, SEPARATOR[layout])
    try:
        told = tell(listed, layout, model_type)
    except InitserveError as error:
        refuse((), error.detail)
    if not told.layers:
        refuse((), "every tensor of this listing is left alone: integers, masks and tables have no start to be drawn")
    return Listing(stated, told, places)


def stated_dtype(entry: Any, shape: list[int], each: Listed, dtype: DtypeName) -> Any:
    """Return an entry as the canonical form has it: a shape alone where the dtype is the spec's."""
    if each.whole:
        return {"dtype": whole_dtype(entry["dtype"]), "shape": shape}
    return shape if each.dtype in (None, dtype) else {"dtype": each.dtype, "shape": shape}


def whole_dtype(stated: str) -> str:
    """Return the one name of a dtype of integers or booleans: int64 for I64, <i8, torch.long and their like."""
    plain = stated.lower().rpartition(".")[2]
    if plain in ("int", "long", "bool"):
        return {"int": "int32", "long": "int64"}.get(plain, plain)
    kind, size = re.findall(r"[a-z]+", plain)[0], re.findall(r"\d+", plain)[0]
    if plain[0] in "<>|":
        return "bool" if kind == "b" else f"{'u' * (kind == 'u')}int{8 * int(size)}"
    return f"{'u' * kind.startswith('u')}int{size}"


def leaves(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield every tensor with the names that lead to it: a tree of Flax has objects within each other."""
    if len(path) > DEEPEST:
        refuse(path, f"objects stand within each other {DEEPEST} times at the most")
    for name, entry in value.items():
        if name == METADATA and not path:
            continue
        if isinstance(entry, Mapping) and not isinstance(entry.get("shape"), list):
            yield from leaves(entry, (*path, name))
        else:
            yield (*path, name), entry


def refuse_quantised(names: Mapping[str, Listed], places: Mapping[str, Path], separator: str) -> None:
    """Refuse what belongs to quantised weights, by its name and by what stands beside it."""
    for name in names:
        path, _, own = name.rpartition(separator)
        before, plain = f"{path}{separator}" if path else "", own.lower()
        scale = plain in SCALES and any(before + each in names for each in WEIGHTS)
        blocks = plain.endswith("_blocks") and f"{name.removesuffix('_blocks')}_scales" in names
        if plain in PACKED or plain.startswith("quant_state") or scale or blocks:
            refuse(
                places.get(name, (name,)),
                "this belongs to a quantised model: its packed integers and scales come of trained weights, and have "
                "no start of their own; list the model as it is before it is quantised",
            )


def refuse_name(path: Path, name: str) -> None:
    if len(name) > LONGEST_NAME:
        refuse(path, f"a tensor's name has at most {LONGEST_NAME} characters")
    if not NAME.fullmatch(name):
        refuse(path, "a tensor's name is made of letters, digits and _ - . / : + @ = ~ ( ) ,")
    if STEPS.search(name):
        refuse(path, "a part of a tensor's name is empty, or nothing but dots: no address could hold it")


def read_tensor(path: Path, name: str, entry: Any, dtype: DtypeName) -> Listed:
    """Return what is said of a tensor: a shape, or an object with shape and dtype, as a safetensors header has it."""
    if isinstance(entry, str):
        refuse(path, "this is the name of a file: an index has no shapes; list the tensors in the headers of its files")
    if isinstance(entry, Mapping):
        for member in entry:
            if member not in MEMBERS:
                refuse((*path, member), "there is no such field here; a tensor has shape and dtype")
        return with_dtype(path, name, read_shape((*path, "shape"), entry["shape"]), entry.get("dtype"), dtype)
    return Listed(read_shape(path, entry))


def read_shape(path: Path, shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list | tuple):
        refuse(path, "a shape is an array of sizes")
    if len(shape) > MOST_AXES:
        refuse(path, f"a shape has at most {MOST_AXES} sizes")
    for size in shape:
        if type(size) is not int or not 1 <= size < 2**53:
            refuse(path, "a size is an integer, 1 or more: a tensor without values has nothing to start")
    return tuple(shape)


def with_dtype(path: Path, name: str, shape: tuple[int, ...], stated: Any, dtype: DtypeName) -> Listed:
    """Return a tensor of a stated dtype; refuses what no weights start in."""
    if stated is None:
        return Listed(shape)
    if not isinstance(stated, str):
        refuse((*path, "dtype"), "a dtype is a name, as float32, torch.bfloat16 or BF16")
    if WHOLE.fullmatch(stated):
        if len(shape) >= MATRIX and name.rpartition(".")[2].rpartition("/")[2] in ("weight", "kernel", "embedding"):
            refuse(
                (*path, "dtype"),
                f"{stated} is no dtype that weights start in: they were quantised; list the model as it is before that",
            )
        return Listed(shape, None, whole=True)
    if FLOAT8.match(stated):
        refuse(
            (*path, "dtype"),
            f"{stated} has no start of its own: such weights were quantised; list the model as it is before that",
        )
    try:
        read = DTYPE.read(stated)
    except PydanticCustomError as error:
        refuse((*path, "dtype"), str(error.message()))
    if read not in DTYPES:
        refuse((*path, "dtype"), f"a dtype is one of {', '.join(DTYPES)}")
    return Listed(shape, read if read != dtype else None)


def whole_listing(value: object) -> Listing:
    """Return a listing that was read before; raises ValueError for anything else, which stands beside other faults."""
    if not isinstance(value, Listing):
        raise PydanticCustomError("listing", "a listing is an object")
    return value


ENTRY = {
    "anyOf": [
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "title": "Shape"},
        {
            "type": "object",
            "properties": {"shape": {"type": "array", "items": {"type": "integer"}}, "dtype": {"type": "string"}},
        },
    ]
}
Tensors: TypeAlias = Annotated[
    Listing,
    PlainValidator(whole_listing),
    PlainSerializer(lambda listing: dict(listing.stated), return_type=dict),
    WithJsonSchema({"type": "object", "additionalProperties": ENTRY, "title": "Tensors"}),
]
