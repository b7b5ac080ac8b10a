"""What a header says of a tensor, as a listing states it."""

from typing import TypedDict


class Entry(TypedDict):
    """`dtype` is the file's own word for it."""

    shape: list[int]
    dtype: str
