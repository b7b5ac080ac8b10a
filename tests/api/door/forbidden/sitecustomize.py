"""Forbids this process, and all that it starts, to reach anything: the kernel ends it where it tries (Linux's seccomp).

Python reads this at its start from PYTHONPATH. Listening and answering stay allowed, connect() and sendto() with an
address do not; io_uring, by which both could be done, is said not to be there.
"""

import ctypes
import platform
import struct

NUMBERS = {"x86_64": (42, 44, 425), "aarch64": (203, 206, 425)}  # connect, sendto, io_uring_setup
SET_NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06
ALLOW, END, MISSING = 0x7FFF0000, 0x80000000, 0x00050026  # the last with ENOSYS
NUMBER, ADDRESS = 0, 16 + 8 * 4  # offsets: of the call's number, of the fifth argument


def program(connect: int, send: int, ring: int) -> bytes:
    """Return the filter: instructions of classic BPF, jumps counted from the next one."""
    lines = [
        (LOAD, 0, 0, NUMBER),
        (EQUALS, 6, 0, connect),
        (EQUALS, 7, 0, ring),
        (EQUALS, 0, 5, send),
        (LOAD, 0, 0, ADDRESS),
        (EQUALS, 0, 2, 0),
        (LOAD, 0, 0, ADDRESS + 4),
        (EQUALS, 1, 0, 0),
        (RETURN, 0, 0, END),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, MISSING),
    ]
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def forbid() -> None:
    code = program(*NUMBERS[platform.machine()])
    held = ctypes.create_string_buffer(code)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_void_p))

    told = Program(len(code) // 8, ctypes.addressof(held))
    call = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in ((SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, FILTER, ctypes.byref(told), 0, 0)):
        if call(*arguments):
            raise OSError(ctypes.get_errno(), "the kernel does not take the filter")


forbid()
