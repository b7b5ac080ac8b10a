"""The .npz file: a ZIP of stored .npy members (APPNOTE 6.3), written so that it can leave while it is made.

A member's checksum is known only after its data, so it follows in a data descriptor. Every member has ZIP64 sizes,
small ones too: one way, and lengths that depend on nothing but the plan. Dates are 1980-01-01, as NumPy's.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from service.formats import npy
from service.formats.payload import Chunk, Include, Payload, Piece, afterwards, data, text
from service.networks.plan import Plan, PlannedParameter

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


@dataclass
class Member:
    """A parameter in the archive, from byte `offset` on; `checksum` is the CRC-32 of what was made of it so far."""

    parameter: PlannedParameter
    offset: int
    checksum: int = 0

    @cached_property
    def name(self) -> bytes:
        return f"{self.parameter.key}.npy".encode()

    @cached_property
    def size(self) -> int:
        return npy.size_of(self.parameter)

    @property
    def length(self) -> int:
        """Bytes of all that stands before the next member."""
        return LOCAL.size + len(self.name) + LOCAL_SIZES.size + self.size + DESCRIPTOR.size

    def add(self, chunk: Chunk) -> None:
        self.checksum = zlib.crc32(chunk, self.checksum)

    def pieces(self) -> Iterator[Piece]:
        head = npy.header(self.parameter.dtype, self.parameter.shape)
        self.add(head)
        yield text(self.local_header() + head)
        yield from data(self.parameter, self.add)
        yield afterwards(self.descriptor)

    def local_header(self) -> bytes:
        fixed = LOCAL.pack(
            b"PK\3\4", VERSION, DESCRIPTOR_FOLLOWS_UTF8, 0, 0, DATE_1980, 0, BEYOND, BEYOND, len(self.name),
            LOCAL_SIZES.size,
        )  # fmt: skip
        return fixed + self.name + LOCAL_SIZES.pack(1, LOCAL_SIZES.size - 4, 0, 0)

    def descriptor(self) -> bytes:
        return DESCRIPTOR.pack(b"PK\7\10", self.checksum, self.size, self.size)

    def central_header(self) -> bytes:
        fixed = CENTRAL.pack(
            b"PK\1\2", VERSION, VERSION, DESCRIPTOR_FOLLOWS_UTF8, 0, 0, DATE_1980, self.checksum, BEYOND, BEYOND,
            len(self.name), CENTRAL_SIZES.size, 0, 0, 0, 0, BEYOND,
        )  # fmt: skip
        return fixed + self.name + CENTRAL_SIZES.pack(1, CENTRAL_SIZES.size - 4, self.size, self.size, self.offset)


def encode(plan: Plan, include: Include) -> Payload:
    members: list[Member] = []
    start = 0
    for parameter in plan.parameters:
        members.append(Member(parameter, start))
        start += members[-1].length
    directory = sum(CENTRAL.size + len(member.name) + CENTRAL_SIZES.size for member in members)
    count = len(members)
    end = (
        END64.pack(b"PK\6\6", END64.size - 12, VERSION, VERSION, 0, 0, count, count, directory, start)
        + LOCATOR64.pack(b"PK\6\7", 0, start + directory, 1)
        + END.pack(b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), BEYOND, BEYOND, 0)
    )

    def pieces() -> Iterator[Piece]:
        for member in members:
            yield from member.pieces()
        yield afterwards(lambda: b"".join(member.central_header() for member in members) + end)

    return Payload(start + directory + len(end), pieces())
