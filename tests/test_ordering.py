"""What is sorted in steps comes out as Python sorts it at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import ordering
from service.ordering import in_order


@given(st.lists(st.tuples(st.integers(0, 5), st.integers())), st.integers(1, 9))
def test_the_order_is_that_of_python_and_equal_values_stay_as_they_came(
    values: list[tuple[int, int]], step: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ordering, "AT_ONCE", step)
        assert in_order(values, lambda value: value[0]) == sorted(values, key=lambda value: value[0])
