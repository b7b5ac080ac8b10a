"""The .npy file: a header that names dtype and shape, then the values (NumPy Enhancement Proposal 1, version 1.0)."""

from service.errors import UnsupportedCombination
from service.formats.payload import Include, Known, Payload, raw
from service.networks.plan import Plan, PlannedParameter
from service.stream.dtypes import DTYPES

MAGIC = b"\x93NUMPY\x01\x00"
ALIGNMENT = 64


def header(parameter: PlannedParameter) -> bytes:
    """Return all that stands before the values, a multiple of 64 bytes long; bytes fixed, whatever NumPy's version."""
    descr = DTYPES[parameter.dtype].npy
    if descr is None:
        raise UnsupportedCombination(
            f"{parameter.dtype} has no .npy form; ask for safetensors", parameter.typed_by, {"format": "safetensors"}
        )
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {parameter.shape!r}, }}"
    room = len(MAGIC) + 2 + len(text) + 1
    padded = text + " " * (-room % ALIGNMENT) + "\n"
    return MAGIC + len(padded).to_bytes(2, "little") + padded.encode("ascii")


def size_of(parameter: PlannedParameter) -> int:
    return len(header(parameter)) + parameter.bytes


def encode(plan: Plan, include: Include) -> Payload:
    """Return the only parameter of a plan as a .npy file."""
    if len(plan.parameters) != 1:
        raise UnsupportedCombination(
            f"a .npy file holds one array, and this spec makes {len(plan.parameters)}; ask for npz or safetensors",
            "/layers",
            {"format": "npz"},
        )
    return encode_parameter(plan.parameters[0])


def encode_parameter(parameter: PlannedParameter) -> Payload:
    """Return a parameter as a .npy file."""
    return Payload([Known(header(parameter)), raw(parameter)])
