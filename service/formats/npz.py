"""The .npz file: a ZIP of stored .npy members (APPNOTE 6.3), written so that it can leave while it is made.

A member's checksum is known only after its data, so it follows in a data descriptor. Every member has ZIP64 sizes,
small ones too: one way, and lengths that depend on nothing but the plan. Dates are 1980-01-01, as NumPy's.
"""

import struct
import zlib
from collections.abc import Iterator

from service.formats import npy
from service.formats.payload import Include, Payload
from service.weights.plan import Plan, PlannedParameter

VERSION = 45  # ZIP64
DESCRIPTOR_FOLLOWS_UTF8 = 0x0808
DATE_1980 = 0x0021
BEYOND = 0xFFFFFFFF  # "see the ZIP64 field"

LOCAL = struct.Struct("<4s5H3I2H")
LOCAL_SIZES = struct.Struct("<2H2Q")
DESCRIPTOR = struct.Struct("<4sI2Q")
CENTRAL = struct.Struct("<4s6H3I5H2I")
CENTRAL_SIZES = struct.Struct("<2H3Q")
END64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR64 = struct.Struct("<4sIQI")
END = struct.Struct("<4s4H2IH")


def name_of(parameter: PlannedParameter) -> bytes:
    return f"{parameter.key}.npy".encode()


def local_header(name: bytes) -> bytes:
    fixed = LOCAL.pack(
        b"PK\3\4", VERSION, DESCRIPTOR_FOLLOWS_UTF8, 0, 0, DATE_1980, 0, BEYOND, BEYOND, len(name), LOCAL_SIZES.size
    )
    return fixed + name + LOCAL_SIZES.pack(1, LOCAL_SIZES.size - 4, 0, 0)


def central_header(name: bytes, checksum: int, size: int, offset: int) -> bytes:
    fixed = CENTRAL.pack(
        b"PK\1\2", VERSION, VERSION, DESCRIPTOR_FOLLOWS_UTF8, 0, 0, DATE_1980, checksum, BEYOND, BEYOND,
        len(name), CENTRAL_SIZES.size, 0, 0, 0, 0, BEYOND,
    )  # fmt: skip
    return fixed + name + CENTRAL_SIZES.pack(1, CENTRAL_SIZES.size - 4, size, size, offset)


def encode(plan: Plan, include: Include) -> Payload:
    members = [(parameter, name_of(parameter), npy.size_of(parameter)) for parameter in plan.parameters]
    lengths = [LOCAL.size + len(name) + LOCAL_SIZES.size + size + DESCRIPTOR.size for _, name, size in members]
    directory = sum(CENTRAL.size + len(name) + CENTRAL_SIZES.size for _, name, _ in members)
    start = sum(lengths)

    def chunks() -> Iterator[bytes | memoryview]:
        entries, offset = [], 0
        for (parameter, name, size), length in zip(members, lengths, strict=True):
            yield local_header(name)
            checksum = 0
            for chunk in npy.file_of(parameter):
                checksum = zlib.crc32(chunk, checksum)
                yield chunk
            yield DESCRIPTOR.pack(b"PK\7\10", checksum, size, size)
            entries.append(central_header(name, checksum, size, offset))
            offset += length
        yield b"".join(entries)
        count = len(members)
        yield END64.pack(b"PK\6\6", END64.size - 12, VERSION, VERSION, 0, 0, count, count, directory, start)
        yield LOCATOR64.pack(b"PK\6\7", 0, start + directory, 1)
        yield END.pack(b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), BEYOND, BEYOND, 0)

    return Payload(start + directory + END64.size + LOCATOR64.size + END.size, chunks())
