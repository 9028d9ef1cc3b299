"""JSON, to the last digit."""

from decimal import Decimal

import pytest

from acme_exchange.api.wire import codec


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0E-8", "0.0"),
        ("-0E-12", "0.0"),
        ("0E+3", "0.0"),
        ("0", "0"),
        ("0.00", "0.00"),
        ("1E-8", "1E-8"),
        ("1.0E-7", "1.0E-7"),
        ("-20E-9", "-2.0E-8"),
        ("12345678901234567890.123456789012", "12345678901234567890.123456789012"),
    ],
)
def test_a_number_keeps_its_digits_and_nought_is_plain(number: str, text: str):
    assert codec.encode({"is": [Decimal(number)]}).decode() == f'{{"is":[{text}]}}'


@pytest.mark.parametrize("client_id", ["0E-8", ":0E-8,", '":0E-8,"', "\\", '\\",0E-8,'])
def test_text_that_looks_like_a_number_stays_what_it_is(client_id: str):
    value = {"clientId": client_id, "fee": Decimal("0E-12")}
    assert codec.decode(codec.encode(value)) == {"clientId": client_id, "fee": 0}
