"""The text of a document: RFC 8785's own examples, and laws of a canonical form."""

import json
import math
import struct

import pytest
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from service.specs.jcs import canonical, number

# RFC 8785, appendix B: the bits of a float64, and how it is written.
NUMBERS = {
    "0000000000000000": "0", "0000000000000001": "5e-324", "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308", "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992", "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000", "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23", "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000", "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21", "3eb0c6f7a0b5ed8c": "9.999999999999997e-7", "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332", "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333", "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343", "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}  # fmt: skip


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_in_the_rfcs_table(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert number(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_number_of_json_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="NaN and no infinity"):
        canonical([value])


def test_the_rfcs_document_comes_out_as_there() -> None:
    document = r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    expected = (
        r'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        r'"string":"€$\u000f\nA' + "'" + r'B\"\\\\\"/"}'
    )
    assert canonical(json.loads(document)) == expected


def test_names_stand_in_the_order_of_their_utf_16_code_units() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    assert list(json.loads(canonical(dict.fromkeys(names, 0)))) == [
        "\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33",
    ]  # fmt: skip


def test_minus_zero_stays_apart_from_zero() -> None:
    """RFC 8785 writes both as 0; the weights of the two are other bytes, so here they are two documents."""
    assert canonical([0.0, -0.0, 0]) == "[0,-0.0,0]"


def test_a_whole_number_is_written_alike_whatever_it_was_read_as() -> None:
    assert canonical([1.0, 2**53, 1e20, 10**20]) == "[1,9007199254740992,100000000000000000000,100000000000000000000]"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back_as_itself(value: float) -> None:
    read = float(json.loads(number(value)))
    assert (read, math.copysign(1.0, read)) == (value, math.copysign(1.0, value))


documents = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(documents)
def test_a_text_is_that_of_another_library(document: object) -> None:
    """Minus zero apart, which is 0 there."""
    text = canonical(document)
    assume("-0.0" not in text)
    assert text.encode() == rfc8785.dumps(document)  # type: ignore[arg-type]


@given(documents)
def test_a_text_read_and_written_again_is_itself(document: object) -> None:
    text = canonical(document)
    assert canonical(json.loads(text)) == text
    assert json.loads(text, parse_int=float) == document
