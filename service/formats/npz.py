"""The .npz file: a ZIP of stored .npy members (APPNOTE 6.3), written so that it can leave while it is made.

A member's checksum is known only after its data, so it follows in a data descriptor. Every member has ZIP64 sizes,
small ones too: one way, and lengths that depend on nothing but the plan. Dates are 1980-01-01, as NumPy's.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service import stopping
from service.formats import npy
from service.formats.payload import Include, Known, Owed, Part, Payload, Values, raw
from service.networks.plan import Plan, PlannedParameter
from service.stream.dtypes import Stored

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
class Checksum:
    """The CRC-32 of a member of the archive; `value` is that of what was gone through so far."""

    value: int

    def add(self, values: Stored) -> Callable[[], None]:
        raw = values.view("u1").data

        def take_in() -> None:
            self.value = zlib.crc32(raw, self.value)

        return take_in


class Member:
    """A parameter in the archive, from byte `offset` on. Its checksum, once it is known, stays so."""

    def __init__(self, parameter: PlannedParameter, offset: int) -> None:
        self.name = f"{parameter.key}.npy".encode()
        self.offset = offset
        self.size = npy.size_of(parameter)
        self.head = head = npy.header(parameter)
        self.values = Values(parameter, raw(parameter).encoding, lambda: Checksum(zlib.crc32(head)), kept=True)

    def parts(self) -> tuple[Part, ...]:
        """Return all that stands before the next member. It is not held here: it leads back to this."""
        checked = Owed(DESCRIPTOR.size, [self.values], self.descriptor)
        return Known(self.local_header() + self.head), self.values, checked

    def local_header(self) -> bytes:
        fixed = LOCAL.pack(
            b"PK\3\4", VERSION, DESCRIPTOR_FOLLOWS_UTF8, 0, 0, DATE_1980, 0, BEYOND, BEYOND, len(self.name),
            LOCAL_SIZES.size,
        )  # fmt: skip
        return fixed + self.name + LOCAL_SIZES.pack(1, LOCAL_SIZES.size - 4, 0, 0)

    def descriptor(self, sums: Sequence[Checksum]) -> bytes:
        return DESCRIPTOR.pack(b"PK\7\10", sums[0].value, self.size, self.size)

    def central_header(self, checksum: Checksum) -> bytes:
        fixed = CENTRAL.pack(
            b"PK\1\2", VERSION, VERSION, DESCRIPTOR_FOLLOWS_UTF8, 0, 0, DATE_1980, checksum.value, BEYOND, BEYOND,
            len(self.name), CENTRAL_SIZES.size, 0, 0, 0, 0, BEYOND,
        )  # fmt: skip
        return fixed + self.name + CENTRAL_SIZES.pack(1, CENTRAL_SIZES.size - 4, self.size, self.size, self.offset)


def encode(plan: Plan, include: Include) -> Payload:
    members: list[Member] = []
    parts: list[Part] = []
    start = 0
    for parameter in plan.parameters:
        stopping.check()
        members.append(Member(parameter, start))
        own = members[-1].parts()
        parts += own
        start += sum(part.length for part in own)
    directory = sum(CENTRAL.size + len(member.name) + CENTRAL_SIZES.size for member in members)
    count = len(members)
    end = (
        END64.pack(b"PK\6\6", END64.size - 12, VERSION, VERSION, 0, 0, count, count, directory, start)
        + LOCATOR64.pack(b"PK\6\7", 0, start + directory, 1)
        + END.pack(b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), BEYOND, BEYOND, 0)
    )

    def central(sums: Sequence[Checksum]) -> bytes:
        found = []
        for member, each in zip(members, sums, strict=True):
            stopping.check()
            found.append(member.central_header(each))
        return b"".join(found)

    return Payload([*parts, Owed(directory, [member.values for member in members], central), Known(end)])
