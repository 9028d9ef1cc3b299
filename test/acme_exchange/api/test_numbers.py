"""Numbers as people and programs write them: one rule for requests, files and the command line."""

from decimal import Decimal

import pytest

from acme_exchange.input.numbers import number
from test.acme_exchange.venue import Client


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.0010000000000", "0.001000000000"),
        (Decimal("0.0010000000000"), "0.001000000000"),
        ("0.0000000000000", "0"),
        ("1.50", "1.50"),
        ("1e-13", "1E-13"),
        ("-12", "-12"),
        (7, "7"),
    ],
)
def test_decimals_past_those_that_count_are_left_out_if_they_are_nought(written: object, read: str):
    assert str(number(written)) == read


@pytest.mark.parametrize(
    "written",
    [
        "1_000",
        "\u0661\u0662",
        "\uff11",
        "0x10",
        " 1",
        "1 ",
        "+1",
        ".5",
        "1.",
        "01",
        "",
        "NaN",
        "Infinity",
        "1e16",
        "1e-41",
    ],
)
def test_what_is_no_number_as_json_has_it_is_none(written: str):
    with pytest.raises(ValueError):
        number(written)


@pytest.mark.parametrize("written", [True, None, 1.5, "1e999999999", Decimal("NaN"), Decimal("Infinity")])
def test_what_is_out_of_range_or_no_decimal_is_none_either(written: object):
    with pytest.raises(ValueError):
        number(written)


async def test_a_size_with_thirteen_decimals_that_are_nought_is_a_size(alice: Client):
    answer = await alice.place("BTC-PERP", "buy", "0.0010000000000", "60000.0000000000000")
    assert (answer.status, answer.result["size"], answer.result["price"]) == (200, Decimal("0.001"), 60000)
    refused = await alice.place("BTC-PERP", "buy", "0.0010000000001", "60000")
    assert (refused.status, refused.error) == (400, "Size too small")
