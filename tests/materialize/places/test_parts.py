"""Parts of a file that is sent: few enough for a store, and few enough at once for memory, whatever the length."""

import pytest

from service.materialize.places.parts import MEMORY, MOST_PARTS, PART, at_once, part_size

MIB = 2**20


@pytest.mark.parametrize(
    "length", [1, PART, PART + 1, 5 * 10**9, 160 * 10**9, MOST_PARTS * PART, MOST_PARTS * PART + 1, 10**12]
)
def test_no_file_has_too_many_parts_and_no_part_is_too_small_or_too_large_for_memory(length: int) -> None:
    size = part_size(length)
    assert size >= 5 * MIB  # what S3 takes for a part that is not the last
    assert -(-length // size) <= 10_000
    assert size * at_once(size) <= MEMORY == 96 * MIB


def test_a_shard_of_5_gb_goes_up_in_six_parts_of_16_mib_at_once() -> None:
    assert part_size(5 * 10**9) == 16 * MIB
    assert at_once(16 * MIB) == 6


def test_a_tensor_of_1_tb_goes_up_part_by_part() -> None:
    assert part_size(10**12) == 96 * MIB  # 95.4 MiB would do for ten thousand
    assert at_once(96 * MIB) == 1


def test_beyond_a_terabyte_one_part_is_held_whatever_it_has() -> None:
    assert part_size(5 * 10**12) == 477 * MIB
    assert at_once(477 * MIB) == 1
